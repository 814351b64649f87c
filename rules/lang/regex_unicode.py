#!/usr/bin/env python3
"""Writes regex_unicode.c: what the regular expressions know of Unicode.

    regex_unicode.py DIRECTORY > regex_unicode.c

DIRECTORY holds UnicodeData.txt, Scripts.txt and CaseFolding.txt of the Unicode Character Database,
as Debian's package unicode-data has them in /usr/share/unicode. The result is checked in: a build
needs neither. Run clang-format over it.
"""

import os
import re
import sys
import textwrap

LAST = 0x10FFFF
RUN_BITS = 19  # of a length; 5 for the category and 8 for the script make 32
# The two-letter categories that RE2 names; index 0 is "not assigned" and has no name.
CATEGORIES = ("Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So "
              "Zl Zp Zs").split()


def lines(directory, name):
    with open(os.path.join(directory, name), encoding="utf-8") as f:
        for line in f:
            yield line


def version(directory):
    first = next(lines(directory, "Scripts.txt"))
    return re.search(r"Scripts-([\d.]+)\.txt", first).group(1)


def categories(directory):
    of = [0] * (LAST + 1)
    first = None
    for line in lines(directory, "UnicodeData.txt"):
        fields = line.split(";")
        code, name, index = int(fields[0], 16), fields[1], CATEGORIES.index(fields[2]) + 1
        if name.endswith(", First>"):
            first = code
            continue
        for c in range(first if first is not None else code, code + 1):
            of[c] = index
        first = None
    return of


def scripts(directory):
    of, names = [0] * (LAST + 1), {}
    for line in lines(directory, "Scripts.txt"):
        found = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if found:
            low, high = int(found.group(1), 16), int(found.group(2) or found.group(1), 16)
            for c in range(low, high + 1):
                of[c] = names.setdefault(found.group(3), len(names) + 1)
    # numbered by name, so that the table of names is sorted
    ordered = sorted(names)
    renumber = {names[name]: ordered.index(name) + 1 for name in ordered}
    renumber[0] = 0
    return [renumber[s] for s in of], ordered


def runs(category, script):
    start = 0
    for c in range(1, LAST + 2):
        same = c <= LAST and (category[c], script[c]) == (category[start], script[start])
        if same and c - start < (1 << RUN_BITS) - 1:
            continue
        yield c - start, category[start], script[start]
        start = c


def orbits(directory):
    """code point -> the next one that is the same but for case, round in a circle."""
    groups = {}
    for line in lines(directory, "CaseFolding.txt"):
        found = re.match(r"([0-9A-F]+); ([CS]); ([0-9A-F]+);", line)
        if found:
            to = int(found.group(3), 16)
            groups.setdefault(to, {to}).add(int(found.group(1), 16))
    following = {}
    for group in groups.values():
        members = sorted(group)
        for i, c in enumerate(members):
            following[c] = members[(i + 1) % len(members)]
    return following


def folds(following):
    """(low, high, delta): each code point of low..high goes to itself + delta; with delta 0 they
    are pairs: low and low + 1 are each other's, and so on."""
    found = []
    codes = sorted(following)
    i = 0
    while i < len(codes):
        c = codes[i]
        delta = following[c] - c
        if delta == 1 and following.get(c + 1) == c:
            high = c + 1
            while following.get(high + 1) == high + 2 and following.get(high + 2) == high + 1:
                high += 2
            found.append((c, high, 0))
        else:
            high = c
            while following.get(high + 1, high + 1) - (high + 1) == delta:
                high += 1
            found.append((c, high, delta))
        i += sum(1 for k in codes[i:i + high - c + 1] if k <= high)
    return found


def table(head, items, per_line):
    print(head + " = {")
    for i in range(0, len(items), per_line):
        print("    " + " ".join(items[i:i + per_line]))
    print("};")


def words(name, items):
    pieces = textwrap.wrap(" ".join(items), 90)
    print(f"const char *const {name} =")
    print("\n".join([f'    "{p} "' for p in pieces[:-1]] + [f'    "{pieces[-1]}";\n']))


def main():
    directory = sys.argv[1]
    category, (script, names) = categories(directory), scripts(directory)
    print(f"""/*
 * What Unicode says of its code points: general categories, scripts, simple case folding.
 * Made by regex_unicode.py from the Unicode Character Database {version(directory)}; do not edit.
 * Immutable, any thread.
 */
#include "lang/regex_unicode.h"
""")
    words("fd_unicode_categories", CATEGORIES)
    words("fd_unicode_scripts", names)
    print("\n/* Runs of code points from 0 on: length << 13 | category << 8 | script. */")
    packed = [n << 13 | c << 8 | s for n, c, s in runs(category, script)]
    table("const uint32_t fd_unicode_runs[]", [f"{p:#x}," for p in packed], 8)
    print()
    fold = folds(orbits(directory))
    table("const fd_unicode_fold fd_unicode_folds[]",
          [f"{{{low:#x}, {high:#x}, {delta}}}," for low, high, delta in fold], 4)
    print()
    for what in ("runs", "folds"):
        print(f"const uint32_t fd_unicode_n_{what} =\n"
              f"    sizeof fd_unicode_{what} / sizeof *fd_unicode_{what};")


if __name__ == "__main__":
    main()
