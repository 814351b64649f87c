"""Rules change while they decide: what is good decides from the next batch on, what is not changes nothing.

Why it exists: a reload must lose no event, decide none twice and delay none, whoever asks for it (a
changed directory, the poll, SIGHUP, HTTP), and every decision must be the one that its rule set gives.
The worker, the broker and the files are real. One measurement, with reloads and without, in one run;
its figures are printed, not judged.
"""
import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import events
from fraudd_test import Pipe, run_tests, wait_until
from kafka_side import Feeder, Ledger, Watch, check_invariants

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


if __name__ == "__main__":
    run_tests("test_reload", [test_http, test_other_triggers, test_lists, test_config_map, test_not_started])
