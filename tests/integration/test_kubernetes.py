#!/usr/bin/env python3
"""integration/kubernetes without a cluster: it renders, fits together, is valid, and its pods run.

The pods' mounts are laid out as the kubelet would, links included; the real program then gets the
configuration, rules and environment of the manifests, and the broker of the tests.
"""
import copy
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import kubernetes_validate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import manifests
from fraudd_test import ROOT, Skip, free_port, run_tests, wait_until
from redis_server import Redis

KUBERNETES = ROOT / "integration" / "kubernetes"
FOLDERS = ("base", "example")
VERSIONS = ("1.27", kubernetes_validate.latest_version())
# Made by hand, as the example's first lines say.
SECRETS = {"fraudd-kafka": {"password": "secret\n", "ca.crt": "-----BEGIN CERTIFICATE-----\n"},
           "fraudd-redis": {"password": "secret\n"}}
CLOSE_S = 5                                             # leaving the group, beyond shutdown.timeout
SECONDS = {"s": 1, "m": 60}
SPARE = 256 << 20                                       # for queues, librdkafka and the program


def stateful_set(documents):
    [found] = [d for d in documents if d["kind"] == "StatefulSet"]
    return found


def container_of(documents):
    [found] = manifests.pod_spec(stateful_set(documents))["containers"]
    return found


# ---- manifests ----

def kustomize(folder):
    """The output of the real tool, or None where there is none."""
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, str(folder)], capture_output=True, text=True,
                                  timeout=60, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise RuntimeError(f"{command[0]}: {done.stderr}")
            return list(manifests.yaml.load_all(done.stdout, manifests.Loader))
    return None


def test_like_kustomize(context):
    for folder in FOLDERS:
        real = kustomize(KUBERNETES / folder)
        if real is None:
            raise Skip("neither kustomize nor kubectl is installed: rendered by the tests' own code only")
        real = manifests.comparable(real)
        own = manifests.comparable(manifests.render(KUBERNETES / folder))
        different = [key for key in {**real, **own} if real.get(key) != own.get(key)]
        context.results.check(not different, f"{folder}: kustomize says the same",
                              [f"{key}: {real.get(key)} is not {own.get(key)}" for key in different])


