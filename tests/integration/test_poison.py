"""Events that cannot be decided as they should: nothing is lost, nothing is decided twice.

Why it exists: a bad record must cost one dead letter and one fail-safe decision, and must not stop
the others; what may be mended in a minute (a registry that is down, a schema not yet registered)
must wait instead; a flood of bad records must stop the intake, because then the fault is elsewhere.
"""
import copy
import json
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
import fastavro
import registry_server
from fraudd_test import Pipe, free_port, run_tests, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants

SOON_S = 30


def feed(context, ledger, stream):
    Feeder(context.bootstrap, ledger, stream).send_all()


def event(number, partitions=1, **changed):
    return events.make_event(21, number, partitions)._replace(**changed)


def finish(context, worker, what):
    code = worker.terminate()
    context.results.check(code == 0, f"{what}: ends with 0", [f"exit code {code}", *worker.tail()])


def test_poison_among_good(context):
    """One per cent of all kinds; each gets a dead letter with its bytes, and a review."""
    pipe = Pipe(context, "mixed", 3)
    ledger = Ledger(pipe.source)
    feed(context, ledger, events.make_events(22, 3000, 3, poison_rate=0.01))
    codes = {code for *_, code in ledger.poison().values()}
    context.results.check(len(codes) == len(events.POISON_KINDS), "every kind occurs", str(codes))
    watch = Watch(pipe)
    worker = context.worker("mixed", pipe.config("mixed")).start()
    check_invariants(pipe, watch, ledger, 60, "poison among good")
    total = len(ledger.poison())
    context.results.check(worker.metric("fraudd_dead_letters_total") == total,
                          "dead letters are counted", str(worker.metrics()))
    context.results.check(worker.metric("fraudd_decision_flags_total", flag="INVALID") == total,
                          "INVALID is counted")
    finish(context, worker, "poison among good")


def test_hard_cases(context):
    """Single records, each nastier than the last, between good ones."""
    pipe = Pipe(context, "hard", 1)
    ledger = Ledger(pipe.source)
    good = events.payment(21, 1)
    cases = [(None, "NULL_PAYLOAD"), (b"", "EMPTY_PAYLOAD"), (b"\xff" * 400, None),
             (b"\0", None), (b"not avro at all", None), (events.encode(good)[:-1], "TRUNCATED"),
             (events.encode(good) + b"x", "TRAILING_BYTES"),
             (events.encode({**good, "tx_id": ""}), "BAD_ID"),
             (events.encode({**good, "tx_id": "T" * 257}), "BAD_ID"),
             (b"\x02\xff" + events.encode({**good, "tx_id": ""})[1:], "BAD_VALUE")]   # not UTF-8
    stream = []
    for number, (value, code) in enumerate(cases):
        stream.append(event(2 * number, value=value, poison=code or "any"))
        stream.append(event(2 * number + 1))
    for bad in (event(100, key=None), event(101, key=b"")):   # keys do not matter for decoding
        stream.append(bad)
    feed(context, ledger, stream)
    watch = Watch(pipe)
    config = pipe.config("hard")
    del config["sources"][0]["partitioned_by"]
    worker = context.worker("hard", config).start()
    for offset, item in list(ledger.events[0].items()):
        if item.poison == "any":                        # which code is the decoder's to say
            wait_until(lambda: len(watch.letters) >= len(cases), SOON_S)
            letter = next((x for x in watch.letters if x.src and x.src[2] == offset), None)
            context.results.check(letter and letter.code, f"hard case at {offset} is refused")
            ledger.events[0][offset] = item._replace(poison=letter.code if letter else "none")
    found = check_invariants(pipe, watch, ledger, 60, "hard cases")
    first = found[0][0] if found else None
    record = events.decode_decision(first.value) if first else {}
    context.results.check(record.get("event_id") == "" and record.get("flags") == ["INVALID"],
                          "an invalid event's decision says so", str(record))
    finish(context, worker, "hard cases")


