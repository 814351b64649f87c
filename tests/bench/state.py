"""What windows cost: catching up with and without them, redoing, writing behind, room; for e2e.py.

Why it exists: the figures about state in the README come from here. One log of generated payments is
decided by several rule sets, with and without Redis; then a process is killed and redoes all of it.
It judges nothing.
"""
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from fraudd_test import Pipe, wait_until
from redis_server import Redis

FOUR = """version: 1
features:
  - {name: card_n_5m, key: card_id, op: count, window: 5m}
  - {name: card_sum_24h, key: card_id, op: sum, value: event.amount_minor, window: 24h}
  - {name: card_max_7d, key: card_id, op: max, value: event.amount_minor, window: 7d, include_current: false}
  - {name: card_merchants_28d, key: card_id, op: distinct, value: event.merchant_id, window: 28d}
rules:
  - id: busy
    condition: features.card_n_5m > 5 && features.card_sum_24h > 100000 && features.card_merchants_28d > 3
    action: review
  - {id: most-ever, condition: has(features.card_max_7d) && event.amount_minor > features.card_max_7d, score: 5}
"""


class Setup:
    """A topic that is decided again and again, by groups of their own."""

    def __init__(self, context, options, interval, drain):
        self.context, self.options = context, options
        self.interval, self.drain = interval, drain
        self.pipe = Pipe(context, "state", options.partitions)
        self.count = options.backlog
        subprocess.run([context.binary, "generate", "-q", "-b", context.bootstrap, "-t", self.pipe.source,
                        "--customers", str(max(1000, self.count // 25)), "--count", str(self.count)],
                       check=True, stdin=subprocess.DEVNULL)

    def rules(self, name):
        """plain: the starter set without windows; four: four features of a card beside it; starter: all."""
        found = self.context.logs / f"rules-{name}"
        if not found.exists():
            shutil.copytree(self.options.starter, found)
            if name != "starter":
                (found / "velocity.yaml").unlink()
                (found / "shared.yaml").unlink()
            if name == "four":
                (found / "four.yaml").write_text(FOUR)
        return str(found)

    def worker(self, pipe, name, redis):
        config = pipe.config("bench", rules=self.rules(name), state={"memory": "512MiB"},
                             redis={"url": redis.url if redis else ""})
        for section in ("batch", "merge", "consumer", "producer"):
            config.pop(section)
        return self.context.worker(f"{pipe.group}-{name}", config, *self.options.set)


def engine_us(worker):
    """CPU time of the engine thread, which is the main one: what a core would be busy with."""
    return int(Path(f"/proc/{worker.pid}/task/{worker.pid}/schedstat").read_text().split()[0]) / 1e3


def start(worker):
    """(CPU seconds, engine's us) that the start took: taking the memory for windows is most of it."""
    worker.start()
    wait_until(lambda: worker.logged("rules loaded"), 60, 0.005)
    return worker.cpu_s(), engine_us(worker)


def catch_up(setup, name, redis):
    """Decides the whole topic; returns (figures, the worker, still running, its pipe)."""
    pipe = setup.pipe.again(f"{name}-{'redis' if redis else 'memory'}")
    reader = setup.drain(pipe, setup.count)
    worker = setup.worker(pipe, name, redis)
    before = start(worker)
    found = json.loads(reader.communicate(timeout=900)[0])
    wait_until(lambda: worker.metric("fraudd_events_total") >= setup.count, 60)
    cpu, engine = worker.cpu_s() - before[0], engine_us(worker) - before[1]
    metrics = worker.metrics()
    figures = {"events_per_s": round(setup.count / max(1e-9, found["last_s"] - found["first_s"])),
               "cpu_us_per_event": round(cpu * 1e6 / setup.count, 2),
               "engine_us_per_event": round(engine / setup.count, 2),
               "stage_ns_per_event": setup.interval.stages({key: 0.0 for key in metrics}, metrics)}
    return figures, worker, pipe


def table_bytes(setup, name):
    """What the table takes before it holds anything."""
    worker = setup.worker(Pipe(setup.context, "empty", 1), name, None).start()
    wait_until(lambda: worker.metric("fraudd_state_limit_bytes") > 0, 60)
    found = worker.metric("fraudd_state_bytes")
    worker.terminate()
    return found


def room(setup, worker, name):
    """What windows take in memory, once the last report is in."""
    time.sleep(1.5)
    now = worker.metrics()
    keys, held = now["fraudd_state_keys"], now["fraudd_state_events"]
    return {"windows": int(keys), "events_per_window": round(held / max(1, keys), 1),
            "bytes_per_window": round((now["fraudd_state_bytes"] - table_bytes(setup, name)) / max(1, keys))}


def redo(setup, worker):
    """kill -9, and all of it again: from what the service says of itself."""
    worker.kill()
    before = start(worker)
    line = wait_until(lambda: worker.logged("window state redone"), 300)
    if not line:
        raise SystemExit("bench: the state is not redone\n" + "\n".join(worker.tail()))
    seconds = float(line[0]["detail"].split(" in ")[1].split()[0])
    wait_until(lambda: worker.metric("fraudd_redo_events_total") >= setup.count, 30)
    cpu, engine, now = worker.cpu_s() - before[0], engine_us(worker) - before[1], worker.metrics()
    stages = setup.interval.stages({key: 0.0 for key in now}, now)
    return {"events_per_s": round(setup.count / max(1e-3, seconds)), "seconds": seconds,
            "cpu_us_per_event": round(cpu * 1e6 / setup.count, 2),
            "engine_us_per_event": round(engine / setup.count, 2),
            "stage_ns_per_event": {name: stages[name] for name in ("poll", "scan", "redo")}}


def in_redis(redis):
    """Bytes of all values, by MEMORY USAGE, and how many there are."""
    values = total = 0
    for key in redis.keys("*:b:*"):
        values += int(redis.call("HLEN", key)) - 1
        total += int(redis.call("MEMORY", "USAGE", key, "SAMPLES", 0))
    return values, total


def cpu_s(redis):
    """User and system CPU time of the Redis process."""
    lines = dict(line.split(":") for line in redis.call("INFO", "cpu").split() if ":" in line)
    return float(lines["used_cpu_user"]) + float(lines["used_cpu_sys"])


def flush(worker, redis):
    """What writing behind costs. Each partition's writes are timed by themselves: their seconds add up."""
    wait_until(lambda: worker.metric("fraudd_state_dirty_keys") == 0, 60, 0.5)
    now = worker.metrics()
    written = now["fraudd_store_values_written_total"]
    cpu = round(cpu_s(redis) * 1e6 / max(1, written), 2)
    values, total = in_redis(redis)
    return {"values_written": int(written), "redis_cpu_us_per_value": cpu,
            "elapsed_us_per_value": round(now["fraudd_store_flush_seconds_total"] * 1e6 / max(1, written), 1),
            "values": values, "redis_bytes_per_value": round(total / max(1, values))}


def measure(context, options, interval, drain):
    setup = Setup(context, options, interval, drain)
    result = {"events": setup.count, "catch_up": {}}
    for name in ("plain", "four", "starter"):
        for with_redis in (False, True) if name == "four" else (name == "starter",):
            what = f"{name}, {'Redis' if with_redis else 'memory'}"
            print(f"catch-up, {what} ...", file=sys.stderr, flush=True)
            redis = Redis(context.logs / f"redis-{name}").start() if with_redis else None
            figures, worker, _ = catch_up(setup, name, redis)
            if name != "plain":
                figures.update(room(setup, worker, name))
            result["catch_up"][what] = figures
            if what == "four, memory":
                result["redo"] = redo(setup, worker)
            if what == "four, Redis":
                result["flush"] = flush(worker, redis)
            worker.terminate()
            if redis:
                redis.destroy()
    return result


def print_table(result):
    print(f"\ncatching up over {result['events']} payments")
    print(f"{'rules, state':<20}{'events/s':>10}{'CPU us/ev':>11}{'engine':>8}{'windows':>10}{'events each':>13}{'bytes each':>12}")
    for name, row in result["catch_up"].items():
        print(f"{name:<20}{row['events_per_s']:>10}{row['cpu_us_per_event']:>11}"
              f"{row['engine_us_per_event']:>8}{row.get('windows', ''):>10}"
              f"{row.get('events_per_window', ''):>13}{row.get('bytes_per_window', ''):>12}")
    stages = next(iter(result["catch_up"].values()))["stage_ns_per_event"]
    print(f"{'ns per event':<20}" + "".join(f"{s:>9}" for s in stages))
    for name, row in result["catch_up"].items():
        print(f"{name:<20}" + "".join(f"{ns:>9}" for ns in row["stage_ns_per_event"].values()))
    again, written = result["redo"], result["flush"]
    print(f"redo after kill -9, four features, memory only: {again['events_per_s']} events/s ({again['seconds']} s), "
          f"{again['cpu_us_per_event']} CPU us per event, {again['engine_us_per_event']} of them in the engine thread; ns per event: {again['stage_ns_per_event']}")
    print(f"writing behind: {written['values_written']} values, {written['elapsed_us_per_value']} us per value "
          f"until Redis has it, {written['redis_cpu_us_per_value']} CPU us of Redis (its reads included); "
          f"{written['redis_bytes_per_value']} bytes per value in Redis (MEMORY USAGE, {written['values']} values)")
