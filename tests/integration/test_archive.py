"""The archive: what decided is found again by any decision's hashes, and decides the same bytes again.

Why it exists: an audit a year later has the log, the decisions and the archive. Rules with a list of a
megabyte decide, the list changes, they decide on; sets come back out of a compacted topic and out of
directories, and the replay of each is held against what live committed. Starts that cannot archive.
"""
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import fastavro

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import events
from fraudd_test import FULL, OUTSIDE, Pipe, die_with_parent, run_tests, wait_until
from kafka_side import Feeder, Ledger, Watch

COUNT = 8000 if FULL else 1500
PARTITIONS = 2
RULES = """\
version: 1
lists:
  bad_cards: {type: string, file: lists/bad.txt}
features:
  - {name: card_txn_1h, key: card_id, op: count, window: 1h}
rules:
  - {id: listed, condition: event.card_id in lists.bad_cards, action: block, reason: LISTED}
  - {id: scored, condition: models.card.score > 90.0, action: challenge, reason: SCORE}
  - {id: often, condition: features.card_txn_1h > 2, action: review, explain: 'string(features.card_txn_1h)'}
"""
SCORECARD = """\
version: 1
type: scorecard
base: 10
inputs:
  - name: amount
    missing: 0
    bins: [{below: 100, points: 5}, {from: 100, to: 2000, points: 50}, {from: 2000, points: 99}]
"""
MANIFEST = """\
id: card
file: cards/card.score.yaml
sha256: %s
format: scorecard
inputs: [{name: amount, expression: 'double(event.amount_minor) / 100.0'}]
output: raw
self_test: cards/test.csv
"""


def write_model(pipe):
    (pipe.dir / "models" / "cards").mkdir(parents=True)
    (pipe.dir / "models" / "cards" / "card.score.yaml").write_text(SCORECARD)
    (pipe.dir / "models" / "cards" / "test.csv").write_text("amount,expected\n50,15\n100,60\n3000,109\n,10\n")
    (pipe.dir / "models" / "card.yaml").write_text(MANIFEST % hashlib.sha256(SCORECARD.encode()).hexdigest())
    return str(pipe.dir / "models")


def fraudd(context, *arguments, stdin=b"", cwd=None):
    command = [context.need_binary(), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60, cwd=cwd,
                          env=OUTSIDE, preexec_fn=die_with_parent)


def expect(context, what, done, code=0, *texts):
    err = done.stderr.decode()
    good = done.returncode == code and all(text in err for text in texts)
    return context.results.check(good, what, [f"exit {done.returncode}, wanted {code} and {texts}", err])


def containers(data):
    """{id: bytes} of an Avro container of decisions."""
    body = b"".join(block.bytes_.getvalue() for block in fastavro.block_reader(io.BytesIO(data)))
    source, found = io.BytesIO(body), {}
    while source.tell() < len(body):
        begin = source.tell()
        record = fastavro.schemaless_reader(source, events.decision_schema, None)
        found[record["id"]] = body[begin:source.tell()]
    return found


def write_list(pipe, first):
    """A megabyte of cards: more than one part of the topic."""
    folder = pipe.rules / "lists"
    folder.mkdir(exist_ok=True)
    (folder / "bad.txt").write_text("".join(f"{card}\n" for card in first) +
                                    "".join(f"X{i:012d}\n" for i in range(90000)))


def decide(context, pipe, ledger, watch, name, stream, **changes):
    """Feeds the stream to one process, which decides all of it."""
    Feeder(context.bootstrap, ledger, stream).send_all()
    worker = context.worker(name, pipe.config("one", state={"memory": "16MiB"}, **changes)).start()
    context.results.check(watch.wait_decided(ledger.count(), 60), f"{name}: all is decided", worker.tail())
    code = worker.terminate()
    context.results.check(code == 0, f"{name}: ends in good order", [f"exit {code}", *worker.tail()])


def live_bytes(watch):
    return {"/".join(map(str, d.src)): d.value for found in watch.stream.decisions.values() for d in found}


# ---- found again ----