def test_decision_for_poison(context):
    """The fail-safe decision is configurable."""
    pipe = Pipe(context, "block", 1)
    ledger = Ledger(pipe.source)
    feed(context, ledger, [event(1, value=None, poison="NULL_PAYLOAD"), event(2)])
    watch = Watch(pipe)
    config = pipe.config("block", dead_letter={"decision": "block"})
    worker = context.worker("block", config).start()
    wait_until(lambda: watch.decided() == 2, SOON_S)
    found = check_invariants(pipe, watch, ledger, SOON_S, "block poison", oracle=False)
    actions = [events.decode_decision(d.value)["action"] for d in found.get(0, [])]
    want = ["BLOCK", events.expected_verdict(event(2).fields)[0]]
    context.results.check(actions == want, "dead_letter.decision: block", f"{actions}, not {want}")
    finish(context, worker, "block poison")


def test_oversized(context):
    """Too large for the dead-letter topic: cut, with its size and source, not lost, not fatal."""
    pipe = Pipe(context, "large", 1)
    ledger = Ledger(pipe.source)
    big = b"\xfe" * 700_000
    feed(context, ledger, [event(1), event(2, value=big, poison="any"), event(3),
                           event(4, value=big[:300_000], poison="any"), event(5)])
    context.admin.delete_topics([pipe.dead])[pipe.dead].result(30)
    wait_until(lambda: pipe.dead not in context.admin.list_topics(timeout=10).topics, 30)
    context.create_topic(pipe.dead, 1, max_message_bytes=200_000)
    watch = Watch(pipe)
    worker = context.worker("large", pipe.config("large")).start()
    wait_until(lambda: len(watch.letters) >= 2, 60)
    codes = {x.src[2]: x.code for x in watch.letters if x.src}
    for offset, item in list(ledger.events[0].items()):
        if item.poison:
            ledger.events[0][offset] = item._replace(poison=codes.get(offset, "none"))
    poison, letters = ledger.poison(), list(watch.letters)
    context.results.none(checker.check_dead_letters(poison, letters, truncated_to=200_000),
                         "oversized records: one cut dead letter each")
    found = wait_until(lambda: watch.decided() == 5, SOON_S)
    context.results.check(found, "oversized records: all events are decided", f"{watch.decided()}")
    watch.stop()
    context.results.none(checker.check_complete(ledger.offsets(), watch.stream.decisions)
                         + watch.stream.violations, "oversized records: each event once, in order")
    finish(context, worker, "oversized records")


class Registry:
    """A registry that can be down; what was registered comes back with it."""

    def __init__(self):
        self.port = free_port()
        self.server = None
        self.known = {}

    def up(self):
        self.server = registry_server.serve(self.port)
        for number, schema in self.known.items():
            self._register(number, schema)
        return self

    def down(self):
        self.server.shutdown()
        self.server.server_close()
        self.server = None

    def register(self, number, schema):
        self.known[number] = schema
        if self.server:
            self._register(number, schema)

    def _register(self, number, schema):
        body = json.dumps({"schema": json.dumps(schema), "id": number}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/subjects/p/versions", body,
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=5).read()

    def config(self, pipe, instance, **changes):
        config = pipe.config(instance, registry={"url": f"http://127.0.0.1:{self.port}",
                                                 "timeout": "1s"}, **changes)
        config["sources"][0]["framing"] = "confluent"
        return config


def payment_text():
    return json.loads(events.PAYMENT_SCHEMA.read_text())


def newer_schema():
    """A later writer: one field more, one renamed away into its default, one order changed."""
    schema = payment_text()
    schema["fields"].insert(3, {"name": "loyalty", "type": ["null", "string"], "default": None})
    schema["fields"] = [f for f in schema["fields"] if f["name"] != "bin"]
    schema["fields"].append(schema["fields"].pop(0))
    return schema


def test_evolution(context):
    """The writer's schema changes in mid-stream; both are read, in order, into the same rules."""
    registry = Registry().up()
    pipe = Pipe(context, "evolve", 2)
    ledger = Ledger(pipe.source)
    newer = fastavro.parse_schema(copy.deepcopy(newer_schema()))
    registry.register(7, payment_text())
    registry.register(8, newer_schema())

    def stream():
        for number in range(2000):
            item = events.make_event(23, number, 2)
            old = number < 700 or 1200 <= number < 1300
            value = events.confluent(7, item.value) if old else events.confluent(
                8, events.encode({**item.fields, "loyalty": "gold"}, newer))
            yield item._replace(value=value)
    feed(context, ledger, stream())
    watch = Watch(pipe)
    worker = context.worker("evolve", registry.config(pipe, "evolve")).start()
    check_invariants(pipe, watch, ledger, 60, "schema evolution")
    finish(context, worker, "schema evolution")
    registry.down()