def test_schema(context):
    for folder in FOLDERS:
        for document in manifests.render(KUBERNETES / folder):
            what = f"{folder}: {document['kind']} {document['metadata']['name']}"
            for version in VERSIONS:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                    text = ""
                except kubernetes_validate.ValidationError as error:
                    text = f"{'.'.join(map(str, error.path))}: {error.message}"
                context.results.check(not text, f"{what} is valid in Kubernetes {version}", text)
    planted = stateful_set(manifests.render(KUBERNETES / "base"))
    planted["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 1
    try:
        kubernetes_validate.validate(planted, VERSIONS[0], strict=True)
        caught = False
    except kubernetes_validate.ValidationError:
        caught = True
    context.results.check(caught, "an unknown key is noticed")


def test_cross_references(context):
    for folder in FOLDERS:
        documents = manifests.render(KUBERNETES / folder)
        context.results.none(manifests.cross_check(documents, SECRETS), f"{folder} fits together")


def set_mount(documents):
    container_of(documents)["volumeMounts"][0]["name"] = "confg"


def set_probe(documents):
    container_of(documents)["readinessProbe"]["httpGet"]["port"] = "metrics"


def set_label(documents):
    stateful_set(documents)["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] = "x"


def lose_map(documents):
    documents.remove([d for d in documents if d["metadata"]["name"] == "fraudd-rules"][0])


def lose_list(documents):
    del [d for d in documents if d["metadata"]["name"] == "fraudd-lists"][0]["data"]["blocked_cards.txt"]


def lose_service(documents):
    documents.remove([d for d in documents if d["kind"] == "Service"][0])


def set_port(documents):
    [d for d in documents if d["kind"] == "Service"][0]["spec"]["ports"][0]["targetPort"] = "web"


def forget_item(documents):
    volume = [v for v in manifests.pod_spec(stateful_set(documents))["volumes"] if v["name"] == "rules"][0]
    volume["projected"]["sources"][1]["configMap"]["items"].pop()


def nest_mount(documents):
    container_of(documents)["volumeMounts"][2]["mountPath"] = "/etc/fraudd/rules/archive"


def test_cross_check_can_fail(context):
    for plant in (set_mount, set_probe, set_label, lose_map, lose_list, lose_service, set_port,
                  forget_item, nest_mount):
        documents = copy.deepcopy(manifests.render(KUBERNETES / "base"))
        plant(documents)
        context.results.check(manifests.cross_check(documents, SECRETS), f"{plant.__name__} is noticed")


def test_restricted(context):
    """The Pod Security Standard `restricted`, a read-only root, and the image's own user."""
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    check = context.results.check
    for folder in FOLDERS:
        documents = manifests.render(KUBERNETES / folder)
        pod = manifests.pod_spec(stateful_set(documents))
        of_pod, of_container = pod["securityContext"], container_of(documents)["securityContext"]
        check(of_pod["runAsNonRoot"] is True, f"{folder}: not root")
        check((of_pod["runAsUser"], of_pod["runAsGroup"]) == (int(user[1]), int(user[2])),
              f"{folder}: the user of the image")
        check(of_pod["fsGroup"] == int(user[2]), f"{folder}: the archive belongs to it")
        check(of_pod["seccompProfile"] == {"type": "RuntimeDefault"}, f"{folder}: seccomp")
        check(of_container["allowPrivilegeEscalation"] is False, f"{folder}: no new privileges")
        check(of_container["readOnlyRootFilesystem"] is True, f"{folder}: read-only root")
        check(of_container["capabilities"] == {"drop": ["ALL"]}, f"{folder}: no capabilities")
        check(pod["automountServiceAccountToken"] is False, f"{folder}: no token of the cluster")
        check(not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), f"{folder}: nothing of the host")
        check("limits" in container_of(documents)["resources"], f"{folder}: memory is limited")


# ---- pods ----

class Pod:
    """The mounts of a pod below a temporary directory, and the program with paths moved there."""

    def __init__(self, context, folder, ordinal):
        self.context = context
        self.documents = manifests.render(KUBERNETES / folder)
        self.workload = stateful_set(self.documents)
        self.name = f"{self.workload['metadata']['name']}-{ordinal}"
        self.root = Path(tempfile.mkdtemp(prefix="pod-", dir=context.logs))
        manifests.lay_out(self.documents, self.workload, self.root, SECRETS)
        share = self.root / "usr/share/fraudd"         # as the Dockerfile makes it
        share.mkdir(parents=True)
        (share / "schemas").symlink_to(ROOT / "schemas")
        (share / "rules").symlink_to(ROOT / "rules/packs")
        self.env = manifests.environment(self.workload, self.name)
        args = container_of(self.documents)["args"]
        assert args[:2] == ["run", "--config"] and len(args) == 3, args
        self.config_path = args[2]

    def inside(self, path):
        return self.root / path.lstrip("/")

    def config_text(self):
        """The configuration with the pod's paths moved below root."""
        text = self.inside(self.config_path).read_text()
        return re.sub(r"(?<=[ \"])/(etc|var|usr)/", f"{self.root}/\\1/", text)

    def fraudd(self, *arguments):
        return subprocess.run([self.context.need_binary(), *map(str, arguments)], env=self.env,
                              cwd="/", capture_output=True, text=True, timeout=30, check=False,
                              stdin=subprocess.DEVNULL)

    def effective(self):
        """{dotted key: value} as the program itself prints it; None and a text when it refuses."""
        moved = self.root / "fraudd.yaml"
        moved.write_text(self.config_text())
        done = self.fraudd("config", "-c", moved)
        if done.returncode or done.stderr:
            return None, done.stderr
        found = {}

        def walk(prefix, value):
            if isinstance(value, dict):
                for key, inner in value.items():
                    walk(f"{prefix}{key}.", inner)
            else:
                found[prefix[:-1]] = value
        walk("", manifests.yaml.load(done.stdout, manifests.Loader))
        return found, ""


def bytes_of(text):
    number, unit = re.fullmatch(r"(\d+)([KMG]i)B?", text).groups()
    return int(number) << {"Ki": 10, "Mi": 20, "Gi": 30}[unit]


def test_configuration(context):
    check = context.results.check
    for folder in FOLDERS:
        for ordinal in (0, 3):
            pod = Pod(context, folder, ordinal)
            config, text = pod.effective()
            if not check(config is not None, f"{folder}: the configuration is accepted", text):
                continue
            check(config["instance"] == f"fraudd-{ordinal}", f"{folder}: the pod's name is the instance",
                  str(config["instance"]))
            host, _, port = config["http.listen"].rpartition(":")
            [declared] = [p["containerPort"] for p in container_of(pod.documents)["ports"]]
            check(host == "" and int(port) == declared, f"{folder}: probes reach the port",
                  config["http.listen"])
            timeout = config["shutdown.timeout"]
            grace = manifests.pod_spec(pod.workload)["terminationGracePeriodSeconds"]
            check(int(timeout[:-1]) * SECONDS[timeout[-1]] + CLOSE_S < grace,
                  f"{folder}: it may drain before it is killed", f"{timeout}, {grace}")
            writable = [m["mountPath"] for m in container_of(pod.documents)["volumeMounts"]
                        if not m.get("readOnly")]
            limit = container_of(pod.documents)["resources"]["limits"]["memory"]
            check(bytes_of(config["state.memory"]) + SPARE <= bytes_of(limit),
                  f"{folder}: windows fit into the pod's memory", f"{config['state.memory']} of {limit}")
            check(config["archive.dir"] in [str(pod.inside(path)) for path in writable],
                  f"{folder}: the archive is on a volume", config["archive.dir"])


def files_below(folder):
    """{relative path: text}, links followed, hidden names passed over: what the program sees."""
    found = {}
    for top, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(top) / name
            found[path.relative_to(folder).as_posix()] = path.read_text()
    return found


def test_rules(context):
    for folder in FOLDERS:
        pod = Pod(context, folder, 0)
        config, text = pod.effective()
        if not context.results.check(config is not None, f"{folder}: the configuration is accepted", text):
            continue
        done = pod.fraudd("rules", "check", "--strict", "-s", config["sources"][0]["schema"], config["rules"])
        context.results.check(done.returncode == 0, f"{folder}: the rules are accepted",
                              done.stdout + done.stderr)
    pack = files_below(ROOT / "rules/packs/starter")
    del pack["shared.yaml"]                             # for one worker, as the kustomization says
    mounted = files_below(Pod(context, "base", 0).inside("/etc/fraudd/rules"))
    context.results.check(pack == mounted, "base: the rest of the starter pack is mounted as it is", f"{pack} {mounted}")


def probe(url, kind, container):
    """As the kubelet asks: 200 to 399 is well."""
    spec = container[kind]
    try:
        with urllib.request.urlopen(url + spec["httpGet"]["path"], timeout=spec["timeoutSeconds"]) as a:
            return 200 <= a.status < 400
    except OSError:
        return False


def own_address():
    """An address of this machine that is not loopback, as a kubelet would use; None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))                 # sends nothing
            return s.getsockname()[0]
        except OSError:
            return None


def test_pods_run(context):
    """Two pods of the base on a real broker, but for names of topics: ready, then ended as by the kubelet."""
    topics = {name: context.create_topic(context.fresh(name), count)
              for name, count in (("payments", 4), ("decisions", 4), ("fraudd-dlq", 1))}
    group = context.fresh("group")
    redis = Redis(context.logs / "redis").start()
    pods = []
    for ordinal in (0, 1):
        pod = Pod(context, "base", ordinal)
        text = pod.config_text()
        for name, real in topics.items():
            text = re.sub(rf"(topic: ){name}$", rf"\g<1>{real}", text, flags=re.MULTILINE)
        worker = context.worker(pod.name, text, f"kafka.bootstrap.servers={context.bootstrap}",
                                f"group={group}", f"redis.url={redis.url}", f"http.listen=:{free_port()}",
                                env=pod.env)
        pods.append((pod, worker.start()))
    check = context.results.check
    host = own_address() or "127.0.0.1"
    for pod, worker in pods:
        container = container_of(pod.documents)
        wait_until(lambda w=worker: w.url() or not w.alive(), 20)
        url = (worker.url() or "").replace("127.0.0.1", host)
        check(probe(url, "livenessProbe", container), f"{pod.name} is alive", worker.tail())
        check(wait_until(lambda u=url, c=container: probe(u, "readinessProbe", c), 30),
              f"{pod.name} gets ready", worker.tail())

    def live():
        return [json.loads(w.get("/api/v1/status")[1]).get("live") for _, w in pods if w.url()]
    check(wait_until(lambda: live() == [2, 2], 30), "they share the partitions", f"live: {live()}")
    for pod, worker in pods:
        grace = manifests.pod_spec(pod.workload)["terminationGracePeriodSeconds"]
        check(worker.metric("fraudd_store_up") == 1, f"{pod.name} uses Redis", worker.tail())
        check(worker.terminate(grace) == 0, f"{pod.name} ends within its grace period", worker.tail())


if __name__ == "__main__":
    run_tests("test_kubernetes", [test_like_kustomize, test_schema, test_cross_references,
                                  test_cross_check_can_fail, test_restricted, test_configuration,
                                  test_rules, test_pods_run])
