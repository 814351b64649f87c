#!/usr/bin/env python3
"""Features against brute force: random rule sets, random logs, `fraudd replay --features`, equal bits.

Why it exists: every op with every window, delay, filter and key, over events that are late, early,
tied, null and spread over partitions. The model (tests/support/window_model.py) keeps a list and
computes each value anew. Options: a seed, and how many (event, feature) cases; a world that differs
is kept in build/test-logs/test_window_oracle/<number> and can be made again with --world NUMBER. At
the end of 100 worlds the model is given mistakes, one after another: a comparison that does not notice is a
failure.
"""
import argparse
import itertools
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import window_model as model
import window_ops
import window_panes
from window_model import Event, Settings
from window_ops import ABSENT, Feature

FULL = os.environ.get("FRAUDD_SIZE", "ci") == "full"
BINARY = os.environ.get("FRAUDD", str(ROOT / "build" / "release" / "fraudd"))
LOGS = ROOT / "build" / "test-logs" / "test_window_oracle"
# The test run's own variables are not the service's settings.
OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDD_")}
BASE_US = 1_767_225_600_000_000                         # 2026-01-01T00:00:00Z
SHOWN, GIVE_UP, KEPT = 5, 10, 100       # differences shown, worlds that differ, worlds kept for mistakes

NULLABLE = {"card": "string", "shop": "string", "number": "long", "yes": "boolean", "blob": "bytes",
            "m": "long", "e": "double", "t": "string", "b": "bytes", "lat": "double", "lon": "double",
            "when": {"type": "long", "logicalType": "timestamp-micros"}}
