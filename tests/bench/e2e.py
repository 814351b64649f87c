"""Measures a real fraudd against a real broker on this machine; called by tests/bench.sh.

Why it exists: the budgets of the design (latency, CPU per event, catch-up) are claims until somebody
can repeat them. It starts a broker and a Redis of its own, runs the service with its default batch
settings and the starter rules, lets tests/bench/e2e.c write and read, and takes the service's own counters and
/proc before and after. It changes nothing and judges nothing: it prints a table and writes
build/bench.json.
"""
import argparse
import io
import json
import os
import platform
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import fastavro
import state
from events import payment_schema
from fraudd_test import ROOT, Context, Pipe, wait_until
from redis_server import Redis

STARTER = ROOT / "rules" / "packs" / "starter"
PARTITIONS = 4


def write_payloads(context, path, count):
    """A stream of generated payments as keys and values: its times rise, so that none is LATE."""
    stream = context.logs / "payments.avro"
    subprocess.run([context.binary, "generate", "-q", "-f", str(stream), "--count", str(count)], check=True)
    with open(stream, "rb") as file, open(path, "wb") as out:
        for fields in fastavro.reader(file):
            value = io.BytesIO()
            fastavro.schemaless_writer(value, payment_schema, fields)
            for part in (fields["card_id"].encode(), value.getvalue()):
                out.write(struct.pack("=I", len(part)) + part)


