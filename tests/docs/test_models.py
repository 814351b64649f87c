#!/usr/bin/env python3
"""The manifests and rules of docs/models.md: they load, together, with a small model in their place.

Fenced blocks: `yaml manifest` is a whole manifest (its sha256 is replaced), `yaml manifest-part` is added to it,
`yaml with-models` is a rule file that names its model.
"""

import hashlib
import json
import math
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FRAUDD = os.environ.get("FRAUDD", os.path.join(ROOT, "build", "release", "fraudd"))


def blocks(kind):
    with open(os.path.join(ROOT, "docs", "models.md"), encoding="utf-8") as f:
        return re.findall(rf"^```yaml {kind}\n(.*?)^```", f.read(), re.MULTILINE | re.DOTALL)


def run(where, *args):
    done = subprocess.run([FRAUDD, *args], cwd=where, capture_output=True, encoding="utf-8", timeout=60)
    return done.returncode, done.stdout, done.stderr


class Manifests(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="fraudd-docs-")
        self.addCleanup(temporary.cleanup)
        self.where = temporary.name
        for folder in ("models", "rules"):
            os.mkdir(os.path.join(self.where, folder))

    def put(self, name, text):
        with open(os.path.join(self.where, name), "w", encoding="utf-8") as f:
            f.write(text)

    def put_model(self, manifest):
        """A logistic regression with the manifest's inputs, each of weight 1; and its self-test."""
        names = re.findall(r"name: (\w+)", manifest)
        model = "version: 1\ntype: logistic\nintercept: 0\ninputs:\n"
        model += "".join(f"  - {{name: {name}, weight: 1, missing: 0}}\n" for name in names)
        self.put("models/" + re.search(r"^file: (.*)", manifest, re.MULTILINE).group(1), model)
        manifest, n = re.subn(r"(?<=sha256: )\w+", hashlib.sha256(model.encode()).hexdigest(), manifest)
        self.assertEqual(1, n)
        self.put("models/m.yaml", manifest)
        expected = 1 / (1 + math.exp(-0.25 * len(names)))
        self.put("models/self_test.csv", ",".join(names + ["expected"]) + "\n" +
                 ",".join(["0.25"] * len(names) + [repr(expected)]) + "\n")
        return names

    def test_they_load_together(self):
        [manifest] = blocks("manifest")
        [part] = blocks("manifest-part")
        [rules] = blocks("with-models")
        self.put("rules/r.yaml", rules)
        for text in (manifest, manifest + part):
            names = self.put_model(text)
            code, out, err = run(self.where, "models", "check", "--rules", "rules", "-o", "json", "models")
            self.assertEqual((0, True), (code, json.loads(out)["inputs_checked"]), out + err)
            self.assertEqual(len(names), json.loads(out)["models"][0]["inputs"])
            code, out, err = run(self.where, "rules", "check", "--models", "models", "rules")
            self.assertEqual(0, code, out + err)

    def test_the_commands(self):
        [manifest] = blocks("manifest")
        [part] = blocks("manifest-part")
        names = self.put_model(manifest + part)
        rows = ["id," + ",".join(names), "a," + ",".join(["0.5"] * len(names)), "b" + "," * len(names)]
        self.put("rows.csv", "\n".join(rows) + "\n")
        want = 1 / (1 + math.exp(-0.5 * len(names)))
        code, out, err = run(self.where, "models", "score", "models", "rows.csv")
        self.assertEqual(0, code, err)
        head, *scores = out.split()
        self.assertEqual("score", head)
        self.assertAlmostEqual(want, float(scores[0]), 12)
        # the manifest gives last_s -1 where it is missing
        self.assertAlmostEqual(1 / (1 + math.exp(1)), float(scores[1]), 12)
        code, out, err = run(self.where, "models", "explain", "models", "rows.csv", "-o", "json", "--top", "2")
        self.assertEqual(0, code, err)
        first, second = (json.loads(line) for line in out.splitlines())
        self.assertEqual({name: 0.5 for name in names}, first["contributions"])
        self.assertEqual(["HIGH_AMOUNT", "MANY_PAYMENTS"], first["reasons"])
        self.assertEqual([], second["reasons"])
        code, out, err = run(self.where, "models", "bench", "models", "rows.csv", "-o", "json")
        self.assertEqual(0, code, err)
        self.assertGreater(json.loads(out)["models"][0]["single_ns"], 0)

    def test_scores_of_events(self):
        [manifest] = blocks("manifest")
        [rules] = blocks("with-models")
        self.put_model(manifest)
        self.put("rules/r.yaml", rules)
        self.put("fraudd.yaml", "sources:\n  - {topic: payments, schema: " +
                 os.path.join(ROOT, "schemas", "payment.avsc") + ", id: tx_id, time: event_time}\n"
                 "rules: rules/\nmodels: models/\nstate: {memory: 16MiB}\n")
        event = {"tx_id": "t", "event_time": "2026-01-01T10:00:00Z", "card_id": "C1", "customer_id": "K",
                 "merchant_id": "M", "amount_minor": 50}
        later = {**event, "tx_id": "u", "event_time": "2026-01-01T10:00:02Z"}
        self.put("payments.jsonl", "".join(json.dumps(e) + "\n" for e in (event, later)))
        # amount 0.5, n5 1 and then 2, no payment before it (-1) and then one two seconds before it
        want = [1 / (1 + math.exp(-x)) for x in (0.5, 4.5)]
        replay = ("replay", "-q", "-c", "fraudd.yaml", "--scores")
        code, out, err = run(self.where, *replay, "payments.jsonl")
        self.assertEqual(0, code, err)
        for line, score in zip(out.splitlines(), want, strict=True):
            self.assertAlmostEqual(score, json.loads(line)["models"]["card_points"], 12)
        code, out, err = run(self.where, *replay, "--features", "--output", "csv", "payments.jsonl")
        self.assertEqual(0, code, err)
        head, *rows = (line.split(",") for line in out.splitlines())
        self.assertEqual(["card_since_last", "card_txn_5m", "models.card_points"], head[-3:])
        for row, features, score in zip(rows, (["", "1"], ["2", "2"]), want, strict=True):
            self.assertEqual(features, row[-3:-1])
            self.assertAlmostEqual(score, float(row[-1]), 12)
        code, out, err = run(self.where, "replay", "-q", "-c", "fraudd.yaml", "payments.jsonl")
        self.assertEqual(0, code, err)
        first, second = (json.loads(line) for line in out.splitlines())
        self.assertEqual(("ALLOW", "CHALLENGE"), (first["action"], second["action"]))
        self.assertAlmostEqual(want[1], second["models"][0]["score"], 12)

    def test_wrong_uses(self):
        [manifest] = blocks("manifest")
        self.put_model(manifest)
        self.put("rows.csv", "amount,n6\n1,2\n")
        for code, args, text in (
                (2, ("models", "improve", "models"), "check, score, explain, bench"),
                (2, ("models", "score", "models"), "score needs a CSV file"),
                (2, ("models", "score", "models", "rows.csv", "-m", "card_point"), "did you mean card_points?"),
                (1, ("models", "score", "models", "rows.csv"), "there is no column 'n5'"),
                (1, ("models", "score", "models", "none.csv"), "none.csv: No such file"),
                (78, ("models", "check", "no-models"), "model directory no-models: No such file"),
        ):
            got, out, err = run(self.where, *args)
            self.assertEqual(code, got, err)
            self.assertIn(text, err)
        self.put("models/card_points.yaml", "version: 1\n")
        code, out, err = run(self.where, "models", "check", "models", "-o", "json")
        self.assertEqual((78, False), (code, json.loads(out)["ok"]))
        self.assertIn("has the sha256", json.loads(out)["diagnostics"][0])


if __name__ == "__main__":
    unittest.main()
