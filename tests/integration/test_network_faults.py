"""Transactional requests that are lost, late or delivered twice: still exactly once.

Why it exists: the hazards that Jepsen found in Kafka transactions are made of a request that the
client has given up on and the broker still gets. A proxy that knows Kafka's request headers makes
each of them on purpose, between one worker and a broker of this program's own; readers and writers
of the test go to the broker directly. Each scenario decides the same log and is compared, byte for
byte, with an undisturbed run. The proxy counts what it did: what did not fire does not count.
"""
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
import kafka_proxy as kp
from fraudd_test import FULL, Pipe, free_port, run_tests, say, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants, single_run

PARTITIONS = 2
EVENTS = 2500
LANE_A, LANE_B = os.environ.get("FRAUDD_LANES", "-a,-b").split(",")
SETTINGS = {"consumer": {"session.timeout.ms": 4000, "heartbeat.interval.ms": 300},
            "producer": {"transaction.timeout.ms": 5000}, "batch": {"max_events": 10}}
APIS = (kp.END_TXN, kp.PRODUCE, kp.TXN_OFFSET_COMMIT, kp.ADD_PARTITIONS, kp.ADD_OFFSETS,
        kp.INIT_PRODUCER_ID)
shared = {}
fired = checker.FaultLog()
ports = [free_port() for _ in range(4)]


def setup(context):
    shared["proxy"] = kp.Proxy(ports[3], ("127.0.0.1", ports[2]))
    pipe = Pipe(context, "log", PARTITIONS)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger,
           events.make_events(13, EVENTS, PARTITIONS, poison_rate=0.01)).send_all()
    shared.update(pipe=pipe, ledger=ledger, reference=single_run(pipe, ledger))


def scenario(context, name, rules, during=None, timeout_s=60):
    """One worker behind the proxy with these rules; returns the proxy's trace of it."""
    proxy, results = shared["proxy"], context.results
    pipe = shared["pipe"].again(name)
    proxy.clear()
    proxy.trace = []
    for rule in rules:
        proxy.add(rule)
    watch = Watch(pipe)
    config = pipe.config("behind", kafka={"bootstrap.servers": f"127.0.0.1:{ports[3]}"}, **SETTINGS)
    worker = context.worker(pipe.group, config).start()
    if during:
        during(watch, worker)
    wait_until(lambda: all(rule.done() for rule in rules) or not worker.alive(), timeout_s, 0.1)
    what = name.replace("-", " ")
    found = check_invariants(pipe, watch, shared["ledger"], timeout_s, what)
    results.none(checker.check_equal(found, shared["reference"]), f"{what}: byte-equal decisions")
    for rule in rules:
        for text in rule.fired:
            fired.add(text.split(" number")[0], True, text)
        if not rule.done():
            fired.add(f"{rule.action} {kp.API_NAMES[rule.api]}", False, f"{name}: {rule.fired}")
        results.check(rule.done(), f"{what}: the fault fired", f"seen {rule.seen}: {rule.fired}")
    code = worker.terminate()
    results.check(code == 0, f"{what}: the worker ends with 0",
                  [f"exit code {code}", *worker.tail()])
    # What the proxy still held of the worker before this one is not this one's doing.
    trace = [step for step in proxy.trace if step[3].startswith(pipe.group)]
    results.check(trace, f"{what}: the proxy saw its transactions")
    results.none(lane_order_violations(trace), f"{what}: lanes send offsets in turn")
    return trace


def lane_order_violations(trace):
    """A lane may send offsets only when the other's transaction with offsets has ended."""
    open_lanes, found = {}, []
    for at, kind, api, ident in trace:
        if kind == "ask" and api == kp.TXN_OFFSET_COMMIT:
            other = [name for name in open_lanes if name != ident]
            if other:
                found.append(f"offsets of {ident} at {at:.3f} while {other[0]} has sent its own at "
                             f"{open_lanes[other[0]]:.3f} and not ended")
            open_lanes[ident] = at
        elif (kind == "answer" and api == kp.END_TXN) or api == kp.INIT_PRODUCER_ID:
            open_lanes.pop(ident, None)
    return found


def test_order_checker(context):
    """The check of the lanes' order must be able to fail."""
    def trace(*steps):
        return [(float(n), kind, api, ident) for n, (kind, api, ident) in enumerate(steps)]
    send_a, send_b = ("ask", kp.TXN_OFFSET_COMMIT, "a"), ("ask", kp.TXN_OFFSET_COMMIT, "b")
    ended_a = ("answer", kp.END_TXN, "a")
    check = context.results.check
    check(not lane_order_violations(trace(send_a, ended_a, send_b)), "lanes in turn")
    check(len(lane_order_violations(trace(send_a, send_b, ended_a))) == 1, "lanes out of turn")
    check(len(lane_order_violations(trace(send_a, ("ask", kp.END_TXN, "a"), send_b))) == 1,
          "offsets before the other's commit returned")
    check(not lane_order_violations(trace(send_a, ("ask", kp.INIT_PRODUCER_ID, "a"), send_b)),
          "after a recovery")


