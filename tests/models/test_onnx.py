#!/usr/bin/env python3
"""ONNX: our reader against ONNX Runtime, models as the usual converters write them.

Trees, IsolationForest and all that is + - * / must have the runtime's bits (one thread); linear models
and what goes through exp or log come within the tolerance that docs/models.md states. Ensembles made
from random numbers have what converters do not write: all comparisons, leaves with several weights,
node numbers in any order, doubles, TreeEnsemble (against ONNX's own reference, for the pinned runtime
does not have it).
"""
import itertools
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import golden

warnings.filterwarnings("ignore")
onnxruntime.set_default_logger_severity(4)
MODELS = 5 if golden.FULL else 1
ROWS = 400
NEAR = 2e-6                                             # docs/models.md
ML = "ai.onnx.ml"


def rng_of(name, i=0):
    return np.random.default_rng([i, *name.encode()])


# ---- what the runtime says ----

def runtime(model, feeds, output=None):
    """The scores: the first output of floats, or what ZipMap made, as a matrix."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options)
    for value in session.run(None if output is None else [output], feeds):
        if isinstance(value, list):
            value = np.array([[row[k] for k in sorted(row)] for row in value])
        if value.dtype in (np.float32, np.float64):
            return value.reshape(len(value), -1)
    raise ValueError("no scores")


def without_transform(model):
    """The same model with post_transform NONE everywhere, and whether it had another."""
    m, changed = onnx.load_from_string(model), False
    for node in m.graph.node:
        for a in node.attribute:
            if a.name == "post_transform" and a.s != b"NONE":
                a.s, changed = b"NONE", True
    return m.SerializeToString(), changed


def wanted(scores, outputs):
    return scores[:, 1:] if scores.shape[1] == 2 and outputs == 1 else scores


class Batch:
    """Models and rows; check() scores all in one process and compares."""

    def __init__(self, results):
        self.results, self.jobs, self.items = results, golden.Jobs(), []

    def add(self, name, model, x, exact=True, raw=None, feeds=None, near=NEAR, reference=None):
        x32 = np.asarray(x, np.float32)
        if feeds is None:
            feeds = {onnx.load_from_string(model).graph.input[0].name: x32}
        theirs = runtime(model, feeds) if reference is None else reference
        self.jobs.add("onnx", model, x)
        self.items.append((name, theirs, raw, exact, near))

    def trees(self, name, model, x):
        """With raw scores: what the runtime gives without the transform."""
        bare, changed = without_transform(model)
        feeds = {onnx.load_from_string(bare).graph.input[0].name: np.asarray(x, np.float32)}
        raw = runtime(bare, feeds) if changed else None
        self.add(name, model, x, exact=not changed, raw=raw)

    def check(self, *options):
        for (name, theirs, raw, exact, near), score in zip(self.items, self.jobs.run(*options)):
            if not self.results.check(score.error is None, name, score.error):
                continue
            ours = score.transformed
            theirs = wanted(theirs, score.outputs)
            if exact == "numbers":                      # -0 is 0
                self.results.check(np.array_equal(ours, theirs, equal_nan=True), name, f"{ours}\n{theirs}")
            elif exact:
                self.results.bits(ours, theirs, name)
            else:
                self.results.near(ours, theirs, name, near, near)
            if raw is not None:
                self.results.bits(score.raw, wanted(raw, score.outputs), f"{name}, raw")


def all_positive(model):
    """The pinned runtime leaves LOGISTIC out where all weights are positive; newer ones do not."""
    for node in onnx.load_from_string(model).graph.node:
        for a in node.attribute:
            if a.name == "class_weights" and min(a.floats) >= 0:
                return True
    return False


# ---- scikit-learn ----

def training(rng, columns, classes):
    x = rng.normal(size=(200, columns)).astype(np.float32)
    score = x[:, 0] + x[:, 1] * x[:, -1] + rng.normal(scale=0.3, size=len(x))
    return x, (score if classes == 0 else np.digitize(score, np.quantile(score, np.arange(1, classes) / classes)))


def to_onnx(model, x, **options):
    from skl2onnx import to_onnx as convert
    return convert(model, np.asarray(x, np.float32)[:1], target_opset={"": 17, ML: 3}, **options).SerializeToString()


def sklearn_trees(results):
    from sklearn import ensemble, tree
    batch = Batch(results)
    kinds = {
        "tree": (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, {"max_depth": 5}),
        "deep tree": (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, {}),
        "forest": (ensemble.RandomForestClassifier, ensemble.RandomForestRegressor, {"n_estimators": 15, "max_depth": 6}),
        "extra": (ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor, {"n_estimators": 10}),
        "boosting": (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor, {"n_estimators": 12}),
        "histogram": (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor, {"max_iter": 8}),
    }
    for (name, (classifier, regressor, options)), classes, i in itertools.product(
            kinds.items(), (0, 2, 3), range(MODELS)):
        rng = rng_of(name, i)
        x, y = training(rng, 3 + i, classes)
        if name == "histogram":
            x[rng.random(x.shape) < 0.1] = np.nan
        model = (classifier if classes else regressor)(random_state=i, **options).fit(x, y)
        rows = golden.awkward(rng, ROWS, x.shape[1])
        zipmap = {"options": {"zipmap": bool(i % 2)}} if classes and name != "linear" else {}
        batch.trees(f"scikit-learn {name}, {classes} classes, {i}", to_onnx(model, x, **zipmap), rows)
    batch.check()


def isolation_forests(results):
    from sklearn.ensemble import IsolationForest
    batch = Batch(results)
    for i in range(3 * MODELS):
        rng = rng_of("isolation", i)
        x, _ = training(rng, 3, 0)
        forest = IsolationForest(n_estimators=8 + i, max_samples=64 if i % 2 else "auto", random_state=i).fit(x)
        rows = rng.normal(scale=2, size=(ROWS, 3)).astype(np.float32)
        model = to_onnx(forest, x)
        batch.add(f"isolation forest {i}", model, rows, exact=False)
        batch.add(f"isolation forest {i} against scikit-learn", model, rows, exact=False, near=1e-5,
                  reference=forest.decision_function(rows).reshape(-1, 1))
    batch.check()


def linear_models(results):
    from sklearn import linear_model, svm
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler
    batch = Batch(results)
    steps = [[], [StandardScaler()], [MinMaxScaler()], [RobustScaler()], [MinMaxScaler(clip=True)],
             [SimpleImputer(), StandardScaler()], [StandardScaler(), Normalizer()], [Normalizer(norm="l1")],
             [Normalizer(norm="max")], [MaxAbsScaler(), Binarizer()]]
    models = [(2, linear_model.LogisticRegression()), (3, linear_model.LogisticRegression()),
              (3, linear_model.LogisticRegression(multi_class="ovr")), (0, linear_model.LinearRegression()),
              (0, linear_model.Ridge()), (2, linear_model.SGDClassifier(loss="log_loss")), (2, svm.LinearSVC())]
    for (classes, model), before, i in itertools.product(models, steps, range(MODELS)):
        rng = rng_of("linear", i)
        x, y = training(rng, 4, classes)
        if isinstance(model, svm.LinearSVC) and before:
            continue                                    # the converter cannot
        impute = before and isinstance(before[0], SimpleImputer)
        if impute:
            x[rng.random(x.shape) < 0.1] = np.nan
        fitted = (make_pipeline(*before, model) if before else model).fit(x, y)
        rows = rng.normal(scale=3, size=(ROWS, 4)).astype(np.float32)
        rows[rng.random(rows.shape) < 0.1] = 0
        if impute or not before:
            rows[rng.random(rows.shape) < 0.05] = np.nan
        batch.add(f"{type(model).__name__}, {classes} classes, after {[type(s).__name__ for s in before]}, {i}",
                  to_onnx(fitted, x), rows, exact=False)
    batch.check()


def other_pipelines(results):
    from sklearn import ensemble, neural_network
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    batch = Batch(results)
    x, y = training(rng_of("others"), 4, 2)
    for name, model in {
            "scaled forest": make_pipeline(SimpleImputer(), StandardScaler(), ensemble.RandomForestClassifier(8)),
            "calibrated": CalibratedClassifierCV(ensemble.RandomForestClassifier(5), cv=3),
            "ada": ensemble.AdaBoostClassifier(n_estimators=5),
            "network": neural_network.MLPClassifier((6,), max_iter=30),
            "vote": ensemble.VotingClassifier([("a", ensemble.RandomForestClassifier(3)),
                                               ("b", ensemble.ExtraTreesClassifier(3))], voting="soft",
                                              flatten_transform=False),
            "bag": ensemble.BaggingClassifier(n_estimators=3)}.items():
        model = to_onnx(model.fit(x, y), x)
        rows = rng_of(name).normal(scale=2, size=(ROWS, 4)).astype(np.float32)
        score = golden.Jobs()
        score.add("onnx", model, rows)
        if name in ("vote", "bag") and score.run()[0].error:  # refused: then by name
            results.check("supported" in score.run()[0].error, f"{name} is refused", score.run()[0].error)
            continue
        batch.add(name, model, rows, exact=False)
    batch.check()


def scalar_inputs(results):
    from skl2onnx import to_onnx as convert
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    import pandas
    rng = rng_of("scalars")
    x, y = training(rng, 3, 2)
    frame = pandas.DataFrame(x, columns=["a", "b", "c"])
    model = make_pipeline(ColumnTransformer([("s", StandardScaler(), ["a", "c"]), ("p", "passthrough", ["b"])]),
                          LogisticRegression()).fit(frame, y)
    for third in (FloatTensorType, Int64TensorType):
        rows = np.round(rng.normal(scale=3, size=(ROWS, 3))).astype(np.float32)
        try:
            file = convert(model, initial_types=[("a", FloatTensorType([None, 1])), ("b", FloatTensorType([None, 1])),
                                                 ("c", third([None, 1]))], target_opset={"": 17, ML: 3}).SerializeToString()
        except Exception:                               # pylint: disable=broad-except
            continue                                    # the converter does not mix types
        feeds = {name: rows[:, i:i + 1] for i, name in enumerate("abc")}
        feeds["c"] = feeds["c"].astype(np.float32 if third is FloatTensorType else np.int64)
        batch = Batch(results)
        batch.add(f"columns as inputs, {third.__name__}", file, rows, exact=False, feeds=feeds)
        batch.check()


# ---- XGBoost and LightGBM through onnxmltools ----

def boosters(results):
    import lightgbm
    import xgboost
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    batch = Batch(results)
    for library, classes, i in itertools.product(("xgboost", "lightgbm"), (0, 2, 3), range(4 * MODELS)):
        rng = rng_of(library, i)
        x, y = training(rng, 4, classes)
        x[rng.random(x.shape) < 0.1] = np.nan
        types = [("input", FloatTensorType([None, 4]))]
        if library == "xgboost":
            options = {"n_estimators": 10 + 5 * i, "max_depth": 2 + i % 4, "random_state": i}
            model = (xgboost.XGBClassifier if classes else xgboost.XGBRegressor)(**options).fit(x, y)
            file = convert_xgboost(model, initial_types=types)
        else:
            options = {"n_estimators": 10 + 5 * i, "num_leaves": 4 + 3 * i, "verbose": -1, "random_state": i}
            model = (lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor)(**options).fit(x, y)
            file = convert_lightgbm(model, initial_types=types, zipmap=bool(i % 2))
        file = file.SerializeToString()
        if not all_positive(file):
            batch.trees(f"{library}, {classes} classes, {i}", file, golden.awkward(rng, ROWS, 4))
    batch.check()


# ---- made from random numbers ----

def graph(nodes, columns, outputs, elem=TensorProto.FLOAT, ml=3, constants=(), out=TensorProto.FLOAT, label=False):
    made = [helper.make_tensor_value_info("p", out, [None, outputs])]
    if label:
        made.insert(0, helper.make_tensor_value_info("l", TensorProto.INT64, [None]))
    g = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", elem, [None, columns])], made, list(constants))
    return helper.make_model(g, opset_imports=[helper.make_opsetid(ML, ml), helper.make_opsetid("", 17)],
                             ir_version=8).SerializeToString()


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def random_trees(rng, columns, targets, every_target, positive):
    """The lists of nodes and of leaf weights."""
    modes = MODES if rng.random() < 0.5 else [MODES[rng.integers(2)]]
    nodes = {k: [] for k in "treeids nodeids featureids modes values truenodeids falsenodeids".split()}
    missing, weights = [], {k: [] for k in "treeids nodeids ids weights".split()}
    specials = np.array([0.0, 1.0, 2.0, -1.0, 1e-38, -0.0])
    for tree in range(rng.integers(1, 12)):
        n, queue, start, first_weight = 1, [(0, 0)], len(missing), len(weights["ids"])
        while queue:
            node, depth = queue.pop(0)
            leaf = depth > 0 and (depth >= 5 or rng.random() < 0.3) or n > 60
            values = {"treeids": 3 * tree, "nodeids": node, "featureids": 0, "modes": "LEAF", "values": 0.0,
                      "truenodeids": 0, "falsenodeids": 0}
            if leaf:
                chosen = range(targets) if every_target else rng.choice(targets, size=rng.integers(1, targets + 1))
                for t in chosen:
                    for k, v in zip(weights, (3 * tree, node, int(t),
                                              abs(rng.normal()) if positive else rng.normal())):
                        weights[k].append(v)
            else:
                value = rng.choice(specials) if rng.random() < 0.4 else rng.normal()
                values.update(featureids=int(rng.integers(columns)), modes=str(rng.choice(modes)), values=float(value),
                              truenodeids=n, falsenodeids=n + 1)
                queue += [(n, depth + 1), (n + 1, depth + 1)]
                n += 2
            for k, v in values.items():
                nodes[k].append(v)
            missing.append(int(rng.random() < 0.5))
        if rng.random() < 0.5:                          # numbered in any order
            numbers = rng.permutation(n).tolist()
            for k in ("nodeids", "truenodeids", "falsenodeids"):
                nodes[k][start:] = [numbers[v] for v in nodes[k][start:]]
            weights["nodeids"][first_weight:] = [numbers[v] for v in weights["nodeids"][first_weight:]]
    order = rng.permutation(len(weights["ids"]))
    weights = {k: [v[j] for j in order] for k, v in weights.items()}
    lists = {f"nodes_{k}": v for k, v in nodes.items()}
    if rng.random() < 0.7:
        lists["nodes_missing_value_tracks_true"] = missing
    return lists, weights


def random_regressors(results):
    batch = Batch(results)
    for i in range(100 * MODELS):
        rng = rng_of("regressor", i)
        columns, targets = int(rng.integers(1, 6)), int(rng.choice([1, 1, 2, 4]))
        based = rng.random() < 0.5
        lists, weights = random_trees(rng, columns, targets, targets == 1 or based, False)
        lists.update({f"target_{k}": v for k, v in weights.items()})
        if based:
            lists["base_values"] = rng.normal(size=targets).tolist()
        post = "NONE" if targets == 1 else str(rng.choice(["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"]))
        node = helper.make_node("TreeEnsembleRegressor", ["x"], ["p"], domain=ML, n_targets=targets, post_transform=post,
                                aggregate_function=str(rng.choice(["SUM", "SUM", "AVERAGE"])), **lists)
        model, rows = graph([node], columns, targets), golden.awkward(rng, ROWS, columns)
        batch.trees(f"random regressor {i}, {post}", model, rows)
    batch.check()


def random_classifiers(results):
    batch = Batch(results)
    for i in range(100 * MODELS):
        rng = rng_of("classifier", i)
        columns, classes = int(rng.integers(1, 6)), int(rng.choice([2, 2, 3, 5]))
        single = classes == 2 and rng.random() < 0.6
        positive = rng.random() < 0.3
        lists, weights = random_trees(rng, columns, 1 if single else classes, True, positive)
        post = str(rng.choice(["NONE", "LOGISTIC"] if single else ["NONE", "SOFTMAX", "LOGISTIC"]))
        if single:
            which = int(rng.integers(2))
            weights["ids"] = [which] * len(weights["ids"])
            if which == 0 and rng.random() < 0.5:
                lists["base_values"] = [float(rng.normal())]
            if positive and post == "LOGISTIC":
                continue                                # see all_positive()
        elif classes > 2 and rng.random() < 0.5:
            lists["base_values"] = rng.normal(size=classes).tolist()
        lists.update({f"class_{k}": v for k, v in weights.items()})
        labels = {"classlabels_int64s": list(range(classes))} if i % 2 else \
            {"classlabels_strings": [f"c{k}" for k in range(classes)]}
        node = helper.make_node("TreeEnsembleClassifier", ["x"], ["l", "p"], domain=ML, post_transform=post, **labels, **lists)
        model, rows = graph([node], columns, classes), golden.awkward(rng, ROWS, columns)
        model = onnx.load_from_string(model)
        kind = TensorProto.INT64 if i % 2 else TensorProto.STRING
        model.graph.output.insert(0, helper.make_tensor_value_info("l", kind, [None]))
        batch.trees(f"random classifier {i}, {classes} classes, {post}", model.SerializeToString(), rows)
    batch.check()


def doubles(results):
    """Attributes as tensors of doubles, over doubles; sums are doubles, the result is float."""
    batch = Batch(results)
    for i in range(15 * MODELS):
        rng = rng_of("double", i)
        columns = int(rng.integers(1, 6))
        lists, weights = random_trees(rng, columns, 1, True, False)
        lists.update({f"target_{k}": v for k, v in weights.items()})
        for k in ("nodes_values", "target_weights"):
            lists[f"{k}_as_tensor"] = numpy_helper.from_array(np.array(lists.pop(k), np.float64), k)
        node = helper.make_node("TreeEnsembleRegressor", ["x"], ["p"], domain=ML, n_targets=1, **lists)
        rows = golden.awkward(rng, ROWS, columns)
        batch.add(f"doubles {i}", graph([node], columns, 1, elem=TensorProto.DOUBLE), rows, feeds={"x": rows})
    batch.check()


def random_ensemble5(rng, columns, targets, members):
    """TreeEnsemble's lists: nodes and leaves of all trees, some leaves shared."""
    lists = {k: [] for k in "featureids modes splits truenodeids trueleafs falsenodeids falseleafs".split()}
    weights, ids, roots, sets = [], [], [], []

    def leaf():                                         # the reference errs about 0 in a set and about trees of a leaf
        if weights and rng.random() < 0.2:
            return int(rng.integers(len(weights)))
        weights.append(rng.normal())
        ids.append(int(rng.integers(targets)))
        return len(weights) - 1

    def node(depth):
        at = len(lists["modes"])
        mode = int(rng.integers(7 if members else 6))
        for k, v in zip(lists, (int(rng.integers(columns)), mode, float(rng.choice([0, 1, 2, rng.normal()])), 0, 0, 0, 0)):
            lists[k].append(v)
        if mode == 6:
            sets.extend([*rng.choice([-2, -1, 1, 2, 3, 5, 8], size=rng.integers(1, 4), replace=False).astype(float), np.nan])
        for side in ("true", "false"):
            is_leaf = depth >= 4 or depth > 0 and rng.random() < 0.3
            lists[f"{side}leafs"][at] = int(is_leaf)
            child = leaf() if is_leaf else node(depth + 1)
            lists[f"{side}nodeids"][at] = child
        return at

    for _ in range(rng.integers(1, 8)):
        roots.append(node(0))
    attributes = {f"nodes_{k}": v for k, v in lists.items()}
    attributes["nodes_modes"] = numpy_helper.from_array(np.array(lists["modes"], np.uint8), "m")
    attributes["nodes_splits"] = numpy_helper.from_array(np.array(lists["splits"], np.float32), "s")
    attributes.update(leaf_weights=numpy_helper.from_array(np.array(weights, np.float32), "w"), leaf_targetids=ids,
                      tree_roots=roots, n_targets=targets)
    if sets:
        attributes["membership_values"] = numpy_helper.from_array(np.array(sets, np.float32), "v")
    return attributes


