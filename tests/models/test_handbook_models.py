"""The Fraud Detection Handbook's table of models, made with features by fraudd and scored by fraudd.

Why it exists: it shows the whole path of a data scientist on data that others published results for. The
log is replayed for features (fraudd replay --features), five models are trained by the published recipe and
written as files, and a second replay decides every transaction with all five (manifests, inputs in CEL,
scores in decisions). AUC ROC, average precision and card precision@100 are computed from those scores and
must equal the published table to three decimals; both tables are printed side by side.

Recipe and numbers: Le Borgne, Siblini, Lebichot, Bontempi, "Reproducible Machine Learning for Credit Card
Fraud Detection - Practical Handbook" (2022), chapter 3; code and data are simulated and public. Needs the
data set (../shared/data/handbook, or $HANDBOOK_DATA); skipped without it.
"""
import csv
import datetime
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn.metrics
import xgboost
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from golden import ROOT, main

DATA = Path(os.environ.get("HANDBOOK_DATA", ROOT.parent / "shared" / "data" / "handbook"))
FRAUDD = Path(os.environ.get("FRAUDD", ROOT / "build/release/fraudd"))
HERE = ROOT / "tests" / "handbook"
SEED = 0
TRAIN_FROM, TRAIN_DAYS, DELAY_DAYS, TEST_DAYS = datetime.date(2018, 7, 25), 7, 7, 7
TEST_FROM = TRAIN_FROM + datetime.timedelta(TRAIN_DAYS + DELAY_DAYS)
TOP = 100
SELF_TEST_ROWS, TOLERANCE = 300, 1e-5

# Input of the models, its CEL. The published features are in euros, 0 where a terminal has no history.
INPUTS = {
    "TX_AMOUNT": "double(event.amount_cents) / 100.0",
    "TX_DURING_WEEKEND": "variables.weekend ? 1.0 : 0.0",
    "TX_DURING_NIGHT": "variables.night ? 1.0 : 0.0",
}
for _days in (1, 7, 30):
    INPUTS[f"CUSTOMER_ID_NB_TX_{_days}DAY_WINDOW"] = f"double(features.customer_count_{_days}d)"
    INPUTS[f"CUSTOMER_ID_AVG_AMOUNT_{_days}DAY_WINDOW"] = f"features.customer_avg_{_days}d / 100.0"
for _days in (1, 7, 30):
    INPUTS[f"TERMINAL_ID_NB_TX_{_days}DAY_WINDOW"] = f"double(features.terminal_count_{_days}d)"
    INPUTS[f"TERMINAL_ID_RISK_{_days}DAY_WINDOW"] = (
        f"has(features.terminal_risk_{_days}d) ? features.terminal_risk_{_days}d : 0.0")

# Published: AUC ROC, average precision, card precision@100.
TABLE = {
    "logistic_regression": ("Logistic regression", 0.871, 0.606, 0.291),
    "tree_depth_2": ("Decision tree, depth 2", 0.763, 0.496, 0.241),
    "tree_unlimited": ("Decision tree, unlimited", 0.788, 0.309, 0.243),
    "random_forest": ("Random forest", 0.867, 0.658, 0.287),
    "xgboost": ("XGBoost", 0.862, 0.639, 0.273),
}


def classifiers():
    return {
        "logistic_regression": LogisticRegression(random_state=SEED),
        "tree_depth_2": DecisionTreeClassifier(max_depth=2, random_state=SEED),
        "tree_unlimited": DecisionTreeClassifier(random_state=SEED),
        "random_forest": RandomForestClassifier(random_state=SEED, n_jobs=-1),
        "xgboost": xgboost.XGBClassifier(random_state=SEED, n_jobs=-1),
    }


# ---- fraudd ----

