#!/usr/bin/env python3
"""integration/compose without Docker: it fits together, and its commands do what it is there for.

The configuration, rules and commands of the file run here with the real program and the broker of
the tests; the broker's settings are given to the real Kafka. `docker compose config` where there is
one.
"""
import copy
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import manifests
from fraudd_test import ROOT, Skip, die_with_parent, run_tests, wait_until
from redis_server import Redis

FOLDER = ROOT / "integration" / "compose"
FILE = FOLDER / "compose.yaml"
IN_IMAGE = {"/usr/share/fraudd/schemas": ROOT / "schemas", "/usr/share/fraudd/rules": ROOT / "rules/packs"}
NEEDS = {"service_healthy": "healthcheck", "service_completed_successfully": "entrypoint"}


def compose():
    [found] = manifests.load(FILE)
    return found


def fraudd_config(services):
    """What is mounted as the configuration of the service fraudd."""
    [mount] = [m for m in services["fraudd"]["volumes"] if m.split(":")[1] == "/etc/fraudd/fraudd.yaml"]
    [found] = manifests.load(FOLDER / mount.split(":")[0])
    return found


def made_topics(services):
    text = "\n".join(services["topics"]["command"])
    return dict(re.findall(r"([\w-]+):(\d+)", text.partition(";")[0]))


def check_services(services, volumes):
    for name, service in services.items():
        if "build" in service:
            if not (FOLDER / service["build"]["context"] / "Dockerfile").is_file():
                yield f"{name}: no Dockerfile in {service['build']['context']}"
            if not (service["read_only"] and service["cap_drop"] == ["ALL"]
                    and "no-new-privileges:true" in service["security_opt"]):
                yield f"{name}: is not confined"
        for other, how in service.get("depends_on", {}).items():
            if NEEDS[how["condition"]] not in services.get(other, {}):
                yield f"{name}: waits for {other} to be what it cannot be"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: port {port} is open to the world"
        for mount in service.get("volumes", []):
            source, _, rest = mount.partition(":")
            if source.startswith("."):
                if not (FOLDER / source).exists():
                    yield f"{name}: there is no {source}"
                if not rest.endswith(":ro"):
                    yield f"{name}: may write to {source}"
            elif source not in volumes:
                yield f"{name}: the volume {source} is not declared"


def check_kafka(services):
    """Addresses and topics that services name are those that the broker and `topics` have."""
    config, topics = fraudd_config(services), made_topics(services)
    advertised = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    inside = re.search(r"PLAINTEXT://([^,]+)", advertised)[1]
    published = re.search(r"HOST://localhost:(\d+)", advertised)[1]
    if inside.partition(":")[0] not in services:
        yield f"the broker says it is {inside}"
    if f"127.0.0.1:{published}:{published}" not in services["kafka"]["ports"]:
        yield f"port {published} is not published"
    named = {"fraudd": config["kafka"]["bootstrap.servers"]}
    for name in ("payments", "decisions"):
        command = services[name]["command"]
        named[name] = command[command.index("-b") + 1]
        if command[command.index("-t") + 1] not in topics:
            yield f"{name}: an unknown topic"
    yield from (f"{name} asks {address}, the broker is {inside}" for name, address in named.items()
                if address != inside)
    wanted = {config["sources"][0]["topic"], config["output"]["topic"], config["dead_letter"]["topic"]}
    if wanted != set(topics):
        yield f"topics {set(topics)}, wanted {wanted}"
    if topics.get(config["sources"][0]["topic"]) != topics.get(config["output"]["topic"]):
        yield "the output has not the partitions of the input"


def check_redis(services):
    url = fraudd_config(services)["redis"]["url"]
    redis = services.get(url.partition("//")[2].partition(":")[0])
    if redis is None:
        yield f"there is no Redis at {url}"
    elif redis["command"][redis["command"].index("--maxmemory-policy") + 1] != "noeviction":
        yield "Redis may throw windows away"


def check_fraudd(services):
    config = fraudd_config(services)
    mounts = [mount.split(":")[1] for mount in services["fraudd"]["volumes"]]
    port = config["http"]["listen"]
    if f"127.0.0.1{port}{port}" not in services["fraudd"]["ports"]:
        yield f"http.listen {port} is not published"
    if port not in services["fraudd"]["healthcheck"]["test"][-1].replace("/9464", ":9464"):
        yield "the health check asks another port"
    for path in (config["rules"], config["archive"]["dir"]):
        if path not in mounts:
            yield f"{path} is not mounted"
    if services["fraudd"].get("environment", {}).get("FRAUDD_INSTANCE", "") == "":
        yield "no stable instance"


def cross_check(document):
    services = document["services"]
    found = list(check_services(services, document.get("volumes", {})))
    return found + list(check_kafka(services)) + list(check_redis(services)) + list(check_fraudd(services))


