"""The checks themselves: each must notice the history it exists for.

Why it exists: a proof of exactly-once is worth what its checker is worth. Here the checker gets
right histories and histories with one fault each, without any broker.
"""
import contextlib
import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
import fraudd_test
from fraudd_test import Results

results = Results()
TOPIC = "pay/ments"                                     # a slash must not confuse the source header


def decision(offset, partition=0, output=None, value=b"v", key=b"k", at=None, headers=None):
    if headers is None:
        headers = [("fd.src", f"{TOPIC}/{partition}/{offset}".encode()), ("fd.event_id", b"T1")]
    return checker.decision_of(partition if output is None else output,
                               offset if at is None else at, key, value, headers)


def stream(*decisions):
    found = checker.StreamChecker(TOPIC)
    for one in decisions:
        found.add(one)
    return found


def kinds(violations):
    return sorted({v.partition(":")[0] for v in violations})


def expect(what, violations, *wanted):
    results.check(kinds(violations) == sorted(wanted), what, [f"found {violations}"])


def test_stream():
    good = [decision(o) for o in range(5)] + [decision(o, 1) for o in range(3)]
    expect("a right stream", stream(*good).violations)
    expect("gaps are no fault while events are still to come", stream(decision(4)).violations)
    expect("a duplicate", stream(*good, decision(2)).violations, "duplicate")
    expect("the last one twice", stream(*good, decision(4)).violations, "duplicate")
    expect("reordered", stream(decision(0), decision(2), decision(1)).violations, "reordered")
    expect("another partition", stream(decision(0, 1, output=2)).violations, "misplaced")
    expect("no source header", stream(decision(0, headers=[])).violations, "malformed")
    expect("an empty source header",
           stream(decision(0, headers=[("fd.src", None)])).violations, "malformed")
    for text in (b"x", b"a/b/c", b"//", b"other/0/1", f"{TOPIC}/0/-1".encode(), b"\xff/0/1"):
        expect(f"source header {text}",
               stream(decision(0, headers=[("fd.src", text)])).violations, "malformed")
    twice = [("fd.src", f"{TOPIC}/0/0".encode())] * 2
    expect("two source headers", stream(decision(0, headers=twice)).violations, "malformed")


def test_complete():
    want = {0: range(5), 1: [0, 2, 4]}                  # partition 1 has gaps, as compaction makes

    def found(zero, one):
        return stream(*[decision(o) for o in zero], *[decision(o, 1) for o in one]).decisions

    def check(zero, one):
        return checker.check_complete(want, found(zero, one))

    expect("all there", check(range(5), [0, 2, 4]))
    expect("one missing", check([0, 1, 3, 4], [0, 2, 4]), "missing")
    expect("the last missing", check(range(4), [0, 2, 4]), "missing")
    expect("a partition missing", check(range(5), []), "missing")
    expect("one twice", check([0, 1, 1, 2, 3, 4], [0, 2, 4]), "duplicate")
    expect("one too many", check(range(6), [0, 2, 4]), "unexpected")
    expect("one that the log does not have", check(range(5), [0, 1, 2, 4]), "unexpected")
    expect("a partition that the log does not have",
           checker.check_complete({}, found([0], [])), "unexpected")
    expect("two exchanged", check([0, 2, 1, 3, 4], [0, 2, 4]), "reordered")
    expect("one replaced by another", check([0, 1, 2, 3, 3], [0, 2, 4]), "duplicate", "missing")


def test_equal():
    reference = stream(*[decision(o) for o in range(4)]).decisions

    def check(**changed):
        other = stream(*[decision(o) for o in range(3)], decision(3, **changed)).decisions
        return checker.check_equal(other, reference)

    expect("equal runs", check())
    expect("another place in the output is not a difference", check(at=99))
    expect("another value", check(value=b"w"), "altered")
    expect("no value", check(value=None), "altered")
    expect("another key", check(key=None), "altered")
    more = [("fd.src", f"{TOPIC}/0/3".encode()), ("fd.event_id", b"T1"), ("traceparent", b"00")]
    expect("one more header", check(headers=more), "altered")
    expect("headers in another order", check(headers=list(reversed(more[:2]))), "altered")
    fewer = stream(decision(0), decision(1), decision(2)).decisions
    expect("a decision that the reference lacks", checker.check_equal(reference, fewer), "missing")
    expect("a decision that only the reference has", checker.check_equal(fewer, reference), "missing")


def test_offsets():
    def history(*seen):
        found = checker.OffsetHistory()
        for offset in seen:
            found.observe(0, offset)
        return found

    expect("forward", history(None, None, 0, 5, 5, 9).violations)
    expect("backwards", history(5, 4).violations, "offset-backwards")
    expect("backwards and forward again", history(5, 4, 6).violations, "offset-backwards")
    expect("gone", history(5, None).violations, "offset-backwards")
    results.check(history(5, 4).newest == {0: 5}, "the highest is remembered")
    decided = stream(*[decision(o) for o in range(4)]).decisions
    log = {0: range(6)}
    expect("behind the decisions", checker.check_offsets_decided({0: 3}, log, decided))
    expect("at the decisions", checker.check_offsets_decided({0: 4}, log, decided))
    expect("past the decisions", checker.check_offsets_decided({0: 5}, log, decided), "offset-ahead")
    expect("no decisions at all", checker.check_offsets_decided({0: 1}, log, {}), "offset-ahead")


