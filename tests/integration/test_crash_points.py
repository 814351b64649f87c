"""The worst moments: the process dies or freezes exactly between two steps of a transaction.

Why it exists: random kills rarely hit the few instructions between sending offsets and committing.
A build with -DFD_FAILPOINTS=ON (build/failpoints/fraudd, made here when it is missing) kills or
stops itself the n-th time it passes a named place; then the same worker comes back, or another one
takes over and the frozen one wakes up. The log is decided exactly once, byte-equal to an
undisturbed run, and the failpoint's own line in the log proves that it fired.
"""
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
import windows
from confluent_kafka import KafkaException, Producer
from fraudd_test import FULL, ROOT, Pipe, members, run_tests, say, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants, client_settings, single_run
from redis_server import Redis

PLACES = ("after_poll", "before_begin", "after_begin", "mid_produce", "after_produce",
          "before_send_offsets", "after_send_offsets", "before_commit", "after_commit",
          "in_recovery", "in_revoke", "in_assign")
# With windows in Redis; in_redo is passed by one that comes back.
STATE_PLACES = ("before_flush", "mid_flush", "after_flush", "in_redo")
HITS = (1, 3, 10) if FULL else (1, 3)
STOPS = PLACES if FULL else ("after_produce", "before_send_offsets", "before_commit", "after_commit")
EVENTS = 2500
PARTITIONS = 2
SLOWLY = 1                                              # events per batch: work lasts for all hits
SESSION_S = 2.0
SETTINGS = {"consumer": {"session.timeout.ms": int(SESSION_S * 1000), "heartbeat.interval.ms": 200},
            "producer": {"transaction.timeout.ms": 4000}}


def state_cases():
    for place in STATE_PLACES:
        yield place, 1, "kill"
        yield place, 1, "stop"
        if FULL and place != "in_redo":
            yield place, 7, "kill"


def cases():
    for place in PLACES:
        for hit in HITS:
            yield place, hit, "kill"
    for place in STOPS:
        for hit in HITS if FULL else (3,):
            yield place, hit, "stop"


def failpoint_binary(context):
    binary = Path(os.environ.get("FRAUDD_FAILPOINTS", ROOT / "build" / "failpoints" / "fraudd"))
    if "FRAUDD_FAILPOINTS" in os.environ:
        return str(binary)
    log = context.logs / "build.log"
    with open(log, "wb") as out:
        for command in (["cmake", "-S", str(ROOT), "-B", str(binary.parent), "-G", "Ninja",
                         "-DCMAKE_BUILD_TYPE=Release", "-DFD_FAILPOINTS=ON", "-DFD_TESTS=OFF"],
                        ["cmake", "--build", str(binary.parent), "--target", "fraudd"]):
            if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                              check=False).returncode:
                raise RuntimeError(f"cannot build with failpoints, see {log}")
    return str(binary)


def fired(worker):
    return bool(worker.logged("failpoint"))


def down(worker):
    return not worker.alive() or worker.state() == "T"


def fence(context, worker):
    """A rival with the same transactional ids: what it leaves behind, the worker must survive."""
    joining = worker.logged("joining")
    for lane in "ab":
        rival = Producer(client_settings(context.bootstrap, **{
            "transactional.id": f"{joining[-1]['transactional_id']}-{lane}"}))
        try:
            rival.init_transactions(5)
        except KafkaException as error:                 # fenced in turn by the worker: as wanted
            say(f"   rival: {error.args[0].str()}")


