"""Rule files, their tests and their schemas, through the program.

    tests say what replay says    the decisions of `fraudd replay` over generated payments, written down as
                                  a test file, pass `fraudd rules test`; one of them altered, it fails
    JSON Schemas                  every rule file and test file of the tree and of the documentation is
                                  valid by schemas/*.schema.json, wrong ones are not, and neither loads;
                                  the schemas' keys are those of the loader's tables

Needs no servers. jsonschema and PyYAML come with kubernetes-validate.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from fraudd_test import FULL, ROOT, Results, say

FRAUDD = os.environ.get("FRAUDD", str(ROOT / "build" / "release" / "fraudd"))
STARTER = ROOT / "rules" / "packs" / "starter"
PAYMENTS = 5000 if FULL else 800
SECTION = re.compile(r"^(rules|features|lists):", re.MULTILINE)
FENCE = re.compile(r"^```(yaml[^\n]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: no timestamps, no yes and no."""


Core.yaml_implicit_resolvers = {
    first: [(tag, rx) for tag, rx in rules if not tag.endswith((":timestamp", ":bool"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def run(*args, **more):
    return subprocess.run([FRAUDD, *args], capture_output=True, encoding="utf-8", timeout=300, **more)


# ---- tests against replay ----

def decided(where):
    """Generated payments and what replay decides of them, features and all."""
    payments, config = where / "payments.jsonl", where / "fraudd.yaml"
    made = run("generate", "-q", "-f", str(payments), "--count", str(PAYMENTS), "--customers", "40",
               "--fraud", "5", "--seed", "3")
    assert made.returncode == 0, made.stderr
    config.write_text("group: g\nsources: [{topic: payments, role: decide, schema: %s, framing: raw, id: tx_id, "
                      "time: event_time, partitioned_by: card_id, start: earliest}]\n"
                      "output: {topic: decisions, evidence: all}\nrules: %s\nstate: {memory: 64MiB}\n"
                      % (ROOT / "schemas" / "payment.avsc", STARTER))
    replayed = run("replay", "-q", "-c", str(config), str(payments))
    assert replayed.returncode == 0, replayed.stderr
    events = [json.loads(line) for line in payments.read_text().splitlines()]
    decisions = [json.loads(line) for line in replayed.stdout.splitlines()]
    assert len(events) == len(decisions) == PAYMENTS
    return events, decisions


def as_test(events, decisions):
    steps = []
    for event, decision in zip(events, decisions):
        step = {k: v for k, v in event.items() if k != "event_time"}
        step["at"] = event["event_time"]
        step["expect"] = {
            "action": decision["action"].lower(), "score": decision["score"], "reasons": decision["reasons"],
            "rules": [hit["id"] for hit in decision["rules"]], "flags": decision["flags"],
            "features": decision["features"],
            "messages": {hit["id"]: hit["message"] for hit in decision["rules"] if hit["message"] is not None}}
        steps.append(step)
    return {"tests": [{"name": "as replayed", "events": steps}]}


def test_tests_say_what_replay_says(results):
    with tempfile.TemporaryDirectory(prefix="fraudd-rules-") as folder:
        where = Path(folder)
        events, decisions = decided(where)
        fired = sum(bool(d["rules"]) for d in decisions)
        results.check(fired >= 20, f"rules fire for {fired} of {PAYMENTS} payments")
        path = where / "replayed.test.yaml"
        test = as_test(events, decisions)
        path.write_text(json.dumps(test))               # JSON is YAML
        done = run("rules", "test", str(STARTER), str(path))
        results.check(done.returncode == 0, "a test written from replay passes", done.stdout[-3000:].splitlines())
        at = next(i for i, d in enumerate(decisions) if d["rules"])
        test["tests"][0]["events"][at]["expect"]["score"] += 1
        path.write_text(json.dumps(test))
        done = run("rules", "test", "-o", "json", str(STARTER), str(path))
        failures = json.loads(done.stdout)["tests"][0]["failures"]
        results.check(done.returncode == 1 and [f["event"] for f in failures] == [at + 1]
                      and [d["what"] for d in failures[0]["differences"]] == ["score"],
                      "one wrong score is the one failure", done.stdout[:2000])


def test_models_score_in_tests(results):
    """A scorecard by hand: 100 points, and 40 more from 500 on."""
    with tempfile.TemporaryDirectory(prefix="fraudd-rules-") as folder:
        where = Path(folder)
        for name in ("models", "rules"):
            (where / name).mkdir()
        card = where / "models" / "points.card"
        card.write_text("version: 1\ntype: scorecard\nbase: 100\ninputs:\n  - name: amount\n    bins: [{below: 500, points: 0}, "
                        "{from: 500, points: 40}]\n    missing: 1\n")
        digest = hashlib.sha256(card.read_bytes()).hexdigest()
        (where / "models" / "points.yaml").write_text(
            f"id: points\nfile: points.card\nformat: scorecard\nsha256: {digest}\noutput: raw\nself_test: points.csv\n"
            "inputs: [{name: amount, expression: 'double(event.amount_minor)'}]\n")
        (where / "models" / "points.csv").write_text("amount,expected\n1,100\n500,140\n")
        (where / "rules" / "r.yaml").write_text(
            "version: 1\nrules:\n  - {id: many, condition: models.points.score > 120.0, action: block}\n")
        (where / "rules" / "r.test.yaml").write_text(
            "tests:\n  - name: points\n    events:\n"
            "      - {at: 2026-01-01T10:00:00Z, amount_minor: 499, expect: {rules: []}}\n"
            "      - {after: 1s, amount_minor: 500, expect: {rules: [many]}}\n"
            "  - name: wrong\n    events: [{at: 2026-01-01T10:00:00Z, amount_minor: 1, expect: {rules: [many]}}]\n")
        done = run("rules", "test", "--models", str(where / "models"), str(where / "rules"))
        results.check(done.returncode == 1 and "  ok     points\n" in done.stdout
                      and "models.points.score > 120.0    (models.points.score is 100)\n" in done.stdout,
                      "models score in tests", (done.stdout + done.stderr).splitlines())
        same = run("rules", "diff", "--models", str(where / "models"), str(where / "rules"), str(where / "rules"))
        results.check(same.returncode == 0, "sets with models are compared", (same.stdout + same.stderr).splitlines())


# ---- schemas ----

def validators():
    found = {}
    for name in ("rules", "rules-test"):
        text = run("schema", "print", name).stdout
        assert text == (ROOT / "schemas" / f"{name}.schema.json").read_text()
        schema = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(schema)
        found[name] = jsonschema.Draft202012Validator(schema)
    return found


def good_texts():
    """(place, which schema, text) of rule files and test files that load."""
    for path in sorted(ROOT.rglob("*.yaml")):
        relative = path.relative_to(ROOT)
        if relative.parts[0] == "build":
            continue
        text = path.read_text()
        if path.name.endswith(".test.yaml"):
            yield str(relative), "rules-test", text
        elif re.search(r"^version: 1$", text, re.MULTILINE) and SECTION.search(text):
            yield str(relative), "rules", text
    for page in sorted((ROOT / "docs").glob("*.md")) + [ROOT / "README.md"]:
        for match in FENCE.finditer(page.read_text()):
            kind, text = match.group(1).split(), match.group(2)
            place = f"{page.name}:{page.read_text().count(chr(10), 0, match.start()) + 1}"
            if kind[1:2] == ["tests"]:
                yield place, "rules-test", text
            elif kind in (["yaml"], ["yaml", "told"], ["yaml", "explained"]) and SECTION.search(text) and text.startswith("version: 1\n"):
                yield place, "rules", text


def test_good_files_are_valid(results):
    valid, counts = validators(), {"rules": 0, "rules-test": 0}
    for place, which, text in good_texts():
        counts[which] += 1
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
                  for e in valid[which].iter_errors(yaml.load(text, Core))]
        results.none(errors, f"{place} is valid")
    results.check(counts["rules"] >= 20 and counts["rules-test"] >= 5, f"files were found: {counts}")


RULE = {"id": "a", "condition": "event.mcc > 5", "action": "block"}
FEATURE = {"name": "n", "key": "card_id", "op": "count", "window": "5m"}
EVENT = {"at": "2026-01-01T10:00:00Z", "expect": {"action": "allow"}}


def without(item, key):
    return {k: v for k, v in item.items() if k != key}


WRONG_RULES = [
    {"rules": [RULE]},
    {"version": 2, "rules": [RULE]},
    {"version": 1, "rulse": [RULE]},
    {"version": 1, "rules": RULE},
    {"version": 1, "activate_at": "2026-01-01T10:00:00", "rules": [RULE]},
    {"version": 1, "decision": {"actions": ["review", "allow"]}, "rules": [RULE]},
    {"version": 1, "decision": {"score_thresholds": {"allow": 5}}, "rules": [RULE]},
    {"version": 1, "decision": {"score_thresholds": {"review": 0}}, "rules": [RULE]},
    *({"version": 1, "rules": [rule]} for rule in (
        without(RULE, "id"), without(RULE, "condition"), without(RULE, "action"), {**RULE, "acton": "block"},
        {**RULE, "action": "blok"}, {**RULE, "score": "high"}, {**RULE, "mode": "on"}, {**RULE, "tags": "x"},
        {**RULE, "rollout": {"percent": 5}}, {**RULE, "rollout": {"percent": 101, "key": "card_id"}},
        {**RULE, "rollout": 5}, {**RULE, "snooze": {"from": "2026-01-01T00:00:00Z"}},
        {**RULE, "snooze": {"from": "2026-01-01", "until": "2026-02-01T00:00:00Z"}},
        {**RULE, "snooze": {"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "key": "card_id"}},
        {**RULE, "snooze": {"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "keys": []}})),
    *({"version": 1, "rules": [RULE], "lists": {"l": given}} for given in (
        {"items": [1]}, {"type": "int"}, {"type": "text", "items": []}, {"type": "int", "items": [1], "file": "x"},
        {"type": "int", "items": 5}, {"type": "int", "item": [1], "items": []})),
    {"version": 1, "rules": [RULE], "lists": {"a-b": {"type": "int", "items": []}}},
    *({"version": 1, "features": [feature]} for feature in (
        without(FEATURE, "name"), without(FEATURE, "key"), without(FEATURE, "op"), without(FEATURE, "window"),
        {**FEATURE, "op": "cnt"}, {**FEATURE, "op": "sum"}, {**FEATURE, "value": "event.mcc"},
        {**FEATURE, "op": "ratio"}, {**FEATURE, "of": "true"}, {**FEATURE, "p": 5},
        {**FEATURE, "op": "percentile", "value": "event.mcc"},
        {**FEATURE, "op": "percentile", "value": "event.mcc", "p": 101},
        {**FEATURE, "op": "travel_speed", "value": "event.lat"}, {**FEATURE, "window": "5 minutes"},
        {**FEATURE, "window": 5}, {**FEATURE, "key": []}, {**FEATURE, "include_current": "yes"},
        {**FEATURE, "accuracy": "good"}, {**FEATURE, "name": "a-b"}, {**FEATURE, "windw": "5m"})),
    {"version": 1, "rules": [RULE], "variables": [{"name": "v"}]},
    {"version": 1, "rules": [RULE], "variables": [{"name": "v", "expression": "1", "type": "int"}]},
]
WRONG_TESTS = [
    {}, {"tests": 5}, {"test": []}, {"tests": [{"events": [EVENT]}]}, {"tests": [{"name": "t"}]},
    {"tests": [{"name": "t", "events": []}]}, {"tests": [{"name": "t", "events": [EVENT], "default": {}}]},
    {"defaults": 5, "tests": [{"name": "t", "events": [EVENT]}]},
    *({"tests": [{"name": "t", "events": [EVENT, event]}]} for event in (
        {}, {"after": 5}, {"after": "5 sec"}, {"at": "2026-01-01"}, {"after": "1s", "at": "2026-01-01T10:00:00Z"},
        {"after": "1s", "every": "1s"}, {"after": "1s", "repeat": 0, "every": "1s"}, {"after": "1s", "event": 5},
        {"after": "1s", "expect": {}}, {"after": "1s", "expect": {"acton": "allow"}},
        {"after": "1s", "expect": {"action": "blok"}}, {"after": "1s", "expect": {"score": "x"}},
        {"after": "1s", "expect": {"rules": "a"}}, {"after": "1s", "expect": {"rules": {"includes": []}}},
        {"after": "1s", "expect": {"features": []}}, {"after": "1s", "expect": {"messages": []}},
        {"after": "1s", "expect": {"each": {}}}, {"after": "1s", "expect": {"each": {"each": {}}}})),
]


def test_wrong_files_are_not(results):
    """Nor do they load: a schema that is stricter than the program would be another language."""
    valid = validators()
    with tempfile.TemporaryDirectory(prefix="fraudd-rules-") as folder:
        where = Path(folder)
        for wrong in WRONG_RULES:
            (where / "r.yaml").write_text(json.dumps(wrong))
            results.check(list(valid["rules"].iter_errors(wrong)), f"not valid: {json.dumps(wrong)}")
            results.check(run("rules", "check", folder).returncode == 78, f"not loaded: {json.dumps(wrong)}")
        (where / "r.yaml").write_text(json.dumps({"version": 1, "rules": [RULE]}))
        for wrong in WRONG_TESTS:
            (where / "r.test.yaml").write_text(json.dumps(wrong))
            results.check(list(valid["rules-test"].iter_errors(wrong)), f"not valid: {json.dumps(wrong)}")
            results.check(run("rules", "test", folder).returncode == 78, f"not loaded: {json.dumps(wrong)}")


def table(path, name):
    """The names in an X-macro, or in an array of strings, of a C file."""
    text = (ROOT / path).read_text().replace("\\\n", " ")
    macro = re.search(rf"#define {name}\(X\)([^\n]*)", text)
    if macro:
        return {(quoted or plain) for plain, quoted in re.findall(r'X\((\w+)(?:, "(\w+)")?', macro.group(1))}
    return set(re.findall(r'"([\w-]+)"', re.search(rf"{name}\[\] = \{{(.*?)\}};", text, re.DOTALL).group(1)))


def test_keys_are_the_loaders(results):
    rules, tests = (json.loads((ROOT / "schemas" / f"{n}.schema.json").read_text()) for n in ("rules", "rules-test"))
    r, t = rules["$defs"], tests["$defs"]
    pairs = [
        (rules, "rules/store/sections.c", "SECTIONS"), (r["rule"], "rules/store/rule.c", "RULE_KEYS"),
        (r["rule"]["properties"]["rollout"], "rules/store/rule.c", "rollout_keys"),
        (r["rule"]["properties"]["snooze"], "rules/store/rule.c", "snooze_keys"),
        (r["feature"], "rules/store/feature.c", "FEATURE_KEYS"),
        (r["list"], "rules/store/sections.c", "list_keys"), (r["variable"], "rules/store/sections.c", "var_keys"),
        (r["decision"], "rules/store/sections.c", "decision_keys"),
        (tests, "rules/testing/read.c", "file_keys"), (t["test"], "rules/testing/read.c", "test_keys"),
        (t["event"], "rules/testing/read.c", "EVENT_KEYS"), (t["expect"], "rules/testing/expect.c", "EXPECT_KEYS"),
    ]
    for schema, path, name in pairs:
        results.check(set(schema["properties"]) == table(path, name), f"{path}: {name}",
                      f"{sorted(schema['properties'])} and {sorted(table(path, name))}")
    ops = r["feature"]["properties"]["op"]["enum"]
    results.check(set(ops) == table("service/domain/window.h", "FD_FEATURE_OPS"), "ops", str(ops))
    types = r["list"]["properties"]["type"]["enum"]
    results.check(set(types) == table("rules/store/lists.h", "FD_LIST_TYPES"), "types of lists", str(types))


# ---- packs ----

def test_packs_pass_their_tests(results):
    for path in sorted({p.parent for p in (ROOT / "rules" / "packs").rglob("*.test.yaml")}):
        done = run("rules", "test", "--coverage", str(path))
        results.check(done.returncode == 0, f"tests of {path.name}", (done.stdout + done.stderr)[-2000:].splitlines())


def main():
    if shutil.which(FRAUDD) is None:
        print(f"{FRAUDD} is not built: cmake --build --preset release", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    results = Results()
    for test in (test_tests_say_what_replay_says, test_models_score_in_tests, test_good_files_are_valid,
                 test_wrong_files_are_not, test_keys_are_the_loaders, test_packs_pass_their_tests):
        say(test.__name__)
        test(results)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
