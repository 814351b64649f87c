"""The foreign side of a test: who writes the events, and who watches what is committed.

Why it exists: invariants must hold at every moment, also for a reader that looks while faults
happen; so reader and watcher are threads that run through the whole test. They use
confluent-kafka's own librdkafka, not the service's, and survive broker restarts.
"""
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

import checker
import events
import kafka_wire
from fraudd_test import say, wait_until


def client_settings(bootstrap, **more):
    return {"bootstrap.servers": bootstrap, "log_level": 0,
            "reconnect.backoff.max.ms": 1000, **more}


class Ledger:
    """What the log holds: {partition: {offset: Event}}.

    By the broker's acknowledgements first. A broker that was killed forgets what an idempotent
    producer sent last and may take a repeated record twice: with such faults the log itself has to
    be read (`reread`), because each of its offsets is an event of its own. A record that it knows to
    have taken before is acknowledged without an offset.
    """

    def __init__(self, topic):
        self.topic = topic
        self.events = {}
        self.unplaced = []
        self.errors = []

    def add(self, event, partition, offset):
        if offset is None:
            self.unplaced.append(event)
        else:
            self.events.setdefault(partition, {})[offset] = event

    def count(self):
        return sum(len(found) for found in self.events.values()) + len(self.unplaced)

    def offsets(self):
        return {partition: sorted(found) for partition, found in self.events.items()}

    def ends(self):
        return {partition: max(found) + 1 for partition, found in self.events.items()}

    def reread(self, bootstrap, partitions):
        """Adds what is in the log unacknowledged; returns what differs from what was written."""
        ends = kafka_wire.log_ends(bootstrap, self.topic, partitions, kafka_wire.UNCOMMITTED)
        found = {}

        def take(message):
            found[message.partition(), message.offset()] = (message.key(), message.value())

        reader = TopicReader(bootstrap, self.topic, partitions, take)
        wait_until(lambda: len(found) >= sum(ends.values()), 60)
        reader.stop()
        written = {(e.partition, e.key, e.value): e
                   for e in [*self.unplaced, *(e for known in self.events.values()
                                               for e in known.values())]}
        wrong = [f"[{p}] {offset}: acknowledged and not in the log"
                 for p, known in self.events.items() for offset in known
                 if (p, offset) not in found]
        for (partition, offset), (key, value) in found.items():
            event = written.get((partition, key, value))
            if event is None or self.events[partition].setdefault(offset, event).value != value:
                wrong.append(f"[{partition}] {offset}: not what was written there")
        in_log = {value for _, value in found.values()}
        wrong += [f"[{e.partition}]: acknowledged and not in the log" for e in self.unplaced
                  if e.value not in in_log]
        self.unplaced = []
        return wrong

    def poison(self):
        return {(self.topic, partition, offset): (e.key, e.value, e.headers, e.poison)
                for partition, found in self.events.items()
                for offset, e in found.items() if e.poison}