def tree_ensemble5(results):
    batch = Batch(results)
    for i in range(40 * MODELS):
        rng = rng_of("v5", i)
        columns, targets = int(rng.integers(1, 5)), int(rng.choice([1, 1, 3]))
        node = helper.make_node("TreeEnsemble", ["x"], ["p"], domain=ML, aggregate_function=1, post_transform=0,
                                **random_ensemble5(rng, columns, targets, i % 2 == 1))
        model = graph([node], columns, targets, ml=5)
        rows = np.where(rng.random((60, columns)) < 0.5, rng.integers(-3, 9, size=(60, columns)),
                        rng.normal(size=(60, columns))).astype(np.float32)
        reference = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {"x": rows})[0]
        batch.add(f"TreeEnsemble {i}", model, rows, exact=False, near=1e-6, reference=reference.reshape(60, -1))
    batch.check()


# ---- operators one by one ----

def constant(name, values, kind=np.float32):
    return numpy_helper.from_array(np.array(values, kind), name)


def arithmetic(results):
    """Against the runtime's bits where arithmetic says what they are."""
    batch = Batch(results)
    rng = rng_of("arithmetic")
    rows = golden.awkward(rng, ROWS, 4)
    row = constant("c", rng.normal(size=4))
    one = constant("c", 0.75)
    ops = {f"{op} {name}": ([helper.make_node(op, ["x", "c"], ["p"])], [c], 4)
           for op in ("Add", "Sub", "Mul", "Div") for name, c in (("row", row), ("number", one))}
    ops.update({f"{op}": ([helper.make_node(op, ["x"], ["p"])], [], 4)
                for op in ("Neg", "Abs", "Floor", "Ceil", "Reciprocal", "Relu", "Identity")})
    for op in ("Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal"):
        ops[op] = ([helper.make_node(op, ["x", "c"], ["b"]), helper.make_node("Cast", ["b"], ["p"], to=1)], [row], 4)
    ops["IsNaN"] = ([helper.make_node("IsNaN", ["x"], ["b"]), helper.make_node("Cast", ["b"], ["p"], to=1)], [], 4)
    ops["Where"] = ([helper.make_node("Greater", ["x", "c"], ["b"]), helper.make_node("Where", ["b", "x", "c"], ["p"])], [row], 4)
    ops["Gather"] = ([helper.make_node("Gather", ["x", "c"], ["p"], axis=1)], [constant("c", [2, 0, -1], np.int64)], 3)
    ops["Concat"] = ([helper.make_node("Neg", ["x"], ["y"]), helper.make_node("Concat", ["x", "y"], ["p"], axis=1)], [], 8)
    ops["Reshape"] = ([helper.make_node("Reshape", ["x", "c"], ["p"])], [constant("c", [-1, 4], np.int64)], 4)
    ops["Constant"] = ([helper.make_node("Constant", [], ["c"], value=constant("c", [1.5])),
                        helper.make_node("Add", ["x", "c"], ["p"])], [], 4)
    ops["broadcast"] = ([helper.make_node("Gather", ["x", "c"], ["y"], axis=1), helper.make_node("Add", ["x", "y"], ["p"])],
                        [constant("c", [1], np.int64)], 4)
    ops["scaler"] = ([helper.make_node("Scaler", ["x"], ["p"], domain=ML, offset=[0.5, 1, -1, 3.0], scale=[2.0, 0.1, 3, -1])], [], 4)
    ops["imputer"] = ([helper.make_node("Imputer", ["x"], ["p"], domain=ML, imputed_value_floats=[0.5, 1, -1, 3.0],
                                        replaced_value_float=float("nan"))], [], 4)
    ops["binarizer"] = ([helper.make_node("Binarizer", ["x"], ["p"], domain=ML, threshold=0.5)], [], 4)
    for name, (nodes, constants, outputs) in ops.items():
        x = np.nan_to_num(rows) if name == "binarizer" else rows    # the runtime refuses to
        batch.add(name, graph(nodes, 4, outputs, constants=constants), x, exact="numbers")
    batch.check()


