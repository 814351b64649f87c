#!/usr/bin/env python3
"""The rule packs on streams that they were not tuned on, and the report that says so.

No servers: payments and labels go to files, `fraudd replay --labels` decides and compares. The table of ten
unseen seeds is printed; the test fails when precision, or the recall of a pattern, falls below the thresholds
of docs/packs.md. The report itself is counted again from the decisions, by code that shares nothing with it.
"""
import collections
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import fastavro

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from fraudd_test import FULL, OUTSIDE, ROOT, Results, die_with_parent

PACKS = ROOT / "rules" / "packs"
FRAUDD = os.environ.get("FRAUDD", str(ROOT / "build" / "release" / "fraudd"))
NOT_PACKS = {"starter"}                                 # a set of its own
SEEDS = range(201, 231 if FULL else 211)                # tuned on 101 to 105
COUNT, CUSTOMERS, SHARE = 120_000, 2_000, "1"
SINCE = "2026-01-08"                                    # a week fills the windows

# Of all seeds together; tuning seeds gave 0.86 and the recalls in docs/packs.md.
PRECISION, RECALL, PRECISION_OF_A_SEED = 0.80, 0.75, 0.70
PATTERNS = {                                            # recall of payments, of cases
    "account_takeover": (0.80, 0.90), "bin_attack": (0.85, 0.90), "bust_out": (0.42, 0.75),
    "card_testing": (0.78, 0.90), "device_cycling": (0.78, 0.90), "impossible_travel": (0.92, 0.95),
    "stolen_card": (0.52, 0.65), "structuring": (0.75, 0.85), "velocity": (0.80, 0.90)}
MILDER = {"allow": 0, "review": 1, "challenge": 2, "block": 3}

CONFIG = {
    "kafka": {"bootstrap.servers": "localhost:1"}, "group": "packs",
    "sources": [{"topic": "payments", "role": "decide", "schema": str(ROOT / "schemas/payment.avsc"),
                 "framing": "raw", "id": "tx_id", "time": "event_time", "partitioned_by": "card_id"}],
    "output": {"topic": "decisions"}, "dead_letter": {"topic": "dlq"}, "rules": "rules"}