def test_fits_together(context):
    context.results.none(cross_check(compose()), "the services fit together")
    plants = {
        "an open port": lambda s: s["fraudd"]["ports"].append("9464:9464"),
        "another broker": lambda s: s["payments"]["command"].__setitem__(2, "kafka:9093"),
        "another topic": lambda s: s["decisions"]["command"].__setitem__(4, "decision"),
        "a mount of nothing": lambda s: s["fraudd"]["volumes"].append("./nothing:/x:ro"),
        "a writable mount": lambda s: s["fraudd"]["volumes"].append("./fraudd.yaml:/x"),
        "an undeclared volume": lambda s: s["fraudd"]["volumes"].append("cellar:/x"),
        "a dependency without health": lambda s: s["kafka"].pop("healthcheck"),
        "a writable root": lambda s: s["fraudd"].update(read_only=False),
        "fewer partitions": lambda s: s["topics"].update(command=["payments:4 decisions:2 fraudd-dlq:1;"]),
        "no Redis": lambda s: s.__setitem__("cache", s.pop("redis")),
        "a Redis that forgets": lambda s: s["redis"]["command"].__setitem__(-1, "allkeys-lru"),
        "rules that are not mounted": lambda s: s["fraudd"]["volumes"].pop(1),
    }
    for what, plant in plants.items():
        document = copy.deepcopy(compose())
        plant(document["services"])
        context.results.check(cross_check(document), f"noticed: {what}")


def test_docker_agrees(context):
    if not shutil.which("docker") or subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=False).returncode:
        raise Skip("docker compose is not installed: checked by the tests' own code only")
    done = subprocess.run(["docker", "compose", "-f", str(FILE), "config", "-q"],
                          capture_output=True, text=True, check=False, timeout=60)
    context.results.check(done.returncode == 0, "docker compose takes the file", done.stderr)


def test_kafka_takes_the_settings(context):
    """As the image's start script does: KAFKA_A_B=c is a.b=c; then Kafka itself formats a directory."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fraudd"
    jars = sorted(cache.glob("kafka-*/lib"))
    if not jars:
        raise Skip("Kafka's jars are not here")
    with tempfile.TemporaryDirectory(dir=context.logs) as folder:
        properties = Path(folder) / "server.properties"
        lines = [f"{name[len('KAFKA_'):].lower().replace('_', '.')}={value}"
                 for name, value in compose()["services"]["kafka"]["environment"].items()]
        properties.write_text("\n".join([*lines, f"log.dirs={folder}/data", ""]))
        done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars[-1]}/*",
                               "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg",
                               "-c", str(properties)], capture_output=True, text=True, check=False,
                              timeout=60, stdin=subprocess.DEVNULL)
        context.results.check(done.returncode == 0, "Kafka takes the broker's settings",
                              (done.stdout + done.stderr).splitlines()[-3:])


def moved(text, folder):
    """The container's paths as paths of this machine."""
    places = {**IN_IMAGE, "/etc/fraudd/rules": ROOT / "rules/packs/starter", "/var/lib/fraudd": folder}
    for inside, outside in places.items():
        text = text.replace(inside, str(outside))
    return text


def healthy(service, worker):
    command = service["healthcheck"]["test"]
    assert command[0] == "CMD"
    command = [word.replace("/9464", "/" + worker.url().rpartition(":")[2]) for word in command[1:]]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=10).returncode == 0


def test_decides(context):
    """The service, the payments and the printed decisions of the file, on the broker of the tests."""
    services = compose()["services"]
    names = {name: context.create_topic(context.fresh(name), int(count))
             for name, count in made_topics(services).items()}
    text = moved((FOLDER / "fraudd.yaml").read_text(), context.logs / "archive")
    for name, real in names.items():
        text = re.sub(rf"(topic: ){name}$", rf"\g<1>{real}", text, flags=re.MULTILINE)
    redis = Redis(context.logs / "redis", "maxmemory 256mb").start()
    worker = context.worker("compose", text, f"redis.url={redis.url}", f"kafka.bootstrap.servers={context.bootstrap}",
                            f"group={context.fresh('group')}", "http.listen=:0",
                            env=services["fraudd"]["environment"]).start()
    check = context.results.check
    check(wait_until(worker.ready, 30), "fraudd gets ready", worker.tail())
    check(healthy(services["fraudd"], worker), "the health check says so")
    [joining] = worker.logged("joining")
    check(joining["instance"] == "compose-1", "under its own name", str(joining))

    def command(name, *more):
        words = [names.get(word, word) for word in services[name]["command"]]
        words[words.index("-b") + 1] = context.bootstrap
        return [worker.binary, *words, *more]
    tap = subprocess.Popen(command("decisions", "-c", "20"), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           preexec_fn=die_with_parent)
    sent = subprocess.run(command("payments", "--count", "100"), capture_output=True, text=True,
                          check=False, timeout=60, stdin=subprocess.DEVNULL)
    check(sent.returncode == 0, "payments are made", sent.stderr)
    try:
        out, err = tap.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        tap.kill()
        out, err = tap.communicate()
    rows = [line for line in out.splitlines() if re.search(r"\b(ALLOW|REVIEW|CHALLENGE|BLOCK)\b", line)]
    check(tap.returncode == 0 and len(rows) == 20, "decisions are shown", [out[-500:], err[-500:]])
    check(wait_until(lambda: worker.metric("fraudd_decisions_total") == 100, 20), "all are decided",
          worker.tail())
    check(worker.metric("fraudd_store_up") == 1, "with Redis", worker.tail())
    check(worker.terminate() == 0, "and it ends well", worker.tail())
    check(any(":b:" in key for key in redis.keys()), "windows are in Redis", str(redis.keys()[:4]))
    check(not healthy(services["fraudd"], worker), "the health check notices the end")


if __name__ == "__main__":
    run_tests("test_compose", [test_fits_together, test_docker_agrees, test_kafka_takes_the_settings,
                               test_decides])
