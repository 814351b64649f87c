#!/usr/bin/env python3
"""Trains a model on features that fraudd exports, writes what fraudd loads, checks it, and ships it.

Why it exists: a data scientist's path from a log of payments to a model in production, to be copied and
changed. Features come from `fraudd replay --features`, so that what the model learns from is computed by
what will serve it. It learns from payments before --known-until, and from the labels that were known by
then: a backtest must not know what nobody knew. What is written (model, manifest, self-test) goes to a directory beside the live one, is
checked by `fraudd models check`, decides the held-out days by `fraudd replay`, where every score must be
the library's, and only then is moved to its place: a service that watches it loads it from there.

    integration/python-env.sh --models
    build/venv-models/bin/python models/train/train.py --events payments.csv --labels labels.csv \\
        --rules models/sample/features --models models/sample

Exit codes: 0 shipped, 1 not (what is there stays), 2 usage.
"""
import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn.metrics
import xgboost

ROOT = Path(__file__).resolve().parents[2]
SEED = 7
WARM_DAYS = 5                                           # windows fill: nothing is learnt from them
HELD_OUT = 0.25                                         # of the days, the last ones, unless --known-until says
SELF_TEST_ROWS = 500
TOLERANCE = 1e-6                                        # between float32 libraries' transforms
SETTINGS = {"n_estimators": 120, "max_depth": 4, "learning_rate": 0.15, "subsample": 0.8, "colsample_bytree": 0.8,
            "min_child_weight": 5, "tree_method": "hist", "eval_metric": "logloss"}

CHANNELS = ["pos", "ecom", "atm", "moto"]


def number(name):
    return f"double(features.{name})", lambda t: t[name]


def maybe(name):
    """A feature that may be absent: missing to the model."""
    return f"features.{name}", lambda t: t[name]


def flag(name):
    return f"features.{name} ? 1.0 : 0.0", lambda t: t[name].map({True: 1.0, False: 0.0, "true": 1.0, "false": 0.0})


# Input: its CEL, and the same of the exported table. Both are compared below, through the scores.
INPUTS = {
    "amount": ("double(event.amount_minor)", lambda t: t.amount_minor),
    "hour": ("double(event.event_time.getHours())", lambda t: t.event_time.dt.hour),
    "channel": ('event.channel == "pos" ? 0.0 : event.channel == "ecom" ? 1.0 : event.channel == "atm" ? 2.0 : 3.0',
                lambda t: t.channel.map(CHANNELS.index)),
    "abroad": ("event.merchant_country != event.card_country ? 1.0 : 0.0",
               lambda t: (t.merchant_country != t.card_country).astype(float)),
    "declined": ('event.status == "declined" ? 1.0 : 0.0', lambda t: (t.status == "declined").astype(float)),
    "recurring": ("event.is_recurring ? 1.0 : 0.0", lambda t: (t.is_recurring.astype(str).str.lower() == "true").astype(float)),
    "card_1h": number("md_card_1h"),
    "card_24h": number("md_card_24h"),
    "card_amount_24h": number("md_card_amount_24h"),
    "card_z": maybe("md_card_z"),
    "card_declines": number("md_card_declines"),
    "card_last": ("double(features.md_card_last.getSeconds())", lambda t: np.trunc(t.md_card_last)),
    "new_country": flag("md_new_country"),
    "new_mcc": flag("md_new_mcc"),
    "new_device": flag("md_new_device"),
    "speed": maybe("md_speed"),
    "device_cards": number("md_device_cards"),
    "device_1h": number("md_device_1h"),
    "merchant_1h": number("md_merchant_1h"),
    "merchant_no": maybe("md_merchant_no"),
    "bin_cards": number("md_bin_cards"),
    "customer_amount": number("md_customer_amount"),
}


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("--events", required=True, type=Path, help="payments, CSV (fraudd generate -f payments.csv)")
    p.add_argument("--labels", required=True, type=Path, help="labels, CSV (fraudd generate --labels labels.csv)")
    p.add_argument("--rules", required=True, type=Path, help="directory with the features")
    p.add_argument("--models", required=True, type=Path, help="directory that the model is shipped to")
    p.add_argument("--id", default="card_gbdt", help="the model's id, and its files' name (%(default)s)")
    p.add_argument("--known-until", type=pd.Timestamp, help="learn from what was known by then, judge by the days "
                   "after it (default: the last quarter is held out)")
    p.add_argument("--schema", type=Path, default=ROOT / "schemas/payment.avsc")
    p.add_argument("--fraudd", type=Path, default=Path(os.environ.get("FRAUDD", ROOT / "build/release/fraudd")))
    return p.parse_args()


