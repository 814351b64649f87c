"""XGBoost's models, read by fraudd: margins with the bits of Booster.predict, transforms within 1 ulp.

Models of random shape (objectives, boosters, depths, growth policies, parallel trees, categories, missing
values, base scores) are trained on random rows, saved as JSON and as UBJSON, loaded again by the library
and scored on other rows, with everything awkward in them. "--new" runs the same with a newer XGBoost
(build/venv-models-new); without it, both are run.
"""
import subprocess
import sys
import warnings

import numpy as np
import xgboost as xgb

import golden

warnings.filterwarnings("ignore")
xgb.set_config(verbosity=0)
NEW = int(xgb.__version__.split(".", maxsplit=1)[0]) >= 3
MODELS = 3000 if golden.FULL else 120
ROWS = 300
ULP = 2.0 ** -23                                        # of a float, at most

OBJECTIVES = ["reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:logistic",
              "reg:gamma", "reg:tweedie", "count:poisson", "binary:logistic", "binary:logitraw", "binary:hinge",
              "multi:softprob", "multi:softmax", "rank:pairwise", "rank:ndcg", "rank:map", "survival:cox",
              "survival:aft"] + (["reg:quantileerror"] if NEW else [])


def labels(rng, objective, n):
    if objective.startswith("multi"):
        return rng.integers(0, 4, n)
    if objective in ("reg:gamma", "survival:aft", "survival:cox"):
        return rng.integers(1, 5, n)
    if objective == "reg:squarederror":
        return rng.normal(scale=10, size=n)
    return rng.integers(0, 2, n)


