"""Taking over costs what was not written yet, not what there is: kill -9 with small and large states.

Why it exists: it is what Redis is there for. Each state is as many keys as its log has events or more
(cards, and pairs of card and merchant), all of it written to Redis. A worker is killed while payments
trickle in; its successor, under the same name, must decide about as soon with the large state as with
the small one, and must redo and read next to nothing. Times are compared within one run and printed.
"""
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from fraudd_test import FULL, Pipe, die_with_parent, run_tests, say, wait_until
from redis_server import Redis

SIZES = (10_000, 1_000_000, 5_000_000) if FULL else (10_000, 200_000)
MEMORY = "1GiB" if FULL else "256MiB"                   # the same for all: taking it costs time too
PARTITIONS = 4
KILLS = 3
TRICKLE = 50                                            # payments a second while workers are killed
FEW = 2000                                              # of what may be redone and read, whatever the size
COUNT = """local n = 0
for _, key in ipairs(redis.call('KEYS', '*:b:*')) do n = n + redis.call('HLEN', key) - 1 end
return n"""
RULES = """version: 1
features:
  - {name: card_n, key: card_id, op: count, window: 365d}
  - {name: card_sum, key: card_id, op: sum, value: event.amount_minor, window: 30d}
  - {name: pair_n, key: [card_id, merchant_id], op: count, window: 365d}
rules:
  - {id: often, condition: features.card_n > 100 && features.card_sum > 100 && features.pair_n > 10, action: review}
"""


def generate(context, pipe, customers, *more):
    return [context.binary, "generate", "-q", "-b", context.bootstrap, "-t", pipe.source,
            "--customers", str(customers), *map(str, more)]


def written(worker, events):
    """All decided, and Redis has all of it; as of one report, a second old at most."""
    def settled():
        now = worker.metrics()
        return (now.get("fraudd_events_total", 0) >= events and now["fraudd_state_dirty_keys"] == 0
                and now["fraudd_store_values_written_total"] >= events)
    return wait_until(settled, 30 + events // 5000, 0.2)


def first_decision(worker, limit_s=30):
    """Seconds on the monotonic clock when the first decision of this process was committed, or None."""
    if wait_until(lambda: not worker.alive() or worker.metric("fraudd_events_total") > 0, limit_s, 0.01):
        return time.monotonic() if worker.alive() else None
    return None


def take_over(context, worker, size):
    """Kills the worker and starts it again: seconds until the first decision after that."""
    began = time.monotonic()
    context.results.check(worker.kill(), f"{size} events: killed")
    worker.start()
    decided = first_decision(worker)
    if not context.results.check(decided is not None, f"{size} events: the successor decides", worker.tail()):
        return float("inf")
    time.sleep(1.3)                                     # state is reported once a second; it is flushed meanwhile
    redone, read = (worker.metric(name) for name in ("fraudd_redo_events_total", "fraudd_store_values_read_total"))
    context.results.check(redone < FEW and read < FEW, f"{size} events: little is redone and read",
                          f"{redone:.0f} events redone, {read:.0f} windows read")
    return decided - began


def measure(context, size):
    """(keys, seconds until the first decision, the best of some kills)"""
    redis = Redis(context.logs / f"redis-{size}").start()
    pipe = Pipe(context, f"size-{size}", PARTITIONS)
    (pipe.rules / "test.yaml").write_text(RULES)
    customers = max(1000, size // 4)
    subprocess.run(generate(context, pipe, customers, "--count", size), check=True, stdin=subprocess.DEVNULL)
    changes = {"redis": {"url": redis.url}, "state": {"memory": MEMORY, "flush_interval": "300ms"},
               "batch": {"max_events": 2048}, "merge": {"max_idle": "100ms"}}
    worker = context.worker(pipe.group, pipe.config("worker", **changes)).start()
    whole = context.results.check(written(worker, size), f"{size} events: decided and written", worker.tail())
    keys = int(redis.call("EVAL", COUNT, 0))
    used = redis.call("INFO", "memory").split("used_memory_human:")[1].split()[0]
    trickle = subprocess.Popen(generate(context, pipe, customers, "--rate", TRICKLE, "--start", "2026-02-01"),
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    best = min(take_over(context, worker, size) for _ in range(KILLS if whole else 0)) if whole else float("inf")
    trickle.kill()
    trickle.wait()
    worker.terminate()
    redis.destroy()
    say(f"   {keys} windows ({used} in Redis): first decision {best:.2f} s after the kill")
    return keys, best


def test_takeover(context):
    found = [measure(context, size) for size in SIZES]
    check = context.results.check
    for size, (keys, _) in zip(SIZES, found):
        check(keys >= size, f"{size} events leave as many windows in Redis", str(keys))
    (_, least), small = found[0], found[0][0]
    for keys, seconds in found[1:]:
        check(seconds < 2 * least + 0.5, f"{keys // small} times the state, about the same time",
              f"{seconds:.2f} s, with the small one {least:.2f} s")


if __name__ == "__main__":
    run_tests("test_takeover", [test_takeover])
