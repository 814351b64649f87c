"""Rules against their own past, in a running service: one falls silent, one explodes, one stays.

Why it exists: counts reach the figures through the whole pipeline, and are told by metrics, status and log.
"""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from fraudd_test import OUTSIDE, Pipe, die_with_parent, run_tests, wait_until

RULES = """\
version: 1
rules:
  - {id: declined, condition: event.status == "declined", action: review}
  - {id: odd-amount, condition: event.amount_minor == 777, action: challenge}
  - {id: steady, condition: event.is_recurring, score: 1}
  - {id: tried, condition: event.amount_minor == 777, action: block, mode: shadow}
"""
PAST, NOW = 60000, 20000


def fraudd(context, *arguments):
    command = [context.need_binary(), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120,
                          env=OUTSIDE, preexec_fn=die_with_parent)
    context.results.check(done.returncode == 0, f"fraudd {arguments[0]}", done.stderr.decode())


def payments(context, pipe, first, count, declined, odd):
    """Generated ones, of which every `declined`th and every `odd`th is made so."""
    made, mended = pipe.dir / f"made-{first}.jsonl", pipe.dir / f"mended-{first}.jsonl"
    fraudd(context, "generate", "-f", made, "--count", count, "--seed", first + 1)
    with open(made) as lines, open(mended, "w") as out:
        for number, line in enumerate(lines):
            event = json.loads(line)
            event["status"] = "declined" if declined and number % declined == 0 else "approved"
            event["amount_minor"] = 777 if number % odd == 0 else 10000
            event["is_recurring"] = number % 7 == 0
            out.write(json.dumps(event) + "\n")
    return mended


def anomalies(worker):
    status, body = worker.get("/api/v1/status")
    return {found["rule"]: found["kind"] for found in json.loads(body)["rule_anomalies"]} if status == 200 else None


def decided(worker, count):
    return wait_until(lambda: worker.metric("fraudd_rule_evaluations_total", rule="steady", mode="live") == count, 60)


def test_silent_and_exploded(context):
    check = context.results.check
    pipe = Pipe(context, "figures", 1)
    (pipe.rules / "test.yaml").write_text(RULES)

    def send(path):
        fraudd(context, "produce", "-q", "-b", context.bootstrap, "-t", pipe.source, "--schema", "payment", "--key",
               "card_id", path)

    past = payments(context, pipe, 0, PAST, declined=20, odd=1000)
    now = payments(context, pipe, PAST, NOW, declined=0, odd=50)
    calm = payments(context, pipe, PAST + NOW, NOW, declined=20, odd=1000)
    send(past)
    worker = context.worker("figures", pipe.config("one", batch={"max_events": 2000})).start()
    check(decided(worker, PAST), "the past is decided", worker.tail())
    check(anomalies(worker) == {}, "nothing is out of the ordinary", anomalies(worker))
    send(now)
    check(decided(worker, PAST + NOW), "then other payments are", worker.tail())
    want = {"declined": "silent", "odd-amount": "exploded", "tried": "exploded"}
    check(wait_until(lambda: anomalies(worker) == want, 5), "status says which rules changed", anomalies(worker))
    shown = {key: value for key, value in worker.metrics().items() if key.startswith("fraudd_rule_anomaly{")}
    check(len(shown) == 3 and shown.get('fraudd_rule_anomaly{rule="declined",kind="silent"}') == 1, "metrics too", shown)
    hits = PAST // 1000 + NOW // 50
    check(worker.metric("fraudd_rule_hits_total", rule="odd-amount", mode="live") == hits, "hits are counted")
    check(worker.metric("fraudd_rule_shadow_changes_total", rule="tried", change="worse") == hits,
          "all of what the shadow hit would have been blocked, not challenged")
    check(worker.metric("fraudd_rule_shadow_changes_total", rule="tried", change="milder") == 0, "and none was milder")
    check([line["rule"] for line in worker.logged("rule fell silent")] == ["declined"], "the log says it once")
    send(calm)
    check(decided(worker, PAST + 2 * NOW), "and as before again", worker.tail())
    check(wait_until(lambda: anomalies(worker) in ({}, {"odd-amount": "exploded", "tried": "exploded"}), 5),
          "what fires as before is no longer named", anomalies(worker))
    check(len(worker.logged("rule fires as before")) >= 1, "the log says that, too", worker.tail())
    worker.terminate()


TESTS = [found for name, found in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    run_tests("test_rule_figures", TESTS)