def matrix(x, types, y=None, objective=""):
    d = xgb.DMatrix(x, label=y, feature_types=types, enable_categorical=types is not None)
    if objective == "survival:aft":
        d.set_float_info("label_lower_bound", y)
        d.set_float_info("label_upper_bound", y)
    if objective.startswith("rank"):
        d.set_group([len(x) // 10] * 10)
    return d


def draw_parameters(rng, objective):
    p = {"objective": objective, "nthread": 1, "seed": int(rng.integers(1 << 30)), "verbosity": 0,
         "max_depth": int(rng.integers(1, 11)), "eta": float(rng.choice([0.05, 0.3, 1.0])),
         "min_child_weight": float(rng.choice([0, 1, 5])), "gamma": float(rng.choice([0, 0, 0.5])),
         "subsample": float(rng.choice([0.5, 1.0])), "tree_method": str(rng.choice(["exact", "hist", "approx"]))}
    if objective.startswith("multi"):
        p["num_class"] = 4
    if objective == "reg:quantileerror":
        p["quantile_alpha"] = np.array([0.2, 0.5, 0.9])
    if objective == "survival:aft":
        p["aft_loss_distribution"] = "normal"
    if rng.random() < 0.3 and objective != "reg:absoluteerror":
        p["base_score"] = float(rng.choice([0.1, 0.3, 0.9]))
    kind = rng.random()
    if kind < 0.2:
        p |= {"booster": "dart", "rate_drop": 0.4, "skip_drop": 0.2}
    elif kind < 0.25 and objective not in ("reg:absoluteerror", "reg:quantileerror"):
        p = {k: v for k, v in p.items() if k in ("objective", "num_class", "base_score", "nthread", "verbosity")}
        p |= {"booster": "gblinear"}
    elif kind < 0.35:
        p["num_parallel_tree"] = 3
    elif kind < 0.45 and p["tree_method"] == "hist":
        p |= {"grow_policy": "lossguide", "max_leaves": int(rng.integers(2, 80)), "max_depth": 0}
    return p


def draw_rows(rng, n, columns, cats):
    x = golden.awkward(rng, n, columns).astype(np.float32)
    for c in cats:
        x[:, c] = rng.integers(0, 40, n)
    if rng.random() < 0.5:
        x[rng.random(x.shape) < 0.1] = np.nan
    return x


def draw_model(rng):
    objective = str(rng.choice(OBJECTIVES))
    p = draw_parameters(rng, objective)
    columns = int(rng.integers(1, 12))
    cats = []
    if p.get("booster") != "gblinear" and rng.random() < 0.3:
        cats = [c for c in range(columns) if rng.random() < 0.4]
        p |= {"tree_method": "hist", "max_cat_to_onehot": int(rng.choice([1, 5, 100]))}
    types = ["c" if c in cats else "q" for c in range(columns)] if cats else None
    n = 400
    y = labels(rng, objective, n)
    train = matrix(draw_rows(rng, n, columns, cats), types, y, objective)
    booster = xgb.train(p, train, num_boost_round=int(rng.integers(1, 25)))
    return p, booster, columns, cats, types


def unknown_categories(rng, x, cats):
    """Categories that the model has not seen, and what is none: negative, fractions, huge ones."""
    for c in cats:
        odd = rng.random(len(x)) < 0.2
        x[odd, c] = rng.choice([-1.0, -0.5, 0.5, 3.7, 63.0, 64.0, 1000.0, 16777215.0, 16777216.0, 3e38], size=odd.sum())
    return x


def expected(saved, x):
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(bytearray(saved))
    d = xgb.DMatrix(x)
    return booster.predict(d, output_margin=True).reshape(len(x), -1), booster.predict(d)


def compare(results, what, score, margin, predicted):
    if not results.check(score.error is None, what, score.error):
        return
    if not results.bits(score.raw, margin, f"{what}: margin"):
        return
    if "multi:softmax" in what:
        results.bits(np.argmax(score.transformed, axis=1), predicted, f"{what}: class")
    else:
        results.near(score.transformed, predicted.reshape(len(margin), -1), f"{what}: prediction", 2 * ULP, 1e-45)


def test_random_models(results):
    rng = np.random.default_rng(20240229)
    jobs, wanted = golden.Jobs(), []
    for i in range(MODELS):
        p, booster, columns, cats, _ = draw_model(rng)
        form = "json" if i % 2 else "ubj"
        saved = bytes(booster.save_raw(form))
        # Rows with values that a float cannot hold are rounded by a DMatrix, too.
        x = unknown_categories(rng, golden.awkward(rng, ROWS, columns), cats)
        for c in cats:
            whole = rng.random(ROWS) < 0.7
            x[whole, c] = rng.integers(0, 45, whole.sum())
        jobs.add(f"xgboost-{form}", saved, x)
        wanted.append((f"model {i} {form} {p}", *expected(saved, x)))
    for score, want in zip(jobs.run("--batch", "100"), wanted):
        compare(results, want[0], score, *want[1:])


def test_infinities(results):
    """A DMatrix refuses them unless they are what is missing; in place, they are numbers."""
    rng = np.random.default_rng(5)
    jobs, wanted = golden.Jobs(), []
    for i in range(20):
        x = golden.awkward(rng, 400, 4)
        booster = xgb.train({"max_depth": 4, "nthread": 1}, xgb.DMatrix(x, label=rng.integers(0, 2, 400)), 10)
        x[rng.random(x.shape) < 0.3] = rng.choice([np.inf, -np.inf])
        jobs.add("xgboost-ubj", bytes(booster.save_raw("ubj")), x)
        try:
            margin = booster.inplace_predict(x.astype(np.float32), predict_type="margin", validate_features=False)
        except xgb.core.XGBoostError:
            margin = None
        wanted.append((f"model {i} with infinities", margin))
    for score, (what, margin) in zip(jobs.run(), wanted):
        if margin is not None and results.check(score.error is None, what, score.error):
            results.bits(score.raw, margin.reshape(-1, 1), what)


def test_feature_names_and_best_iteration(results):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(300, 3)), rng.integers(0, 2, 300)
    train = xgb.DMatrix(x[:200], label=y[:200], feature_names=["a", "b \u00e9", "c"])
    test = xgb.DMatrix(x[200:], label=y[200:], feature_names=["a", "b \u00e9", "c"])
    booster = xgb.train({"max_depth": 5, "nthread": 1}, train, 30, evals=[(test, "t")], early_stopping_rounds=2,
                        verbose_eval=False)
    jobs = golden.Jobs()
    for form in ("json", "ubj"):
        jobs.add(f"xgboost-{form}", bytes(booster.save_raw(form)), x)
    fresh = xgb.Booster()
    fresh.load_model(bytearray(booster.save_raw("ubj")))
    margin = fresh.predict(xgb.DMatrix(x, feature_names=["a", "b \u00e9", "c"]), output_margin=True)
    for score in jobs.run():
        results.bits(score.raw, margin.reshape(-1, 1), "all trees count, best_iteration or not")


def test_refused(results):
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(200, 3)), rng.normal(size=(200, 2))
    jobs = golden.Jobs()
    if NEW:
        booster = xgb.train({"multi_strategy": "multi_output_tree", "tree_method": "hist", "nthread": 1},
                            xgb.DMatrix(x, label=y), 2)
        jobs.add("xgboost-ubj", bytes(booster.save_raw("ubj")), x)
    booster = xgb.train({"nthread": 1}, xgb.DMatrix(x, label=y[:, 0]), 2)
    saved = bytes(booster.save_raw("json"))
    jobs.add("xgboost-json", saved.replace(b"reg:squarederror", b"reg:my_own_error"), x)
    errors = [score.error for score in jobs.run()]
    if NEW:
        results.check("multi_output_tree" in (errors.pop(0) or ""), "vector leaves are refused by name")
    results.check("reg:my_own_error" in (errors[0] or "") and "binary:logistic" in errors[0],
                  "an unknown objective is refused, the known ones are listed", errors[0])


def run_newer(results):
    """The same with the newer library, in a process of its own; its counts are added."""
    if NEW or "--new" in sys.argv:
        return
    python = golden.ROOT / "build/venv-models-new/bin/python"
    if not results.check(python.exists(), "the newer XGBoost: integration/python-env.sh --models-new"):
        return
    done = subprocess.run([str(python), __file__, "--new"], capture_output=True, text=True, check=False)
    *said, last = done.stdout.splitlines() or [""]
    print("\n".join(said))
    words = last.split()
    if results.check(len(words) == 4 and words[1] == "passed,", "the newer XGBoost's tests ran", done.stderr[-2000:]):
        results.passed += int(words[0])
        results.failed += int(words[2])


if __name__ == "__main__":
    golden.main([test_random_models, test_infinities, test_feature_names_and_best_iteration, test_refused,
                 run_newer])
