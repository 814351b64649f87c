"""XGBoost's own predictions beside fraudd's, in one run: the same models, the same rows, one thread.

Why it exists: a time says little without the library's on the same machine at the same moment. Models are
trained on random rows with the pinned XGBoost (build/venv-models); both sides score the same matrix, and
CPU time of the process counts, the best of some rounds. Margins have to be equal, bit for bit.
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xgboost as xgb

ROOT = Path(__file__).resolve().parents[2]
BENCH = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/tests/bench/bench_models")
INPUTS, TREES, ROWS, ROUNDS = 30, 300, 4096, 7


def best(function, n):
    """ns of CPU time per row, and what the function gave."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time_ns()
        got = function()
        times.append((time.process_time_ns() - began) / n)
    return min(times), got


def train(rng, depth):
    x = rng.normal(size=(20000, INPUTS))
    y = (x[:, 0] * x[:, 1] + np.sin(3 * x[:, 2]) + rng.normal(size=len(x)) > 0).astype(int)
    parameters = {"objective": "binary:logistic", "max_depth": depth, "tree_method": "hist", "nthread": 1, "eta": 0.1,
                  "min_child_weight": 0, "verbosity": 0}
    return xgb.train(parameters, xgb.DMatrix(x, label=y), TREES)


def ours(booster, rows, folder):
    """What bench_models says of this file and these rows, and the margins."""
    model, matrix, out = (str(Path(folder) / name) for name in ("m.ubj", "rows", "margins"))
    Path(model).write_bytes(bytes(booster.save_raw("ubj")))
    np.ascontiguousarray(rows.T).tofile(matrix)
    said = subprocess.run([str(BENCH), "--json", "--model", model, "--rows", matrix, "--out", out],
                          capture_output=True, text=True, check=True).stdout
    return json.loads(said), np.fromfile(out)


def main():
    rng = np.random.default_rng(11)
    rows = rng.normal(size=(ROWS, INPUTS))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    print(f"XGBoost {xgb.__version__}, {TREES} trees, {INPUTS} inputs, one thread; ns per tree and row, "
          f"microseconds for one row; memory in KiB")
    print("depth  XGBoost 4096  fraudd 1024  fraudd 64 | XGBoost 1  fraudd 1 | memory")
    for depth in (4, 6, 8):
        booster = train(rng, depth)
        fresh = xgb.Booster({"nthread": 1})
        fresh.load_model(bytearray(booster.save_raw("ubj")))
        batch, margins = best(lambda b=fresh: b.inplace_predict(rows, predict_type="margin"), ROWS)
        one, _ = best(lambda b=fresh: [b.inplace_predict(rows[i:i + 1], predict_type="margin") for i in range(200)], 200)
        with tempfile.TemporaryDirectory() as folder:
            said, mine = ours(booster, rows, folder)
        if not np.array_equal(mine, margins.astype(np.float64)):
            sys.exit(f"models.py: depth {depth}: margins differ")
        print(f"{depth:5}  {batch / TREES:12.2f}  {said['1024'] / TREES:11.2f}  {said['64'] / TREES:9.2f} | "
              f"{one / 1000:9.1f}  {said['1'] / 1000:8.1f} | {said['bytes'] / 1024:6.0f}")


if __name__ == "__main__":
    main()