def provoke(context, pipe, watch, victim, place):
    """Makes the victim pass the place again and again until it is down."""
    partner = None
    if place == "in_redo":                              # something must have been decided before
        victim.start()
        wait_until(lambda: watch.decided() > EVENTS // 10, 30, 0.01)
        victim.kill()
        victim.start(FRAUDD_FAILPOINT=victim.failpoint)
    if place == "in_recovery":                          # who has no producers yet cannot lose them
        wait_until(lambda: watch.decided() > 0, 20, 0.01)
    if place in ("in_revoke", "in_assign"):
        partner = context.worker(f"{victim.name}-partner", pipe.config("partner", **SETTINGS))
    end = time.monotonic() + 90
    while not down(victim) and time.monotonic() < end:
        if place == "in_recovery":
            seen = len(victim.logged("recovered"))
            fence(context, victim)
            wait_until(lambda: down(victim) or len(victim.logged("recovered")) > seen, 5, 0.02)
        elif partner:
            partner.start()
            wait_until(lambda: down(victim) or len(members(context, pipe.group)) == 2, 15)
            wait_until(lambda: down(victim), 0.5)
            partner.kill()
            wait_until(lambda: down(victim) or len(members(context, pipe.group)) == 1, 15)
        else:
            time.sleep(0.02)
    return partner


def one_case(context, shared, place, hit, action):
    pipe = shared["pipe"].again(f"{place.replace('_', '-')}-{hit}-{action}")
    results, what = context.results, f"{action} at hit {hit} of {place}"
    settings = {**SETTINGS, "batch": {"max_events": SLOWLY if place == "in_recovery" else 10},
                **shared.get("settings", {})}
    if place == "in_redo":                              # nothing is written: there is something to redo
        settings["state"] = {**settings["state"], "flush_interval": "10m"}
    victim = context.worker(f"{pipe.group}-victim", pipe.config("victim", **settings),
                            binary=shared["binary"])
    watch = Watch(pipe)
    victim.failpoint = f"{place}:{hit}:{action}"
    if place != "in_redo":
        victim.start(FRAUDD_FAILPOINT=victim.failpoint)
    partner = provoke(context, pipe, watch, victim, place)
    undecided = EVENTS - watch.decided()
    proof = wait_until(lambda: fired(victim) and down(victim), 5)
    if action == "kill":
        proof = proof and victim.wait(5) == -9
    if not results.check(proof, f"{what}: the failpoint fired", victim.tail()):
        victim.destroy()
        watch.stop()
        return 0
    if place not in ("in_revoke", "in_assign"):
        results.check(undecided > 0, f"{what}: events were undecided when it fired")
    relief_settings = {**SETTINGS, **shared.get("settings", {})}
    relief = partner or context.worker(f"{pipe.group}-relief", pipe.config("relief", **relief_settings))
    if action == "kill":
        victim.start()
    else:
        if not relief.alive():
            relief.start()
        began = time.monotonic()
        wait_until(lambda: members(context, pipe.group).keys() == {relief_name(relief)}, 20, 0.2)
        time.sleep(max(0.0, SESSION_S + 0.5 - (time.monotonic() - began)))
        results.check(victim.state() == "T", f"{what}: it stayed frozen past its session")
        victim.thaw()
    found = check_invariants(pipe, watch, shared["ledger"], 60, what, oracle=shared.get("oracle", True))
    results.none(checker.check_equal(found, shared["reference"]), f"{what}: byte-equal decisions")
    for worker in (victim, relief):
        if worker.alive():
            code = worker.terminate()
            results.check(code == 0, f"{what}: {worker.name} ends with 0",
                          [f"exit code {code}", *worker.tail()])
    return 1


def relief_name(worker):
    return "partner" if worker.name.endswith("partner") else "relief"


def run_cases(context, shared, wanted):
    count = sum(one_case(context, shared, *case) for case in wanted)
    context.results.check(count == len(wanted), "every failpoint fired", f"{count}/{len(wanted)}")
    print(f"failpoints fired: {count} of {len(wanted)}")


def test_state_points(context):
    """Between the requests of a flush, and while windows are redone."""
    redis = Redis(context.logs / "redis").start()
    pipe = Pipe(context, "windows", PARTITIONS)
    windows.install(pipe, windows.LOCAL)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger, events.make_events(13, EVENTS, PARTITIONS)).send_all()
    changes = windows.settings(pipe)
    memory = {"output": {"evidence": "all"}, "state": changes["state"]}
    reference = single_run(pipe, ledger, oracle=False, **memory)
    state = {**changes["state"], "memory": "1MiB", "flush_interval": "50ms"}
    run_cases(context, {"pipe": pipe, "ledger": ledger, "binary": failpoint_binary(context),
                        "reference": reference, "oracle": False,
                        "settings": {"output": {"evidence": "all"}, "state": state, "redis": {"url": redis.url}}},
              list(state_cases()))


def test_crash_points(context):
    pipe = Pipe(context, "log", PARTITIONS)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger,
           events.make_events(11, EVENTS, PARTITIONS, poison_rate=0.01)).send_all()
    shared = {"pipe": pipe, "ledger": ledger, "binary": failpoint_binary(context),
              "reference": single_run(pipe, ledger)}
    run_cases(context, shared, list(cases()))


if __name__ == "__main__":
    run_tests("test_crash_points", [test_crash_points, test_state_points])
