"""activate_at: a set that decides from an event time on, whatever is loaded, stopped and started before.

Why it exists: all workers have to switch at the same event, and a restart must be no early switch: then the
set that decided before comes out of the archive. Every decision names the set that its event time asks for.
"""
import datetime
import json
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import events
from fraudd_test import Pipe, run_tests, wait_until
from kafka_side import Feeder, Ledger, Watch

COUNT, PARTITIONS = 1200, 2
RULES = """\
version: 1
{at}features:
  - {{name: card_txn_1h, key: card_id, op: count, window: 1h}}
rules:
  - {{id: {name}, condition: features.card_txn_1h > 2, action: review}}
"""


def write(pipe, name, at_ms=None):
    at = ""
    if at_ms is not None:
        time = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.timezone.utc)
        at = f"activate_at: {time:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z\n"
    (pipe.rules / "test.yaml").write_text(RULES.format(at=at, name=name))


def sets_by_time(watch, ledger, at_ms):
    """Hashes of what decided before and from then on. A partition's time is the highest it has seen."""
    before, after = set(), set()
    for partition, found in ledger.events.items():
        by = {d.src[2]: events.decode_decision(d.value)["ruleset"] for d in watch.stream.decisions[partition]}
        highest = 0
        for offset in sorted(found):
            highest = max(highest, found[offset].fields["event_time"])
            (before if highest < at_ms else after).add(by[offset])
    return before, after


def ruleset(worker):
    return json.loads(worker.get("/api/v1/status")[1])["ruleset"]


def test_across_restarts(context):
    check = context.results.check
    pipe = Pipe(context, "activate", PARTITIONS)
    stream = list(events.make_events(11, COUNT, PARTITIONS))
    at_ms = stream[COUNT // 2].fields["event_time"]
    quarter = COUNT // 4
    ledger, watch = Ledger(pipe.source), Watch(pipe)
    config = pipe.config("one", state={"memory": "16MiB"}, reload={"poll_interval": "1s"})

    write(pipe, "former")
    worker = context.worker("first", config).start()
    Feeder(context.bootstrap, ledger, stream[:quarter // 2]).send_all()
    check(watch.wait_decided(ledger.count(), 60), "the former set decides", worker.tail())
    former = ruleset(worker)

    write(pipe, "next", at_ms)
    worker.signal(signal.SIGHUP)
    check(wait_until(lambda: worker.logged("rules decide"), 20), "it is loaded", worker.tail())
    Feeder(context.bootstrap, ledger, stream[quarter // 2:quarter]).send_all()
    check(watch.wait_decided(ledger.count(), 60), "decided while it waits", worker.tail())
    check(worker.terminate() == 0, "stops", worker.tail())

    worker = context.worker("second", config).start()
    Feeder(context.bootstrap, ledger, stream[quarter:2 * quarter]).send_all()
    check(watch.wait_decided(ledger.count(), 60), "decided after a restart", worker.tail())
    check(worker.logged("rules wait for their activate_at"), "the restart says so", worker.tail(30))
    Feeder(context.bootstrap, ledger, stream[2 * quarter:]).send_all()
    check(watch.wait_decided(ledger.count(), 60), "decided across the switch", worker.tail())
    check(worker.terminate() == 0, "stops again", worker.tail())
    watch.stop()

    before, after = sets_by_time(watch, ledger, at_ms)
    check(before == {former}, "the former set before that time", f"{before}, {former}")
    check(len(after) == 1 and after != before, "another one from then on", after)


if __name__ == "__main__":
    run_tests("activate_at", [test_across_restarts])