def test_found_again(context):
    check = context.results.check
    pipe = Pipe(context, "archive", PARTITIONS)
    (pipe.rules / "test.yaml").write_text(RULES)
    topic = context.create_topic(context.fresh("archive-of"), 3, **{"cleanup.policy": "compact"})
    folder = pipe.dir / "archive"
    ledger, watch = Ledger(pipe.source), Watch(pipe)
    stream = list(events.make_events(5, 2 * COUNT, PARTITIONS))
    settings = {"archive": {"dir": str(folder), "topic": topic}, "models": write_model(pipe)}
    write_list(pipe, ["C00001", "C00002"])
    decide(context, pipe, ledger, watch, "first", stream[:COUNT], **settings)
    border = ledger.ends()
    write_list(pipe, ["C00005"])
    decide(context, pipe, ledger, watch, "second", stream[COUNT:], **settings)
    live = live_bytes(watch)
    watch.stop()
    check(len(live) == 2 * COUNT, "as many decisions as events", len(live))

    places = {"directory": ("--archive", folder), "topic": ("-b", context.bootstrap, "-t", topic)}
    tap = fraudd(context, "tap", "-q", "-b", context.bootstrap, "-t", pipe.output, "-e")
    lines = {json.loads(line)["id"]: line for line in tap.stdout.splitlines()}
    old = f"{pipe.source}/0/0"
    ruleset = json.loads(lines[old])["ruleset"]
    for where, place in places.items():
        done = fraudd(context, "rules", "show", *place, ruleset[:9])
        expect(context, f"{where}: by the beginning of a hash", done, 0, "with other lists, models or settings too (1)")
        check(b"rules/lists/bad.txt" in done.stdout, f"{where}: with its list")
        for name, one in (("then", old), ("now", f"{pipe.source}/0/{border[0]}")):
            out = pipe.dir / f"{where}-{name}"
            done = fraudd(context, "rules", "show", *place, "--decision", "-", "-o", out, stdin=lines[one])
            if not expect(context, f"{where}: the set of a decision, {name}", done):
                continue
            check((out / "models/cards/card.score.yaml").read_text() == SCORECARD, f"{where}, {name}: with its model")
            expect(context, f"{where}, {name}: rules check takes it",
                   fraudd(context, "rules", "check", "-s", f"schemas/0-{pipe.source}.avsc", "--models", "models", "rules",
                          cwd=out))
            done = fraudd(context, "replay", "-q", "-c", "fraudd.yaml", "-b", context.bootstrap, "-t", pipe.source,
                          "--memory", "16MiB", "--output", "avro", cwd=out)
            expect(context, f"{where}, {name}: replay takes it", done)
            again = containers(done.stdout)
            mine = {i for i in live if (int(i.split("/")[2]) < border[int(i.split("/")[1])]) == (name == "then")}
            wrong = [i for i in mine if again.get(i) != live[i]]
            check(len(mine) == COUNT and not wrong, f"{where}, {name}: the very bytes of {len(mine)} decisions", wrong[:3])
            check(any(again[i] != live[i] for i in live if i not in mine), f"{where}, {name}: and no others are")
        done = fraudd(context, "rules", "show", *place, ruleset, "--file", "test.yaml")
        check(done.stdout.decode() == RULES, f"{where}: a file as it was")
        expect(context, f"{where}: what is not there", fraudd(context, "rules", "show", *place, "0" * 32), 1, "has no set")
        history(context, where, place, pipe, border, lines)


def history(context, where, place, pipe, border, lines):
    check = context.results.check
    done = fraudd(context, "rules", "history", *place, "--output", "json")
    log = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [line["kind"] for line in log]
    check(kinds.count("intent") == 2 and kinds[0] == "intent" and all(k in ("intent", "decides") for k in kinds),
          f"{where}: two activations", kinds)
    check({line["trigger"] for line in log if line["kind"] == "intent"} == {"start"}, f"{where}: both by a start")
    for p in range(PARTITIONS):
        for offset in (0, border[p] - 1, border[p]):
            one = f"{pipe.source}/{p}/{offset}"
            done = fraudd(context, "rules", "history", *place, "--at", one, "--output", "json")
            said = json.loads(done.stdout or b"{}")
            check(said.get("lists_hash") == json.loads(lines[one])["lists_hash"],
                  f"{where}: the log says who decided {p}/{offset - border[p]:+d} of the border", said)
    expect(context, f"{where}: nothing of another topic", fraudd(context, "rules", "history", *place, "--at", "other/0/0"), 1,
           "says nothing of other/0/0")


# ---- starts that cannot archive ----

def test_refused(context):
    check = context.results.check
    pipe = Pipe(context, "refused", 1)
    (pipe.dir / "file").write_text("no directory\n")
    kept = context.create_topic(context.fresh("not-compact"), 1)
    both = context.create_topic(context.fresh("both"), 1, **{"cleanup.policy": "compact,delete"})
    small = context.create_topic(context.fresh("small"), 1, **{"cleanup.policy": "compact", "max.message.bytes": "2000"})
    cases = {
        "a file where the directory should be": ({"dir": str(pipe.dir / "file")}, "archive: " + str(pipe.dir / "file")),
        "a topic that is not compacted": ({"topic": kept}, "has cleanup.policy=delete"),
        "a topic that is deleted from": ({"topic": both}, "has cleanup.policy=compact,delete"),
        "a topic that takes small records only": ({"topic": small}, "max.message.bytes is too small"),
        "no topic": ({"topic": "nowhere-at-all"}, "'nowhere-at-all' does not exist"),
        "the output as the archive": ({"topic": pipe.output}, "the archive needs its own"),
    }
    for what, (archive, text) in cases.items():
        worker = context.worker(context.fresh("refused"), pipe.config("one", archive=archive)).start()
        code = worker.wait(30)
        check(code == 78 and text in worker.log(), f"{what}: refused", [f"exit {code}", *worker.tail()])
    worker = context.worker("none", pipe.config("one", archive={"dir": "", "topic": ""})).start()
    check(wait_until(lambda: worker.logged("no archive"), 20), "without an archive: a warning", worker.tail())
    check(worker.wait_ready(20), "and it runs", worker.tail())
    worker.terminate()