def test_unknown_schema(context):
    """An unknown id holds its partition, and only that, until the schema is registered."""
    registry = Registry().up()
    registry.register(7, payment_text())
    pipe = Pipe(context, "unknown", 2)
    ledger = Ledger(pipe.source)
    stream = [event(n, partition=n % 2) for n in range(40)]
    stream = [e._replace(value=events.confluent(9 if n == 20 else 7, e.value))
              for n, e in enumerate(stream)]            # number 20 is offset 10 of partition 0
    feed(context, ledger, stream)
    watch = Watch(pipe)
    config = registry.config(pipe, "unknown", merge={"max_idle": "50ms"})
    del config["sources"][0]["partitioned_by"]
    worker = context.worker("unknown", config).start()
    other = wait_until(lambda: len(watch.stream.decisions.get(1, [])) == 20, SOON_S)
    context.results.check(other, "the other partition goes on", f"{watch.decided()} decided")
    held = [d.src[2] for d in watch.stream.decisions.get(0, [])]
    context.results.check(held == list(range(10)), "the partition stops before the event", str(held))
    status, body = worker.get("/readyz")
    context.results.check(status == 503 and "schema" in body, "readiness says why", f"{status} {body}")
    context.results.check(wait_until(lambda: worker.metric("fraudd_partitions_paused",
                                                           reason="schema") == 1, SOON_S),
                          "the paused partition is in the metrics",
                          [f"{k} {v}" for k, v in worker.metrics().items() if "paused" in k])
    registry.register(9, payment_text())
    check_invariants(pipe, watch, ledger, 60, "unknown schema, then registered")
    context.results.check(worker.wait_ready(SOON_S), "ready again")
    finish(context, worker, "unknown schema")
    registry.down()


def test_consent(context):
    """An operator lets the service pass over an unknown schema, also for a later run."""
    registry = Registry().up()
    registry.register(7, payment_text())
    pipe = Pipe(context, "consent", 1)
    ledger = Ledger(pipe.source)
    stream = [event(n) for n in range(30)]
    stream = [e._replace(value=events.confluent(404 if n in (10, 12, 20) else 7, e.value),
                         poison="UNKNOWN_SCHEMA" if n in (10, 12, 20) else None)
              for n, e in enumerate(stream)]
    feed(context, ledger, stream)
    watch = Watch(pipe)
    worker = context.worker("consent", registry.config(pipe, "consent")).start()
    wait_until(lambda: watch.decided() == 10, SOON_S)
    for query in ("", "topic=nosuch&partition=0&through=12", f"topic={pipe.source}&partition=0",
                  f"topic={pipe.source}&partition=x&through=1"):
        status, body = worker.get(f"/-/consent?{query}", "POST")
        context.results.check(400 <= status < 500 and body, f"consent without sense: {query}",
                              f"{status} {body}")
    status, body = worker.get(f"/-/consent?topic={pipe.source}&partition=0&through=12", "POST")
    context.results.check(status == 200, "consent is taken", f"{status} {body}")
    again = wait_until(lambda: watch.decided() == 20, SOON_S)
    context.results.check(again and watch.decided() == 20, "goes on, and stops at the next one",
                          f"{watch.decided()} decided")
    worker.kill()
    worker.start()                                      # consents survive the process
    worker.wait_ready(5)
    status, body = wait_until(lambda: (lambda r: r if r[0] == 200 else None)(worker.get(
        f"/-/consent?topic={pipe.source}&partition=0&through=29", "POST")), SOON_S) or (0, "")
    context.results.check(status == 200, "consent after a restart", f"{status} {body}")
    found = check_invariants(pipe, watch, ledger, 60, "consent")
    finish(context, worker, "consent")
    reference = pipe.again("consent-again")             # its own archive: told once for all
    shown = Watch(reference)
    config = registry.config(reference, "again", archive={"dir": str(pipe.dir / "archive")})
    worker = context.worker("consent-again", config).start()
    wait_until(lambda: shown.decided() == 30, SOON_S)
    shown.stop()
    context.results.none(checker.check_equal(shown.stream.decisions, found),
                         "a later run with the same archive decides the same without asking")
    finish(context, worker, "consent again")
    registry.down()


