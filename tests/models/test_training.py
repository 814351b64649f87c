"""models/train/train.py, as a data scientist runs it, and the sample model that came out of it.

Why it exists: it is the documented way from a log to a model in production, and it must refuse to ship
what the service would score otherwise than the library.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from golden import ROOT, main

FRAUDD = Path(os.environ.get("FRAUDD", ROOT / "build/release/fraudd"))
TRAIN = ROOT / "models/train/train.py"
FEATURES = ROOT / "models/sample/features"
PAYMENTS = 40_000


def run(*command):
    return subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, env={**os.environ, "FRAUDD": str(FRAUDD)})


def generate(directory):
    done = run(FRAUDD, "generate", "-q", "-f", directory / "payments.csv", "--count", PAYMENTS, "--seed", 77,
               "--customers", 800, "--fraud", 2, "--labels", directory / "labels.csv")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def train(directory, *options, script=TRAIN):
    return run(sys.executable, script, "--events", directory / "payments.csv", "--labels", directory / "labels.csv",
               "--rules", FEATURES, "--models", directory / "models", "--id", "try_out", *options)


def frauds(text):
    return int(text.split(" known frauds")[0].rsplit(" ", 1)[1])


def test_ships(results):
    """A model, its manifest and its self-test are where the service looks for them, and load."""
    with tempfile.TemporaryDirectory(prefix="fraudd-training-") as name:
        directory = Path(name)
        generate(directory)
        done = train(directory)
        results.check(done.returncode == 0, "training ships", done.stdout + done.stderr)
        print(done.stdout, end="", flush=True)
        files = sorted(p.name for p in (directory / "models").iterdir())
        results.check(files == ["try_out.csv", "try_out.ubj", "try_out.yaml"], "what is shipped", files)
        checked = run(FRAUDD, "models", "check", "--rules", FEATURES, directory / "models")
        results.check(checked.returncode == 0 and "try_out" in checked.stdout, "what is shipped loads", checked.stderr)
        before = (directory / "models/try_out.yaml").read_bytes()
        early = train(directory, "--known-until", "2026-01-10T00:00:00")
        results.check(0 < frauds(early.stdout) < frauds(done.stdout), "labels that were not known yet do not count",
                      early.stdout)
        results.check((directory / "models/try_out.yaml").read_bytes() != before, "another model is shipped over it", early.stdout + early.stderr)
        refuse(results, directory)


def refuse(results, directory):
    """An input that the service computes otherwise than the table the model learnt from."""
    before = {p.name: p.read_bytes() for p in (directory / "models").iterdir()}
    text = TRAIN.read_text()
    wrong = text.replace('"double(event.event_time.getHours())"', '"double(event.event_time.getMinutes())"')
    results.check(wrong != text, "the input is there")
    script = directory / "wrong.py"
    script.write_text(wrong.replace("ROOT = Path(__file__).resolve().parents[2]", f"ROOT = Path({str(ROOT)!r})"))
    done = train(directory, script=script)
    results.check(done.returncode == 1 and "not shipped: fraudd scores" in done.stderr, "a skewed input is refused",
                  done.stdout + done.stderr)
    after = {p.name: p.read_bytes() for p in (directory / "models").iterdir()}
    results.check(before == after, "and what is there stays")


def test_sample(results):
    """The sample loads with its features and rules, and decides."""
    checked = run(FRAUDD, "models", "check", "--rules", FEATURES, "models/sample")
    results.check(checked.returncode == 0, "the sample passes its self-test", checked.stdout + checked.stderr)
    with tempfile.TemporaryDirectory(prefix="fraudd-training-") as name:
        directory = Path(name)
        (directory / "rules").mkdir()
        for part in ("features", "rules"):
            for path in (ROOT / "models/sample" / part).glob("*.yaml"):
                (directory / "rules" / path.name).write_bytes(path.read_bytes())
        generate(directory)
        (directory / "c.yaml").write_text(json.dumps({
            "sources": [{"topic": "payments", "schema": str(ROOT / "schemas/payment.avsc"), "id": "tx_id",
                         "time": "event_time", "partitioned_by": "card_id"}],
            "rules": str(directory / "rules"), "models": str(ROOT / "models/sample"), "state": {"memory": "256MiB"}}))
        out = directory / "decisions.jsonl"
        done = run(FRAUDD, "replay", "-q", "-c", directory / "c.yaml", "--out", out, directory / "payments.csv")
        results.check(done.returncode == 0, "replay with the sample", done.stderr)
        with (directory / "labels.csv").open() as source:
            fraud = {row["tx_id"] for row in csv.DictReader(source) if row["fraud"] == "true"}
        high = [json.loads(line) for line in out.open()]
        high = [d["event_id"] for d in high if any(r["id"] == "model-high" for r in d["rules"])]
        good = sum(number in fraud for number in high)
        print(f"sample: {len(high)} payments with a score of 0.9 and more, {good} of them frauds", flush=True)
        results.check(len(high) > 50 and good / max(1, len(high)) > 0.6, "high scores are mostly frauds",
                      f"{good} of {len(high)}")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main([test_ships, test_sample])
