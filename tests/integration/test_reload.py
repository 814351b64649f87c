"""Rules change while they decide: what is good decides from the next batch on, what is not changes nothing.

Why it exists: a reload must lose no event, decide none twice and delay none, whoever asks for it (a
changed directory, the poll, SIGHUP, HTTP), and every decision must be the one that its rule set gives.
The worker, the broker and the files are real. One measurement, with reloads and without, in one run;
its figures are printed, not judged.
"""
import hashlib
import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import fastavro

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import checker
import events
import kafka_wire
from fraudd_test import FULL, ROOT, Pipe, die_with_parent, run_tests, say, wait_until
from kafka_side import Feeder, Ledger, TopicReader, Watch, check_invariants
from redis_server import Redis

SOON_S = 30
SLOW = {"poll_interval": "1h", "debounce": "10s"}      # asked for, or not at all


def content_hash(data):
    return hashlib.sha256(data).hexdigest()[:32]


def set_hash(files):
    """The hash of {name: text}, as decisions name it."""
    parts = []
    for name in sorted(files):
        text = files[name].encode()
        parts.append(b"%d:%s%d:%s" % (len(name), name.encode(), len(text), text))
    return content_hash(b"".join(parts))


def install(directory, files):
    """Each file is renamed over the one before it."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (directory / f".{path.name}.new").write_text(text)
        os.replace(directory / f".{path.name}.new", path)


def variant(number):
    """Rules that differ from those of events.py by what one more of them says."""
    return events.RULES + f"""\
  - id: variant
    condition: event.amount_minor > {number}
    score: 1
    tags: [variant]
    owner: tests