ALWAYS = {"id": "string", "at": {"type": "long", "logicalType": "timestamp-micros"}, "stamp": "long",
          "n": "long", "big": "long", "d": "double", "s": "string", "flag": "boolean",
          "kind": {"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]}}
SCHEMA = {"type": "record", "name": "Thing", "fields":
          [{"name": name, "type": kind} for name, kind in ALWAYS.items()] +
          [{"name": name, "type": ["null", kind], "default": None} for name, kind in NULLABLE.items()]}

KEYS = [("card",), ("shop",), ("number",), ("yes",), ("blob",), ("kind",), ("card", "shop"),
        ("shop", "card"), ("number", "yes", "card"), ("blob", "kind")]

# CEL text, its kind, the same in Python.
NUMBERS = [
    ("event.n", "int", lambda f: f["n"]),
    ("event.n * 3 - 7", "int", lambda f: f["n"] * 3 - 7),
    ("event.m", "int", lambda f: f["m"]),
    ("event.m / event.n", "int", lambda f: cel_divide(f["m"], f["n"])),
    ("event.big", "int", lambda f: f["big"]),
    ("event.d", "double", lambda f: f["d"]),
    ("event.d * 0.1", "double", lambda f: f["d"] * 0.1),
    ("event.e", "double", lambda f: f["e"]),
    ("double(event.n) / 3.0", "double", lambda f: f["n"] / 3.0),
    ("0.0 - event.e", "double", lambda f: ABSENT if f["e"] is ABSENT else 0.0 - f["e"]),
]
OTHERS = [
    ("event.s", "string", lambda f: f["s"]),
    ("event.t", "string", lambda f: f["t"]),
    ("event.kind", "string", lambda f: f["kind"]),
    ("event.s + event.kind", "string", lambda f: f["s"] + f["kind"]),
    ("event.b", "bytes", lambda f: f["b"]),
    ("event.flag", "bool", lambda f: f["flag"]),
    ("event.when", "timestamp", lambda f: f["when"]),
    ("event.at - event.when", "duration", lambda f: ABSENT if f["when"] is ABSENT else f["at"] - f["when"]),
]
# An error in a condition is false; || and && absorb it.
CONDITIONS = [
    ("event.flag", lambda f: f["flag"]),
    ("!event.flag", lambda f: not f["flag"]),
    ("event.n > 2", lambda f: f["n"] > 2),
    ('event.kind == "A"', lambda f: f["kind"] == "A"),
    ('event.kind != "B" && event.n < 5', lambda f: f["kind"] != "B" and f["n"] < 5),
    ("event.m < 3", lambda f: f["m"] is not ABSENT and f["m"] < 3),
    ("has(event.t)", lambda f: f["t"] is not ABSENT),
    ("event.e > 0.5 || event.flag", lambda f: f["flag"] or (f["e"] is not ABSENT and f["e"] > 0.5)),
    ("10 / event.n == 2", lambda f: f["n"] != 0 and cel_divide(10, f["n"]) == 2),
    ('event.s == event.t', lambda f: f["t"] is not ABSENT and f["s"] == f["t"]),
]
LATLON = ("[event.lat, event.lon]", (lambda f: f["lat"], lambda f: f["lon"]))


def cel_divide(a, b):
    """Towards zero; of null or by zero an error."""
    if a is ABSENT or b is ABSENT or b == 0:
        return ABSENT
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


# ---- a world: settings, features, events ----

class World:
    """Everything that one number draws."""

    def __init__(self, seed, number):
        self.number = number
        self.pick = pick = random.Random(f"{seed}/{number}")
        self.unit_us = pick.choice((1000, 10_000, 1_000_000, 60_000_000))
        self.future_ms = pick.choice((0, 5, 60)) * self.unit_us // 1000
        self.partitions = pick.choice((1, 1, 2, 4))
        self.spread_by = pick.choice(("card", "chance"))
        self.cardinality = pick.choice((1, 2, 5))
        self.stamped = pick.random() < 0.5
        self.batch = pick.choice((1, 7, 64, 1024))
        self.heavy = number % 4 == 3                # keys with more events than are kept one by one
        self.newest = pick.choice((8, 10, 20, 50)) if self.heavy else 10_000
        self.lateness = pick.choice((0, 30, 200) if self.heavy else (0, 0, 3, 10, 30))
        self.keys = pick.sample(KEYS, pick.choice((1, 2, 3)))
        self.texts = []                             # (feature as YAML)
        self.skew_us = max(1_000_000, pick.choice((1, 5, 10_000 if self.heavy else 1)) * self.unit_us)
        large = number % 50 == 49                   # long windows over one key, each with a thousand events
        if large:
            self.cardinality, self.keys = 1, pick.sample(KEYS, 1)
        self.features = [self.feature(i, large) for i in range(8 if large else pick.choice((5, 15, 40)))]
        self.logs = self.draw_events(1500 if large else pick.choice((50, 200, 400)))

    @property
    def settings(self):
        return Settings(self.lateness * self.unit_us, self.future_ms * 1000, self.skew_us, self.newest)

    def span(self, most, large=False):
        if large:
            return self.pick.choice((500, 2000, 10_000)) * self.unit_us
        if self.heavy and self.pick.random() < 0.6:
            return self.pick.choice((60, 300, 1500)) * self.unit_us     # panes with several events
        units = self.pick.choice((1, 2, 3, 5, 8, self.pick.randint(1, most)))
        return units * self.unit_us

    def feature(self, i, large=False):
        pick = self.pick
        op = pick.choice(sorted(window_ops.OPS))
        yaml = {"name": f"f{i}", "op": op, "window": f"{self.span(80, large) // 1000}ms"}
        key = pick.choice(self.keys)
        yaml["key"] = list(key) if len(key) > 1 or pick.random() < 0.5 else key[0]
        values, kind = (), None
        if op == "travel_speed":
            yaml["value"] = ["event.lat", "event.lon"]
            values, kind = LATLON[1], "double"
        elif op in ("distinct", "is_new", "last", "first"):
            yaml["value"], kind, value = pick.choice(NUMBERS + OTHERS)
            values = (value,)
        elif op in ("sum", "avg", "min", "max", "stddev", "percentile", "zscore"):
            yaml["value"], kind, value = pick.choice(NUMBERS)
            values = (value,)
        where = of = None
        if op in ("ratio", "consecutive"):
            yaml["of"], of = pick.choice(CONDITIONS)
        if pick.random() < 0.4:
            yaml["where"], where = pick.choice(CONDITIONS)
        delay = self.span(40) if pick.random() < 0.3 else 0
        if delay:
            yaml["delay"] = f"{delay // 1000}ms"
        current = pick.random() < 0.7
        if not current:
            yaml["include_current"] = False
        p = pick.choice((0, 1, 25, 50, 90, 99.9, 100)) if op == "percentile" else None
        if p is not None:
            yaml["p"] = p
        self.texts.append(yaml)
        exact = self.heavy and pick.random() < 0.02
        if exact:
            yaml["accuracy"] = "exact"
        window = int(yaml["window"][:-2]) * 1000
        return Feature(f"f{i}", key, op, window, delay, where, of, values, kind, current, p, exact)

    # -- events --

    def maybe(self, value, chance=0.8):
        return value if self.pick.random() < chance else ABSENT

    def draw_double(self):
        pick = self.pick
        if pick.random() < 0.02:
            return pick.choice((math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308))
        return pick.choice((0.0, 0.5, 1.0, pick.uniform(-10, 10), pick.lognormvariate(0, 8)))

    def draw_fields(self, number, at):
        pick, few = self.pick, self.cardinality
        long_text = pick.choice(("\u00e9", "x", "\u4e16")) * pick.choice((100, 255, 256, 257, 300))
        text = pick.choice(("", "a", "b", "abcdefg", "abcdefgh", "\u00e9\u00e8", "x\ny", long_text))
        other = pick.choice(("", "a", "b", "c" * 300))
        return {
            "id": f"E{number}", "at": at, "stamp": 0,
            "card": self.maybe(f"C{pick.randrange(few)}", 0.95), "shop": self.maybe(f"S{pick.randrange(few)}"),
            "number": self.maybe(pick.randrange(-1, few)), "yes": self.maybe(pick.random() < 0.5),
            "blob": self.maybe(bytes([pick.randrange(256) for _ in range(pick.choice((0, 1, 300)))])
                               if few > 1 else b"\0\xff"),
            "n": pick.randrange(-3, 9), "m": self.maybe(pick.randrange(-2, 6)),
            "big": pick.choice((0, 1, (1 << 62) + pick.randrange(1000), -(1 << 63), (1 << 63) - 1)),
            "d": self.draw_double(), "e": self.maybe(self.draw_double()), "s": text, "t": self.maybe(other),
            "b": self.maybe(pick.choice((b"", b"\0\1", b"q" * 300))), "flag": pick.random() < 0.4,
            "kind": pick.choice("ABC"), "when": self.maybe(at - pick.randrange(-5, 50) * 1500),
            "lat": self.maybe(pick.choice((0.0, 52.5, pick.uniform(-90, 90)))),
            "lon": self.maybe(pick.choice((0.0, 13.4, pick.uniform(-180, 180)))),
        }

    def draw_time(self, now):
        """Mostly in order, on a grid of units so that windows end exactly on events; some a little
        out of order, some late, a few very late or far ahead."""
        pick = self.pick
        back = pick.choices((0, pick.randrange(1, 6), pick.randrange(0, 40), pick.randrange(30, 300)),
                            (75, 15, 8, 2))[0]
        at = now - back * self.unit_us
        if pick.random() < 0.05:
            at += pick.choice((-1, 1, 500))
        if self.stamped and pick.random() < 0.02:
            at += pick.choice((10, 100)) * self.unit_us
        return at

    def draw_events(self, count):
        logs = [[] for _ in range(self.partitions)]
        now = BASE_US
        for number in range(count):
            now += self.pick.choice((0, 0, 1, 1, 2, 3, 20)) * self.unit_us
            fields = self.draw_fields(number, self.draw_time(now))
            fields["stamp"] = now // 1000
            by = str(fields["card"]) if self.spread_by == "card" else str(self.pick.random())
            partition = random.Random(by).randrange(self.partitions)
            stamp = fields["stamp"] * 1000 if self.stamped else None
            logs[partition].append(Event(fields["at"], stamp, fields))
        return logs


# ---- fraudd's side ----

def as_json(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def write_world(world, directory):
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "rules").mkdir(parents=True)
    (directory / "schema.avsc").write_text(json.dumps(SCHEMA))
    rules = {"version": 1, "features": world.texts}
    (directory / "rules" / "features.yaml").write_text(json.dumps(rules, indent=1))
    settings = world.settings
    config = {
        "sources": [{"topic": "things", "schema": str(directory / "schema.avsc"), "id": "id", "time": "at"}],
        "rules": str(directory / "rules"),
        "state": {"lateness": f"{settings.lateness // 1000}ms", "future": f"{world.future_ms}ms",
                  "memory": "16MiB", "max_events_per_key": world.newest},
        "merge": {"max_skew": f"{world.skew_us // 1000}ms"},
    }
    (directory / "fraudd.yaml").write_text(json.dumps(config, indent=1))
    for partition, events in enumerate(world.logs):
        lines = [json.dumps({name: as_json(value) for name, value in event.fields.items()}) for event in events]
        (directory / f"p{partition}.jsonl").write_text("".join(line + "\n" for line in lines))


def replay(world, directory):
    """[(partition, offset, flags, {name: value})] as fraudd has it."""
    command = [BINARY, "replay", "-c", directory / "fraudd.yaml", "--features", "-q", "--batch", world.batch]
    if world.stamped:
        command += ["--timestamp-field", "stamp"]
    command += [directory / f"p{n}.jsonl" for n in range(world.partitions)]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, timeout=120, env=OUTSIDE)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.decode()[:1000]}")
    found = []
    for line in done.stdout.splitlines():
        row = json.loads(line, parse_int=lambda text: -0.0 if text == "-0" else int(text))
        found.append((row["partition"], row["offset"], set(row["flags"]), row["features"]))
    return found


