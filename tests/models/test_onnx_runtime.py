#!/usr/bin/env python3
"""ONNX through ONNX Runtime: what our own reader refuses, in a build with FD_ONNXRUNTIME.

Neural networks, GaussianNB, nearest neighbours and graphs made by hand must have the bits of the runtime in Python
when it is asked as fraudd asks it: one row at a time, one thread, basic optimisations. Asked the usual way (all rows
at once, all optimisations) it must be near. Beside that: which models are handed over and what is said of it, which
are not, and what becomes of a row that the runtime fails on.

Runs with build/venv-onnxruntime and needs build/onnxruntime:
    integration/onnxruntime.sh
    cmake --preset onnxruntime && cmake --build --preset onnxruntime
    build/venv-onnxruntime/bin/python tests/models/test_onnx_runtime.py
tests/run.sh runs it too; without that build it says so and skips.
"""
import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT / "build/onnxruntime/tests/models/score_driver"
PYTHON = ROOT / "build/venv-onnxruntime/bin/python"

if not DRIVER.exists() or not PYTHON.exists():
    print(f"SKIP there is no build with ONNX Runtime: {DRIVER.relative_to(ROOT)} (see the head of the test)", flush=True)
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)
if Path(sys.prefix).resolve() != PYTHON.parents[1].resolve():        # started with the other models' environment
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

os.environ["FRAUDD_SCORE_DRIVER"] = str(DRIVER)

# pylint: disable=wrong-import-position
import numpy as np
import onnx
import onnxruntime
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import BaggingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC

import golden

warnings.filterwarnings("ignore")
onnxruntime.set_default_logger_severity(4)
ROWS = 2000 if golden.FULL else 300
NEAR = 2e-5                                             # of single rows and of batches, in float


def rng_of(name):
    return np.random.default_rng([7, *name.encode()])


def data(name, classes=2, columns=6, n=600):
    rng = rng_of(name)
    x = rng.normal(size=(n, columns))
    score = x[:, 0] + np.sin(2 * x[:, 1]) + 0.3 * rng.normal(size=n)
    return x, (score if classes == 0 else np.digitize(score, np.quantile(score, np.arange(1, classes) / classes)))


def converted(model, columns, **options):
    return skl2onnx.to_onnx(model, initial_types=[("x", FloatTensorType([None, columns]))], target_opset=17,
                            options={id(model): options} if options else None).SerializeToString()


def graph(nodes, columns, constants=(), kind=TensorProto.FLOAT, outputs=None, inputs=None, opset=17):
    inputs = inputs or [helper.make_tensor_value_info("x", kind, [None, columns])]
    outputs = outputs or [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, None])]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, list(constants)),
                              opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)])
    model.ir_version = 9
    return model.SerializeToString()


def erf(columns=2):
    return graph([helper.make_node("Erf", ["x"], ["p"], name="bend")], columns)


def session(model, alone):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if alone:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.use_deterministic_compute = True
    return onnxruntime.InferenceSession(model, options)


def scores_of(values):
    """The first output of floats, or what ZipMap made, as a matrix."""
    for value in values:
        if isinstance(value, list):
            value = np.array([[row[k] for k in sorted(row)] for row in value])
        if value.dtype in (np.float32, np.float64):
            return value.reshape(len(value), -1).astype(np.float64)
    raise ValueError("no scores")


def asked(model, feeds, alone):
    """What the runtime says; `alone`: of each row by itself, as fraudd asks."""
    s = session(model, alone)
    n = len(next(iter(feeds.values())))
    if not alone:
        return scores_of(s.run(None, feeds))
    return np.concatenate([scores_of(s.run(None, {k: v[i:i + 1] for k, v in feeds.items()})) for i in range(n)])


def wanted(scores, score):
    return scores[:, 1:] if scores.shape[1] == 2 and score.outputs == 1 else scores