"""


def reload(worker):
    status, body = worker.get("/-/reload", method="POST", timeout_s=60)
    return status, json.loads(body) if body.startswith("{") else {"error": body}


def rules_of(worker):
    return json.loads(worker.get("/api/v1/rules")[1])


def active(worker):
    return rules_of(worker)["active"]["ruleset"]


def started(context, stem, **changes):
    pipe = Pipe(context, stem, 2)
    worker = context.worker(pipe.group, pipe.config(stem, **changes)).start()
    context.results.check(worker.wait_ready(SOON_S), f"{stem}: ready", worker.tail())
    return pipe, worker


# ---- who may ask, and what is answered ----

def test_http(context):
    check = context.results.check
    pipe, worker = started(context, "http", reload=SLOW)
    found = rules_of(worker)
    check(found["active"]["ruleset"] == set_hash({"test.yaml": events.RULES}), "the set of the start", str(found))
    check(found["active"]["trigger"] == "start" and found["candidate"] is None and found["last_refusal"] is None,
          "nothing else is told at first", str(found))
    check(len(found["active"]["rules"]) == 7 and found["active"]["rules"][0]["id"] == "trusted-card"
          and found["active"]["rules"][-1]["mode"] == "shadow", "its rules", str(found))
    status, answer = reload(worker)
    check(status == 200 and answer["result"] == "unchanged" and answer["state"] == "decides", "nothing has changed",
          f"{status} {answer}")

    install(pipe.rules, {"test.yaml": variant(5)})
    status, answer = reload(worker)
    check(status == 200 and answer["result"] == "accepted" and answer["state"] == "decides"
          and answer["ruleset"] == set_hash({"test.yaml": variant(5)}), "accepted", f"{status} {answer}")
    found = rules_of(worker)
    rule = found["active"]["rules"][-1]
    check(found["active"]["ruleset"] == answer["ruleset"] and found["active"]["trigger"] == "http"
          and rule["id"] == "variant" and rule["owner"] == "tests" and rule["tags"] == ["variant"]
          and rule["hits"] == 0, "it decides now", str(found["active"]))
    state = json.loads(worker.get("/api/v1/status")[1])
    check(state["ruleset"] == answer["ruleset"] and state["last_reload_refused"] is False, "and status says so",
          str(state))

    bad = variant(6).replace("event.amount_minor > 6", "event.amount_minr > 6").replace("score: 40", "score: much")
    install(pipe.rules, {"test.yaml": bad})
    status, answer = reload(worker)
    texts = [d["text"] for d in answer.get("diagnostics", [])]
    check(status == 422 and answer["result"] == "refused" and answer["errors"] == 2
          and any("amount_minr" in text for text in texts) and answer["diagnostics"][0]["line"] > 0,
          "refused with all errors", f"{status} {answer}")
    found = rules_of(worker)
    check(found["active"]["ruleset"] == set_hash({"test.yaml": variant(5)}), "the former stays")
    check(found["last_refusal"]["stands"] and len(found["last_refusal"]["errors"]) == 2, "and why is told", str(found))
    check(len(worker.logged("rules")) == 2 and len(worker.logged("rules refused")) == 1, "one line per error",
          worker.tail())
    check(worker.metric("fraudd_last_reload_successful") == 0, "the gauge says it")
    check(worker.ready(), "it is ready all the same")

    install(pipe.rules, {"test.yaml": variant(5)})
    status, answer = reload(worker)
    check(status == 200 and answer["result"] == "unchanged", "the good one is back", f"{status} {answer}")
    check(worker.metric("fraudd_last_reload_successful") == 1, "and the gauge too")
    counted = {r: worker.metric("fraudd_reloads_total", result=r) for r in ("accepted", "unchanged", "refused", "failed")}
    check(counted == {"accepted": 1, "unchanged": 2, "refused": 1, "failed": 0}, "reloads are counted", str(counted))
    check(worker.metric("fraudd_ruleset_switches_total") == 1, "and switches")
    check(worker.metric("fraudd_ruleset_info", ruleset=set_hash({"test.yaml": variant(5)})) == 1
          and worker.metric("fraudd_ruleset_info") == 1, "the info is of the set that decides")
    code = worker.terminate()
    check(code == 0, "ends with 0", worker.tail())


def test_other_triggers(context):
    check = context.results.check
    pipe, worker = started(context, "sighup", reload=SLOW)
    install(pipe.rules, {"test.yaml": variant(1)})
    worker.signal(signal.SIGHUP)
    check(wait_until(lambda: active(worker) == set_hash({"test.yaml": variant(1)}), SOON_S), "SIGHUP", worker.tail())
    check([line["trigger"] for line in worker.logged("rules accepted")] == ["sighup"], "is named", worker.tail())
    worker.terminate()

    pipe, worker = started(context, "poll", reload={"poll_interval": "200ms", "debounce": "10s"})
    install(pipe.rules, {"test.yaml": variant(2)})
    check(wait_until(lambda: active(worker) == set_hash({"test.yaml": variant(2)}), SOON_S), "the poll", worker.tail())
    check([line["trigger"] for line in worker.logged("rules accepted")] == ["poll"], "is named", worker.tail())
    install(pipe.rules, {"test.yaml": "version: 1\nrules: nonsense\n"})
    wait_until(lambda: worker.logged("rules refused"), SOON_S)
    wait_until(lambda: False, 1)
    check(len(worker.logged("rules refused")) == 1, "a poll says the same only once", worker.tail())
    worker.terminate()

    pipe, worker = started(context, "watch", reload={"poll_interval": "1h"})
    install(pipe.rules, {"test.yaml": variant(3)})
    check(wait_until(lambda: active(worker) == set_hash({"test.yaml": variant(3)}), SOON_S), "the watch", worker.tail())
    check([line["trigger"] for line in worker.logged("rules accepted")] == ["watch"], "is named", worker.tail())
    os.utime(pipe.rules / "test.yaml")
    install(pipe.rules, {"test.yaml": variant(3)})
    wait_until(lambda: False, 1)
    check(worker.metric("fraudd_reloads_total") == 1, "what is touched or written again is not reloaded", worker.tail())
    worker.terminate()


def test_lists(context):
    """A list is part of the set, wherever its file is."""
    check = context.results.check
    pipe = Pipe(context, "lists", 1)
    elsewhere = pipe.dir / "elsewhere.txt"
    elsewhere.write_text("C1\n")
    text = events.RULES.replace("items: [C00003, C00017]", "file: lists/trusted.txt").replace(
        "lists:", f"lists:\n  far: {{type: string, file: {elsewhere}}}", 1)
    text += "  - {id: far, condition: event.card_id in lists.far, score: 1}\n"
    install(pipe.rules, {"lists/trusted.txt": "C00003\n", "test.yaml": text})
    worker = context.worker(pipe.group, pipe.config("lists", reload={"poll_interval": "1h"})).start()
    check(worker.wait_ready(SOON_S), "lists: ready", worker.tail())
    seen = [rules_of(worker)["active"]]
    for what, path, content in (("in a folder", pipe.rules / "lists" / "trusted.txt", "C00003\nC00017\n"),
                                ("elsewhere", elsewhere, "C1\nC2\n")):
        path.write_text(content)
        changed = wait_until(lambda: rules_of(worker)["active"]["lists_hash"] != seen[-1]["lists_hash"], SOON_S)
        check(changed, f"a list {what} is noticed", worker.tail())
        seen.append(rules_of(worker)["active"])
    check(len({one["ruleset"] for one in seen}) == 1, "the rules are the same")
    elsewhere.unlink()
    check(wait_until(lambda: worker.logged("rules refused"), SOON_S), "a list that is gone refuses the set", worker.tail())
    check(rules_of(worker)["active"]["lists_hash"] == seen[-1]["lists_hash"], "and the former stays")
    worker.terminate()


def test_config_map(context):
    """As a kubelet exchanges it: rules and lists at once, behind links."""
    check = context.results.check
    pipe = Pipe(context, "kubelet", 1)
    shutil.rmtree(pipe.rules)
    pipe.rules.mkdir()

    def project(number, files):
        version = pipe.rules / f"..{number}"
        for name, text in files.items():
            (version / name).parent.mkdir(parents=True, exist_ok=True)
            (version / name).write_text(text)
        (pipe.rules / "..data_tmp").symlink_to(version.name)
        os.rename(pipe.rules / "..data_tmp", pipe.rules / "..data")
        for name in {name.split("/")[0] for name in files}:
            if not (pipe.rules / name).is_symlink():
                (pipe.rules / name).symlink_to(f"..data/{name}")
        if number > 1:
            shutil.rmtree(pipe.rules / f"..{number - 1}")

    listed = events.RULES.replace("items: [C00003, C00017]", "file: lists/trusted.txt")
    project(1, {"test.yaml": listed, "lists/trusted.txt": "C00003\n"})
    worker = context.worker(pipe.group, pipe.config("kubelet", reload={"poll_interval": "1h"})).start()
    check(worker.wait_ready(SOON_S), "kubelet: ready", worker.tail())
    for number in range(2, 6):
        text = listed.replace("> 450000", f"> {450000 + number}")
        project(number, {"test.yaml": text, "lists/trusted.txt": f"C0000{number}\n"})
        check(wait_until(lambda: active(worker) == set_hash({"test.yaml": text}), SOON_S), f"version {number}", worker.tail())
    check(len(worker.logged("rules accepted")) == 4, "each is loaded once", worker.tail())
    worker.terminate()


def test_rule_tests(context):
    """reload.tests: required. What its own tests do not let through does not decide."""
    check = context.results.check
    pipe = Pipe(context, "tests", 1)
    tests = """tests:
  - name: a huge amount is blocked
    events:
      - {at: 2026-01-01T10:00:00Z, amount_minor: 460000, card_id: C1, expect: {action: block}}
