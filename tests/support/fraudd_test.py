"""What every integration program needs: results, servers, topics, configurations and workers.

Why it exists: one way to start `fraudd run`, to hurt it and to prove that it was hurt. Programs are
started by tests/run.sh, which exports KAFKA_BOOTSTRAP, REDIS_URL, FRAUDD, FRAUDD_SERVERS_DIR and
FRAUDD_SIZE; run by hand they start servers of their own. Processes are ended by their own pid, also
when a test fails. Logs of workers stay in build/test-logs/<test>/.
"""
import atexit
import ctypes
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

from confluent_kafka.admin import AdminClient, NewTopic

import events
import kafka_wire

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ROOT / "integration" / "servers"
# The test run's own variables are not the service's settings.
OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDD_")}
SHOWN = 8                                               # lines of a failure's detail
FULL = os.environ.get("FRAUDD_SIZE", "ci") == "full"


class Skip(Exception):
    """A test cannot run here; says why."""


class Results:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, good, what, detail=""):
        """Counts one check; prints it when it fails. detail: text or a list of texts."""
        if good:
            self.passed += 1
            return True
        self.failed += 1
        print(f"FAILED {what}", flush=True)
        lines = [detail] if isinstance(detail, str) else list(detail)
        for line in lines[:SHOWN]:
            if line:
                print(f"    {line:.1000}", flush=True)
        if len(lines) > SHOWN:
            print(f"    ... and {len(lines) - SHOWN} more", flush=True)
        return False

    def none(self, violations, what):
        return self.check(not violations, what, [str(v) for v in violations])


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def wait_until(condition, timeout_s, every_s=0.05):
    """The first true value of condition(), or its last value after timeout_s."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value or time.monotonic() >= end:
            return value
        time.sleep(every_s)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def admin_client(bootstrap):
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def die_with_parent():
    """For preexec_fn: a worker does not outlive a test program that is killed (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Servers:
    """A directory of integration/servers with a broker of its own."""

    def __init__(self, directory, given=False):
        self.dir = Path(directory)
        self.given = given
        self.bootstrap = None

    def _call(self, *arguments):
        done = subprocess.run([str(SERVERS), arguments[0], "--dir", str(self.dir), *arguments[1:]],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"integration/servers {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def start(self, *options):
        atexit.register(self.stop)
        for word in shlex.split(self._call("start", "--no-redis", *options)):
            name, _, value = word.partition("=")
            if name == "KAFKA_BOOTSTRAP":
                self.bootstrap = value
        return self

    def pid(self, broker=1):
        return int(self._call("pid", "--only", "kafka", "--broker", str(broker)))

    def restart_kafka(self, kill=False, broker=1):
        """Down and up again, all replicas in sync; returns (old pid, new pid)."""
        before = self.pid(broker)
        self._call("restart-kafka", "--broker", str(broker), *(["--kill"] if kill else []))
        return before, self.pid(broker)

    def stop_kafka(self, kill=False):
        self._call("stop", "--only", "kafka", *(["--kill"] if kill else []))

    def stop(self):
        if not self.given and self.dir.exists():
            subprocess.run([str(SERVERS), "stop", "--dir", str(self.dir), "--kill"], check=False,
                           stdin=subprocess.DEVNULL, capture_output=True)
            shutil.rmtree(self.dir, ignore_errors=True)


class Context:
    """One test program: its name, servers, logs, workers and results."""

    def __init__(self, name, own_servers=None):
        """own_servers: options for a broker of this program's own, None for the shared one."""
        self.name = name
        self.results = Results()
        self.logs = ROOT / "build" / "test-logs" / name
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        self.stamp = f"{os.getpid()}-{int(time.time()) % 100000}"
        self.workers = []
        self.binary = os.environ.get("FRAUDD", str(ROOT / "build" / "release" / "fraudd"))
        self.servers = None
        self.serial = 0
        shared = os.environ.get("KAFKA_BOOTSTRAP")
        if own_servers is None and shared:
            self.bootstrap = shared
        else:
            directory = ROOT / "build" / f"servers-{name}-{os.getpid()}"
            self.servers = Servers(directory).start(*(own_servers or ()))
            self.bootstrap = self.servers.bootstrap
        self.admin = admin_client(self.bootstrap)
        atexit.register(self.end_workers)

    def need_binary(self):
        if not os.access(self.binary, os.X_OK):
            raise RuntimeError(f"there is no program {self.binary}: build it, or set FRAUDD")
        return self.binary

    def fresh(self, stem):
        """A name that no other test uses."""
        self.serial += 1
        return f"{self.name}-{stem}-{self.serial}-{self.stamp}"

    def create_topic(self, name, partitions, **settings):
        config = {"retention.ms": "-1"}
        config.update({key.replace("_", "."): str(value) for key, value in settings.items()})
        made = self.admin.create_topics([NewTopic(name, partitions, -1, config=config)])
        made[name].result(30)

        def known():
            return kafka_wire.known_partitions(self.bootstrap, name) == partitions
        if not wait_until(known, 30):
            raise RuntimeError(f"topic {name} did not appear")
        return name

    def worker(self, name, config, *settings, **options):
        found = Worker(self, name, config, settings, **options)
        self.workers.append(found)
        return found

    def end_workers(self):
        for worker in self.workers:
            worker.destroy()


class Pipe:
    """The topics and the base configuration of one scenario."""

    def __init__(self, context, stem, partitions, source=None, **topic_settings):
        self.context = context
        self.partitions = partitions
        name = context.fresh(stem)
        self.source = source or context.create_topic(f"{name}.in", partitions, **topic_settings)
        self.output = context.create_topic(f"{name}.out", partitions)
        self.dead = context.create_topic(f"{name}.dlq", 1)
        self.group = f"{name}.group"
        self.dir = context.logs / name
        self.dir.mkdir()
        rules = self.dir / "rules"
        rules.mkdir()
        (rules / "test.yaml").write_text(events.RULES)
        self.rules = rules

    def again(self, stem):
        """New group and outputs over the same log and the same rules: a reference run."""
        other = Pipe(self.context, stem, self.partitions, source=self.source)
        shutil.rmtree(other.rules)
        other.rules = self.rules
        return other

    def config(self, instance, **changes):
        """A configuration as a dict of sections; changes replace or extend sections."""
        found = {
            "kafka": {"bootstrap.servers": self.context.bootstrap},
            "consumer": {"session.timeout.ms": 4000, "heartbeat.interval.ms": 500,
                         "reconnect.backoff.max.ms": 1000},
            "producer": {"transaction.timeout.ms": 5000, "reconnect.backoff.max.ms": 1000},
            "group": self.group,
            "instance": instance,
            "sources": [{"topic": self.source, "role": "decide",
                         "schema": str(events.PAYMENT_SCHEMA), "framing": "raw", "id": "tx_id",
                         "time": "event_time", "partitioned_by": "card_id", "start": "earliest"}],
            "output": {"topic": self.output},
            "dead_letter": {"topic": self.dead, "decision": "review"},
            "rules": str(self.rules),
            "archive": {"dir": str(self.dir / "archive")},
            "batch": {"max_events": 200},
            "merge": {"max_idle": "60s"},
            "poison": {"max_rate": "100%"},
            "http": {"listen": "127.0.0.1:0"},
            "log": {"level": "info", "format": "json"},
        }
        for section, value in changes.items():
            if isinstance(value, dict) and isinstance(found.get(section), dict):
                found[section] = {**found[section], **value}
            elif value is None:
                found.pop(section, None)
            else:
                found[section] = value
        return found


class Worker:
    """A fraudd process that can be started again and again; each start has a log of its own."""

    def __init__(self, context, name, config, settings=(), binary=None, command="run", env=None):
        self.context = context
        self.name = name
        self.settings = list(settings)
        self.binary = binary or context.need_binary()
        self.command = command
        self.env = env or {}
        self.process = None
        self.starts = 0
        self.log_path = None
        self.config_path = context.logs / f"{name}.yaml"
        if isinstance(config, str):
            self.config_path.write_text(config)
        else:
            self.config_path.write_text(json.dumps(config, indent=2) + "\n")   # JSON is YAML

    def start(self, **env):
        assert not self.alive(), f"{self.name} runs already"
        self.starts += 1
        self.log_path = self.context.logs / f"{self.name}.{self.starts}.log"
        command = [self.binary, self.command, "--config", str(self.config_path)]
        for setting in self.settings:
            command += ["--set", setting]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=die_with_parent,
                                            env={**OUTSIDE, **self.env, **env})
        return self

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path else ""

    def log_lines(self):
        """Parsed JSON lines of the current start."""
        found = []
        for line in self.log().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                found.append(record)
        return found

    def logged(self, event):
        return [line for line in self.log_lines() if line.get("event") == event]

    def url(self):
        lines = self.logged("http listening")
        return f"http://127.0.0.1:{lines[0]['port']}" if lines else None

    def get(self, path, method="GET", timeout_s=5):
        """(status, body); (0, reason) when it cannot be reached."""
        base = self.url()
        if base is None:
            return 0, "no http address in the log"
        request = urllib.request.Request(base + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    def metrics(self):
        """{'name{labels}': value} of /metrics, {} when it does not answer."""
        status, body = self.get("/metrics")
        if status != 200:
            return {}
        found = {}
        for line in body.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def metric(self, name, **labels):
        """Sum of a family's series that have these labels."""
        total = 0.0
        for series, value in self.metrics().items():
            family, _, rest = series.partition("{")
            if family == name and all(f'{k}="{v}"' in rest for k, v in labels.items()):
                total += value
        return total

    def ready(self):
        return self.get("/readyz")[0] == 200

    def wait_ready(self, timeout_s=30):
        return bool(wait_until(lambda: not self.alive() or self.ready(), timeout_s)) and self.ready()

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout_s):
        """Exit code, negative signal number, or None when it still runs."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        """SIGKILL; True when it was that which ended it."""
        if self.alive():
            self.signal(signal.SIGKILL)
        return self.wait(10) == -signal.SIGKILL

    def terminate(self, timeout_s=40):
        if self.alive():
            self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def state(self):
        """R, S, T, Z ... of /proc; None when there is no such process."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1][0]
        except OSError:
            return None

    def freeze(self):
        self.signal(signal.SIGSTOP)
        return wait_until(lambda: self.state() == "T", 5)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def destroy(self):
        if self.alive():
            self.process.kill()                         # also ends a stopped process
            self.process.wait()

    def tail(self, lines=8):
        return [line[:400] for line in self.log().splitlines()[-lines:]]

    def cpu_s(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def members(context, group):
    """{group.instance.id or member id: set of (topic, partition)}, {} while the group rebalances."""
    return kafka_wire.group_members(context.bootstrap, group) or {}


def run_tests(name, tests, own_servers=None, setup=None):
    """Runs test functions (context) -> None; prints the result line; ends the program."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))   # runs atexit too
    context = Context(name, own_servers)
    only = sys.argv[1:]
    try:
        if setup:
            setup(context)
        for test in tests:
            if only and test.__name__ not in only:
                continue
            say(f"-- {test.__name__}")
            before = context.results.passed + context.results.failed + context.results.skipped
            try:
                test(context)
            except Skip as reason:
                context.results.skipped += 1
                print(f"SKIP {test.__name__}: {reason}", flush=True)
            except Exception:                           # a broken test is a failed one
                context.results.check(False, f"{test.__name__} ended with an exception",
                                      traceback.format_exc().splitlines()[-SHOWN:])
            finally:
                context.end_workers()
            after = context.results.passed + context.results.failed + context.results.skipped
            if after == before:
                context.results.check(False, f"{test.__name__} checked nothing")
    finally:
        context.end_workers()
        if context.servers:
            context.servers.stop()
    result = context.results
    extra = f", {result.skipped} skipped" if result.skipped else ""
    print(f"{result.passed} passed, {result.failed} failed{extra}", flush=True)
    sys.exit(1 if result.failed else 0)
