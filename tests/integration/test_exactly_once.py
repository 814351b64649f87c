"""Three workers, a real broker, and faults while events flow: each event is decided exactly once.

Why it exists: it is the proof of the promise. Events go in at a steady rate while a seeded schedule
kills, stops, freezes and rescales the workers and restarts the brokers (of its own). A
read_committed reader, a reader of dead letters and a watcher of the group's offsets look on all the
time. At the end the log must be decided exactly once, in order, byte for byte as by one undisturbed
process. A fault counts only with a proof that it fired while events were undecided.

    test_exactly_once.py [SEED]      replays a schedule; the seed is printed
"""
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
from fraudd_test import FULL, Pipe, members, run_tests, say, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants, single_run

PARTITIONS = 6
BROKERS = 2                                             # with one, a restart can tear a transaction: see integration/servers
WORKERS = 3
EVENTS = 100_000 if FULL else 15_000
FAULTS = 26 if FULL else 10
MIN_FIRED = 20 if FULL else 8
BACKLOG = EVENTS // 10
SESSION_S = 4.0                                         # as Pipe.config has it
RETURN_SHARE = 300                                      # events on their way while workers come back
CHUNK_S = 3.0                                           # a fault's share of events takes this long
SETTLE_S = 90
KINDS = ("kill", "kill", "kill-two", "stop", "freeze", "scale", "broker-clean", "broker-kill")
SEED = int(sys.argv.pop()) if len(sys.argv) > 1 and sys.argv[-1].isdigit() else \
    int(os.environ.get("FRAUDD_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


def schedule(pick):
    """Every kind at least once, the rest drawn."""
    kinds = sorted(set(KINDS))
    kinds += [pick.choice(KINDS) for _ in range(FAULTS - len(kinds))]
    pick.shuffle(kinds)
    return kinds


class Run:
    def __init__(self, context, pick):
        self.context, self.pick = context, pick
        self.pipe = Pipe(context, "main", PARTITIONS)
        self.ledger = Ledger(self.pipe.source)
        self.faults = checker.FaultLog()
        stream = events.make_events(SEED, EVENTS, PARTITIONS, poison_rate=0.01)
        self.feeder = Feeder(context.bootstrap, self.ledger, stream)
        self.watch = Watch(self.pipe)
        self.workers = [context.worker(f"worker-{i}", self.pipe.config(f"worker-{i}"))
                        for i in range(WORKERS)]

    def undecided(self):
        return self.feeder.sent - self.watch.decided() + self.feeder.waiting()

    def add(self, kind, fired, proof, undecided):
        """A fault that meets no work proves nothing."""
        self.faults.add(kind, fired and undecided > 0, f"{proof}; {undecided} events undecided")
        say(f"   {kind}: {proof}; {undecided} events undecided")

    def kill(self, count):
        for worker in self.pick.sample(self.workers, count):
            undecided = self.undecided()
            self.add("kill", worker.kill(), f"{worker.name} ended by SIGKILL", undecided)
        time.sleep(self.pick.choice((0, 0, 0.5)))

    def stop(self):
        worker = self.pick.choice(self.workers)
        undecided = self.undecided()
        code = worker.terminate()
        self.context.results.check(code == 0, "SIGTERM: drains and exits 0",
                                   [f"{worker.name}: exit code {code}", *worker.tail()])
        self.add("stop", code == 0, f"{worker.name} exit code {code}", undecided)
        time.sleep(self.pick.choice((0, SESSION_S + 1)))

    def freeze(self):
        worker = self.pick.choice(self.workers)
        undecided = self.undecided()
        frozen = worker.freeze()
        began = time.monotonic()
        gone = wait_until(lambda: worker.name not in members(self.context, self.pipe.group)
                          and members(self.context, self.pipe.group), SESSION_S + 10, 0.3)
        time.sleep(max(0.0, began + SESSION_S + 0.5 - time.monotonic()))
        asleep = worker.state() == "T"
        worker.thaw()
        slept = time.monotonic() - began
        self.add("freeze", frozen and asleep and gone and slept > SESSION_S,
                 f"{worker.name} slept {slept:.1f} s, the group "
                 f"{'went on without it' if gone else 'still counted on it'}", undecided)

    def scale(self):
        """Three to one and back."""
        undecided = self.undecided()
        leaving = self.pick.sample(self.workers, WORKERS - 1)
        for worker in leaving:
            worker.kill() if self.pick.random() < 0.5 else worker.terminate()
        alone = wait_until(lambda: len(members(self.context, self.pipe.group)) == 1,
                           SESSION_S + 12, 0.3)
        self.add("scale", alone, "one worker was alone in the group", undecided)
        self.feeder.allow(RETURN_SHARE)
        undecided = self.undecided()
        self.revive()
        back = wait_until(lambda: len(members(self.context, self.pipe.group)) == WORKERS, 20, 0.3)
        self.add("scale", back, f"{WORKERS} workers in the group again", undecided)

    def broker(self, kill):
        undecided = self.undecided()
        broker = self.pick.randrange(1, BROKERS + 1)
        old, new = self.context.servers.restart_kafka(kill, broker)
        self.add("broker-kill" if kill else "broker-clean", old != new,
                 f"broker {broker}: process {old} became {new}", undecided)

    def hurt(self, kind):
        if kind in ("kill", "kill-two"):
            self.kill(1 if kind == "kill" else 2)
        elif kind in ("broker-clean", "broker-kill"):
            self.broker(kind == "broker-kill")
        else:
            {"stop": self.stop, "freeze": self.freeze, "scale": self.scale}[kind]()

    def revive(self):
        """Starts whoever is down. A worker that ended by itself is a failure."""
        for worker in self.workers:
            if worker.process is not None and not worker.alive():
                code = worker.process.returncode
                expected = code in (0, -9)
                if not expected:
                    self.context.results.check(False, "a worker does not end by itself",
                                               [f"{worker.name}: exit code {code}", *worker.tail()])
            if not worker.alive():
                worker.start()

    def whole(self):
        return len(members(self.context, self.pipe.group)) == WORKERS

    def go(self):
        self.feeder.allow(BACKLOG)
        share = (EVENTS - BACKLOG) // FAULTS
        self.feeder.start(rate=share / CHUNK_S)
        self.revive()
        for number, kind in enumerate(schedule(self.pick)):
            if kind not in ("kill", "broker-kill"):      # those two also hit a group in disorder
                wait_until(self.whole, 30, 0.2)
            self.feeder.allow(share)
            time.sleep(self.pick.uniform(0.2, 0.5 * CHUNK_S))
            say(f"   fault {number + 1}/{FAULTS}: {kind}")
            self.hurt(kind)
            self.revive()
            wait_until(lambda: not self.feeder.waiting(), 60)
        self.feeder.allow(EVENTS)
        wait_until(lambda: self.feeder.exhausted, 60)
        self.feeder.stop()


def test_faults(context):
    print(f"seed {SEED}: {EVENTS} events, {PARTITIONS} partitions, {WORKERS} workers, "
          f"{FAULTS} faults {schedule(random.Random(SEED))}", flush=True)
    run = Run(context, random.Random(SEED))
    try:
        run.go()
        results = context.results
        acknowledged = run.ledger.count()
        results.check(acknowledged == EVENTS, "all events are in the log",
                      f"{acknowledged} of {EVENTS}")
        results.none(run.ledger.reread(context.bootstrap, PARTITIONS), "the log is what was written")
        say(f"the log repeats {run.ledger.count() - EVENTS} events")
        found = check_invariants(run.pipe, run.watch, run.ledger, SETTLE_S, "under faults")
        results.none(run.faults.unfired(), "every fault fired while events were undecided")
        fired = run.faults.counts()
        results.check(run.faults.fired() >= MIN_FIRED, f"at least {MIN_FIRED} faults fired",
                      str(dict(fired)))
        for worker in run.workers:
            code = worker.terminate()
            results.check(code == 0, "workers end with 0", [f"{worker.name}: {code}", *worker.tail()])
        say(f"faults fired: {dict(fired)}, {run.faults.fired()} in all")
    finally:
        if context.results.failed:
            print(f"replay with: {sys.argv[0]} {SEED}")
    reference = single_run(run.pipe, run.ledger)
    results.none(checker.check_equal(found, reference), "byte-equal to the single-process run")


if __name__ == "__main__":
    run_tests("test_exactly_once", [test_faults], own_servers=["--brokers", str(BROKERS)])
