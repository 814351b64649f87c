"""What each feature op makes of a list of events: slow, obvious, and nothing shared with the service.

Why it exists: the first part of the model of test_window_oracle.py, from the definitions in
docs/rules.md. Lists are in order, youngest first by (time, partition, offset), without events that
`where` refuses; where a result depends on an order of summation it is that one. Times and durations
are whole microseconds.
"""
import math
from collections import namedtuple

ABSENT = None
EARTH_KM = 6371.0088
MAX_TEXT_BYTES = 256
INT64 = 1 << 63

# key: names of event fields. where, of: functions (event) -> bool, None: not given. values: functions
# (event) -> value, ABSENT where there is none. kind: of the value, by the names of CEL.
Feature = namedtuple("Feature", "name key op window delay where of values kind current p exact")
# An event that was folded (or is read for), with its place.
Seen = namedtuple("Seen", "time partition offset fields")

ABOUT_EARLIER = ("last", "first", "time_since_last", "time_since_first", "is_new", "zscore",
                 "travel_speed")


def fits(value):
    return -INT64 <= value < INT64


# ---- values ----

def clean(value, kind):
    """A value as it is kept: one zero, no NaN, long texts cut between characters."""
    if value is ABSENT:
        return ABSENT
    if kind == "double":
        return ABSENT if math.isnan(value) else 0.0 if value == 0 else value
    if kind == "string" and len(value.encode()) > MAX_TEXT_BYTES:
        return value.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
    if kind == "bytes":
        return value[:MAX_TEXT_BYTES]
    return value


def value_of(feature, event, which=0):
    return clean(feature.values[which](event.fields), feature.kind)


def identity(feature, event):
    """What distinct and is_new compare by: the whole value, however long."""
    value = feature.values[0](event.fields)
    if feature.kind == "double":
        return clean(value, "double")
    return value


def with_value(feature, rows):
    """[(row, value)] of the rows that have one."""
    found = [(row, value_of(feature, row)) for row in rows]
    return [(row, value) for row, value in found if value is not ABSENT]


# ---- ops: rows are in order, youngest first ----

def op_count(feature, rows, event):
    return len(rows)


def op_sum(feature, rows, event):
    values = [value for _, value in with_value(feature, rows)]
    if feature.kind == "double":
        return running_sum(values)
    total = sum(values)
    return total if fits(total) else ABSENT


def running_sum(values):
    total = 0.0
    for value in values:
        total += value
    return total


def mean(feature, values):
    total = running_sum(values) if feature.kind == "double" else float(sum(values))
    return divide(total, float(len(values)))


def divide(a, b):
    """As IEEE 754 has it; Python raises."""
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


def deviation(feature, values):
    """Population; of integers exact up to the root; ABSENT where 128 bits do not hold it."""
    n = len(values)
    if feature.kind != "double":
        squares = sum(value * value for value in values)
        if squares >= 1 << 128 or squares * n >= 1 << 128:
            return ABSENT
        return math.sqrt(float(squares * n - sum(values) ** 2)) / float(n)
    middle = mean(feature, values)
    total = 0.0
    for value in values:
        difference = value - middle
        total += difference * difference
    return math.sqrt(total / n) if total >= 0 else math.nan


def op_avg(feature, rows, event):
    values = [value for _, value in with_value(feature, rows)]
    return mean(feature, values) if values else ABSENT


def op_min(feature, rows, event):
    return min((value for _, value in with_value(feature, rows)), default=ABSENT)


def op_max(feature, rows, event):
    return max((value for _, value in with_value(feature, rows)), default=ABSENT)


def op_stddev(feature, rows, event):
    values = [value for _, value in with_value(feature, rows)]
    return deviation(feature, values) if values else ABSENT


def op_distinct(feature, rows, event):
    found = {identity(feature, row) for row in rows}
    found.discard(ABSENT)
    return len(found)


def op_ratio(feature, rows, event):
    if not rows:
        return ABSENT
    return sum(1 for row in rows if feature.of(row.fields)) / len(rows)


def op_last(feature, rows, event):
    found = with_value(feature, rows)
    return found[0][1] if found else ABSENT


def op_first(feature, rows, event):
    found = with_value(feature, rows)
    return found[-1][1] if found else ABSENT


def op_time_since_last(feature, rows, event):
    return event.time - rows[0].time if rows else ABSENT


def op_time_since_first(feature, rows, event):
    return event.time - rows[-1].time if rows else ABSENT


def op_is_new(feature, rows, event):
    mine = identity(feature, event)
    if mine is ABSENT:
        return ABSENT
    return all(identity(feature, row) != mine for row in rows)


def op_consecutive(feature, rows, event):
    n = 0
    for row in rows:
        if not feature.of(row.fields):
            break
        n += 1
    return n


def op_percentile(feature, rows, event):
    values = sorted(value for _, value in with_value(feature, rows))
    if not values:
        return ABSENT
    rank = math.ceil(feature.p * len(values) / 100.0)
    return float(values[min(max(rank, 1), len(values)) - 1])


def op_zscore(feature, rows, event):
    mine = value_of(feature, event)
    values = [value for _, value in with_value(feature, rows)]
    if mine is ABSENT or len(values) < 2:
        return ABSENT
    spread = deviation(feature, values)
    if spread is ABSENT or not spread > 0:
        return ABSENT
    return divide(float(mine) - mean(feature, values), spread)


def great_circle_km(lat1, lon1, lat2, lon2):
    def radians(degrees):
        return degrees * (math.pi / 180.0)
    a = math.sin(radians(lat2 - lat1) / 2)
    b = math.sin(radians(lon2 - lon1) / 2)
    h = a * a + math.cos(radians(lat1)) * math.cos(radians(lat2)) * b * b
    return 2 * EARTH_KM * math.asin(math.sqrt(min(h, 1)))


def place(feature, row):
    found = value_of(feature, row, 0), value_of(feature, row, 1)
    return ABSENT if ABSENT in found else found


def op_travel_speed(feature, rows, event):
    here = place(feature, event)
    before = [row for row in rows if place(feature, row) is not ABSENT]
    if here is ABSENT or not before:
        return ABSENT
    km = great_circle_km(*place(feature, before[0]), *here)
    if not km >= 1.0:
        return 0.0
    hours = max(event.time - before[0].time, 1) / 3600000000.0
    return km / hours


OPS = {name[3:]: function for name, function in list(globals().items()) if name.startswith("op_")}
EMPTY = {"count": 0, "sum": 0, "distinct": 0, "consecutive": 0, "is_new": True}


def without_key(feature):
    """Where a part of the key is null."""
    found = EMPTY.get(feature.op, ABSENT)
    return 0.0 if feature.op == "sum" and feature.kind == "double" else found