def compare(results, cases):
    """cases: name -> (model, rows, feeds, outputs). Each as `onnx`, which hands it over, and as `onnx-runtime`."""
    jobs = golden.Jobs()
    for model, rows, *_ in cases.values():
        jobs.add("onnx", model, rows)
        jobs.add("onnx-runtime", model, rows)
    done = jobs.run()
    for i, (name, (model, _, feeds, outputs)) in enumerate(cases.items()):
        handed, chosen = done[2 * i:2 * i + 2]
        if not results.check(handed.error is None and chosen.error is None, name, f"{handed.error} {chosen.error}"):
            continue
        results.check(chosen.outputs == outputs, f"{name}: outputs", chosen.outputs)
        results.check(handed.bytes == chosen.bytes, f"{name}: our own reader has it", handed.bytes)
        results.bits(handed.transformed, wanted(asked(model, feeds, True), handed), f"{name}: handed over")
        results.bits(chosen.transformed, handed.transformed, f"{name}: chosen")
        results.bits(chosen.raw, chosen.transformed, f"{name}: raw")
        results.near(chosen.transformed, wanted(asked(model, feeds, False), chosen), f"{name}: all at once", NEAR, NEAR)


# ---- models as the converter writes them ----

def sklearn_models(results):
    """Those that docs/models.md says our own reader refuses, and what else there is of the sort."""
    cases = {}

    def add(name, model, classes, outputs, **options):
        x, y = data(name, classes)
        model.fit(x, y)
        rows = rng_of(name + " rows").normal(scale=1.5, size=(ROWS, x.shape[1]))
        cases[name] = (converted(model, x.shape[1], **options), rows, {"x": rows.astype(np.float32)}, outputs)

    plain = {"zipmap": False}
    add("GaussianNB", GaussianNB(), 2, 1, **plain)
    add("GaussianNB of 3, maps", GaussianNB(), 3, 3)
    add("5 neighbours", KNeighborsClassifier(5), 2, 1, **plain)
    add("7 neighbours of 4", KNeighborsClassifier(7), 4, 4, **plain)
    add("neighbours, maps", KNeighborsClassifier(3), 2, 1)
    add("neighbours' mean", KNeighborsRegressor(4), 0, 1)
    add("bagging", BaggingClassifier(GaussianNB(), n_estimators=4, random_state=1), 2, 1, **plain)
    add("support vectors", SVC(probability=True, random_state=1), 2, 1, **plain)
    add("Gaussian process", GaussianProcessRegressor(), 0, 1)
    compare(results, cases)


def networks(results):
    """scikit-learn's are within our own reader; the runtime has to be chosen for them."""
    jobs, items = golden.Jobs(), []
    for name, model, classes, outputs in (
            ("network", MLPClassifier((32, 16), max_iter=60, random_state=1), 2, 1),
            ("network of 5", MLPClassifier((24,), activation="tanh", max_iter=60, random_state=1), 5, 5),
            ("network's value", MLPRegressor((16, 8), max_iter=60, random_state=1), 0, 1)):
        x, y = data(name, classes)
        onnx_model = converted(model.fit(x, y), x.shape[1], **({"zipmap": False} if classes else {}))
        rows = rng_of(name + " rows").normal(size=(ROWS, x.shape[1]))
        for form in ("onnx-runtime", "onnx"):
            items.append((f"{name}, {form}", onnx_model, rows, form, outputs))
            jobs.add(form, onnx_model, rows)
    for (name, model, rows, form, outputs), score in zip(items, jobs.run()):
        if not results.check(score.error is None, name, score.error):
            continue
        results.check(score.outputs == outputs, f"{name}: outputs", score.outputs)
        theirs = wanted(asked(model, {"x": rows.astype(np.float32)}, True), score)
        if form == "onnx-runtime":
            results.bits(score.transformed, theirs, name)
        else:
            results.near(score.transformed, theirs, name, NEAR, NEAR)


# ---- graphs by hand ----

def dense(rng, name, x, y, a, b):
    """x @ w + c with normalised rows and GELU behind it, as exporters of transformers and tabular networks write it."""
    constants = [numpy_helper.from_array(v.astype(np.float32), f"{name}_{k}")
                 for k, v in (("w", rng.normal(size=(a, b)) / np.sqrt(a)), ("c", rng.normal(size=b)), ("s", np.ones(b)),
                              ("o", np.zeros(b)), ("half", np.array(0.5)), ("one", np.array(1.0)), ("root", np.array(2 ** 0.5)))]
    n = {k: f"{name}_{k}" for k in "w c s o half one root m a l d e f g".split()}
    nodes = [helper.make_node("MatMul", [x, n["w"]], [n["m"]]), helper.make_node("Add", [n["m"], n["c"]], [n["a"]]),
             helper.make_node("LayerNormalization", [n["a"], n["s"], n["o"]], [n["l"]], axis=-1),
             helper.make_node("Div", [n["l"], n["root"]], [n["d"]]), helper.make_node("Erf", [n["d"]], [n["e"]]),
             helper.make_node("Add", [n["e"], n["one"]], [n["f"]]), helper.make_node("Mul", [n["l"], n["f"]], [n["g"]]),
             helper.make_node("Mul", [n["g"], n["half"]], [y])]
    return nodes, constants