def tool(*arguments):
    command = [str(ROOT / "build" / "bench" / "e2e"), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    if not done.stdout.strip():
        raise SystemExit(f"bench: {' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def resident_mib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Interval:
    """The service's counters and CPU time between two moments."""

    def __init__(self, worker):
        self.worker = worker
        self.began = (worker.metrics(), worker.cpu_s(), time.monotonic())

    def end(self):
        before, cpu, at = self.began
        after, wall = self.worker.metrics(), time.monotonic() - at
        events_done = self._delta(before, after, "fraudd_events_total")
        found = {"events": events_done, "wall_s": round(wall, 2),
                 "cpu_us_per_event": round((self.worker.cpu_s() - cpu) * 1e6 / max(1, events_done), 2),
                 "rss_mib": round(resident_mib(self.worker.pid), 1)}
        count = self._delta(before, after, "fraudd_transaction_duration_seconds_count", "committed")
        total = self._delta(before, after, "fraudd_transaction_duration_seconds_sum", "committed")
        found["transactions"] = count
        found["transactions_not_committed"] = sum(
            self._delta(before, after, "fraudd_transactions_total", result)
            for result in ("aborted", "recovered"))
        found["events_per_transaction"] = round(events_done / max(1, count), 1)
        found["transaction_mean_ms"] = round(total / max(1, count) * 1e3, 2)
        found["stage_ns_per_event"] = self.stages(before, after)
        return found

    @classmethod
    def stages(cls, before, after):
        found = {}
        for series in after:
            if series.startswith("fraudd_stage_events_total{"):
                stage = series.split('"')[1]
                seen = cls._delta(before, after, "fraudd_stage_events_total", stage)
                spent = cls._delta(before, after, "fraudd_stage_duration_seconds_sum", stage)
                found[stage] = round(spent * 1e9 / seen) if seen else 0
        return found

    @staticmethod
    def _delta(before, after, name, label=None):
        wanted = [s for s in after if s.partition("{")[0] == name
                  and (label is None or f'"{label}"' in s)]
        return sum(after[s] - before.get(s, 0.0) for s in wanted)


def start_service(context, pipe, options):
    """The defaults but for names, ports, memory, Redis and what --set says."""
    config = pipe.config("bench")
    for section in ("batch", "merge", "consumer", "producer"):
        config.pop(section)
    config["rules"] = str(options.rules)
    config["state"] = {"memory": "256MiB"}
    config["redis"] = {"url": options.redis.url}
    return context.worker(pipe.group, config, *options.set).start()


def service(context, pipe, options):
    worker = start_service(context, pipe, options)
    if not worker.wait_ready(30):
        raise SystemExit("bench: the service is not ready\n" + "\n".join(worker.tail()))
    return worker


def measure_latency(context, options, rate, payloads):
    pipe = Pipe(context, f"rate-{rate}", PARTITIONS)
    worker = service(context, pipe, options)
    interval = Interval(worker)
    found = tool("latency", context.bootstrap, pipe.source, pipe.output, PARTITIONS, rate,
                 options.seconds, options.warmup, payloads)
    found.update(interval.end())
    if worker.terminate() != 0:
        raise SystemExit("bench: the service did not end well\n" + "\n".join(worker.tail()))
    return found


def drain(pipe, count):
    """A reader of that many decisions, ready to read."""
    reader = subprocess.Popen([str(ROOT / "build" / "bench" / "e2e"), "drain", pipe.context.bootstrap,
                               pipe.output, str(PARTITIONS), str(count)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    return reader


def measure_catch_up(context, options):
    backlog = options.backlog
    pipe = Pipe(context, "backlog", PARTITIONS)
    subprocess.run([context.binary, "generate", "-q", "-b", context.bootstrap, "-t", pipe.source,
                    "--count", str(backlog)], check=True, stdin=subprocess.DEVNULL)
    config_start = time.monotonic()
    reader = drain(pipe, backlog)
    began = time.monotonic()
    worker = start_service(context, pipe, options)
    text, _ = reader.communicate(timeout=600)
    wait_until(lambda: worker.metric("fraudd_events_total") >= backlog, 30)
    metrics = worker.metrics()
    found = json.loads(text)
    delay = began - config_start
    found["start_to_first_decision_s"] = round(found["first_s"] - delay, 2)
    found["events_per_s"] = round(backlog / max(1e-9, found["last_s"] - found["first_s"]))
    found["cpu_us_per_event"] = round(worker.cpu_s() * 1e6 / backlog, 2)
    found["rss_mib"] = round(resident_mib(worker.pid), 1)
    empty = {name: 0.0 for name in metrics}
    found["stage_ns_per_event"] = Interval.stages(empty, metrics)
    found["transactions"] = Interval._delta(empty, metrics, "fraudd_transactions_total", "committed")
    if worker.terminate() != 0:
        raise SystemExit("bench: the service did not end well\n" + "\n".join(worker.tail()))
    return found


def print_table(result):
    print(f"\n{result['machine']}; {result['rules']} rules files; {PARTITIONS} partitions")
    print(f"{'rate/s':>8} {'p50 ms':>8} {'p90':>8} {'p99':>8} {'p99.9':>8} {'max':>8} "
          f"{'CPU us/ev':>10} {'ev/txn':>8} {'txn ms':>8} {'RSS MiB':>8} {'missing':>8} {'dup':>4}")
    for rate, row in result["latency"].items():
        print(f"{rate:>8} {row['p50_ms']:>8} {row['p90_ms']:>8} {row['p99_ms']:>8} "
              f"{row['p999_ms']:>8} {row['max_ms']:>8} {row['cpu_us_per_event']:>10} "
              f"{row['events_per_transaction']:>8} {row['transaction_mean_ms']:>8} "
              f"{row['rss_mib']:>8} {row['missing']:>8} {row['duplicates']:>4}")
    catch_up = result["catch_up"]
    print(f"catch-up: {catch_up['events_per_s']} events/s over {catch_up['seen']}, "
          f"{catch_up['cpu_us_per_event']} CPU us per event, first decision "
          f"{catch_up['start_to_first_decision_s']} s after start, RSS {catch_up['rss_mib']} MiB")
    print(f"{'ns per event by stage':<24}" + "".join(f"{s:>10}" for s in catch_up["stage_ns_per_event"]))
    rows = [*result["latency"].items(), ("catch-up", catch_up)]
    for name, row in rows:
        print(f"{name:<24}" + "".join(f"{ns:>10}" for ns in row["stage_ns_per_event"].values()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--rates", default="1000,5000")
    parser.add_argument("--backlog", type=int, default=500_000)
    parser.add_argument("--rules", type=Path, default=STARTER)
    parser.add_argument("--no-state", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    context = Context("bench", own_servers=["--heap", "1g"])
    context.need_binary()
    payloads = context.logs / "payloads.bin"
    rates = [int(rate) for rate in options.rates.split(",")]
    write_payloads(context, payloads, max(rates) * (options.seconds + options.warmup))
    options.redis = Redis(context.logs / "redis").start()
    options.partitions, options.starter = PARTITIONS, STARTER
    result = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
              "machine": f"{os.cpu_count()} cores {platform.machine()}, load before "
                         f"{os.getloadavg()[0]:.1f}",
              "rules": len(list(options.rules.glob("*.yaml"))), "latency": {}}
    try:
        for rate in rates:
            print(f"latency at {rate}/s for {options.seconds} s ...", file=sys.stderr, flush=True)
            result["latency"][rate] = measure_latency(context, options, rate, payloads)
        print(f"catch-up over {options.backlog} events ...", file=sys.stderr, flush=True)
        result["catch_up"] = measure_catch_up(context, options)
        if not options.no_state:
            result["state"] = state.measure(context, options, Interval, drain)
    finally:
        context.end_workers()
        context.servers.stop()
    out = ROOT / "build" / "bench.json"
    out.write_text(json.dumps(result, indent=2) + "\n")
    print_table(result)
    if "state" in result:
        state.print_table(result["state"])
    print(f"written to {out.relative_to(ROOT)}")
    if any(row["missing"] or row["duplicates"] or row["failed"] for row in result["latency"].values()):
        raise SystemExit("bench: events are missing or were decided twice")


if __name__ == "__main__":
    main()