def test_dead_letters():
    headers = [("origin", b"test"), ("none", None)]

    def letter(offset=7, value=b"bad", key=b"k", code=b"TRUNCATED", more=(), own=None):
        errors = [("__fd.errors.topic", TOPIC.encode()), ("__fd.errors.partition", b"0"),
                  ("__fd.errors.offset", str(offset).encode()), ("__fd.errors.stage", b"decode"),
                  ("__fd.errors.code", code), ("__fd.errors.message", b"text")]
        return checker.dead_letter_of(key, value, (own or headers) + errors + list(more))

    def check(*letters, truncated_to=None, value=b"bad"):
        return checker.check_dead_letters({(TOPIC, 0, 7): (b"k", value, headers, "TRUNCATED")},
                                          letters, truncated_to)

    expect("a right dead letter", check(letter()))
    expect("none", check(), "dead-letter-missing")
    expect("twice", check(letter(), letter()), "dead-letter-duplicate")
    expect("a good event", check(letter(), letter(8)), "dead-letter-unexpected")
    expect("another value", check(letter(value=b"ba")), "dead-letter-altered")
    expect("a null value instead", check(letter(value=None)), "dead-letter-altered")
    expect("another key", check(letter(key=None)), "dead-letter-altered")
    expect("another header", check(letter(own=[("origin", b"x")])), "dead-letter-altered")
    expect("another code", check(letter(code=b"BAD_VALUE")), "dead-letter-code")
    expect("two source headers", check(letter(more=[("__fd.errors.topic", b"t")])),
           "dead-letter-missing", "dead-letter-unexpected")
    long = b"x" * 100
    expect("cut as allowed", check(letter(value=long[:40]), truncated_to=50, value=long))
    expect("cut but still too long", check(letter(value=long[:60]), truncated_to=50, value=long),
           "dead-letter-altered")
    expect("cut to something else", check(letter(value=b"y" * 40), truncated_to=50, value=long),
           "dead-letter-altered")
    expect("cut without need", check(letter(value=b"ba"), truncated_to=50), "dead-letter-altered")


def test_faults():
    log = checker.FaultLog()
    log.add("kill", True, "exit -9")
    log.add("kill", False, "it had ended before")
    log.add("stop", True, "T for 5 s")
    results.check(log.fired() == 2 and log.counts() == {"kill": 1, "stop": 1},
                  "only faults that fired count", str(log.counts()))
    results.check(log.unfired() == ["kill: it had ended before"], "a fault that did not fire is told")


def test_oracle():
    event = events.make_event(1, 10, 4)
    record = {"id": "t/0/1", "event_id": event.fields["tx_id"],
              "event_time": event.fields["event_time"], "reasons": [], "models": [], "features": {},
              "flags": [], "ruleset": "", "models_hash": "", "lists_hash": "", "config_hash": "",
              "engine": ""}
    action, hits, score = events.expected_verdict(event.fields)
    record.update(action=action, score=score or 0.0, rules=[
        {"id": hit, "action": None, "score": 0.0, "mode": "LIVE", "message": None} for hit in hits])
    trace = [h for h in event.headers if h[0] == "traceparent"]
    headers = [("fd.src", b"t/0/1"), ("fd.event_id", event.fields["tx_id"].encode()), *trace]

    def check(key=event.key, found_headers=None, extra=b"", **changed):
        value = events.encode({**record, **changed}, events.decision_schema) + extra
        found = checker.decision_of(0, 0, key, value,
                                    headers if found_headers is None else found_headers)
        return events.check_decision(event, ("t", 0, 1), found)

    expect("a right decision", check())
    other = "BLOCK" if action != "BLOCK" else "ALLOW"
    for what, changed in (("action", {"action": other}), ("id", {"id": "t/0/2"}),
                          ("event id", {"event_id": "T"}), ("flags", {"flags": ["INVALID"]}),
                          ("score", {"score": 1234.0}), ("key", {"key": b"x"}),
                          ("bytes left over", {"extra": b"\0"}),
                          ("headers", {"found_headers": headers[:2]})):
        expect(f"a decision with a wrong {what}", check(**changed), "altered")
    results.check(bool(trace), "the event of this test has a traceparent")
    seen = {events.expected_verdict(events.payment(1, n))[0] for n in range(3000)}
    results.check(seen == set(events.SEVERITY), "the events give every action", str(seen))
    fired = {hit for n in range(3000) for hit in events.expected_verdict(events.payment(1, n))[1]}
    results.check(len(fired) == 6, "the events fire every live rule", str(fired))
    same = [events.make_event(5, n, 3, 0.5) for n in range(50)]
    results.check(same == [events.make_event(5, n, 3, 0.5) for n in range(50)],
                  "events are a function of seed and number")


def test_results():
    """The counter of checks must itself be able to fail."""
    own = Results()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        own.check(True, "x")
        own.none(["duplicate: 5"], "a violation counts as a failure")
    results.check((own.passed, own.failed) == (1, 1), "checks are counted")
    results.check("duplicate: 5" in said.getvalue(), "the violation is printed")
    results.check(fraudd_test.wait_until(lambda: False, 0.1) is False, "waiting ends")


for test in (test_stream, test_complete, test_equal, test_offsets, test_dead_letters, test_faults,
             test_oracle, test_results):
    test()
print(f"{results.passed} passed, {results.failed} failed")
sys.exit(1 if results.failed else 0)