DOUBLES = ("avg", "stddev", "ratio", "percentile", "zscore", "travel_speed", "time_since_last", "time_since_first")
OF_VALUE = ("sum", "min", "max", "last", "first")
ODD = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def shown(feature, value):
    """The model's value as replay writes it."""
    if value is ABSENT:
        return value
    if feature.op in ("time_since_last", "time_since_first"):
        return value / 1e6
    if feature.op in OF_VALUE:
        if feature.kind == "timestamp":
            return value // 1000
        if feature.kind == "duration":
            return value / 1e6
        if feature.kind == "bytes":
            return value.hex()
    return value


def read(feature, value):
    """replay's value with the type that the feature has."""
    double = feature.op in DOUBLES or (feature.op in OF_VALUE and feature.kind in ("double", "duration"))
    if not double or value is ABSENT:
        return value
    return float(ODD.get(value, value))


# ---- comparing ----

def compare(world, got, features=None, settings=None):
    """(cases, differences); features and settings: other ones for the model."""
    cases, wrong = 0, []
    wanted = model.run(features or world.features, world.logs, settings or world.settings)
    for mine, theirs in itertools.zip_longest(wanted, got):
        if mine is None or theirs is None or mine[:2] != theirs[:2]:
            wrong.append(f"order: model {mine and mine[:2]}, fraudd {theirs and theirs[:2]}")
            break
        where = f"{mine[0]}/{mine[1]}"
        if mine[2] != theirs[2]:
            wrong.append(f"{where}: flags {sorted(theirs[2])}, model {sorted(mine[2])}")
        for feature, text in zip(world.features, world.texts):
            cases += 1
            want = shown(feature, mine[3][feature.name])
            have = read(feature, theirs[3][feature.name])
            if not model.same(have, want):
                event = world.logs[mine[0]][mine[1]]
                wrong.append(f"{where} at {event.time}, flags {sorted(mine[2])}: {have!r}, model {want!r}: "
                             f"{json.dumps(text)}")
    return cases, wrong