class Fraudd:
    """The program, with the configuration that the service would have."""

    def __init__(self, arguments, directory):
        self.program, self.directory, self.arguments = arguments.fraudd, directory, arguments

    def call(self, *words):
        done = subprocess.run([str(self.program), *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"fraudd {words[0]}: not shipped\n{done.stderr}{done.stdout}")
        return done.stdout

    def replay(self, name, *words, models=None):
        config = self.directory / f"{name}.yaml"
        settings = {"sources": [{"topic": "payments", "schema": str(self.arguments.schema), "id": "tx_id",
                                 "time": "event_time", "partitioned_by": "card_id"}],
                    "rules": str(self.arguments.rules), "state": {"memory": "512MiB"}, "output": {"evidence": "none"}}
        if models:
            settings["models"] = str(models)
        config.write_text(json.dumps(settings))
        out = self.directory / name
        self.call("replay", "-q", "-c", config, "--out", out, *words, self.arguments.events)
        return out


def read(fraudd, arguments):
    """One row per payment: its fields, its features, and whether it is known as a fraud."""
    table = pd.read_csv(arguments.events, dtype={"tx_id": str, "bin": str}).set_index("tx_id")
    table["event_time"] = pd.to_datetime(table["event_time"], utc=True, format="ISO8601").dt.tz_localize(None)
    features = pd.read_csv(fraudd.replay("features.csv", "--features", "--output", "csv"), dtype={"event_id": str})
    names = [n for n in features.columns if n.startswith("md_")]
    table = table.join(features.set_index("event_id")[names])
    labels = pd.read_csv(arguments.labels, dtype={"tx_id": str})
    labels["known_at"] = pd.to_datetime(labels["known_at"], utc=True, format="ISO8601").dt.tz_localize(None)
    frauds = labels[labels.fraud.astype(str).str.lower() == "true"].set_index("tx_id").known_at
    table["fraud"] = table.index.isin(frauds.index).astype(int)
    table["known_at"] = frauds.groupby(level=0).min().reindex(table.index)
    return table


def inputs_of(table):
    return pd.DataFrame({name: calculate(table).astype(float) for name, (_, calculate) in INPUTS.items()})


def split(table, until):
    """By time: the model is judged on days that come after those it learnt from, with all that became
    known of them since."""
    begin, end = table.event_time.min(), table.event_time.max()
    if until is None:
        until = end - HELD_OUT * (end - begin)
    since = begin + pd.Timedelta(days=WARM_DAYS)
    train = table[(table.event_time >= since) & (table.event_time < until)].copy()
    train.loc[~(train.known_at <= until), "fraud"] = 0
    return train, table[table.event_time >= until]


def write(arguments, directory, model, x, held_since):
    """Model, manifest and self-test, as fraudd loads them."""
    content = bytes(model.get_booster().save_raw("ubj"))
    (directory / f"{arguments.id}.ubj").write_bytes(content)
    rows = x.sample(min(SELF_TEST_ROWS, len(x)), random_state=SEED)
    expected = model.predict_proba(rows)[:, 1]
    with open(directory / f"{arguments.id}.csv", "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*INPUTS, "expected"])
        for row, value in zip(rows.to_numpy(), expected):
            writer.writerow(["" if np.isnan(v) else repr(float(v)) for v in row] + [repr(float(value))])
    lines = [f"# Trained by models/train/train.py on {arguments.events.name}, held out since {held_since:%Y-%m-%d %H:%M}.",
             f"id: {arguments.id}", f"file: {arguments.id}.ubj", f"sha256: {hashlib.sha256(content).hexdigest()}", "inputs:"]
    lines += [f"  - {{name: {name}, expression: {json.dumps(text)}}}" for name, (text, _) in INPUTS.items()]
    lines += ["output: probability", f"self_test: {arguments.id}.csv", f"tolerance: {TOLERANCE}", "mode: live"]
    (directory / f"{arguments.id}.yaml").write_text("\n".join(lines) + "\n")


def served(fraudd, directory, name):
    """{tx_id: score} as a service with this model would record it."""
    out = {}
    with fraudd.replay("decisions.jsonl", models=directory).open() as lines:
        for line in lines:
            decision = json.loads(line)
            out.update((decision["event_id"], m["score"]) for m in decision["models"] if m["id"] == name)
    return out


def report(held, scores):
    precision, recall, _ = sklearn.metrics.precision_recall_curve(held.fraud, scores)
    at = recall[np.argmax(precision >= 0.9)]
    print(f"held out: {len(held)} payments, {held.fraud.sum()} frauds; AUC ROC "
          f"{sklearn.metrics.roc_auc_score(held.fraud, scores):.3f}, average precision "
          f"{sklearn.metrics.average_precision_score(held.fraud, scores):.3f}, recall at precision 0.9 {at:.3f}")


def ship(arguments, directory):
    """The manifest last: whoever watches sees a whole model or the former one, never half of both."""
    arguments.models.mkdir(parents=True, exist_ok=True)
    for ending in (".ubj", ".csv", ".yaml"):
        name = f"{arguments.id}{ending}"
        shutil.copy(directory / name, arguments.models / f".{name}.tmp")
        os.replace(arguments.models / f".{name}.tmp", arguments.models / name)
    print(f"shipped {arguments.models / arguments.id}.yaml")


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="fraudd-train-") as name:
        fraudd = Fraudd(arguments, Path(name))
        train, held = split(read(fraudd, arguments), arguments.known_until)
        print(f"trained on {len(train)} payments, {train.fraud.sum()} known frauds, {len(INPUTS)} inputs")
        model = xgboost.XGBClassifier(random_state=SEED, n_jobs=1, **SETTINGS).fit(inputs_of(train), train.fraud)
        staged = Path(name) / "models"
        staged.mkdir()
        x = inputs_of(held)
        write(arguments, staged, model, x, held.event_time.min())
        print(fraudd.call("models", "check", "-s", arguments.schema, "--rules", arguments.rules, staged).strip())
        scores, mine = model.predict_proba(x)[:, 1], served(fraudd, staged, arguments.id)
        got = np.array([mine.get(number, np.nan) for number in held.index])
        unlike = ~(np.abs(got - scores) <= TOLERANCE)
        if unlike.any():
            first = held.index[unlike][0]
            sys.exit(f"not shipped: fraudd scores {unlike.sum()} of {len(held)} payments otherwise, such as {first}: "
                     f"{mine.get(first)}, not {scores[unlike][0]}. Do the expressions in INPUTS say the same twice?")
        report(held, got)
        ship(arguments, staged)


if __name__ == "__main__":
    main()
