"""Panes, for the model of windows: what is left of a key's events beyond the newest N.

Why it exists: the third part of the model of windows, from the same definitions (the header of the window
state, docs/rules.md). The model keeps all events and puts panes together whenever a window is
computed. `Roughly` stands for results that the service estimates from a sample: the bounds that they
must keep.
"""
import math
from collections import namedtuple

import window_ops as ops
from window_ops import ABSENT

KEPT_HASHES, KEPT_SAMPLES = 64, 32      # of a pane: distinct and is_new, percentile
PANES_PER_WINDOW, PANES_PER_LEVEL = 64, 1024

# low .. high: where the value must be; among: it must be one of these, None: any.
Roughly = namedtuple("Roughly", "low high among")


def within(got, bounds):
    if got is ABSENT or not bounds.low <= got <= bounds.high:
        return False
    return bounds.among is None or got in bounds.among


class Levels:
    """Pane length and horizon per (key, window length)."""

    def __init__(self, features, settings):
        slack = settings.lateness + settings.skew
        self.lateness = settings.lateness
        reach = {}
        for f in features:
            level = f.key, f.window
            reach[level] = max(reach.get(level, 0), f.window + f.delay)
        self.horizon = {level: longest + slack for level, longest in reach.items()}
        self.pane = {level: max(-(-level[1] // PANES_PER_WINDOW), -(-horizon // PANES_PER_LEVEL))
                     for level, horizon in self.horizon.items()}

    def panes(self, feature, event, paned, marks):
        """Panes that count for the feature, youngest first: lists of their events that count, as they
        came into the pane. A pane that overlaps the window counts whole."""
        level = feature.key, feature.window
        length, horizon = self.pane[level], self.horizon[level]
        found = {}
        for row in paned:
            start = row.time // length * length
            if start >= (marks[row.partition] - self.lateness - horizon) // length * length:
                found.setdefault((start, row.partition), []).append(row)
        to = event.time - feature.delay
        counting = []
        for place in sorted(found, reverse=True):
            rows = found[place]
            if max(row.time for row in rows) > to - feature.window and min(row.time for row in rows) <= to:
                counting.append([row for row in rows if counts(feature, row)])
        return [rows for rows in counting if rows]


def counts(feature, row):
    if feature.where is not None and not feature.where(row.fields):
        return False
    return all(ops.value_of(feature, row, i) is not ABSENT for i in range(len(feature.values)))


def values(feature, rows):
    return [ops.value_of(feature, row) for row in rows]


# ---- doubles: sums pane by pane, means and squared differences merged ----

def pane_sum(feature, rows, panes):
    total = ops.running_sum(values(feature, rows))
    for pane in panes:
        total += ops.running_sum(values(feature, pane))
    return total


def grown(pane):
    """Mean and squared differences, value by value."""
    middle = squared = 0.0
    for n, value in enumerate(pane, 1):
        delta = value - middle
        middle += ops.divide(delta, float(n))
        squared += delta * (value - middle)
    return middle, squared


def merged_deviation(feature, rows, panes):
    own = values(feature, rows)
    n = float(len(own))
    middle = ops.mean(feature, own) if own else 0.0
    squared = 0.0
    for value in own:
        difference = value - middle
        squared += difference * difference
    for pane in panes:
        more = float(len(pane))
        other, other_squared = grown(values(feature, pane))
        delta = other - middle
        squared += other_squared + delta * delta * (n * more / (n + more))
        middle += delta * (more / (n + more))
        n += more
    return math.sqrt(squared / n) if squared >= 0 else math.nan


# ---- ops: (value, was a pane used) ----

def flat(rows, panes):
    return rows + [row for pane in panes for row in pane]


def paned_distinct(feature, rows, event, panes):
    exact = ops.op_distinct(feature, flat(rows, panes), event)
    if all(len({ops.identity(feature, row) for row in pane}) <= KEPT_HASHES for pane in panes):
        return exact, True
    return Roughly(exact * 0.3, exact * 1.7, None), True


def paned_percentile(feature, rows, event, panes):
    everything = flat(rows, panes)
    if all(len(pane) <= KEPT_SAMPLES for pane in panes):
        return ops.op_percentile(feature, everything, event), True
    found = sorted(float(value) for value in values(feature, everything))
    slack = 0.45 * sum(map(len, panes)) + 1
    rank = math.ceil(feature.p * len(found) / 100.0)
    low, high = (min(max(int(at), 1), len(found)) for at in (rank - slack, rank + slack))
    return Roughly(found[low - 1], found[high - 1], set(found)), True


def paned_is_new(feature, rows, event, panes):
    new = ops.op_is_new(feature, rows, event)
    if not new:
        return new, False
    mine = ops.identity(feature, event)
    for pane in panes:
        kinds = {ops.identity(feature, row) for row in pane}
        if mine in kinds:
            return (False if len(kinds) <= KEPT_HASHES else Roughly(False, True, None)), True
    return True, True


def paned_consecutive(feature, rows, event, panes):
    n = ops.op_consecutive(feature, rows, event)
    if n < len(rows):
        return n, False
    for pane in panes:
        run = 0
        for row in pane:
            run = run + 1 if feature.of(row.fields) else 0
        n += run
        if run < len(pane):
            break
    return n, True


def edge(feature, rows, panes, first):
    """The earliest or latest event, and whether it is a pane's."""
    rows = [row for row in rows if counts(feature, row)]
    best = (rows[-1] if first else rows[0]) if rows else None
    used = False
    for pane in panes:
        if first:
            own = min(pane, key=lambda row: row.time)
            better = best is None or own.time < best.time
        else:
            own = max(enumerate(pane), key=lambda item: (item[1].time, item[0]))[1]
            better = best is None or own.time > best.time
        if better:
            best, used = own, True
    return best, used


def paned_edge(feature, rows, event, panes):
    best, used = edge(feature, rows, panes, feature.op in ("first", "time_since_first"))
    value = ops.OPS[feature.op](feature, [best] if best else [], event)
    if feature.op.startswith("time_since") and value is not ABSENT:
        value = max(value, 0)
    return value, used


def paned_numbers(feature, rows, event, panes):
    if feature.kind != "double" or feature.op in ("min", "max"):
        return ops.OPS[feature.op](feature, flat(rows, panes), event), True
    n = float(sum(map(len, panes)) + len(rows))
    total = pane_sum(feature, rows, panes)
    if feature.op == "sum":
        return total, True
    if feature.op == "avg":
        return ops.divide(total, n), True
    spread = merged_deviation(feature, rows, panes)
    if feature.op == "stddev":
        return spread, True
    mine = ops.value_of(feature, event)
    if mine is ABSENT or n < 2 or not spread > 0:
        return ABSENT, True
    return ops.divide(mine - ops.divide(total, n), spread), True


def paned_all(feature, rows, event, panes):
    return ops.OPS[feature.op](feature, flat(rows, panes), event), True


PANED = {"count": paned_all, "ratio": paned_all, "distinct": paned_distinct, "percentile": paned_percentile,
         "is_new": paned_is_new, "consecutive": paned_consecutive,
         **{op: paned_edge for op in ("last", "first", "time_since_last", "time_since_first", "travel_speed")},
         **{op: paned_numbers for op in ("sum", "avg", "min", "max", "stddev", "zscore")}}


def evaluate(feature, rows, event, panes):
    """(value, used); rows: exact ones, youngest first."""
    if feature.op in ("sum", "avg", "min", "max", "stddev", "zscore", "percentile", "last", "first"):
        rows = [row for row in rows if counts(feature, row)]
    return PANED[feature.op](feature, rows, event, panes)