"""
    install(pipe.rules, {"huge.test.yaml": tests})
    worker = context.worker(pipe.group, pipe.config("tests", reload={**SLOW, "tests": "required"})).start()
    check(worker.wait_ready(SOON_S), "tests: ready", worker.tail())
    worse = events.RULES.replace("> 450000", "> 470000")
    install(pipe.rules, {"test.yaml": worse})
    status, answer = reload(worker)
    check(status == 422 and answer["stage"] == "tests" and "a huge amount is blocked" in json.dumps(answer),
          "refused by its tests", f"{status} {answer}")
    check(active(worker) == set_hash({"test.yaml": events.RULES}), "the former stays")
    install(pipe.rules, {"huge.test.yaml": tests.replace("460000", "480000")})
    status, answer = reload(worker)
    check(status == 200 and answer["result"] == "accepted", "accepted once they pass", f"{status} {answer}")
    worker.terminate()
    install(pipe.rules, {"huge.test.yaml": tests})
    worker.start()
    code = worker.wait(SOON_S)
    check(code == 78 and "a huge amount is blocked" in worker.log(), "a start is refused, too", worker.tail())


def test_rule_tests_with_models(context):
    """Tests see what the models say: a model that makes one fail is refused like a rule."""
    check = context.results.check
    pipe = Pipe(context, "scored", 1)
    models = pipe.dir / "models"

    def put_model(bound):
        card = ("version: 1\ntype: scorecard\nbase: 0\ninputs:\n  - name: amount\n    otherwise: 0\n    bins:\n"
                f"      - {{below: {bound}, points: 1}}\n      - {{from: {bound}, points: 9}}\n")
        manifest = (f"id: card\nfile: card-{bound}.yaml\nformat: scorecard\n"
                    f"sha256: {hashlib.sha256(card.encode()).hexdigest()}\nself_test: card-{bound}.csv\n"
                    "inputs: [{name: amount, expression: event.amount_minor}]\n")
        install(models, {f"card-{bound}.yaml": card, f"card-{bound}.csv": f"amount,expected\n1,1\n{bound},9\n",
                         "manifest.yaml": manifest})
        for path in models.glob("card-*"):
            if path.stem != f"card-{bound}":
                path.unlink()

    put_model(1000)
    text = events.RULES + "  - {id: scored, condition: models.card.score > 5.0, action: block, reason: MODEL}\n"
    tests = """tests:
  - name: the model blocks it
    events:
      - {at: 2026-01-01T10:00:00Z, amount_minor: 2000, card_id: C1, expect: {action: block}}
