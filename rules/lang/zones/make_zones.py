#!/usr/bin/env python3
"""Writes zones.bin, the time zones that fraudd carries, from compiled tz data.

    rules/lang/zones/make_zones.py [ZONEINFO_DIRECTORY] [VERSION]

A decision must not change with the machine it is made on, so zones are part of the program: the
offsets from UTC of every zone of the IANA time zone database (public domain), with all past
changes and the rule that holds from the last one on. The layout is told in zone.c, its reader.
Transitions that the rule gives as well are left out.
"""

import calendar
import datetime
import os
import re
import struct
import sys
import zoneinfo

DAY = 86400
BIAS = 1 << 39  # times are 5 bytes, unsigned


def read_tzif(path):
    with open(path, "rb") as f:
        data = f.read()

    def header(at):
        return struct.unpack(">6l", data[at + 20:at + 44])

    isut, isstd, leap, times, types, chars = header(0)
    at = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut
    isut, isstd, leap, times, types, chars = header(at)
    at += 44
    when = struct.unpack(f">{times}q", data[at:at + 8 * times])
    at += 8 * times
    index = data[at:at + times]
    at += times
    offsets = [struct.unpack(">l", data[at + 6 * i:at + 6 * i + 4])[0] for i in range(types)]
    at += 6 * types + chars + leap * 12 + isstd + isut
    changes, current = [], offsets[0]
    for t, i in zip(when, index):
        if offsets[i] != current:
            current = offsets[i]
            changes.append((t, current))
    return offsets[0], changes, data[at:].strip(b"\n").decode()


NAME = r"(?:[A-Za-z]+|<[^>]+>)"
TIME = r"[+-]?\d+(?::\d+)?(?::\d+)?"
FOOTER = re.compile(rf"{NAME}({TIME})(?:{NAME}({TIME})?,M(\d+)\.(\d)\.(\d)(?:/({TIME}))?"
                    rf",M(\d+)\.(\d)\.(\d)(?:/({TIME}))?)?$")


def seconds(text):
    sign = -1 if text.startswith("-") else 1
    parts = [int(p) for p in text.lstrip("+-").split(":")]
    return sign * sum(p * u for p, u in zip(parts, (3600, 60, 1)))


class Rule:
    """What a POSIX footer with daylight saving says."""

    def __init__(self, match):
        self.standard = -seconds(match.group(1))
        self.daylight = -seconds(match.group(2)) if match.group(2) else self.standard + 3600
        self.start = tuple(int(match.group(i)) for i in (3, 4, 5)) + (
            seconds(match.group(6) or "2"),)
        self.end = tuple(int(match.group(i)) for i in (7, 8, 9)) + (
            seconds(match.group(10) or "2"),)

    @staticmethod
    def moment(year, edge):
        month, week, weekday, time = edge
        first = calendar.weekday(year, month, 1)
        day = 1 + (weekday - (first + 1)) % 7 + 7 * (week - 1)
        while day > calendar.monthrange(year, month)[1]:
            day -= 7
        return calendar.timegm((year, month, day, 0, 0, 0)) + time

    def offset(self, t):
        year = datetime.datetime.fromtimestamp(t + self.standard, datetime.timezone.utc).year
        start = self.moment(year, self.start) - self.standard
        end = self.moment(year, self.end) - self.daylight
        summer = start <= t < end if start < end else not end <= t < start
        return self.daylight if summer else self.standard


def agrees(rule, since, until, offset):
    return all(rule.offset(t) == offset for t in range(since, until, DAY // 2)) and (
        rule.offset(until - 1) == offset)


def trim(initial, changes, rule):
    """The changes without those at the end that the rule gives too."""
    kept = list(changes)
    while kept:
        t, offset = kept[-1]
        before = kept[-2][1] if len(kept) > 1 else initial
        if rule.offset(t) != offset or rule.offset(t - 1) != before or len(kept) < 2:
            break
        if not agrees(rule, kept[-2][0], t, before):
            break
        kept.pop()
    last = kept[-1][0] if kept else changes[0][0]
    following = [c for c in changes if c[0] > last]
    assert all(rule.offset(t) == o for t, o in following)
    return kept


def zone_bytes(initial, changes, footer):
    match = FOOTER.match(footer)
    assert match, footer
    rule = None
    if match.group(3):
        rule = Rule(match)
        changes = trim(initial, changes, rule)
    else:
        last = changes[-1][1] if changes else initial
        assert -seconds(match.group(1)) == last, footer
    offsets = sorted({o for _, o in changes})
    out = struct.pack(">iBBH", initial, rule is not None, len(offsets), len(changes))
    if rule:
        out += struct.pack(">ii", rule.standard, rule.daylight)
        for edge in (rule.start, rule.end):
            out += struct.pack(">BBBxi", *edge)
    out += b"".join(struct.pack(">i", o) for o in offsets)
    out += b"".join((t + BIAS).to_bytes(5, "big") for t, _ in changes)
    return out + bytes(offsets.index(o) for _, o in changes)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/zoneinfo"
    version = sys.argv[2] if len(sys.argv) > 2 else None
    if version is None:
        with open(os.path.join(root, "tzdata.zi"), encoding="utf-8") as f:
            version = f.readline().split()[-1]
    zoneinfo.reset_tzpath([root])
    names = sorted(n for n in zoneinfo.available_timezones() if n != "localtime")
    records, index, blob = {}, [], b""
    for name in names:
        record = zone_bytes(*read_tzif(os.path.join(root, name)))
        if record not in records:
            records[record] = len(blob)
            blob += record
        index.append((name.encode() + b"\0", records[record]))
    head = struct.pack(">8sHxx", version.encode(), len(index))
    names_at = len(head) + 8 * len(index)
    zones_at = names_at + sum(len(n) for n, _ in index)
    table, texts = b"", b""
    for name, at in index:
        table += struct.pack(">II", names_at + len(texts), zones_at + at)
        texts += name
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zones.bin")
    with open(target, "wb") as f:
        f.write(head + table + texts + blob)
    print(f"{target}: tz {version}, {len(index)} names, {len(records)} zones,"
          f" {zones_at + len(blob)} bytes")


if __name__ == "__main__":
    main()