def run(*words, code=0):
    done = subprocess.run([FRAUDD, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=300, env=OUTSIDE, preexec_fn=die_with_parent)
    if code is not None and done.returncode != code:
        raise RuntimeError(f"fraudd {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr[-800:]}")
    return done


def combine(folder):
    """Copies all packs into one set, as docs/packs.md tells."""
    (folder / "lists").mkdir(parents=True)
    for pack in sorted(PACKS.iterdir()):
        if not pack.is_dir() or pack.name in NOT_PACKS:
            continue
        for path in pack.glob("*.yaml"):
            if not path.name.endswith(".test.yaml"):
                assert not (folder / path.name).exists(), f"{path.name} is in two packs"
                shutil.copy(path, folder)
        for path in pack.glob("lists/*"):
            assert not (folder / "lists" / path.name).exists(), f"lists/{path.name} is in two packs"
            shutil.copy(path, folder / "lists")


class Workplace:
    def __init__(self, results, folder):
        self.results, self.folder = results, Path(folder)
        self.rules = self.folder / "rules"
        combine(self.rules)
        self.config = self.folder / "fraudd.yaml"
        self.config.write_text(json.dumps({**CONFIG, "rules": str(self.rules)}))

    def generate(self, seed, *more, count=COUNT, share=SHARE):
        payments, labels = self.folder / f"p{seed}.avro", self.folder / f"l{seed}.avro"
        run("generate", "-q", "-f", payments, "-c", count, "--seed", seed, "--customers", CUSTOMERS,
            "--fraud", share, "--labels", labels, "--unreported", 0, *more)
        return payments, labels

    def replay(self, *words, code=0):
        return run("replay", "-q", "-c", self.config, "--memory", "512MiB", *words, code=code)


# ---- the table ----

def add_up(total, report):
    for name in ("events", "fraud", "flagged", "caught"):
        total[name] += report[name]
    for name, pattern in report["patterns"].items():
        for what in ("events", "caught", "cases", "cases_caught"):
            total[name, what] += pattern[what]
        total[name, "said"] += pattern["own_rules"]["fired"]
        total[name, "right"] += round((pattern["own_rules"]["precision"] or 0) * pattern["own_rules"]["fired"])


def show_seed(seed, report):
    recalls = "".join(f"{report['patterns'].get(name, {}).get('recall') or 0:8.2f}" for name in PATTERNS)
    print(f"{seed:>5}{report['precision']:10.3f}{report['recall']:8.3f}{recalls}", flush=True)


def test_unseen_seeds(place):
    check, total = place.results.check, collections.Counter()
    print(f"seed  precision  recall  of it {', '.join(PATTERNS)}")
    for seed in SEEDS:
        payments, labels = place.generate(seed)
        report = json.loads(place.replay("--labels", labels, "--since", SINCE, "--report", "json", payments).stdout)
        show_seed(seed, report)
        check(report["precision"] >= PRECISION_OF_A_SEED, f"seed {seed}: precision", str(report["precision"]))
        add_up(total, report)
        payments.unlink()
        labels.unlink()
    precision, recall = total["caught"] / total["flagged"], total["caught"] / total["fraud"]
    wrong = (total["flagged"] - total["caught"]) / (total["events"] - total["fraud"])
    print(f"all: precision {precision:.3f}, recall {recall:.3f}, {wrong:.3%} of good payments flagged")
    check(precision >= PRECISION, "precision on unseen seeds", str(precision))
    check(recall >= RECALL, "recall on unseen seeds", str(recall))
    print(f"{'pattern':<20}{'payments':>9}{'recall':>8}{'cases':>7}{'recall':>8}{'its rules':>10}{'precision':>10}")
    for name, (of_payments, of_cases) in PATTERNS.items():
        found = total[name, "caught"] / max(1, total[name, "events"])
        cases = total[name, "cases_caught"] / max(1, total[name, "cases"])
        right = total[name, "right"] / max(1, total[name, "said"])
        print(f"{name:<20}{total[name, 'events']:>9}{found:>8.3f}{total[name, 'cases']:>7}{cases:>8.3f}"
              f"{total[name, 'said']:>10}{right:>10.3f}")
        check(total[name, "events"] >= 50, f"{name}: there is enough of it", str(total[name, "events"]))
        check(found >= of_payments, f"{name}: recall of payments", f"{found:.3f}, wanted {of_payments}")
        check(cases >= of_cases, f"{name}: recall of cases", f"{cases:.3f}, wanted {of_cases}")


# ---- the packs themselves ----

def test_packs_are_sets(place):
    """Each alone and all together; names begin with the pack's own letters."""
    check, prefixes = place.results.check, set()
    for pack in sorted(PACKS.iterdir()):
        if not pack.is_dir() or pack.name in NOT_PACKS | {"base"}:
            continue
        done = run("rules", "check", "--strict", pack, code=None)
        check(done.returncode == 0, f"{pack.name} is a set by itself", done.stdout + done.stderr)
        done = run("rules", "test", "--coverage", pack, code=None)
        counts = re.search(r"; of (\d+) rules (\d+) fired, (\d+) were seen not to fire$", done.stdout, re.MULTILINE)
        check(done.returncode == 0, f"{pack.name}: its tests pass", done.stdout + done.stderr)
        check(counts and counts[1] == counts[2] == counts[3], f"{pack.name}: every rule is tested both ways", done.stdout)
        text = "".join(path.read_text() for path in pack.glob("*.yaml") if not path.name.endswith(".test.yaml"))
        ids = [line.split()[-1] for line in text.splitlines() if line.startswith("  - id: ")]
        found = {name.split("-")[0] for name in ids}
        check(len(found) == 1 and not found & prefixes, f"{pack.name} has a prefix of its own", str(found))
        prefixes |= found
        for word in ("    reason: ", "    tags: [", "    owner: "):
            check(text.count(word) == len(ids), f"{pack.name}: every rule has {word.split()[0]}",
                  f"{text.count(word)} of {len(ids)}")
    done = run("rules", "check", "--strict", place.rules, code=None)
    check(done.returncode == 0, "all packs together are a set", done.stdout + done.stderr)
    page = (ROOT / "docs" / "packs.md").read_text()
    missing = [pack.name for pack in PACKS.iterdir() if pack.is_dir() and f"## {pack.name}" not in page]
    check(not missing, "docs/packs.md has a section for each", str(missing))


# ---- the report, counted again ----

def expected(decisions, labels, flagged, since=""):
    """{what: number} by the definitions of docs/tools.md."""
    known = {}
    for label in labels:
        known[label["tx_id"]] = label
    found = collections.Counter()
    for row in decisions:
        if row["event_time"] < since:
            continue
        label = known.get(row["event_id"])
        fraud = bool(label and label["fraud"])
        caught = MILDER[row["action"].lower()] >= MILDER[flagged]
        found["events"] += 1
        found["fraud"] += fraud
        found["flagged"] += caught
        found["caught"] += fraud and caught
        if fraud:
            found[label["pattern"], "events"] += 1
            found[label["pattern"], "caught"] += caught
        for rule in row["rules"]:
            found[rule["id"], "fired"] += 1
            found[rule["id"], "fraud"] += fraud
            found[rule["id"], "alone"] += len(row["rules"]) == 1
    return found


def said(report):
    found = collections.Counter({name: report[name] for name in ("events", "fraud", "flagged", "caught")})
    for name, pattern in report["patterns"].items():
        found[name, "events"], found[name, "caught"] = pattern["events"], pattern["caught"]
    for name, rule in report["rules"].items():
        found[name, "fired"], found[name, "fraud"] = rule["fired"], rule["fraud"]
        found[name, "alone"] = rule["alone"]["fraud"] + rule["alone"]["good"]
    return +found                                       # zeros are as good as nothing


def test_report_is_right(place):
    check = place.results.check
    payments, labels = place.generate(77, count=20_000, share="4")
    with open(labels, "rb") as file:
        known = [dict(row) for row in fastavro.reader(file)]
    out = place.folder / "decisions.jsonl"
    place.replay("--labels", labels, "--out", out, payments)
    decisions = [json.loads(line) for line in out.read_text().splitlines()]
    check(len(decisions) == 20_000, "decisions go to --out", str(len(decisions)))
    for flagged, since in (("review", ""), ("challenge", ""), ("block", "2026-01-02")):
        words = ["--since", since] if since else []
        done = place.replay("--labels", labels, "--flagged", flagged, "--report", "json", *words, payments)
        wanted = +expected(decisions, known, flagged, since)
        check(said(json.loads(done.stdout)) == wanted, f"flagged from {flagged} on, since {since or 'ever'}",
              str(sorted(map(str, (wanted - said(json.loads(done.stdout))).items()))[:6]))
    amounts = {}
    with open(payments, "rb") as file:
        amounts = {row["tx_id"]: row["amount_minor"] for row in fastavro.reader(file)}
    done = place.replay("--labels", labels, "--amount", "amount_minor", "--report", "json", payments)
    fraud = {row["tx_id"] for row in known if row["fraud"]}
    blamed = {row["event_id"] for row in decisions if row["action"] != "ALLOW"}
    check(json.loads(done.stdout)["amount"] == {
        "fraud": sum(amounts[name] for name in fraud), "caught": sum(amounts[name] for name in fraud & blamed),
        "good_flagged": sum(amounts[name] for name in blamed - fraud)}, "amounts", done.stdout[:300])
    as_of = sorted(row["known_at"] for row in known)[len(known) // 2].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    early = [row for row in known if row["known_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ") <= as_of]
    done = place.replay("--labels", labels, "--as-of", as_of, "--report", "json", payments)
    check(said(json.loads(done.stdout)) == +expected(decisions, early, "review"), "labels known by then only")
    table = place.replay("--labels", labels, payments).stdout
    check("precision" in table and "velocity" in table and "ct-device-with-many-cards" in table,
          "the table for people", table[:300])
    rows = place.folder / "some.csv"
    with open(rows, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tx_id", "tx_time", "fraud", "known_at"])
        for row in known[:50]:
            writer.writerow([row["tx_id"], row["tx_time"].isoformat(), str(row["fraud"]).lower(),
                             row["known_at"].isoformat()])
    done = place.replay("--labels", f"{rows},{labels}", "--report", "json", payments)
    check(said(json.loads(done.stdout)) == +expected(decisions, known, "review"), "several files of labels")


def test_what_labels_cannot_be(place):
    check = place.results.check
    payments, labels = place.generate(78, count=200)
    bad = place.folder / "bad.jsonl"
    cases = [
        (["--labels", place.folder / "none.avro", payments], 1, "none.avro"),
        (["--labels", payments, payments], 1, "is no label"),
        (["--labels", labels, "--as-of", "soon", payments], 2, "--as-of: 'soon' is no time"),
        (["--labels", labels, "--since", "soon", payments], 2, "--since: 'soon' is no time"),
        (["--labels", labels, "--features", payments], 2, "not with --features"),
        (["--labels", labels, "--amount", "amount", payments], 2, "--amount: 'amount' is no field of payments"),
        (["--labels", labels, "--amount", "currency", payments], 2, "'currency' is no field of payments that is a whole"),
        (["--as-of", "2026-01-01", payments], 2, "are about --labels"),
        (["--labels", bad, payments], 1, "bad.jsonl: record 2"),
    ]
    bad.write_text('{"tx_id": "a", "tx_time": 1, "fraud": true, "known_at": 2}\n{"tx_id": "b"}\n')
    for words, code, text in cases:
        done = place.replay(*words, code=None)
        check(done.returncode == code and text in done.stderr, f"refused: {text}",
              [f"exit {done.returncode}", done.stderr])


def main():
    results = Results()
    with tempfile.TemporaryDirectory(prefix="fraudd-packs-") as folder:
        place = Workplace(results, folder)
        for test in (test_packs_are_sets, test_report_is_right, test_what_labels_cannot_be, test_unseen_seeds):
            if not sys.argv[1:] or test.__name__ in sys.argv[1:]:
                print(f"-- {test.__name__}", flush=True)
                test(place)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