class Feeder:
    """Writes events, each once and in order (idempotent), at once or at a rate on its own thread."""

    def __init__(self, bootstrap, ledger, stream):
        self.ledger = ledger
        self.events = iter(stream)
        self.producer = Producer(client_settings(
            bootstrap, **{"enable.idempotence": True, "linger.ms": 5, "message.timeout.ms": 180000,
                          "queue.buffering.max.messages": 1000000}))
        self.sent = 0
        self.budget = 0
        self.rate = 1000.0
        self.exhausted = False
        self._halt = threading.Event()
        self._thread = None

    def send(self, event):
        def report(error, message):
            if error:
                self.ledger.errors.append(str(error))
            else:
                self.ledger.add(event, message.partition(), message.offset())
        while True:
            try:
                self.producer.produce(self.ledger.topic, value=event.value, key=event.key,
                                      partition=event.partition, headers=event.headers,
                                      timestamp=event.timestamp_ms, on_delivery=report)
                break
            except BufferError:
                self.producer.poll(0.1)
        self.sent += 1

    def send_all(self):
        """Everything that is left, now; raises when the broker did not take it."""
        for number, event in enumerate(self.events):
            self.send(event)
            if number % 500 == 0:
                self.producer.poll(0)
        self.exhausted = True
        self.flush()

    def flush(self):
        if self.producer.flush(180) or self.ledger.errors:
            raise RuntimeError(f"the test's producer failed: {self.ledger.errors[:3]}")

    def start(self, rate):
        """Sends up to `budget` events (raise it with allow()), `rate` per second, in background."""
        self.rate = rate
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def allow(self, more):
        self.budget += more

    def waiting(self):
        return max(0, self.budget - self.sent) if not self.exhausted else 0

    def _run(self):
        due = time.monotonic()
        while not self._halt.is_set() and not self.exhausted:
            now = time.monotonic()
            if self.sent >= self.budget:
                due = now
                self.producer.poll(0.01)
                continue
            if now < due:
                self.producer.poll(min(0.01, due - now))
                continue
            event = next(self.events, None)
            if event is None:
                self.exhausted = True
                break
            self.send(event)
            due = max(due + 1.0 / self.rate, now - 0.05)

    def stop(self):
        self._halt.set()
        if self._thread:
            self._thread.join()
        self.flush()


class TopicReader:
    """Reads all of a topic, read_committed, on its own thread, from the beginning on."""

    def __init__(self, bootstrap, topic, partitions, take):
        self.take = take
        self.topic = topic
        self.partitions = partitions
        self.read = 0
        self.last_read_s = time.monotonic()
        self.failure = None
        self.consumer = Consumer(client_settings(
            bootstrap, **{"group.id": f"reader-{topic}", "isolation.level": "read_committed",
                          "enable.auto.commit": False, "fetch.wait.max.ms": 50,
                          "fetch.error.backoff.ms": 50, "check.crcs": True,
                          "auto.offset.reset": "error"}))
        self.consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._halt.is_set():
                for message in self.consumer.consume(2000, 0.1):
                    if message.error():
                        if message.error().code() in (-140, 1):   # auto offset reset, out of range
                            raise RuntimeError(str(message.error()))
                        continue
                    self.take(message)
                    self.read += 1
                    self.last_read_s = time.monotonic()
        except Exception as error:                      # told by stop()
            self.failure = error

    def stop(self):
        self._halt.set()
        self._thread.join()
        self.consumer.close()
        if self.failure:
            raise RuntimeError(f"reader of {self.topic} failed: {self.failure}")


class OffsetWatcher:
    """Asks for the group's committed offsets again and again; they may only move forward."""

    def __init__(self, bootstrap, group, topic, partitions, every_s=0.1):
        self.history = checker.OffsetHistory()
        self.bootstrap = bootstrap
        self.group, self.topic, self.partitions = group, topic, partitions
        self.every_s = every_s
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def look(self):
        """{partition: offset or None}, None when the broker did not answer."""
        return kafka_wire.committed_offsets(self.bootstrap, self.group, self.topic, self.partitions)

    def _run(self):
        while not self._halt.is_set():
            for partition, offset in (self.look() or {}).items():
                self.history.observe(partition, offset)
            self._halt.wait(self.every_s)

    def stop(self):
        self._halt.set()
        self._thread.join()


class Watch:
    """Reader of decisions, reader of dead letters and watcher of offsets over one Pipe."""

    def __init__(self, pipe, offsets=True):
        self.pipe = pipe
        bootstrap = pipe.context.bootstrap
        self.stream = checker.StreamChecker(pipe.source)
        self.letters = []
        self.offsets = None
        self._decisions = TopicReader(bootstrap, pipe.output, pipe.partitions, self._take)
        self._dead = TopicReader(bootstrap, pipe.dead, 1, self._take_letter)
        if offsets:
            self.offsets = OffsetWatcher(bootstrap, pipe.group, pipe.source, pipe.partitions)

    def _take(self, message):
        self.stream.add(checker.decision_of(message.partition(), message.offset(), message.key(),
                                            message.value(), message.headers()))

    def _take_letter(self, message):
        self.letters.append(checker.dead_letter_of(message.key(), message.value(),
                                                   message.headers()))

    def decided(self):
        return self.stream.count()

    def wait_decided(self, count, timeout_s):
        return wait_until(lambda: self.decided() >= count, timeout_s)

    def stop(self):
        for part in (self._decisions, self._dead, self.offsets):
            if part:
                part.stop()


