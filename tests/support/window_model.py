"""Features over windows by brute force: slow, obvious, and nothing shared with the service.

Why it exists: the oracle of test_window_oracle.py. It is written from the definitions (INTERFACE,
docs/rules.md): every feature of every event is computed anew from the list of all events folded
before. Ops are in window_ops.py, panes in window_panes.py. Times are whole microseconds.
"""
import bisect
import math
import struct
from collections import namedtuple

import window_ops
import window_panes
from window_ops import ABOUT_EARLIER, ABSENT, Seen

PANES_PER_WINDOW = 64
NEVER = -(1 << 63)

# What came from the log. time: of the event; stamp: Kafka's, None: it has none; fields: a dict.
Event = namedtuple("Event", "time stamp fields")
# newest: how many events of a key and partition are kept one by one.
Settings = namedtuple("Settings", "lateness future skew newest")


def merge(partitions, settings):
    """[(merge time, partition, offset, event, flags)] in the order of decisions."""
    found = []
    for partition, events in enumerate(partitions):
        highest = NEVER
        for offset, event in enumerate(events):
            flags = set()
            if event.stamp is not None and event.time > event.stamp + settings.future:
                flags.add("FUTURE")
            else:
                highest = max(highest, event.time)
            if highest != NEVER and event.time < highest - settings.lateness:
                flags.add("LATE")
            found.append((highest, partition, offset, event, flags))
    return sorted(found, key=lambda item: item[:3])


class Cut:
    """What is no longer seen: whole panes before (a partition's watermark - horizon). It can only
    matter to events that are LATE themselves."""

    def __init__(self, features, settings):
        reach = max((f.window + f.delay for f in features), default=0)
        self.behind = settings.lateness + reach + settings.lateness + settings.skew
        self.pane = {}
        for f in features:
            pane = -(-f.window // PANES_PER_WINDOW)
            self.pane[f.key] = max(pane, self.pane.get(f.key, 1))

    def before(self, key, merge_times):
        """By partition."""
        pane = self.pane[key]
        return [NEVER if mark == NEVER else (mark - self.behind) // pane * pane for mark in merge_times]


class Entry:
    """What is known of a key: events in order, and those in panes as they went there."""

    def __init__(self):
        self.rows, self.paned = [], []

    def add(self, row):
        bisect.insort(self.rows, row, key=lambda other: other[:3])

    def overflow(self, partition, cut, newest):
        mine = [row for row in self.rows if row.partition == partition and row.time >= cut]
        if len(mine) > newest:
            self.rows.remove(mine[0])
            self.paned.append(mine[0])


NOTHING = Entry()


def window(feature, event, seen, cuts):
    """The events that a feature sees one by one, youngest first."""
    newest = event.time - feature.delay
    oldest = newest - feature.window
    rows = [row for row in seen if oldest < row.time <= newest and row.time >= cuts[row.partition]]
    if feature.current and feature.delay == 0 and feature.op not in ABOUT_EARLIER:
        bisect.insort(rows, event, key=lambda row: row[:3])
    if feature.where is not None:
        rows = [row for row in rows if feature.where(row.fields)]
    rows.reverse()
    return rows


def evaluate(feature, event, own, entry, cuts, levels, marks):
    """(value, was a pane used). own: the event's key; entry: of that key."""
    if own is ABSENT:
        return window_ops.without_key(feature), False
    rows = window(feature, event, entry.rows, cuts)
    panes = levels.panes(feature, event, entry.paned, marks) if entry.paned else ()
    if panes:
        return window_panes.evaluate(feature, rows, event, panes)
    return window_ops.OPS[feature.op](feature, rows, event), False


def run(features, partitions, settings):
    """Yields (partition, offset, flags, {name: value}) in the order of decisions."""
    state = {}                              # (key names, key values) -> Entry
    marks = [NEVER] * len(partitions)       # merge times
    cut = Cut(features, settings)
    key_names = sorted({f.key for f in features})
    bounded = [names for names in key_names if not any(f.exact for f in features if f.key == names)]
    levels = window_panes.Levels(features, settings)
    for merge_time, partition, offset, event, flags in merge(partitions, settings):
        marks[partition] = merge_time
        me = Seen(event.time, partition, offset, event.fields)
        keys, cuts = {}, {}
        for names in key_names:
            parts = tuple(event.fields[name] for name in names)
            keys[names] = ABSENT if ABSENT in parts else parts
            cuts[names] = cut.before(names, marks)
        found = {f.name: evaluate(f, me, keys[f.key], state.get((f.key, keys[f.key]), NOTHING),
                                  cuts[f.key], levels, marks) for f in features}
        if any(used for _, used in found.values()):
            yield partition, offset, flags | {"APPROXIMATE"}, {name: value for name, (value, _) in found.items()}
        else:
            yield partition, offset, flags, {name: value for name, (value, _) in found.items()}
        if flags:
            continue
        for names, parts in keys.items():
            if parts is ABSENT:
                continue
            entry = state.setdefault((names, parts), Entry())
            entry.add(me)
            if names in bounded:
                entry.overflow(partition, cuts[names][partition], settings.newest)


def same(got, want):
    """Bits, for doubles; of two NaNs any."""
    if isinstance(want, window_panes.Roughly):
        return window_panes.within(got, want)
    if want is ABSENT or got is ABSENT:
        return got is want
    if isinstance(want, float):
        if math.isnan(want):
            return isinstance(got, float) and math.isnan(got)
        return struct.pack("<d", got) == struct.pack("<d", want)
    return type(got) is type(want) and got == want