class Fraudd:
    """One configuration in a directory of its own, and the transactions up to the end of the test."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.models = self.directory / "models"
        self.models.mkdir()
        self.log = self.directory / "transactions.csv"
        end = TRAIN_FROM + datetime.timedelta(TRAIN_DAYS + DELAY_DAYS + TEST_DAYS)
        with gzip.open(DATA / "transactions.csv.gz", "rt") as source, self.log.open("w") as out:
            out.write(next(source))
            for line in source:
                if line.split(",", 2)[1] >= end.isoformat():
                    break
                out.write(line)

    def replay(self, name, *options, models=False):
        config = self.directory / f"{name}.yaml"
        settings = {
            "sources": [{"topic": "transactions", "schema": str(HERE / "transaction.avsc"), "id": "tx_id",
                         "time": "tx_time", "partitioned_by": "customer_id"}],
            "rules": str(HERE / "rules"), "output": {"evidence": "none"},
            "state": {"lateness": "0s", "memory": "512MiB"}}
        if models:
            settings["models"] = str(self.models)
        config.write_text(json.dumps(settings))
        out = self.directory / name
        began = time.monotonic()
        done = subprocess.run([FRAUDD, "replay", "-c", config, *options, "--out", out, self.log], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-3000:])
        print(f"{name}: {done.stderr.strip().splitlines()[-1]} ({time.monotonic() - began:.1f} s)", flush=True)
        return out

    def features(self):
        """The published columns, of the features that fraudd exports."""
        got = pd.read_csv(self.replay("features.csv", "--features", "--output", "csv")).set_index("event_id")
        tx = pd.read_csv(self.log, parse_dates=["tx_time"]).set_index("tx_id")
        tx["tx_time"] = tx["tx_time"].dt.tz_localize(None)
        frame = pd.DataFrame(index=tx.index)
        frame["TX_AMOUNT"] = tx["amount_cents"] / 100
        frame["TX_DURING_WEEKEND"] = (tx["tx_time"].dt.weekday >= 5).astype(int)
        frame["TX_DURING_NIGHT"] = (tx["tx_time"].dt.hour <= 6).astype(int)
        for days in (1, 7, 30):
            frame[f"CUSTOMER_ID_NB_TX_{days}DAY_WINDOW"] = got[f"customer_count_{days}d"]
            frame[f"CUSTOMER_ID_AVG_AMOUNT_{days}DAY_WINDOW"] = got[f"customer_avg_{days}d"] / 100
        for days in (1, 7, 30):
            frame[f"TERMINAL_ID_NB_TX_{days}DAY_WINDOW"] = got[f"terminal_count_{days}d"]
            frame[f"TERMINAL_ID_RISK_{days}DAY_WINDOW"] = got[f"terminal_risk_{days}d"].fillna(0)
        frame = frame[list(INPUTS)]
        frame["DAY"] = tx["tx_time"].dt.date
        frame["CUSTOMER_ID"], frame["TX_FRAUD"] = tx["customer_id"], tx["fraud"]
        return frame

    def ship(self, name, ending, content, scaler, rows, expected):
        """A model file with its manifest and self-test. Scaling is part of the inputs."""
        file, test = f"{name}{ending}", f"{name}.csv"
        (self.models / file).write_bytes(content)
        with open(self.models / test, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow([*INPUTS, "expected"])
            writer.writerows([*row, value] for row, value in zip(rows.tolist(), expected.tolist()))
        inputs = [{"name": key, "expression": f"(({text}) - {float(mean)!r}) / {float(scale)!r}"}
                  for (key, text), mean, scale in zip(INPUTS.items(), scaler.mean_, scaler.scale_)]
        manifest = {"id": name, "file": file, "sha256": hashlib.sha256(content).hexdigest(), "inputs": inputs,
                    "where": f'event.tx_time >= timestamp("{TEST_FROM.isoformat()}T00:00:00Z")',
                    "output": "probability", "self_test": test, "tolerance": TOLERANCE}
        (self.models / f"{name}.yaml").write_text(json.dumps(manifest, indent=1))

    def scores(self, wanted):
        """{model: scores of the wanted transactions, in their order}"""
        found = {}
        with self.replay("decisions.jsonl", models=True).open() as lines:
            for line in lines:
                decision = json.loads(line)
                number = int(decision["event_id"])
                if number in wanted:                    # others have no scores: see `where`
                    found[number] = {m["id"]: m["score"] for m in decision["models"]}
        return found


# ---- the published recipe ----

def split(frame):
    """Training week; test week without the customers that were known to be defrauded by then."""
    day = datetime.timedelta(1)
    train = frame[(frame.DAY >= TRAIN_FROM) & (frame.DAY < TRAIN_FROM + TRAIN_DAYS * day)]
    known = set(train[train.TX_FRAUD == 1].CUSTOMER_ID)
    days = []
    for n in range(TEST_DAYS):
        today = TEST_FROM + n * day
        learnt = frame[frame.DAY == today - (DELAY_DAYS + 1) * day]
        known |= set(learnt[learnt.TX_FRAUD == 1].CUSTOMER_ID)
        test = frame[frame.DAY == today]
        days.append(test[~test.CUSTOMER_ID.isin(known)])
    return train, pd.concat(days)


def card_precision(test, scores):
    """Mean over the days of the share of frauds among the TOP customers by score; a customer that was
    found is not looked for again."""
    found, shares = set(), []
    table = test.assign(score=scores)
    for _, today in table.groupby("DAY"):
        cards = today.groupby("CUSTOMER_ID")[["score", "TX_FRAUD"]].max().reset_index(drop=False)
        cards = cards[~cards.CUSTOMER_ID.isin(found)].sort_values("score", ascending=False).head(TOP)
        found |= set(cards[cards.TX_FRAUD == 1].CUSTOMER_ID)
        shares.append(cards.TX_FRAUD.sum() / TOP)
    return np.mean(shares)


def measure(test, scores):
    return (sklearn.metrics.roc_auc_score(test.TX_FRAUD, scores),
            sklearn.metrics.average_precision_score(test.TX_FRAUD, scores), card_precision(test, scores))


def file_of(name, classifier, example):
    """Ending and bytes, as a data scientist would write them."""
    if name == "xgboost":
        return ".json", bytes(classifier.get_booster().save_raw("json"))
    model = to_onnx(classifier, example.astype(np.float32), options={"zipmap": False}, target_opset=15)
    return ".onnx", model.SerializeToString()


def test_table(results):
    """The published table and ours."""
    if not (DATA / "transactions.csv.gz").exists():
        print(f"SKIP the data set is not there: {DATA / 'transactions.csv.gz'}", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="fraudd-handbook-") as directory:
        compare(results, Fraudd(directory))


def compare(results, fraudd):
    train, test = split(fraudd.features())
    results.check((len(train), train.TX_FRAUD.sum()) == (67240, 598), "training week", f"{len(train)}")
    results.check((len(test), test.TX_FRAUD.sum()) == (58264, 385), "test week", f"{len(test)}")
    columns = list(INPUTS)
    scaler = StandardScaler().fit(train[columns])
    scaled = pd.DataFrame(scaler.transform(train[columns]), columns=columns)
    sample = pd.DataFrame(scaler.transform(test[columns].head(SELF_TEST_ROWS)), columns=columns)
    for name, classifier in classifiers().items():
        classifier.fit(scaled, train.TX_FRAUD)
        ending, content = file_of(name, classifier, scaled.head(1).to_numpy())
        fraudd.ship(name, ending, content, scaler, sample.to_numpy(), classifier.predict_proba(sample)[:, 1])
    got = fraudd.scores(set(test.index))
    print(f"\n{'':26}{'published':>26}{'scored by fraudd':>26}")
    print(f"{'':26}{'AUC':>10}{'AP':>8}{'CP@100':>8}{'AUC':>10}{'AP':>8}{'CP@100':>8}")
    for name, (title, *published) in TABLE.items():
        ours = measure(test, np.array([got[number][name] for number in test.index]))
        print(f"{title:26}" + "".join(f"{v:{w}.3f}" for v, w in zip((*published, *ours), (10, 8, 8, 10, 8, 8))),
              flush=True)
        results.check([round(v, 3) for v in ours] == published, f"{title}: as published", f"{ours}")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main([test_table])
