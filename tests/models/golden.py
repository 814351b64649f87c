"""What the golden tests of models share: the library's answer and ours, bit for bit.

Why it exists: each test makes models with the library that defines a format, has fraudd's own reader
score the same rows (tests/models/score_driver.c, all models of a program in one process) and compares
bits. Programs run with build/venv-models (integration/python-env.sh --models), started by tests/run.sh
or by hand, need no servers, and print "N passed, N failed" as the last line. FRAUDD_SIZE=full: more models.
"""
import os
import struct
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(os.environ.get("FRAUDD_SCORE_DRIVER", ROOT / "build/release/tests/models/score_driver"))
FULL = os.environ.get("FRAUDD_SIZE", "ci") == "full"
SHOWN = 8                                               # lines of a failure's detail


class Results:
    """Counts checks, prints those that fail."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, what, detail=""):
        if good:
            self.passed += 1
            return True
        self.failed += 1
        print(f"FAILED {what}", flush=True)
        for line in str(detail).splitlines()[:SHOWN]:
            print(f"    {line:.400}", flush=True)
        return False

    def bits(self, ours, theirs, what):
        """Equal bits; any NaN equals any other."""
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if not self.check(ours.shape == theirs.shape, f"{what}: shape", f"{ours.shape}, not {theirs.shape}"):
            return False
        same = (ours.view(np.uint64) == theirs.view(np.uint64)) | (np.isnan(ours) & np.isnan(theirs))
        bad = np.argwhere(~same)
        return self.check(len(bad) == 0, f"{what}: {len(bad)} of {same.size} differ",
                          "\n".join(f"at {tuple(i)}: {ours[tuple(i)]!r}, not {theirs[tuple(i)]!r}" for i in bad[:SHOWN]))

    def near(self, ours, theirs, what, relative, absolute=0.0):
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        good = ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=relative, atol=absolute, equal_nan=True)
        worst = "" if ours.shape != theirs.shape else f"worst difference {np.nanmax(np.abs(ours - theirs))}"
        return self.check(good, what, worst)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)


class Score:
    """What the driver said about one job: an error, or raw and transformed [row][output]."""

    def __init__(self, line, out, contributions):
        status, *rest = line.rstrip("\n").split("\t")
        self.error = None if status == "ok" else rest[0]
        if self.error is None:
            self.inputs, self.outputs, self.trees, self.bytes = map(int, rest)
            n, outputs, values = _read(out)
            self.raw = values[:n * outputs].reshape(outputs, n).T
            self.transformed = values[n * outputs:].reshape(outputs, n).T
            if contributions is not None:                     # [output][row][input and bias]
                n, width, values = _read(contributions)
                self.contributions = values.reshape(-1, n, width)


def _read(path):
    data = Path(path).read_bytes()
    rows, columns = struct.unpack_from("<QQ", data)
    return rows, columns, np.frombuffer(data, np.float64, offset=16)


class Jobs:
    """Models and rows to score; run() scores all of them in one process."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fraudd-models-")
        self.lines, self.outs = [], []
        self.n_files = 0

    def path(self, ending=""):
        self.n_files += 1
        return os.path.join(self.folder.name, f"{self.n_files}{ending}")

    def rows(self, x):
        """Writes a matrix once, for several jobs."""
        path, x = self.path(".rows"), np.asarray(x, np.float64)
        with open(path, "wb") as f:
            f.write(struct.pack("<QQ", *x.shape))
            f.write(np.ascontiguousarray(x.T).tobytes())
        return path

    def add(self, form, model, rows, contributions=False):
        """form: as in manifests; model: bytes; rows: a matrix or what rows() gave. The job's number."""
        path, out, parts = self.path(), self.path(), self.path() if contributions else None
        Path(path).write_bytes(model)
        rows = rows if isinstance(rows, str) else self.rows(rows)
        self.lines.append("\t".join([form, path, rows, out, parts or "-"]))
        self.outs.append((out, parts))
        return len(self.outs) - 1

    def run(self, *options):
        text = "".join(line + "\n" for line in self.lines)
        done = subprocess.run([str(DRIVER), *options], input=text, capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        if done.returncode != 0 or len(lines) != len(self.outs):
            raise RuntimeError(f"{DRIVER} ended with {done.returncode} after {len(lines)} of {len(self.outs)} jobs: "
                               f"{done.stderr[-2000:]}")
        return [Score(line, *out) for line, out in zip(lines, self.outs)]


def awkward(rng, n, columns, scale=2.0):
    """Rows with what is hard: NaN, zeros of both signs, denormals, extremes, small whole numbers."""
    x = rng.normal(scale=scale, size=(n, columns))
    special = np.array([np.nan, 0.0, -0.0, 1e-40, -1e-40, 1e-38, 3.4e38, -3.4e38, 1e-300, 1e-35, -1e-35, 1.0, -1.0])
    where = rng.random(x.shape)
    x[where < 0.25] = rng.choice(special, size=int((where < 0.25).sum()))
    return np.where(where > 0.85, rng.integers(-3, 12, size=x.shape).astype(float), x)


def main(tests):
    """Runs test functions of one Results argument; those named on the command line, or all."""
    results = Results()
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    for test in tests:
        if names and test.__name__ not in names:
            continue
        try:
            test(results)
        except Exception:                               # pylint: disable=broad-except
            results.check(False, test.__name__, traceback.format_exc())
    results.finish()