def transcendental(results):
    batch = Batch(results)
    rng = rng_of("transcendental")
    rows = rng.normal(scale=3, size=(ROWS, 4)).astype(np.float32)
    ops = {op: [helper.make_node(op, ["x"], ["p"])] for op in ("Exp", "Sigmoid", "Tanh", "Softmax", "LogSoftmax")}
    ops["Sqrt"] = [helper.make_node("Abs", ["x"], ["y"]), helper.make_node("Sqrt", ["y"], ["p"])]
    ops["Log"] = [helper.make_node("Abs", ["x"], ["y"]), helper.make_node("Log", ["y"], ["p"])]
    ops["Pow"] = [helper.make_node("Abs", ["x"], ["y"]), helper.make_node("Pow", ["y", "c"], ["p"])]
    ops["Clip"] = [helper.make_node("Clip", ["x", "low", "high"], ["p"])]
    constants = [constant("c", [0.5, 2, -1, 3]), constant("low", -0.5), constant("high", 1.5)]
    for norm in ("MAX", "L1", "L2"):
        ops[f"norm {norm}"] = [helper.make_node("Normalizer", ["x"], ["p"], domain=ML, norm=norm)]
    for name, nodes in ops.items():
        used = {i for n in nodes for i in n.input}
        batch.add(name, graph(nodes, 4, 4, constants=[c for c in constants if c.name in used]), rows, exact=False)
    for op in ("Sum", "Mean", "Max", "Min"):
        extra = [constant("c", [1], np.int64)] if op == "Sum" else []
        node = helper.make_node(f"Reduce{op}", ["x"] + ["c"] * len(extra), ["p"], keepdims=1,
                                **({} if extra else {"axes": [1]}))
        batch.add(f"Reduce{op}", graph([node], 4, 1, constants=extra), rows, exact=False)
    for trans, i in itertools.product((0, 1), range(2)):
        w = rng.normal(size=(3, 4) if trans else (4, 3))
        node = helper.make_node("Gemm", ["x", "w", "c"], ["p"], transB=trans)
        batch.add(f"Gemm {trans} {i}", graph([node], 4, 3, constants=[constant("w", w), constant("c", [1, 2, 3])]), rows,
                  exact=False)
    batch.check()


