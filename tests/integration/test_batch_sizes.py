"""The same log in batches of 1, 7 and 1000: the same bytes.

Why it exists: a decision is a function of the log, never of how events happened to be batched
(DESIGN 4, 6). Poison included; also one in flight instead of two, and a tiny queue.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
from fraudd_test import FULL, Pipe, run_tests
from kafka_side import Feeder, Ledger, single_run

COUNT = 8000 if FULL else 2000
VARIANTS = {
    "batch-1": {"max_events": 1}, "batch-7": {"max_events": 7}, "batch-1000": {"max_events": 1000},
    "one-in-flight": {"max_events": 50, "max_in_flight": 1},
    "tiny-queue": {"max_events": 64, "queue_events": 1}, "waiting": {"max_wait": "50ms"},
}


def test_batch_sizes(context):
    pipe = Pipe(context, "log", 4)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger,
           events.make_events(31, COUNT, 4, poison_rate=0.02)).send_all()
    reference = None
    for name, batch in VARIANTS.items():
        found = single_run(pipe, ledger, stem=name, batch=batch)
        if reference is None:
            reference = found
        else:
            context.results.none(checker.check_equal(found, reference),
                                 f"{name}: byte-equal to batches of one")


if __name__ == "__main__":
    run_tests("test_batch_sizes", [test_batch_sizes])