# ---- mistakes: what the model would do if it were wrong ----

def changed(**changes):
    """Every feature with other members; a function gets the feature."""
    def change(feature):
        return feature._replace(**{name: value(feature) if callable(value) else value
                                   for name, value in changes.items()})
    return lambda world: {"features": [change(feature) for feature in world.features]}


def settled(**changes):
    return lambda world: {"settings": world.settings._replace(
        **{name: value(world.settings) for name, value in changes.items()})}


def patched(module, name, make):
    """A function of the model made of the right one."""
    right = getattr(module, name)
    return lambda world: {"patch": mock.patch.object(module, name, make(right))}


def op(name, make):
    right = window_ops.OPS[name]
    return lambda world: {"patch": mock.patch.dict(window_ops.OPS, {name: make(right)})}


def reordered(right):
    """Ties within a time and partition the other way round."""
    def window(feature, event, seen, cuts):
        return right(feature, event, sorted(seen, key=lambda row: (row.time, row.partition, -row.offset)), cuts)
    return window


def by_event(right):
    """A pane counts only with those of its events that are in the window."""
    def panes(levels, feature, event, paned, marks):
        newest = event.time - feature.delay
        found = [[row for row in pane if newest - feature.window < row.time <= newest]
                 for pane in right(levels, feature, event, paned, marks)]
        return [pane for pane in found if pane]
    return panes