# ---- what must not matter, and what must be refused ----

def batches(results):
    """A score is a function of the row."""
    rng = rng_of("batches")
    lists, weights = random_trees(rng, 3, 2, True, False)
    lists.update({f"target_{k}": v for k, v in weights.items()})
    trees = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain=ML, n_targets=2, **lists)
    nodes = [trees, helper.make_node("Concat", ["x", "y"], ["z"], axis=1), helper.make_node("Gemm", ["z", "w"], ["p"])]
    model = graph(nodes, 3, 2, constants=[constant("w", rng.normal(size=(5, 2)))])
    x = golden.awkward(rng, 3000, 3)
    jobs = golden.Jobs()
    jobs.add("onnx", model, x)
    first = jobs.run()[0]
    for size in (1, 7, 257, 3000):
        results.bits(jobs.run("--batch", str(size))[0].transformed, first.transformed, f"batches of {size}")


def contributions(results):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler
    rng = rng_of("contributions")
    x, y = training(rng, 4, 2)
    x[rng.random(x.shape) < 0.1] = np.nan
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(x, y)
    jobs = golden.Jobs()
    jobs.add("onnx", to_onnx(model, x), x, contributions=True)
    x[:] = np.nan_to_num(x)
    jobs.add("onnx", to_onnx(make_pipeline(Normalizer(), LogisticRegression()).fit(x, y), x), x, contributions=True)
    score, refused = jobs.run()
    if results.check(score.error is None, "contributions of a pipeline", score.error):
        x = np.asarray(model[:-1].transform(np.where(x == 0, np.nan, x)))
        parts = score.contributions[0]
        results.near(parts[:, :-1], x * model[-1].coef_[0], "weight times scaled value", 1e-5, 1e-6)
        results.near(parts[:, -1], np.full(len(x), model[-1].intercept_[0]), "the bias is the intercept", 1e-6)
        results.near(parts.sum(axis=1), score.raw[:, 0], "they sum to the raw score", 1e-6, 1e-6)
    results.check(refused.error is not None, "a row's norm has no contributions")