def handmade(results):
    rng = rng_of("handmade")
    nodes, constants = dense(rng, "a", "x", "h", 8, 32)
    more, others = dense(rng, "b", "h", "i", 32, 16)
    head = numpy_helper.from_array(rng.normal(size=(16, 1)).astype(np.float32), "head")
    nodes += more + [helper.make_node("MatMul", ["i", "head"], ["j"]), helper.make_node("Sigmoid", ["j"], ["p"])]
    rows = rng.normal(size=(ROWS, 8))
    cases = {"GELU network": (graph(nodes, 8, [*constants, *others, head]), rows, {"x": rows.astype(np.float32)}, 1)}
    awkward = golden.awkward(rng, ROWS, 2)
    with np.errstate(over="ignore"):
        cases["NaN, extremes"] = (erf(), awkward, {"x": awkward.astype(np.float32)}, 2)
    doubles = [helper.make_node("Round", ["x"], ["y"]), helper.make_node("Cast", ["y"], ["p"], to=1)]
    cases["doubles"] = (graph(doubles, 3, kind=TensorProto.DOUBLE), rows[:, :3], {"x": rows[:, :3]}, 3)

    kinds = {"f": (TensorProto.FLOAT, np.float32), "d": (TensorProto.DOUBLE, np.float64), "l": (TensorProto.INT64, np.int64),
             "i": (TensorProto.INT32, np.int32), "b": (TensorProto.BOOL, np.bool_)}
    inputs = [helper.make_tensor_value_info(k, kind, [None, 1]) for k, (kind, _) in kinds.items()]
    nodes = [helper.make_node("Cast", [k], [f"{k}f"], to=1) for k in kinds]
    nodes += [helper.make_node("Concat", [f"{k}f" for k in kinds], ["all"], axis=1), helper.make_node("Sinh", ["all"], ["p"])]
    many = np.column_stack([rng.normal(size=(ROWS, 2)), rng.integers(-5, 6, size=(ROWS, 2)), rng.integers(0, 2, size=ROWS)])
    cases["five inputs"] = (graph(nodes, 1, inputs=inputs), many,
                            {k: many[:, i:i + 1].astype(t) for i, (k, (_, t)) in enumerate(kinds.items())}, 5)
    compare(results, cases)


# ---- what must not matter, and what must not pass ----

def batches(results):
    """A score is a function of the row, whatever stands beside it."""
    x, y = data("batches", columns=30)
    model = converted(MLPClassifier((64, 64), max_iter=30, random_state=1).fit(x, y), 30, zipmap=False)
    rows = rng_of("batch rows").normal(size=(600, 30))
    jobs = golden.Jobs()
    jobs.add("onnx-runtime", model, rows)
    first = jobs.run()[0]
    for size in (1, 7, 600):
        results.bits(jobs.run("--batch", str(size))[0].transformed, first.transformed, f"batches of {size}")


def failing_rows(results):
    """The runtime's Binarizer refuses NaN: that row has no score, and the next one has."""
    nodes = [helper.make_node("Binarizer", ["x"], ["y"], domain="ai.onnx.ml", threshold=0.5), helper.make_node("Erf", ["y"], ["p"])]
    model, rows = graph(nodes, 2), np.array([[0.0, 1.0], [np.nan, 1.0], [1.0, 0.0]])
    try:
        asked(model, {"x": rows[1:2].astype(np.float32)}, True)
        results.check(False, "the runtime takes the row: this test shows nothing")
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
        pass
    jobs = golden.Jobs()
    jobs.add("onnx", model, rows)
    score = jobs.run()[0]
    if results.check(score.error is None, "Binarizer and Erf", score.error):
        good = asked(model, {"x": rows[[0, 2]].astype(np.float32)}, True)
        results.bits(score.transformed[[0, 2]], good, "rows beside a failing one")
        results.check(np.isnan(score.transformed[1]).all(), "a row that fails", score.transformed[1])