def test_reload(context):
    """What cannot be archived is not exchanged; what is exchanged is in the log with its first offsets."""
    check = context.results.check
    pipe = Pipe(context, "reload", PARTITIONS)
    folder = pipe.dir / "archive"
    ledger = Ledger(pipe.source)
    stream = list(events.make_events(6, 400, PARTITIONS))
    watch = Watch(pipe)
    Feeder(context.bootstrap, ledger, stream[:200]).send_all()
    slow = {"poll_interval": "1h", "debounce": "10s"}
    worker = context.worker("reload", pipe.config("one", reload=slow, archive={"dir": str(folder)})).start()
    check(watch.wait_decided(200, 60), "the first half is decided", worker.tail())
    border = ledger.ends()
    before = json.loads(worker.get("/api/v1/status")[1])["ruleset"]
    (pipe.rules / "more.yaml").write_text("version: 1\n# another set\n")
    (folder / "files").rename(folder / "aside")
    (folder / "files").write_text("in its place\n")
    status, body = worker.get("/-/reload", method="POST", timeout_s=60)
    check(status == 503 and json.loads(body)["stage"] == "archive", "not archived, not exchanged", body)
    check(json.loads(worker.get("/api/v1/status")[1])["ruleset"] == before, "the former set stays")
    check(worker.metric("fraudd_archive_errors_total") >= 1 and worker.ready(), "metrics say it, and it is ready")
    (folder / "files").unlink()
    (folder / "aside").rename(folder / "files")
    status, body = worker.get("/-/reload", method="POST", timeout_s=60)
    check(status == 200, "then it is", body)
    Feeder(context.bootstrap, ledger, stream[200:]).send_all()
    check(watch.wait_decided(400, 60), "the second half is decided", worker.tail())
    worker.terminate()
    watch.stop()
    done = fraudd(context, "rules", "history", "--archive", folder, "--output", "json")
    log = [json.loads(line) for line in done.stdout.splitlines()]
    check([line["trigger"] for line in log if line["kind"] == "intent"] == ["start", "http"], "two intents", log)
    found = {d.src[1:]: events.decode_decision(d.value)["ruleset"] for p in watch.stream.decisions.values() for d in p}
    for partition in range(PARTITIONS):
        for offset in (0, border[partition] - 1, border[partition]):
            done = fraudd(context, "rules", "history", "--archive", folder, "--output", "json", "--at",
                          f"{pipe.source}/{partition}/{offset}")
            said = json.loads(done.stdout or b"{}").get("ruleset")
            check(said == found[(partition, offset)], "the log and the decision name the same set",
                  f"{partition}/{offset}: {said}, {found[(partition, offset)]}")
    check(len(set(found.values())) == 2, "two sets have decided")
    for ruleset in set(found.values()):
        expect(context, "both are in the archive", fraudd(context, "rules", "show", "--archive", folder, ruleset))


def test_a_small_topic(context):
    """Parts are as small as the topic wants them."""
    check = context.results.check
    pipe = Pipe(context, "parts", 1)
    topic = context.create_topic(context.fresh("parts-of"), 2, **{"cleanup.policy": "compact", "max.message.bytes": "8192"})
    (pipe.rules / "more.yaml").write_text("version: 1\n" + "# much to say\n" * 2000)
    worker = context.worker("parts", pipe.config("one", archive={"dir": "", "topic": topic})).start()
    check(worker.wait_ready(30), "it starts", worker.tail())
    status, body = worker.get("/api/v1/status")
    check(status == 200 and json.loads(body)["rule_anomalies"] == [], "no rule is out of the ordinary", body)
    ruleset = json.loads(body)["ruleset"]
    check(worker.metric("fraudd_archive_errors_total") == 0, "nothing failed")
    worker.terminate()
    done = fraudd(context, "rules", "show", "-b", context.bootstrap, "-t", topic, ruleset, "--file", "rules/more.yaml")
    check(done.stdout == (pipe.rules / "more.yaml").read_bytes(), "of many parts one file", done.stderr.decode())


TESTS = [found for name, found in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    run_tests("test_archive", TESTS)
