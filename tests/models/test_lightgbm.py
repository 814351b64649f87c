"""LightGBM's models: raw scores have the library's bits, outputs are its own to 1e-14, whatever the row.

Models are random: every objective, boosting, kind of missing value; numerical and categorical inputs. Rows
have NaN, infinities, denormals, extremes, categories that are not there, thresholds and their neighbours.
"""
import sys

import lightgbm as lgb
import numpy as np

from golden import FULL, Jobs, main
from lightgbm_models import CATEGORIES, OBJECTIVES, Model, numbers

MODELS, ROWS = (4000, 2000) if FULL else (15 * len(OBJECTIVES), 1000)
AT_ONCE = 100
OUTPUT_TOLERANCE = 1e-14                                # relative: exp() is not the same everywhere


def score_hard_rows(results, models):
    rows = [model.hard_rows(ROWS) for model in models]
    jobs = Jobs()
    for model, x in zip(models, rows):
        jobs.add("lightgbm", model.text.encode(), x)
    for model, x, score in zip(models, rows, jobs.run()):
        if not results.check(score.error is None, model.name, score.error):
            continue
        results.bits(score.raw, model.predict(x, raw_score=True), f"{model.name}: raw")
        results.near(score.transformed, model.predict(x), f"{model.name}: output", OUTPUT_TOLERANCE)


def test_random_models(results):
    for first in range(0, MODELS, AT_ONCE):
        score_hard_rows(results, [Model(seed) for seed in range(first, min(first + AT_ONCE, MODELS))])


def test_variety(results):
    """What the random models are to be about is in them."""
    texts = [Model(seed).text for seed in range(3 * len(OBJECTIVES))]
    types = {int(number) for text in texts for number in numbers(text, "decision_type")}
    results.check({2, 4, 6, 8, 10} <= types and any(t & 1 for t in types), "kinds of splits", types)
    results.check(any("average_output" in text for text in texts), "a random forest")
    results.check(any(np.inf in numbers(text, "threshold") for text in texts), "an infinite threshold")


def test_batches(results):
    models = [Model(seed) for seed in range(len(OBJECTIVES))]
    jobs = Jobs()
    for model in models:
        jobs.add("lightgbm", model.text.encode(), model.hard_rows(ROWS // 4))
    all_at_once = jobs.run("--batch", str(ROWS))
    for size in (1, 7):
        for model, ours, other in zip(models, jobs.run("--batch", str(size)), all_at_once):
            results.bits(ours.raw, other.raw, f"{model.name}: batches of {size}")
            results.bits(ours.transformed, other.transformed, f"{model.name}: outputs in batches of {size}")


def test_sizes(results):
    """Trees of one leaf, deep trees of many leaves, many trees."""
    models = [Model(0, "regression", "gbdt", 3, min_data_in_leaf=1000),
              Model(1, "binary", "gbdt", 300, num_leaves=400, min_data_in_leaf=1, max_depth=-1),
              Model(2, "multiclass", "dart", 100, num_leaves=63), Model(3, "regression", "gbdt", 500, max_depth=3)]
    results.check(set(numbers(models[0].text, "num_leaves")) == {1}, "trees of one leaf")
    score_hard_rows(results, models)


def test_wide_categories(results):
    """Sets of more than one word, and far categories."""
    rng = np.random.default_rng(7)
    x = rng.choice([*range(CATEGORIES), 1000, 1031, 1032, 70000], size=(2000, 2)).astype(float)
    y = (x[:, 0] % 3 == 0) + (x[:, 1] > 900) + rng.normal(scale=0.1, size=len(x))
    settings = {"objective": "regression", "verbose": -1, "num_threads": 1, "min_data_per_group": 2, "cat_smooth": 1}
    booster = lgb.train(settings, lgb.Dataset(x, y, categorical_feature=[0, 1]), 20)
    tests = rng.choice([*range(-3, 1100), 69999, 70000, 70001, 1e12, np.nan], size=(4000, 2))
    jobs = Jobs()
    jobs.add("lightgbm", booster.model_to_string().encode(), tests)
    score = jobs.run()[0]
    results.bits(score.raw[:, 0], booster.predict(tests, raw_score=True, num_threads=1), "wide categories")


def test_linear_trees(results):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 3))
    booster = lgb.train({"objective": "regression", "linear_tree": True, "verbose": -1, "num_threads": 1},
                        lgb.Dataset(x, x.sum(axis=1)), 3)
    jobs = Jobs()
    jobs.add("lightgbm", booster.model_to_string().encode(), x)
    error = jobs.run()[0].error
    results.check(error is not None and "linear tree, which is not supported" in error, "linear trees are refused", error)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main([test_random_models, test_variety, test_batches, test_sizes, test_wide_categories, test_linear_trees])