def with_external(where):
    """A model that wants its constant from another file."""
    tensor = numpy_helper.from_array(np.ones(2, np.float32), "c")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    add = helper.make_node("Add", ["y", "c"], ["p"])
    nodes, constants = [helper.make_node("Erf", ["x"], ["y"])], []
    if where == "constant":
        constants = [tensor]
    elif where == "attribute":
        nodes.append(helper.make_node("Constant", [], ["c"], value=tensor))
    else:
        branch = helper.make_graph([helper.make_node("Identity", ["c"], ["q"])], "b", [],
                                   [helper.make_tensor_value_info("q", TensorProto.FLOAT, [2])], [tensor])
        yes = numpy_helper.from_array(np.array(True), "yes")
        nodes.append(helper.make_node("If", ["yes"], ["r"], then_branch=branch, else_branch=branch))
        add, constants = helper.make_node("Add", ["y", "r"], ["p"]), [yes]
    return graph([*nodes, add], 2, constants)


def refused(results):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 2])
    x3 = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2, 2])
    words = helper.make_tensor_value_info("x", TensorProto.STRING, [None, 2])
    label = helper.make_tensor_value_info("p", TensorProto.INT64, [None, None])
    bend = [helper.make_node("Erf", ["x"], ["p"])]
    regressor = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["p"], domain="ai.onnx.ml", nodes_treeids=[0], nodes_nodeids=[0], nodes_featureids=[0],
        nodes_modes=["LEAF"], nodes_values=[0.0], nodes_truenodeids=[0], nodes_falsenodeids=[0], target_treeids=[0],
        target_nodeids=[0], target_ids=[0], target_weights=[1.0], n_targets=1, post_transform="LOGISTIC")
    wide = numpy_helper.from_array(np.zeros((2, 300), np.float32), "w")
    cases = [
        ("ONNX Runtime: ", "onnx", graph([helper.make_node("NoSuch", ["x"], ["p"], name="n")], 2)),
        ("node \"n\" (NoSuch): this operator is not supported", "onnx",
         graph([helper.make_node("NoSuch", ["x"], ["p"], name="n")], 2)),
        ("ONNX Runtime: ", "onnx-runtime", graph([helper.make_node("Add", ["x", "q"], ["p"])], 2)),
        ("input \"x\" is 4 rows", "onnx-runtime", graph(bend, 2, inputs=[x])),
        ("is not [rows, a fixed number of columns]", "onnx-runtime", graph(bend, 2, inputs=[x3])),
        ("holds string", "onnx-runtime", graph(bend, 2, inputs=[words])),
        ("no output of floats", "onnx-runtime", graph(bend, 2, outputs=[label])),
        ("too many of them", "onnx-runtime", graph([helper.make_node("MatMul", ["x", "w"], ["p"])], 2, [wide])),
        ("is cut off", "onnx-runtime", erf()[:-9]),
        ("of a single score is ambiguous", "onnx", graph([regressor], 2)),
        *[("kept in another file", "onnx-runtime", with_external(where)) for where in ("constant", "attribute", "branch")],
        ("kept in another file", "onnx", with_external("branch")),
    ]
    jobs = golden.Jobs()
    for _, form, model in cases:
        jobs.add(form, model, np.zeros((1, 2)))
    for (want, form, _), score in zip(cases, jobs.run()):
        results.check(score.error is not None and want in score.error, f"{form}: {want}", score.error)


def linear_models_stay(results):
    """What our own reader runs is not handed over: its contributions show that."""
    x, y = data("linear")
    jobs = golden.Jobs()
    model = converted(LogisticRegression().fit(x, y), x.shape[1], zipmap=False)
    jobs.add("onnx", model, x, contributions=True)
    jobs.add("onnx-runtime", model, x, contributions=True)
    ours, theirs = jobs.run()
    results.check(ours.error is None, "our own", ours.error)
    results.check("no contributions" in (theirs.error or ""), "the runtime's", theirs.error)


if __name__ == "__main__":
    golden.main([sklearn_models, networks, handmade, batches, failing_rows, refused, linear_models_stay])