"""
    install(pipe.rules, {"test.yaml": text, "scored.test.yaml": tests})
    worker = context.worker(pipe.group, pipe.config("scored", models=str(models),
                                                    reload={**SLOW, "tests": "required"})).start()
    if not check(worker.wait_ready(SOON_S), "scored: ready", worker.tail()):
        return
    put_model(3000)
    status, answer = reload(worker)
    check(status == 422 and answer["stage"] == "tests", "a model is refused by the tests", f"{status} {answer}")
    put_model(1500)
    status, answer = reload(worker)
    check(status == 200 and answer["result"] == "accepted", "a good one is accepted", f"{status} {answer}")
    worker.terminate()


def test_activate_at(context):
    """The switch is at a moment of the events, the same for every worker."""
    check = context.results.check
    pipe, worker = started(context, "at", reload=SLOW)
    ledger = Ledger(pipe.source)
    feeder = Feeder(context.bootstrap, ledger, events.make_events(5, 4000, 2))
    at_ms = events.BASE_MS + 2000 * events.STEP_MS
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms // 1000))
    watch = Watch(pipe)
    for _ in range(1000):
        feeder.send(next(feeder.events))
    feeder.flush()
    watch.wait_decided(1000, SOON_S)
    later = variant(0).replace("version: 1\n", f"version: 1\nactivate_at: {at}\n")
    install(pipe.rules, {"test.yaml": later})
    status, answer = reload(worker)
    check(status == 200 and answer.get("state") == "scheduled", "it waits for its time", f"{status} {answer}")
    found = rules_of(worker)
    check(found["candidate"]["state"] == "scheduled" and found["active"]["ruleset"] != answer["ruleset"],
          "as /api/v1/rules says", str(found["candidate"]))
    feeder.send_all()
    decided = check_invariants(pipe, watch, ledger, SOON_S, "activate_at", oracle=False)
    check(wait_until(lambda: active(worker) == answer["ruleset"], SOON_S), "then it decides", worker.tail())
    wrong = 0
    for partition, decisions in decided.items():
        highest = 0
        for decision in decisions:
            highest = max(highest, ledger.events[partition][decision.src[2]].fields["event_time"])
            new = events.decode_decision(decision.value)["ruleset"] == answer["ruleset"]
            wrong += new != (highest >= at_ms // 1000 * 1000)
    check(wrong == 0, "from the first event whose merge time has come", f"{wrong} are not")
    worker.terminate()


def test_not_started(context):
    """No broker yet: said so, and what changes meanwhile is noticed afterwards."""
    pipe = Pipe(context, "early", 1)
    config = pipe.config("early", kafka={"bootstrap.servers": "127.0.0.1:1"}, startup={"timeout": "1h"})
    worker = context.worker("early", config).start()
    wait_until(worker.url, SOON_S)
    status, answer = reload(worker)
    context.results.check(status == 409 and "not started" in answer["error"], "too early", f"{status} {answer}")
    context.results.check(rules_of(worker)["active"]["trigger"] == "start", "rules are told already")
    code = worker.terminate()
    context.results.check(code in (0, 143), "SIGTERM ends it", worker.tail())


# ---- under load ----

PARTITIONS = 4
RATE = int(os.environ.get("FRAUDD_RELOAD_RATE", "5000"))
QUIET_S, LOAD_S, WARMUP_S = (20, 120, 3) if FULL else (5, 12, 2)
SETTLE_S = 6                                            # at first every key is new
RELOADS = 200 if FULL else 28
SAMPLES = 12 if FULL else 2                             # sets whose decisions replay gives again

WINDOWS = """\
version: 1
features:
  - {{name: card_n, key: card_id, op: count, window: {window}}}
  - {{name: card_sum, key: card_id, op: sum, value: event.amount_minor, window: 1h}}