def hanging_partitions(bootstrap, topic, partitions):
    """Partitions whose last stable offset is behind the end: a transaction is open there."""
    stable, end = (kafka_wire.log_ends(bootstrap, topic, partitions, level)
                   for level in (kafka_wire.COMMITTED, kafka_wire.UNCOMMITTED))
    if stable is None or end is None:
        return [f"{topic}: the broker does not tell its offsets"]
    return [f"{topic}[{p}]: last stable offset {stable[p]}, end {end[p]}"
            for p in sorted(end) if stable[p] != end[p]]


def check_invariants(pipe, watch, ledger, timeout_s, what, oracle=True):
    """After the faults: everything decided exactly once within timeout_s, and all invariants.

    Returns the decisions, for a comparison with another run.
    """
    results = pipe.context.results
    began = time.monotonic()
    poison = ledger.poison()

    def settled():
        offsets = watch.offsets.look() if watch.offsets else ledger.ends()
        return (watch.decided() >= ledger.count() and len(watch.letters) >= len(poison)
                and offsets is not None
                and all(offsets.get(p) == end for p, end in ledger.ends().items()))

    in_time = wait_until(settled, timeout_s, 0.1)
    took = time.monotonic() - began
    at_end = watch.offsets.look() if watch.offsets else None
    results.check(in_time, f"{what}: lag is 0 within {timeout_s} s after the faults",
                  f"{watch.decided()} of {ledger.count()} decided, {len(watch.letters)} of "
                  f"{len(poison)} dead letters, offsets {at_end}, log ends {ledger.ends()}")

    def hanging():
        bootstrap = pipe.context.bootstrap
        return (hanging_partitions(bootstrap, pipe.output, pipe.partitions)
                + hanging_partitions(bootstrap, pipe.dead, 1))

    wait_until(lambda: not hanging(), 15, 0.2)
    time.sleep(0.5)                                     # a late duplicate would show up now
    watch.stop()
    results.none(hanging(), f"{what}: no hanging transactions")
    found = watch.stream.decisions
    results.none(watch.stream.violations, f"{what}: seen by a concurrent reader")
    results.none(checker.check_complete(ledger.offsets(), found), f"{what}: each event once, in order")
    results.none(checker.check_dead_letters(poison, watch.letters), f"{what}: dead letters")
    if watch.offsets:
        history = watch.offsets.history
        results.check(history.observations > 0, f"{what}: group offsets were observed")
        results.none(history.violations, f"{what}: group offsets only move forward")
        results.none(checker.check_offsets_decided(history.newest, ledger.offsets(), found),
                     f"{what}: group offsets never pass the decisions")
    if oracle:
        wrong = []
        for partition, decisions in found.items():
            for decision in decisions:
                event = ledger.events.get(partition, {}).get(decision.src[2])
                if event is not None:
                    wrong += events.check_decision(event, decision.src, decision)
        results.none(wrong, f"{what}: decisions agree with the oracle")
    say(f"{what}: {watch.decided()} decisions, settled {took:.1f} s after the faults")
    return found


def single_run(pipe, ledger, stem="single", timeout_s=120, oracle=True, **changes):
    """One undisturbed process over the same log with a group and outputs of its own."""
    other = pipe.again(stem)
    watch = Watch(other)
    worker = pipe.context.worker(other.group, other.config("single", **changes)).start()
    found = check_invariants(other, watch, ledger, timeout_s, f"{stem} run", oracle=oracle)
    code = worker.terminate()
    pipe.context.results.check(code == 0, f"{stem} run ends with 0 on SIGTERM",
                               [f"exit code {code}", *worker.tail()])
    return found