def test_cut(context):
    """The connection ends before the request arrives, or after it and before its answer."""
    for api in APIS:
        hits = (1,) if api == kp.INIT_PRODUCER_ID else (2, 30) if FULL else (4,)
        for action in ("cut-before", "cut-after"):
            for hit in hits:
                scenario(context, f"{action}-{kp.API_NAMES[api]}-{hit}", [kp.Rule(api, action, (hit,))])


def test_cut_twice_in_a_row(context):
    """The re-sent request is lost as well, and the next."""
    for api in (kp.END_TXN, kp.TXN_OFFSET_COMMIT, kp.PRODUCE) if FULL else (kp.END_TXN,):
        scenario(context, f"cut-after-{kp.API_NAMES[api]}-3-in-a-row",
                 [kp.Rule(api, "cut-after", (5, 6, 7))])


def test_delay(context):
    """Late requests and late answers: short of every timeout, and past the transaction's."""
    holds = (0.3, 2.0, 7.0) if FULL else (0.3, 7.0)
    apis = APIS[:5] if FULL else (kp.END_TXN, kp.TXN_OFFSET_COMMIT)
    for api in apis:
        for action in ("delay", "delay-answer"):
            for hold in holds:
                scenario(context, f"{action}-{kp.API_NAMES[api]}-{hold}",
                         [kp.Rule(api, action, (4,), hold_s=hold)])


def test_offsets_in_turn(context):
    """Lane A's offsets, or its commit, are late while B is ready: B's offsets wait for A's commit
    to return, and the group never moves back. B may fill its transaction once A commits."""
    for api, filled in ((kp.TXN_OFFSET_COMMIT, False), (kp.END_TXN, True)):
        name = kp.API_NAMES[api]
        held = kp.Rule(api, "delay", (3, 6), hold_s=1.0, transactional_id=LANE_A)
        trace = scenario(context, f"lane-a-{name}-late", [held])
        starts = [at for at, kind, asked, ident in trace if kind == "ask" and asked == api
                  and ident.endswith(LANE_A)]
        if not context.results.check(len(starts) >= 3, f"{name} of lane A was held"):
            continue
        after = [(at, kind, asked) for at, kind, asked, ident in trace
                 if ident.endswith(LANE_B) and at >= starts[2]]
        window = [(kind, asked) for at, kind, asked in after if at < starts[2] + 0.9]
        context.results.check(any(asked == kp.TXN_OFFSET_COMMIT for _, _, asked in after),
                              f"{name} held: lane B had a batch", f"lane B did {after}")
        context.results.check(("ask", kp.TXN_OFFSET_COMMIT) not in window,
                              f"{name} held: lane B's offsets waited", f"lane B did {window}")
        if filled:
            context.results.check(("ask", kp.PRODUCE) in window,
                                  f"{name} held: lane B filled meanwhile", f"lane B did {window}")


def test_late_end_of_a_transaction(context):
    """An EndTxn that was re-sent over a new connection arrives once more in the next transaction.

    With the same producer epoch it would commit half of that one: decisions without offsets.
    """
    for lane in (LANE_A, LANE_B) if FULL else (LANE_A,):
        late = kp.Rule(kp.END_TXN, "detach", (4,), hold_s=30.0, transactional_id=lane)
        proxy = shared["proxy"]

        def deliver_in_the_next(watch, worker, late=late, lane=lane):
            wait_until(late.done, 30, 0.002)
            held = proxy.add(kp.Rule(kp.TXN_OFFSET_COMMIT, "delay", (1,), hold_s=1.5,
                                     transactional_id=lane))
            arrived = wait_until(held.done, 30, 0.002)
            time.sleep(0.5)                             # its decisions are in the log meanwhile
            proxy.release(late)
            wait_until(lambda: late.answers, 10, 0.01)
            context.results.check(arrived and late.answers,
                                  "the late EndTxn reached the broker in a later transaction",
                                  f"{held.fired} {late.answers}")
            if late.answers and isinstance(late.answers[0][1], bytes):
                code = int.from_bytes(late.answers[0][1][8:10], "big")
                say(f"   the broker answered the late EndTxn with error {code}")
                context.results.check(code != 0, "the late EndTxn meets a newer epoch",
                                      "the broker took it for the end of the later transaction")
        scenario(context, f"late-EndTxn{lane}", [late], deliver_in_the_next)


def test_counts(context):
    context.results.none(fired.unfired(), "every network fault fired")
    context.results.check(fired.fired() > 0, "network faults fired")
    print(f"network faults fired: {fired.fired()}, {dict(fired.counts())}")


if __name__ == "__main__":
    options = kp.listener_options(*ports)
    run_tests("test_network_faults", [test_order_checker, test_offsets_in_turn,
                                      test_late_end_of_a_transaction, test_cut,
                                      test_cut_twice_in_a_row, test_delay, test_counts],
              own_servers=options, setup=setup)