def test_registry_down(context):
    """A registry that is down, or in trouble, costs time and nothing else."""
    registry = Registry()
    registry.register(7, payment_text())
    pipe = Pipe(context, "down", 1)
    ledger = Ledger(pipe.source)
    feed(context, ledger, [event(n)._replace(value=events.confluent(7, event(n).value))
                           for n in range(50)])
    watch = Watch(pipe)
    worker = context.worker("down", registry.config(pipe, "down")).start()
    waiting = wait_until(lambda: worker.alive() and worker.get("/readyz")[0] == 503
                         and "schema" in worker.get("/readyz")[1], SOON_S)
    context.results.check(waiting, "not ready while the registry is down",
                          [str(worker.get("/readyz")), *worker.tail()])
    context.results.check(watch.decided() == 0 and not watch.letters, "nothing is decided or lost")
    registry.up()
    check_invariants(pipe, watch, ledger, 60, "registry down, then up")
    context.results.check(worker.wait_ready(SOON_S), "ready once the registry is up")
    finish(context, worker, "registry down")
    registry.down()


def test_breaker(context):
    """Too many bad events: intake stops, readiness says so, resume goes on, nothing is lost."""
    pipe = Pipe(context, "breaker", 1)
    ledger = Ledger(pipe.source)
    bad = [event(n, value=b"", poison="EMPTY_PAYLOAD") for n in range(60)]
    feed(context, ledger, [event(n) for n in range(200)] + bad + [event(n) for n in range(300, 500)])
    watch = Watch(pipe)
    config = pipe.config("breaker", poison={"max_rate": "10%", "window": 100},
                         batch={"max_events": 10})
    worker = context.worker("breaker", config).start()
    tripped = wait_until(lambda: worker.metric("fraudd_poison_breaker_open") == 1, SOON_S)
    context.results.check(tripped, "the breaker opens", worker.tail())
    before = wait_until(lambda: 200 < watch.decided() < 260 and watch.decided(), SOON_S, 0.5)
    context.results.check(before, "intake stopped among the bad events", f"{watch.decided()}")
    status, body = worker.get("/readyz")
    context.results.check(status == 503 and "invalid" in body, "readiness says why", f"{status} {body}")
    context.results.check(worker.get("/healthz")[0] == 200, "it is alive all the same")
    context.results.check(bool(worker.logged("too many invalid events: paused")), "the log says it")
    resumed = 0
    end = time.monotonic() + 60                         # the rest of the flood trips it again
    while watch.decided() < ledger.count() and time.monotonic() < end:
        if "invalid" in worker.get("/readyz")[1]:
            status, body = worker.get("/-/resume", "POST")
            context.results.check(status == 200, "resume is taken", f"{status} {body}")
            resumed += 1
        time.sleep(0.3)
    context.results.check(resumed >= 2, "resume opens a new window, it does not switch off",
                          f"resumed {resumed} times")
    check_invariants(pipe, watch, ledger, 60, "breaker")
    context.results.check(worker.wait_ready(SOON_S), "ready after the flood")
    finish(context, worker, "breaker")


def test_breaker_survives_a_restart(context):
    """A killed worker finds the flood again, stops again, and has lost nothing."""
    pipe = Pipe(context, "flood", 1)
    ledger = Ledger(pipe.source)
    feed(context, ledger, [event(n, value=None, poison="NULL_PAYLOAD") for n in range(300)])
    watch = Watch(pipe)
    config = pipe.config("flood", poison={"max_rate": "50%", "window": 20})
    worker = context.worker("flood", config).start()
    for _ in range(2):
        stopped = wait_until(lambda: worker.metric("fraudd_poison_breaker_open") == 1, SOON_S)
        context.results.check(stopped, "the breaker opens on a flood", worker.tail())
        worker.kill()
        worker.start()
    worker.terminate()
    open_config = pipe.config("flood", poison={"max_rate": "100%"})
    worker = context.worker("flood-open", open_config).start()
    check_invariants(pipe, watch, ledger, 60, "flood")
    finish(context, worker, "flood")


if __name__ == "__main__":
    run_tests("test_poison", [
        test_poison_among_good, test_hard_cases, test_decision_for_poison, test_oversized,
        test_evolution, test_unknown_schema, test_consent, test_registry_down, test_breaker,
        test_breaker_survives_a_restart])