def unmerged(right):
    """One partition after the other."""
    return lambda partitions, settings: sorted(right(partitions, settings), key=lambda item: item[1:3])


def careless(right):
    """FUTURE events advance the watermark."""
    def merge(partitions, settings):
        found = []
        highest = {}
        for _, partition, offset, event, flags in sorted(right(partitions, settings), key=lambda i: i[1:3]):
            highest[partition] = max(event.time, highest.get(partition, model.NEVER))
            late = event.time < highest[partition] - settings.lateness
            found.append((highest[partition], partition, offset, event,
                          flags - {"LATE"} | ({"LATE"} if late else set())))
        return sorted(found, key=lambda item: item[:3])
    return merge


MISTAKES = {
    "windows end a microsecond too early": changed(window=lambda f: f.window - 1),
    "windows end a microsecond too late": changed(window=lambda f: f.window + 1),
    "a delay is overlooked": changed(delay=0),
    "a delay is a microsecond too long": changed(delay=lambda f: f.delay and f.delay + 1),
    "the event is never counted": changed(current=False),
    "include_current is overlooked": changed(current=True),
    "where is overlooked": changed(where=None),
    "the second part of a key is overlooked": changed(key=lambda f: f.key[:1]),
    "what is late is so a microsecond later": settled(lateness=lambda s: s.lateness + 1),
    "what is ahead is so a millisecond later": settled(future=lambda s: s.future + 1000),
    "what is beyond the horizon is seen": settled(skew=lambda s: s.skew + 10**15),
    "FUTURE events advance the watermark": patched(model, "merge", careless),
    "partitions are not merged": patched(model, "merge", unmerged),
    "ties are the other way round": patched(model, "window", reordered),
    "doubles are added oldest first": patched(window_ops, "running_sum", lambda right: lambda v: right(v[::-1])),
    "doubles are added exactly": patched(window_ops, "running_sum", lambda right: lambda v: math.fsum(v) if all(
        map(math.isfinite, v)) and max(map(abs, v), default=0) < 1e300 else right(v)),
    "a NaN is a value": patched(window_ops, "clean", lambda right: lambda v, kind: v if kind == "double" else right(v, kind)),
    "without a key nothing is there": patched(window_ops, "without_key", lambda right: lambda feature: ABSENT),
    "texts are cut by bytes": patched(window_ops, "MAX_TEXT_BYTES", lambda right: right - 1),
    "what is masked goes by shorter panes": patched(model, "PANES_PER_WINDOW", lambda right: 2 * right),
    "stddev is of a sample": patched(window_ops, "deviation", lambda right: lambda f, v: ABSENT if len(v) < 2 else right(
        f, v) and right(f, v) * math.sqrt(len(v) / (len(v) - 1))),
    "ratio is of those that do not match": op("ratio", lambda right: lambda f, rows, e: rows and 1 - right(
        f, rows, e) or ABSENT),
    "last is the first": op("last", lambda right: window_ops.OPS["first"]),
    "percentile rounds down": op("percentile", lambda right: lambda f, rows, e: right(
        f._replace(p=max(f.p - 100 / (len(rows) + 1), 0)), rows, e)),
    "consecutive counts all": op("consecutive", lambda right: lambda f, rows, e: sum(
        1 for row in rows if f.of(row.fields))),
    "zscore needs only one": op("zscore", lambda right: lambda f, rows, e: right(
        f, rows[:1] * 2 if len(rows) == 1 else rows, e) or (0.0 if len(rows) == 1 else right(f, rows, e))),
    "travel takes the first event": op("travel_speed", lambda right: lambda f, rows, e: right(f, rows[::-1], e)),
    "is_new is about all but the last": op("is_new", lambda right: lambda f, rows, e: right(f, rows[1:], e)),
    "distinct knows 1 and 1.0 as text": op("distinct", lambda right: lambda f, rows, e: len(
        {str(window_ops.identity(f, row)).strip("-") for row in rows} - {"None"})),
}


