"""Faults of Redis and of its users while events are decided: never a wrong decision, and it goes on.

Why it exists: what Redis holds is believed only as far as nonce, sequence number and counts prove
it. Two workers over six partitions with features of the partition key; each fault must be seen to
have fired, decisions are compared, byte for byte, with an undisturbed run in memory, and the time
until all is decided again is printed.
"""
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
import windows
from fraudd_test import FULL, Pipe, members, run_tests, say, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants
from redis_server import Redis

PARTITIONS = 6
SHARE = 1500 if FULL else 500                           # events that flow around one fault
RATE = 800.0
SETTINGS = {"state": {"memory": "1MiB", "flush_interval": "100ms"}}   # always evicting, often writing


class Scene:
    """Two workers, a Redis of their own, a stream of events."""

    def __init__(self, context, stem, *redis_settings):
        self.context = context
        self.pick = random.Random(stem)
        self.redis = Redis(context.logs / f"redis-{stem}", *redis_settings).start()
        self.pipe = Pipe(context, stem, PARTITIONS)
        windows.install(self.pipe, windows.LOCAL)
        self.ledger = Ledger(self.pipe.source)
        self.feeder = Feeder(context.bootstrap, self.ledger, events.make_events(stem, 10**6, PARTITIONS))
        self.watch = Watch(self.pipe)
        self.url = self.redis.url
        self.workers = [self.make(f"worker-{i}") for i in range(2)]
        self.fired = []

    def make(self, name):
        changes = windows.settings(self.pipe, redis={"url": self.url}, **SETTINGS)
        return self.context.worker(f"{self.pipe.group}-{name}", self.pipe.config(name, **changes))

    def start(self):
        for worker in self.workers:
            worker.start()
        self.feeder.allow(SHARE)
        self.feeder.start(RATE)
        wait_until(lambda: len(members(self.context, self.pipe.group)) == 2, 30, 0.2)

    def flow(self, events_more=SHARE):
        """Lets events come, and waits until some of them are decided."""
        before = self.watch.decided()
        self.feeder.allow(events_more)
        wait_until(lambda: self.watch.decided() > before + events_more // 4, 30)

    def recover(self, what):
        """All decided again; prints how long it took."""
        began = time.monotonic()
        wait_until(lambda: not self.feeder.waiting(), 60)
        whole = wait_until(lambda: self.watch.decided() >= self.ledger.count() and not self.feeder.waiting(), 60)
        took = time.monotonic() - began
        redone = sum(worker.metric("fraudd_redo_events_total") or 0 for worker in self.workers if worker.alive())
        say(f"   {what}: all decided {took:.2f} s later, {redone:.0f} events redone so far")
        self.context.results.check(whole, f"{what}: everything is decided again",
                                   f"{self.watch.decided()} of {self.ledger.count()}")

    def finish(self):
        self.feeder.exhausted = True
        self.feeder.stop()
        found = check_invariants(self.pipe, self.watch, self.ledger, 60, "under faults", oracle=False)
        for worker in self.workers:
            code = worker.terminate()
            self.context.results.check(code == 0, "workers end with 0", [f"exit code {code}", *worker.tail()])
        reference = self.reference()
        self.context.results.none(checker.check_equal(found, reference), "byte-equal to the run in memory")

    def reference(self):
        other = self.pipe.again("reference")
        watch = Watch(other)
        worker = self.context.worker(other.group, other.config("single", **windows.settings(other))).start()
        found = check_invariants(other, watch, self.ledger, 120, "reference", oracle=False)
        worker.terminate()
        return found

    def noticed(self):
        """Times that a worker found the store other than it had left it."""
        return sum(len(worker.logged("the state store is not as this process left it"))
                   + len(worker.logged("window state is rebuilt from the log")) for worker in self.workers)

    def key(self, ending):
        found = [key for key in self.redis.keys() if key.endswith(ending)]
        return self.pick.choice(sorted(found))

    def hurt(self, what, act, notices=False):
        """One fault in the middle of the flow; notices: it must be found out by a worker."""
        before = self.noticed()
        self.flow()
        act()
        self.flow()
        self.recover(what)
        if notices:
            seen = wait_until(lambda: self.noticed() > before, 10)
            self.context.results.check(seen, f"{what}: it is noticed")


def kill_worker(scene):
    worker = scene.pick.choice(scene.workers)
    scene.context.results.check(worker.kill(), "a worker is killed")
    worker.start()


def freeze_worker(scene):
    """Past its session: the other takes over; then the old owner writes what it had."""
    worker = scene.workers[0]
    worker.freeze()
    gone = wait_until(lambda: len(members(scene.context, scene.pipe.group)) == 1, 20, 0.2)
    scene.context.results.check(gone, "the group goes on without the frozen worker")
    scene.flow()
    worker.thaw()


def remove_field(scene):
    bucket = scene.key(":b:0") if not scene.redis.keys("*:b:1") else scene.key(":b:1")
    fields = [f for f in scene.redis.call("HKEYS", bucket).splitlines() if f != "_"]
    scene.redis.call("EVAL", "local f = redis.call('HKEYS', KEYS[1]) for _, k in ipairs(f) do "
                     "if k ~= '_' then return redis.call('HDEL', KEYS[1], k) end end return 0", 1, bucket)
    say(f"   removed one of {len(fields)} fields of {bucket}")


def test_workers(context):
    scene = Scene(context, "workers")
    scene.start()
    for round_number in range(4 if FULL else 2):
        scene.hurt(f"kill -9 {round_number + 1}", lambda: kill_worker(scene))
    scene.hurt("a frozen owner writes late", lambda: freeze_worker(scene))
    scene.finish()


def test_lost_keys(context):
    scene = Scene(context, "keys")
    scene.start()
    scene.hurt("FLUSHALL", lambda: scene.redis.call("FLUSHALL"), notices=True)
    scene.hurt("DEL of a marker", lambda: scene.redis.call("DEL", scene.key(":m")), notices=True)
    scene.hurt("DEL of a bucket", lambda: scene.redis.call("DEL", scene.key(":b:3")), notices=True)
    scene.hurt("HDEL of one field", lambda: remove_field(scene), notices=True)
    scene.hurt("SCRIPT FLUSH", lambda: scene.redis.call("SCRIPT", "FLUSH"))
    scene.finish()


def restart_redis(scene):
    scene.context.results.check(scene.redis.kill(), "Redis is killed")
    time.sleep(0.5)
    scene.redis.start()


def starve(scene):
    used = int(scene.redis.call("INFO", "memory").split("used_memory:")[1].split()[0])
    scene.redis.call("CONFIG", "SET", "maxmemory", used + 1000)
    time.sleep(1.0)
    scene.redis.call("CONFIG", "SET", "maxmemory", 0)


def slow(scene):
    scene.redis.freeze()
    time.sleep(1.0)
    scene.redis.thaw()


def test_redis_itself(context):
    for stem, settings in (("aof", ["appendonly yes", "appendfsync everysec"]), ("memory", ["appendonly no"])):
        scene = Scene(context, stem, *settings)
        scene.start()
        scene.hurt(f"SIGKILL of Redis ({stem})", lambda scene=scene: restart_redis(scene))
        scene.hurt("maxmemory reached", lambda scene=scene: starve(scene))
        scene.hurt("Redis slow by a second", lambda scene=scene: slow(scene))
        scene.finish()


def offset(redis):
    return int(redis.call("INFO", "replication").split("master_repl_offset:")[1].split()[0])


def test_failover(context):
    """A replica that has lagged since a while takes the address of its primary over."""
    scene = Scene(context, "failover")
    replica = Redis(context.logs / "replica", replica_of=scene.redis).start()
    scene.start()
    scene.flow()
    wait_until(replica.in_sync, 10)
    replica.call("REPLICAOF", "NO", "ONE")
    had = offset(replica)
    scene.flow()
    lost = offset(scene.redis) - had
    scene.redis.kill()
    replica.call("SHUTDOWN", "SAVE", check=False)
    replica.process.wait(10)
    (scene.redis.dir / "dump.rdb").write_bytes((replica.dir / "dump.rdb").read_bytes())
    before = scene.noticed()
    scene.redis.start()
    say(f"   a replica took over that lacks the last {lost} bytes of writes")
    context.results.check(lost > 0, "the replica lags")
    scene.flow()
    scene.recover("a lagging replica is promoted")
    context.results.check(scene.noticed() > before, "the lost writes are noticed")
    scene.finish()


def test_redis_is_away(context):
    """What is in memory goes on, the rest waits; health says so; then it recovers by itself."""
    scene = Scene(context, "away")
    scene.start()
    scene.flow()
    scene.redis.kill()
    scene.feeder.allow(SHARE)

    def answers():
        return [worker.get("/readyz") for worker in scene.workers]

    said = wait_until(lambda: any(code == 503 and "redis" in body.lower() for code, body in answers()), 15, 0.2)
    context.results.check(said, "/readyz names Redis", str(answers()))
    alive = [worker.alive() for worker in scene.workers]
    context.results.check(all(alive), "no worker ends", str(alive))
    scene.redis.start()
    scene.recover("Redis was away")
    content = wait_until(lambda: all(worker.ready() for worker in scene.workers), 20, 0.2)
    context.results.check(content, "/readyz is content again", str(answers()))
    scene.finish()


def decide_all(context, pipe, redis, name, count):
    """One worker over all of the log, stopped in good order; its decisions by (partition, offset)."""
    watch = Watch(pipe, offsets=False)
    changes = windows.settings(pipe, redis={"url": redis.url} if redis else {}, **SETTINGS)
    worker = context.worker(f"{pipe.group}-{name}", pipe.config(name, **changes)).start()
    done = watch.wait_decided(count, 60)
    watch.stop()
    code = worker.terminate()
    context.results.check(done and code == 0, f"{name}: decides {count} and ends with 0",
                          [f"{watch.decided()} decided, exit code {code}", *worker.tail()])
    return watch.stream, worker


def values(stream):
    return {(p, d.src[2]): d.value for p, decisions in stream.decisions.items() for d in decisions}


def test_the_log_is_another(context):
    """The topic is made anew, or the group is set back: what the store has is of another history."""
    redis = Redis(context.logs / "redis-history").start()
    pipe = Pipe(context, "history", 2)
    windows.install(pipe, windows.LOCAL)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger, events.make_events(81, SHARE, 2)).send_all()
    first, _ = decide_all(context, pipe, redis, "single", SHARE)
    beginning = [TopicPartition(pipe.source, p, 0) for p in range(2)]
    wait_until(lambda: not members(context, pipe.group), 20, 0.2)
    context.admin.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(pipe.group, beginning)])[pipe.group].result(30)
    again, worker = decide_all(context, pipe, redis, "single", 2 * SHARE)
    context.results.check(not worker.logged("redoing window state"), "set back to its beginning: nothing to redo")
    wrong = 0
    for decisions in again.decisions.values():
        seen = {}
        for decision in decisions:
            wrong += seen.setdefault(decision.src[2], decision.value) != decision.value
    context.results.check(wrong == 0, "set back: the same bytes again", f"{wrong} differ")
    context.results.check(len(values(first)) == SHARE, "the first time each once")

    context.admin.delete_topics([pipe.source])[pipe.source].result(30)
    wait_until(lambda: pipe.source not in context.admin.list_topics(timeout=10).topics, 30)
    context.create_topic(pipe.source, 2)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger, events.make_events(82, SHARE, 2)).send_all()
    anew = pipe.again("anew")
    anew.group = pipe.group
    got, _ = decide_all(context, anew, redis, "single", SHARE)
    alone, _ = decide_all(context, pipe.again("alone"), None, "alone", SHARE)
    context.results.check(values(got) == values(alone), "a topic made anew: as if nothing had been before")


if __name__ == "__main__":
    run_tests("test_redis_faults", [test_workers, test_lost_keys, test_redis_itself, test_failover,
                                    test_redis_is_away, test_the_log_is_another])
