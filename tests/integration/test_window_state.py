"""Windows over a real broker: the same log gives the same bytes, whatever the state goes through.

Why it exists: state is a cache of the log. One process over four partitions with features of the
partition key and of others (merchant, IP): batches of 1, 7 and 1000, kill -9 at random points, a
memory so small that it always evicts, Redis or none, Redis emptied in the middle. Decisions record
every feature, and must be byte-equal to an undisturbed run in memory.
"""
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
import windows
from fraudd_test import FULL, Pipe, run_tests, say, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants
from redis_server import Redis

# A batch of one is a transaction per event: in ordinary runs the simulator's oracle stands for it.
COUNT = 40_000 if FULL else 4000
PARTITIONS = 4
TINY = {"memory": "1MiB"}


def variants(redis):
    """name -> (changes, disturbance)"""
    return {
        **({"batch-1": ({"batch": {"max_events": 1}}, None)} if FULL else {}),
        "batch-7": ({"batch": {"max_events": 7}}, None),
        "batch-1000": ({"batch": {"max_events": 1000}}, None),
        "killed": ({}, "kill"),
        "stopped": ({}, "stop"),
        "redis": ({"redis": {"url": redis.url}}, None),
        "redis-killed": ({"redis": {"url": redis.url}, "state": {"flush_interval": "100ms"}}, "kill"),
        "redis-stopped": ({"redis": {"url": redis.url}}, "stop"),
        "redis-tiny": ({"redis": {"url": redis.url}, "state": {**TINY, "flush_interval": "100ms"}}, None),
        "redis-tiny-killed": ({"redis": {"url": redis.url},
                               "state": {**TINY, "flush_interval": "100ms"}}, "kill"),
        "redis-flushed": ({"redis": {"url": redis.url},
                           "state": {**TINY, "flush_interval": "100ms"}}, "flush"),
    }


def disturb(kind, worker, watch, redis, count):
    """Kill, stop or empty, at four random points of the log."""
    pick = random.Random(kind)
    for point in sorted(pick.sample(range(count // 20, count * 9 // 10), 4)):
        if not watch.wait_decided(point, 60):
            return
        if kind == "flush":
            redis.call("FLUSHALL")
            continue
        worker.kill() if kind == "kill" else worker.terminate()
        worker.start()


def decide(context, pipe, ledger, name, changes, kind, redis):
    other = pipe.again(name)
    watch = Watch(other)
    if kind is not None:
        changes = {**changes, "batch": {"max_events": 100, "max_wait": "0ms"}}
    config = other.config("single", **windows.settings(other, **changes))
    began = time.monotonic()
    worker = context.worker(other.group, config).start()
    if kind is not None:
        disturb(kind, worker, watch, redis, ledger.count())
    found = check_invariants(other, watch, ledger, 120, name, oracle=False)
    say(f"   {name}: {time.monotonic() - began:.1f} s, {worker.starts} starts, "
        f"{worker.metric('fraudd_redo_events_total') or 0:.0f} events redone, "
        f"{worker.metric('fraudd_state_evictions_total') or 0:.0f} evictions")
    code = worker.terminate()
    context.results.check(code == 0, f"{name}: ends with 0", [f"exit code {code}", *worker.tail()])
    return found


def test_equal_bytes(context):
    redis = Redis(context.logs / "redis").start()
    pipe = Pipe(context, "log", PARTITIONS)
    windows.install(pipe, windows.LOCAL, windows.CROSSING)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger, events.make_events(71, COUNT, PARTITIONS, poison_rate=0.01)).send_all()
    reference = decide(context, pipe, ledger, "memory", {}, None, redis)
    flags = {}
    for decisions in reference.values():
        for decision in decisions:
            for flag in events.decode_decision(decision.value)["flags"]:
                flags[flag] = flags.get(flag, 0) + 1
    context.results.check(flags.get("LATE", 0) > 0, "some events are late", str(flags))
    context.results.check("INCOMPLETE" not in flags, "one process that owns all is complete", str(flags))
    for name, (changes, kind) in variants(redis).items():
        found = decide(context, pipe, ledger, name, changes, kind, redis)
        context.results.none(checker.check_equal(found, reference), f"{name}: byte-equal to the run in memory")
        if "redis" in name:
            redis.call("FLUSHALL")


def test_rebuild_behind(context):
    """state.on_rebuild: flag. A successor decides at once, flagged, until the log has been folded again."""
    pipe = Pipe(context, "behind", PARTITIONS)
    windows.install(pipe, windows.LOCAL)
    ledger = Ledger(pipe.source)
    feeder = Feeder(context.bootstrap, ledger, events.make_events(73, 20 * COUNT, PARTITIONS))
    feeder.allow(COUNT * 2)
    feeder.start(20000)
    watch = Watch(pipe)
    settings = windows.settings(pipe)
    settings["state"]["on_rebuild"] = "flag"
    worker = context.worker(pipe.group, pipe.config("single", **settings)).start()
    watch.wait_decided(COUNT * 2, 60)
    worker.kill()
    worker.start()
    feeder.rate = 500
    feeder.allow(COUNT)
    seen = wait_until(lambda: len(worker.logged("window state is rebuilt, decisions are complete again"))
                      == PARTITIONS, 60)
    context.results.check(seen, "windows are rebuilt behind", worker.tail())
    wait_until(lambda: not feeder.waiting(), 60)
    feeder.exhausted = True
    feeder.stop()
    found = check_invariants(pipe, watch, ledger, 60, "rebuilt behind", oracle=False)
    other = pipe.again("reference")
    watch = Watch(other)
    alone = context.worker(other.group, other.config("single", **windows.settings(other))).start()
    reference = check_invariants(other, watch, ledger, 120, "reference", oracle=False)
    flagged = wrong = last = 0
    for partition, decisions in reference.items():
        for number, (exact, got) in enumerate(zip(decisions, found[partition])):
            incomplete = "INCOMPLETE" in events.decode_decision(got.value)["flags"]
            flagged += incomplete
            wrong += exact.value != got.value and not incomplete
            last = max(last, number if incomplete else 0)
    context.results.check(wrong == 0, "what is not flagged is exact", f"{wrong} are not")
    context.results.check(flagged > 0, "some were decided before the windows were there")
    say(f"   {flagged} of {ledger.count()} decisions were flagged INCOMPLETE")
    context.results.check(all(len(d) - 1 > last for d in found.values()), "in the end none is flagged")
    for one in (worker, alone):
        one.terminate()


if __name__ == "__main__":
    run_tests("test_window_state", [test_equal_bytes, test_rebuild_behind])
