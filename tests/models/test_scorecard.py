#!/usr/bin/env python3
"""Scorecards and logistic regressions in YAML: points and probabilities against Python's own arithmetic.

Random cards, the bits of a plain sum in the order of the file; logistic regressions against scikit-learn.
What each input contributed must sum to the score.
"""
import json
import math
import warnings

import numpy as np

import golden

warnings.filterwarnings("ignore")
CARDS = 400 if golden.FULL else 100
ROWS = 200


def file_of(card):
    return json.dumps(card).encode()                     # which is YAML


def random_bins(rng):
    """Bins over the whole line or with a rest, single values in gaps; and what each value gives."""
    cuts = np.unique(np.round(rng.normal(scale=3, size=rng.integers(0, 6)), int(rng.integers(0, 4)))).tolist()
    edges = [-math.inf, *cuts, math.inf]
    intervals = list(zip(edges, edges[1:]))
    entry, rest = {}, rng.random() < 0.6 or not intervals
    if rest:
        intervals = [i for i in intervals if rng.random() < 0.6]
    bins, table = [], []
    for low, high in intervals:
        points = float(np.round(rng.normal(scale=20), 2))
        made = {"points": points}
        if low == -math.inf and high < math.inf and rng.random() < 0.5:
            made["below"] = high
        else:
            made.update({k: v for k, v in (("from", low), ("to", high)) if abs(v) < math.inf})
        if len(made) == 1:                              # all of the line: said from the lowest number on
            made["from"] = low = -1.7976931348623157e308
            rest = True
        bins.append(made)
        table.append((low, high, points))
    values = {}
    if rest:
        free = [v for v in (-7.0, -2.0, 0.0, 1.0, 2.0, 3.0, 5.0) if not any(a <= v < b for a, b, _ in table)]
        for v in free[:int(rng.integers(0, 4))]:
            values[v] = float(rng.integers(-9, 9))
        for points in set(values.values()):
            bins.append({"values": [v for v in values if values[v] == points], "points": points})
    rng.shuffle(bins)
    entry["bins"] = bins
    otherwise = float(rng.integers(-9, 9)) if rest else None
    missing = otherwise
    if rest:
        entry["otherwise"] = otherwise if rng.random() < 0.5 else {"points": otherwise, "reason": "REST"}
    if not rest or rng.random() < 0.5:
        missing = entry["missing"] = float(rng.integers(-9, 9))

    def points_of(x):
        if math.isnan(x):
            return missing
        for low, high, points in table:
            if low <= x < high or x == high == math.inf:
                return points
        return values.get(x, otherwise)
    least = min([p for _, _, p in table] + list(values.values()) + [p for p in (otherwise, missing) if p is not None])
    return entry, points_of, least


def random_cards(results):
    jobs, wanted = golden.Jobs(), []
    for i in range(CARDS):
        rng = np.random.default_rng(i)
        made = [random_bins(rng) for _ in range(rng.integers(1, 6))]
        card = {"version": 1, "type": "scorecard", "base": float(np.round(rng.normal(scale=100), 1)),
                "inputs": [{"name": f"i{k}", **entry} for k, (entry, _, _) in enumerate(made)]}
        if i % 3 == 0:
            card["base"] /= 100
            card["link"] = "logit"
        x = np.round(golden.awkward(rng, ROWS, len(made)), int(rng.integers(0, 3)))
        x[rng.random(x.shape) < 0.02] = np.inf
        x[rng.random(x.shape) < 0.02] = -np.inf
        raw = []
        for row in x:
            score = card["base"]
            for (_, points_of, _), value in zip(made, row):
                score += points_of(float(value))
            raw.append(score)
        parts = np.array([[points_of(float(v)) - least for (_, points_of, least), v in zip(made, row)] for row in x])
        wanted.append((i, np.array(raw), parts, card.get("link") == "logit"))
        jobs.add("scorecard", file_of(card), x, contributions=True)
    for (i, raw, parts, logit), score in zip(wanted, jobs.run()):
        if not results.check(score.error is None, f"card {i}", score.error):
            continue
        results.bits(score.raw[:, 0], raw, f"card {i}")
        results.bits(score.contributions[0][:, :-1], parts, f"card {i}, contributions")
        results.near(score.contributions[0].sum(axis=1), raw, f"card {i}, contributions sum to the score", 1e-9, 1e-9)
        with np.errstate(over="ignore"):
            transformed = 1 / (1 + np.exp(-raw)) if logit else raw
        results.near(score.transformed[:, 0], transformed, f"card {i}, link", 1e-14 if logit else 0, 1e-300)


def logistic_regressions(results):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    jobs, wanted = golden.Jobs(), []
    for i in range(CARDS // 4):
        rng = np.random.default_rng(i)
        n = int(rng.integers(1, 8))
        x = rng.normal(size=(300, n)) * rng.uniform(0.1, 100, size=n) + rng.normal(scale=10, size=n)
        y = (x[:, 0] - x[:, 0].mean() + rng.normal(size=300) > 0).astype(int)
        scaler = StandardScaler().fit(x)
        model = LogisticRegression().fit(scaler.transform(x), y)
        inputs = [{"name": f"i{k}", "weight": float(w), "mean": float(m), "scale": float(s)}
                  for k, (w, m, s) in enumerate(zip(model.coef_[0], scaler.mean_, scaler.scale_))]
        filled = x.copy()
        holes = rng.random(x.shape) < 0.1
        holes[:, n - 1] = False
        for k in range(n - 1):
            inputs[k]["missing"] = float(np.round(rng.normal(), 3))
            filled[holes[:, k], k] = inputs[k]["missing"]
        x[holes] = np.nan
        card = {"version": 1, "type": "logistic", "intercept": float(model.intercept_[0]), "inputs": inputs}
        scaled = scaler.transform(filled)
        wanted.append((i, model.decision_function(scaled), model.predict_proba(scaled)[:, 1], scaled * model.coef_[0]))
        jobs.add("scorecard", file_of(card), x, contributions=True)
        x[:, n - 1] = np.nan
        card["link"] = "none"
        jobs.add("scorecard", file_of(card), x)
    scores = jobs.run()
    for (i, raw, transformed, parts), score, nan in zip(wanted, scores[::2], scores[1::2]):
        if results.check(score.error is None and nan.error is None, f"regression {i}", score.error or nan.error):
            results.near(score.raw[:, 0], raw, f"regression {i}, margin", 1e-12, 1e-12)
            results.near(score.transformed[:, 0], transformed, f"regression {i}", 1e-11, 1e-300)
            results.near(score.contributions[0][:, :-1], parts, f"regression {i}, contributions", 1e-12, 1e-12)
            results.check(np.isnan(nan.transformed).all(), f"regression {i}: NaN where nothing says what it is")


if __name__ == "__main__":
    golden.main([random_cards, logistic_regressions])