rules:
  - {{id: busy, condition: features.card_n > 2, action: review, score: 10, reason: BUSY}}
  - {{id: dear, condition: features.card_sum > 100000, score: 5, reason: DEAR}}
"""
BAD = (
    ("a type error", {"test.yaml": variant(1).replace("event.amount_minor > 1", "event.amount_minor > 'x'")}),
    ("not YAML", {"test.yaml": "version: [1\n"}),
    ("half a file", {"test.yaml": variant(1)[:900]}),
    ("a rule twice", {"test.yaml": variant(1) + "  - {id: variant, condition: 'true', score: 1}\n"}),
)


class Mapped:
    """A file changed through memory, which no watch hears of: only the poll finds it."""

    def __init__(self, path):
        path.write_text(self.text(0))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 0)

    @staticmethod
    def text(number):
        return (f"version: 1\nrules:\n  - {{id: polled, condition: event.amount_minor == {number:6d}, score: 1}}\n")

    def put(self, number):
        self.map[:] = self.text(number).encode()


class Operator:
    """Changes the rules again and again, in turn by all four triggers, and remembers what was good."""

    def __init__(self, context, pipe, worker):
        self.context, self.pipe, self.worker = context, pipe, worker
        self.pick = random.Random(11)
        self.files = {"test.yaml": variant(0), "windows.yaml": WINDOWS.format(window="5m"), "polled.yaml": Mapped.text(0)}
        install(pipe.rules, {name: text for name, text in self.files.items() if name != "polled.yaml"})
        self.mapped = Mapped(pipe.rules / "polled.yaml")
        self.good = {set_hash(self.files): dict(self.files)}
        self.done = {}
        self.not_seen = []

    def refused(self):
        return self.worker.metric("fraudd_reloads_total", result="refused")

    def ask(self, trigger):
        """Waits for what comes of it, where the answer does not say."""
        if trigger == "http":
            status, answer = reload(self.worker)
            return f"{status} {answer.get('result')}"
        if trigger == "sighup":
            self.worker.signal(signal.SIGHUP)
        return ""

    def bad(self, trigger):
        what, files = self.pick.choice(BAD)
        before = self.refused()
        install(self.pipe.rules, files)
        self.ask(trigger)
        if not wait_until(lambda: self.refused() > before, SOON_S, 0.02):
            self.not_seen.append(f"{trigger}: {what} was not refused")
        install(self.pipe.rules, {"test.yaml": self.files["test.yaml"]})
        self.ask(trigger)
        wait_until(lambda: self.worker.metric("fraudd_last_reload_successful") == 1, SOON_S, 0.02)
        self.count(trigger, "bad")

    def change(self, trigger, number):
        windows = number % 5 == 0                       # every so often other windows, which take their time
        if trigger == "poll":
            self.files["polled.yaml"] = Mapped.text(number)
        elif windows:
            self.files["windows.yaml"] = WINDOWS.format(window=f"{300 + number}s")
        else:
            self.files["test.yaml"] = variant(1000 * number)
        wanted = set_hash(self.files)
        self.good[wanted] = dict(self.files)
        if trigger == "poll":
            self.mapped.put(number)
        else:
            install(self.pipe.rules, {name: self.files[name] for name in ("test.yaml", "windows.yaml")})
        answer = self.ask(trigger)
        if not wait_until(lambda: active(self.worker) == wanted, SOON_S, 0.02):
            self.not_seen.append(f"{trigger}: set {number} {wanted} did not come to decide {answer}")
        self.count(trigger, "windows" if windows and trigger != "poll" else "good")

    def count(self, trigger, kind):
        self.done[trigger, kind] = self.done.get((trigger, kind), 0) + 1

    def run(self, count, seconds):
        began = time.monotonic()
        for number in range(1, count + 1):
            trigger = ("watch", "http", "sighup", "poll")[number % 4]
            if trigger != "poll" and number % 5 and self.pick.random() < 0.3:
                self.bad(trigger)
            else:
                self.change(trigger, number)
            time.sleep(max(0.0, began + number * seconds / count - time.monotonic()))
        return time.monotonic() - began


def payloads(context, count):
    """Two files of generated payments, whose times rise: for the quiet time and for the reloads."""
    stream = context.logs / "payments.avro"
    subprocess.run([context.binary, "generate", "-q", "-f", str(stream), "--count", str(count),
                    "--customers", "2000"], check=True)
    cut = RATE * (QUIET_S + SETTLE_S)
    paths = [context.logs / name for name in ("quiet.bin", "loaded.bin")]
    with open(stream, "rb") as file, open(paths[0], "wb") as quiet, open(paths[1], "wb") as loaded:
        for number, fields in enumerate(fastavro.reader(file)):
            parts = fields["card_id"].encode(), events.encode(fields)
            (quiet if number < cut else loaded).write(b"".join(struct.pack("=I", len(p)) + p for p in parts))
    return paths


def build_ends(context):
    """The writer and reader of tests/bench, with one clock for both."""
    path = context.logs / "e2e"
    subprocess.run(["cc", "-O2", "-o", str(path), str(ROOT / "tests" / "bench" / "e2e.c"), "-lrdkafka", "-lpthread"],
                   check=True)
    return path


def show(what, found, seconds):
    say(f"   {what:16} {found['measured'] / seconds:7.0f} events/s   p50 {found['p50_ms']:.1f} ms   "
        f"p99 {found['p99_ms']:.1f}   p99.9 {found['p999_ms']:.1f}   max {found['max_ms']:.1f}")


def read_all(context, topic, kind):
    """Every message of a topic, as `kind` has it, by partition."""
    found = {}
    ends = kafka_wire.log_ends(context.bootstrap, topic, PARTITIONS, kafka_wire.COMMITTED)

    def take(message):
        found.setdefault(message.partition(), []).append(kind(message))
    reader = TopicReader(context.bootstrap, topic, PARTITIONS, take)
    previous = -1
    while previous != reader.read or reader.read == 0:
        previous = reader.read
        time.sleep(1.0)
    reader.stop()
    return found, ends


def check_once(context, pipe):
    """Each event of the log has one decision; returns these by id."""
    log, _ = read_all(context, pipe.source, lambda message: message.offset())
    stream = checker.StreamChecker(pipe.source)
    decisions, _ = read_all(context, pipe.output, lambda m: checker.decision_of(
        m.partition(), m.offset(), m.key(), m.value(), m.headers()))
    for found in decisions.values():
        for decision in found:
            stream.add(decision)
    context.results.none(stream.violations, "no event is decided twice, or out of order")
    context.results.none(checker.check_complete(log, stream.decisions), "no event is lost")
    return {"/".join(map(str, d.src)): d.value for found in stream.decisions.values() for d in found}


def check_replay(context, pipe, operator, decided):
    """What a set decided live is what replay decides with it."""
    by_set = {}
    for ident, value in decided.items():
        by_set.setdefault(events.decode_decision(value)["ruleset"], []).append(ident)
    strange = set(by_set) - set(operator.good)
    context.results.check(not strange, "every decision is of one of the good sets", str(strange))
    context.results.check(len(by_set) > len(operator.good) // 2, "most of them decided something",
                          f"{len(by_set)} of {len(operator.good)}")
    for ruleset in operator.pick.sample(sorted(set(by_set) & set(operator.good)), min(SAMPLES, len(by_set))):
        directory = context.logs / f"rules-{ruleset}"
        install(directory, operator.good[ruleset])
        config = context.logs / f"replay-{ruleset}.yaml"
        config.write_text(json.dumps({**pipe.config("replay", **LOADED), "rules": str(directory)}))
        out = context.logs / f"replay-{ruleset}.avro"
        with open(out, "wb") as file:
            done = subprocess.run([context.binary, "replay", "-c", str(config), "-t", pipe.source, "--output", "avro"],
                                  stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, check=False)
        again = {}
        with open(out, "rb") as file:
            for record in fastavro.reader(file):
                again[record["id"]] = record
        wrong = [i for i in by_set[ruleset] if again.get(i) != events.decode_decision(decided[i])]
        context.results.check(done.returncode == 0 and not wrong, f"replay with {ruleset} gives the same",
                              [f"{len(wrong)} of {len(by_set[ruleset])} differ", *wrong[:3], done.stderr.decode()[-300:]])
        if wrong:
            say(f"   {again.get(wrong[0])}")
            say(f"   {events.decode_decision(decided[wrong[0]])}")
    return len(by_set)


LOADED = {"reload": {"poll_interval": "300ms", "debounce": "100ms"}, "output": {"evidence": "all"},
          "state": {"memory": "256MiB", "lateness": "10m"}, "batch": {"max_events": 2048}, "merge": {"max_idle": "100ms"}}


def test_under_load(context):
    check = context.results.check
    redis = Redis(context.logs / "redis").start()
    pipe = Pipe(context, "load", PARTITIONS)
    changes = {**LOADED, "output": {"topic": pipe.output, "evidence": "all"}, "redis": {"url": redis.url}}
    ends = build_ends(context)
    quiet, loaded = payloads(context, RATE * (QUIET_S + SETTLE_S + LOAD_S + WARMUP_S))
    worker = context.worker(pipe.group, pipe.config("load", **changes))
    operator = Operator(context, pipe, worker)
    worker.start()
    check(worker.wait_ready(SOON_S), "load: ready", worker.tail())

    def measure(path, seconds, warmup_s):
        return subprocess.Popen([str(ends), "latency", context.bootstrap, pipe.source, pipe.output, str(PARTITIONS),
                                 str(RATE), str(seconds), str(warmup_s), str(path)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)

    def finish(process):
        out, err = process.communicate(timeout=300)
        check(process.returncode == 0 and out.startswith("{"), "the writer ends well", err)
        return json.loads(out)

    without = finish(measure(quiet, QUIET_S, SETTLE_S))
    process = measure(loaded, LOAD_S, WARMUP_S)
    time.sleep(WARMUP_S + 2)
    took = operator.run(RELOADS, LOAD_S - 2)
    with_reloads = finish(process)
    kinds = {kind: sum(n for (_, k), n in operator.done.items() if k == kind) for kind in ("good", "windows", "bad")}
    say(f"   {RELOADS} reloads in {took:.1f} s: {kinds}, by trigger "
        + str({t: sum(n for (x, _), n in operator.done.items() if x == t) for t in ("watch", "http", "sighup", "poll")}))
    show("without reloads", without, QUIET_S)
    show("with reloads", with_reloads, LOAD_S)
    context.results.none(operator.not_seen, "every reload came to what it had to")
    check(with_reloads["missing"] == 0 and with_reloads["duplicates"] == 0 and with_reloads["failed"] == 0,
          "a reader saw each decision once, while it happened", str(with_reloads))
    check(with_reloads["p99_ms"] < 10_000, "and within a very generous bound", str(with_reloads))
    for trigger in ("watch", "http", "sighup", "poll"):
        check(any(line["trigger"] == trigger for line in worker.logged("rules accepted")), f"accepted by {trigger}")
    check(bool(worker.logged("rules wait for their windows")), "windows were rebuilt in the background")
    check(worker.metric("fraudd_ruleset_switches_total") >= kinds["good"], "sets were exchanged")
    log = worker.terminate()
    check(log == 0, "ends with 0", worker.tail())
    decided = check_once(context, pipe)
    n_sets = check_replay(context, pipe, operator, decided)
    say(f"   {len(decided)} decisions by {n_sets} sets")


if __name__ == "__main__":
    run_tests("test_reload", [test_http, test_other_triggers, test_lists, test_config_map, test_rule_tests, test_rule_tests_with_models,
                              test_activate_at, test_not_started,
                              test_under_load])