PANE_MISTAKES = {
    "one more event of a key is exact": settled(newest=lambda s: s.newest + 1),
    "no event ever goes into a pane": settled(newest=lambda s: 10**9),
    "an exact feature keeps nothing more": changed(exact=False),
    "panes are shorter": patched(window_panes, "PANES_PER_WINDOW", lambda right: 2 * right),
    "panes of long delays are shorter": patched(window_panes, "PANES_PER_LEVEL", lambda right: 2 * right),
    "panes count by their events": patched(window_panes.Levels, "panes", by_event),
    "panes are taken oldest first": patched(window_panes.Levels, "panes", lambda right: lambda *a: right(*a)[::-1]),
    "the doubles of panes are added one by one": patched(window_panes, "pane_sum", lambda right: (
        lambda f, rows, panes: window_ops.running_sum(window_panes.values(f, window_panes.flat(rows, panes))))),
    "a pane's latest event is its first": patched(window_panes, "edge", lambda right: (
        lambda f, rows, panes, first: right(f, rows, panes if first else [pane[:1] for pane in panes], first))),
}


def notices(make, world, got):
    change = make(world)
    patch = change.pop("patch", None)
    if patch is None:
        return bool(compare(world, got, **change)[1])
    with patch:
        return bool(compare(world, got)[1])


def check_mistakes(kept, results):
    """Each is made in one world after another, small ones first, until the comparison notices it."""
    began, worlds = time.monotonic(), 0
    kept.sort(key=lambda item: len(item[1]) * len(item[0].features))
    for text, make in [*MISTAKES.items(), *PANE_MISTAKES.items()]:
        among = [item for item in kept if item[0].heavy or text in MISTAKES]
        for n, (world, got) in enumerate(among, 1):
            if notices(make, world, got):
                results["passed"] += 1
                worlds = max(worlds, n)
                break
        else:
            results["failed"] += 1
            print(f"FAILED a mistake of the model is not noticed in {len(among)} worlds: {text}")
    print(f"{len(MISTAKES) + len(PANE_MISTAKES)} mistakes in the model, each noticed within {worlds} worlds, "
          f"{time.monotonic() - began:.0f} s")


# ---- running ----

def check_world(seed, number, results, kept):
    world = World(seed, number)
    directory = LOGS / str(number)
    write_world(world, directory)
    try:
        got = replay(world, directory)
        cases, wrong = compare(world, got)
    except (RuntimeError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        cases, wrong = 0, [f"{type(error).__name__}: {error}"]
    for feature in world.features:
        results["ops"][feature.op] = results["ops"].get(feature.op, 0) + sum(map(len, world.logs))
    if not wrong:
        shutil.rmtree(directory)
        results["passed"] += 1
        if len(kept) < KEPT:
            kept.append((world, got))
        return cases
    results["failed"] += 1
    (directory / "differences.txt").write_text("\n".join(wrong) + "\n")
    print(f"FAILED world {number} of seed {seed}: {len(wrong)} differences in {cases} cases, see {directory}")
    for line in wrong[:SHOWN]:
        print(f"    {line[:400]}")
    sys.stdout.flush()
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()) if FULL else 1)
    parser.add_argument("--cases", type=int, default=10_000_000 if FULL else 1_000_000)
    parser.add_argument("--world", type=int, help="only this one")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first world that differs")
    options = parser.parse_args()
    if not os.access(BINARY, os.X_OK):
        raise SystemExit(f"there is no program {BINARY}: build it, or set FRAUDD")
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    results = {"passed": 0, "failed": 0, "ops": {}}
    kept = []
    cases, began, number = 0, time.monotonic(), options.world or 0
    while cases < options.cases and results["failed"] < GIVE_UP:
        cases += check_world(options.seed, number, results, kept)
        number += 1
        if options.world is not None or (options.fail_fast and results["failed"]):
            break
    took = time.monotonic() - began
    print(f"seed {options.seed}: {cases} (event, feature) cases in {number - (options.world or 0)} worlds, {took:.0f} s")
    if len(kept) == KEPT and not results["failed"]:
        check_mistakes(kept, results)
    print("cases by op:", ", ".join(f"{op} {n}" for op, n in sorted(results["ops"].items())))
    print(f"{results['passed']} passed, {results['failed']} failed")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
