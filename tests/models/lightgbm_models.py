"""Random LightGBM models and rows that are hard for them, as functions of a seed."""
import warnings

import lightgbm as lgb
import numpy as np

warnings.filterwarnings("ignore")

TRAINED_ON = 400
CATEGORIES = 40
ZERO = float(np.float32(1e-35))                         # what is not further from 0 is 0 to LightGBM
SPECIAL = np.array([
    0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, -5e-324, 1e-310, 1e-36, -1e-36, 1e-35, -1e-35, ZERO, -ZERO,
    np.nextafter(ZERO, 1), -np.nextafter(ZERO, 1), 1e300, -1e300, 1.7e308, -1.7e308,
    -0.5, -0.999, -1.0, 0.5, 39.0, 40.0, 63.0, 64.0, 1e9, 2.0**24, 2.0**31 - 1, 2.0**31, 2.0**32, -2.0**31])
POSITIVE = {"poisson", "gamma", "tweedie"}
BINARY = {"binary", "cross_entropy", "cross_entropy_lambda"}
CLASSES = {"multiclass", "multiclassova", "own classes"}
RANKS = {"lambdarank", "rank_xendcg"}
OBJECTIVES = ["regression", "regression on roots", "regression_l1", "huber", "fair", "quantile", "mape",
              *sorted(POSITIVE), *sorted(BINARY), *sorted(CLASSES), *sorted(RANKS), "own"]
BOOSTINGS = ["gbdt", "dart", "rf", "goss"]


def inputs(rng, rows, columns, categorical):
    """Some columns round, some mostly 0, some with gaps."""
    x = rng.normal(size=(rows, columns))
    for i in range(columns):
        kind = rng.integers(4)
        if kind == 0:
            x[:, i] = np.round(x[:, i])
        elif kind == 1:
            x[rng.random(rows) < 0.5, i] = 0
        if i in categorical:
            x[:, i] = rng.integers(0, CATEGORIES, rows)
        if rng.random() < 0.5:
            x[rng.random(rows) < 0.2, i] = np.nan
    return x


def numbers(text, key):
    """All that a file has in its lines of that name."""
    return [float(word) for line in text.splitlines() if line.startswith(key + "=")
            for word in line.split("=")[1].split()]


def hard_rows(rng, text, rows, columns, categorical):
    """Inputs, special values, and the model's own thresholds and their neighbours."""
    x = inputs(rng, rows, columns, categorical)
    thresholds = np.array(numbers(text, "threshold") + [0.0])
    near = np.concatenate([thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)])
    for values, share in ((SPECIAL, 0.25), (near, 0.2)):
        where = rng.random(x.shape) < share
        x[where] = rng.choice(values, where.sum())
    return x


def _labels(rng, objective, x):
    y = np.nan_to_num(x).sum(axis=1) + rng.normal(size=len(x))
    if objective in POSITIVE:
        return np.abs(y) + 0.1
    if objective in BINARY:
        return (y > np.median(y)).astype(float)
    if objective in CLASSES:
        return np.digitize(y, np.quantile(y, [0.3, 0.7])).astype(float)
    if objective in RANKS:
        return np.digitize(y, np.quantile(y, [0.2, 0.4, 0.6, 0.8])).astype(float)
    return y


def _settings(rng, objective, boosting):
    settings = {
        "objective": objective, "boosting": boosting, "num_leaves": int(rng.integers(2, 48)),
        "min_data_in_leaf": int(rng.integers(1, 20)), "max_depth": int(rng.choice([-1, 2, 4, 6])),
        "zero_as_missing": bool(rng.random() < 0.3), "use_missing": bool(rng.random() < 0.8),
        "sigmoid": float(rng.choice([1, 0.7])), "max_bin": int(rng.choice([15, 255])),
        "learning_rate": float(rng.choice([0.1, 0.5])), "cat_smooth": 1, "min_data_per_group": 2,
        "max_cat_to_onehot": int(rng.choice([1, 4])), "bagging_fraction": 0.7, "bagging_freq": 1,
        "feature_fraction": float(rng.choice([0.6, 1])), "num_threads": 1, "verbose": -1,
        "seed": int(rng.integers(1 << 30))}
    if boosting == "goss":
        settings.update(boosting="gbdt", data_sample_strategy="goss", bagging_freq=0)
    if objective == "regression on roots":
        settings.update(objective="regression", reg_sqrt=True)
    if objective == "own":
        settings["objective"] = lambda raw, data: (raw - data.get_label(), np.ones_like(raw))
    if objective in CLASSES:
        settings["num_class"] = 3
    if objective == "own classes":
        settings["objective"] = _own_classes
    return settings


def _own_classes(raw, data):
    target = np.eye(3)[data.get_label().astype(int)]
    return raw - target, np.ones_like(raw)


class Model:
    """`text`, the file, and `library`, what the library reads from it."""

    def __init__(self, seed, objective=None, boosting=None, rounds=None, **more):
        rng = np.random.default_rng(seed)
        self.objective = objective or OBJECTIVES[seed % len(OBJECTIVES)]
        boosting = boosting or rng.choice(BOOSTINGS)
        if boosting == "rf" and self.objective.startswith("own"):
            boosting = "gbdt"                           # the library has no random forest of these
        self.columns = int(rng.integers(1, 12))
        self.categorical = [i for i in range(self.columns) if rng.random() < 0.3]
        x = inputs(rng, TRAINED_ON, self.columns, self.categorical)
        group = [20] * (TRAINED_ON // 20) if self.objective in RANKS else None
        data = lgb.Dataset(x, _labels(rng, self.objective, x), group=group,
                           categorical_feature=self.categorical)
        settings = {**_settings(rng, self.objective, boosting), **more}
        trained = lgb.train(settings, data, rounds or int(rng.integers(1, 30)))
        self.name = f"seed {seed}: {self.objective}, {boosting}"
        self.text = trained.model_to_string()
        self.library = lgb.Booster(model_str=self.text)
        self.rng = rng

    def hard_rows(self, n):
        return hard_rows(self.rng, self.text, n, self.columns, self.categorical)

    def predict(self, rows, **how):
        """[row][output]"""
        return np.asarray(self.library.predict(rows, num_threads=1, **how)).reshape(len(rows), -1)

    def contributions(self, rows):
        """[output][row][input and bias]"""
        parts = self.predict(rows, pred_contrib=True).reshape(len(rows), -1, self.columns + 1)
        return parts.transpose(1, 0, 2)