def refused(results):
    """Named: the node, its operator and what is wrong."""
    trees = {"nodes_treeids": [0], "nodes_nodeids": [0], "nodes_featureids": [0], "nodes_modes": ["LEAF"], "nodes_values": [0.0],
             "nodes_truenodeids": [0], "nodes_falsenodeids": [0], "target_treeids": [0], "target_nodeids": [0],
             "target_ids": [0], "target_weights": [1.0], "n_targets": 1}

    def regressor(**changes):
        return [helper.make_node("TreeEnsembleRegressor", ["x"], ["p"], domain=ML, name="trees", **{**trees, **changes})]

    cases = {
        "(Unheard): this operator is not supported": [helper.make_node("Unheard", ["x"], ["p"])],
        "this domain is not supported": [helper.make_node("Own", ["x"], ["p"], domain="com.example")],
        "node \"trees\" (ai.onnx.ml.TreeEnsembleRegressor): aggregate_function MAX": regressor(aggregate_function="MAX"),
        "post_transform PROBIT": regressor(post_transform="PROBIT", n_targets=2),
        "of a single score is ambiguous": regressor(post_transform="LOGISTIC"),
        "tree 0 has no node 7": regressor(nodes_modes=["BRANCH_LT"], nodes_truenodeids=[7]),
        "looks at column 9 of 1": regressor(nodes_treeids=[0] * 3, nodes_nodeids=[0, 1, 2], nodes_featureids=[9, 0, 0],
                                             nodes_modes=["BRANCH_LT", "LEAF", "LEAF"], nodes_values=[0.0] * 3,
                                             nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0]),
        "a leaf is for target 3 of 1": regressor(target_ids=[3]),
        "\"nodes_values\" has 2 values, not 1": regressor(nodes_values=[0.0, 1.0]),
        "is not made by anything before it": [helper.make_node("Add", ["q", "x"], ["p"]), helper.make_node("Neg", ["p"], ["q"])],
        "is a class label": [helper.make_node("LinearClassifier", ["x"], ["l", "y"], domain=ML, coefficients=[1.0, -1.0],
                                              intercepts=[0.0, 0.0], classlabels_ints=[0, 1]),
                             helper.make_node("Cast", ["l"], ["p"], to=1)],
    }
    jobs = golden.Jobs()
    for nodes in cases.values():
        jobs.add("onnx", graph(nodes, 1, 1), np.zeros((1, 1)))
    for want, score in zip(cases, jobs.run()):
        results.check(score.error is not None and want in score.error, want, score.error)


if __name__ == "__main__":
    golden.main([sklearn_trees, isolation_forests, linear_models, other_pipelines, scalar_inputs, boosters, random_regressors,
                 random_classifiers, doubles, tree_ensemble5, arithmetic, transcendental, batches, contributions, refused])
