"""What each input added to a score: as the libraries say, and as the definition of Shapley values says.

LightGBM computes in double, XGBoost in float; tolerances are relative to the sum of a row's absolute
contributions. Small models are also held against the definition itself, over all subsets of inputs, in
fractions.
"""
import math
import sys
from fractions import Fraction
from itertools import combinations

import lightgbm as lgb
import numpy as np

import xgboost as xgb

from golden import FULL, Jobs, awkward, main
from lightgbm_models import OBJECTIVES, Model
from test_xgboost import draw_model, unknown_categories

MODELS, ROWS = (1000, 300) if FULL else (4 * len(OBJECTIVES), 100)
XGBOOST_MODELS, XGBOOST_ROWS = (500, 200) if FULL else (30, 60)
DOUBLE, FLOAT = 1e-13, 2e-6


def size(parts):
    return np.abs(parts).sum(axis=-1) + np.finfo(float).tiny


def near(results, ours, theirs, what, tolerance):
    """ours and theirs: [output][row][input and bias]"""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if not results.check(ours.shape == theirs.shape, f"{what}: shape", f"{ours.shape}, not {theirs.shape}"):
        return
    worst = (np.abs(ours - theirs).max(axis=-1) / size(theirs)).max()
    results.check(worst <= tolerance, f"{what}: as the library's", f"off by {worst}")


def add_up(results, score, what, tolerance):
    parts = score.contributions
    worst = (np.abs(parts.sum(axis=-1) - score.raw.T) / size(parts)).max()
    results.check(worst <= tolerance, f"{what}: they add up to the raw score", f"off by {worst}")


def compare(results, form, models, tolerance):
    """models: (name, bytes, rows, the library's contributions)"""
    jobs = Jobs()
    for _, model, rows, _ in models:
        jobs.add(form, model, rows, contributions=True)
    for (name, _, _, theirs), score in zip(models, jobs.run()):
        if results.check(score.error is None, name, score.error):
            near(results, score.contributions, theirs, name, tolerance)
            add_up(results, score, name, tolerance)


def lightgbm_case(model, rows):
    return model.name, model.text.encode(), rows, model.contributions(rows)


def test_lightgbm(results):
    models = [Model(seed) for seed in range(MODELS)]
    compare(results, "lightgbm", [lightgbm_case(m, m.hard_rows(ROWS)) for m in models], DOUBLE)


def test_deep_trees(results):
    """Where the same inputs come again and again, and where many do."""
    rng = np.random.default_rng(5)
    cases = []
    for columns, leaves in ((2, 200), (40, 200), (120, 600)):
        x = rng.normal(size=(3000, columns))
        y = np.sin(x).sum(axis=1) + np.prod(x[:, :2], axis=1)
        booster = lgb.train({"objective": "regression", "num_leaves": leaves, "min_data_in_leaf": 1, "verbose": -1,
                             "num_threads": 1}, lgb.Dataset(x, y), 5)
        rows = rng.normal(scale=2, size=(20, columns))
        theirs = booster.predict(rows, pred_contrib=True, num_threads=1)[np.newaxis]
        cases.append((f"{columns} inputs, {leaves} leaves", booster.model_to_string().encode(), rows, theirs))
    compare(results, "lightgbm", cases, DOUBLE)


def xgboost_case(name, form, trained, rows):
    saved = bytes(trained.save_raw(form))
    library = xgb.Booster({"nthread": 1})
    library.load_model(bytearray(saved))
    theirs = library.predict(xgb.DMatrix(rows), pred_contribs=True)
    return name, saved, rows, theirs.reshape(len(rows), -1, rows.shape[1] + 1).transpose(1, 0, 2)


def test_xgboost(results):
    """DART's weights, categories, several outputs."""
    rng = np.random.default_rng(11)
    for form in ("json", "ubj"):
        cases = []
        while len(cases) < XGBOOST_MODELS:
            settings, trained, columns, categorical, _ = draw_model(rng)
            if settings.get("booster") != "gblinear":
                rows = unknown_categories(rng, awkward(rng, XGBOOST_ROWS, columns), categorical)
                cases.append(xgboost_case(f"model {len(cases)} {form} {settings}", form, trained, rows))
        compare(results, f"xgboost-{form}", cases, FLOAT)


def test_xgboost_linear(results):
    rng = np.random.default_rng(13)
    x = rng.normal(size=(300, 4))
    cases = []
    for settings in ({"objective": "reg:squarederror"}, {"objective": "multi:softprob", "num_class": 3}):
        labels = x.sum(axis=1) if len(settings) == 1 else rng.integers(0, 3, 300)
        trained = xgb.train({**settings, "booster": "gblinear", "nthread": 1}, xgb.DMatrix(x, labels), 5)
        cases.append(xgboost_case(str(settings), "json", trained, rng.normal(scale=3, size=(50, 4))))
    compare(results, "xgboost-json", cases, FLOAT)


def goes_left(node, value):
    if node["decision_type"] == "==":
        return not math.isnan(value) and value > -1 and str(int(value)) in node["threshold"].split("||")
    missing = node["missing_type"]
    if math.isnan(value) and missing != "NaN":
        value = 0.0
    if math.isnan(value) or (missing == "Zero" and abs(value) <= 1e-35):
        return node["default_left"]
    return value <= node["threshold"]


def expected(node, row, known):
    """Of a tree, over the training rows, where only the known inputs' values are given."""
    if "leaf_value" in node:
        return Fraction(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return expected(left if goes_left(node, row[node["split_feature"]]) else right, row, known)
    counts = [Fraction(child.get("leaf_count", child.get("internal_count"))) for child in (left, right)]
    return (counts[0] * expected(left, row, known) + counts[1] * expected(right, row, known)) / sum(counts)


def shapley(trees, row):
    n = len(row)
    values = {subset: sum(expected(tree, row, subset) for tree in trees)
              for size in range(n + 1) for subset in combinations(range(n), size)}
    parts = []
    for i in range(n):
        part = Fraction(0)
        for subset, value in values.items():
            if i not in subset:
                weight = Fraction(math.factorial(len(subset)) * math.factorial(n - 1 - len(subset)), math.factorial(n))
                part += weight * (values[tuple(sorted((*subset, i)))] - value)
        parts.append(part)
    return [float(part) for part in parts] + [float(values[()])]


def test_definition(results):
    small = [model for model in map(Model, range(60)) if model.columns <= 5]
    cases = []
    for model in [m for m in small if m.objective not in ("multiclass", "multiclassova", "own classes")][:12]:
        trees = [tree["tree_structure"] for tree in model.library.dump_model()["tree_info"]][:3]
        text = lgb.Booster(model_str=model.text).model_to_string(num_iteration=len(trees))
        rows = model.hard_rows(5)
        cases.append((f"{model.name}: by definition", text.encode(), rows, [[shapley(trees, row) for row in rows]]))
    results.check(len(cases) >= 10, "small models", len(cases))
    compare(results, "lightgbm", cases, DOUBLE)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main([test_lightgbm, test_xgboost, test_xgboost_linear, test_deep_trees, test_definition])
