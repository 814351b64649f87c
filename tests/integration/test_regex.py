"""The regular expressions of the rules against RE2 itself: which patterns are refused, and what matches.

Why it exists: the engine is our own, the syntax and the meaning are RE2's. Random patterns are made from
everything the syntax has, and random texts mostly from what the pattern's own characters are near to, so
that about as many match as do not. The same program matches each text with a large automaton, a tiny one
and none, and ends when they disagree. Needs no servers.
"""
import os
import random
import struct
import subprocess
import sys
import unicodedata
from pathlib import Path

import re2

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from fraudd_test import FULL, ROOT, Results, say

BUILD = Path(os.environ.get("FRAUDD", ROOT / "build" / "release" / "fraudd")).parent
DRIVER = BUILD / "tests" / "unit" / "lang" / "regex_driver"
TEXTS = 8                                               # for each pattern
PATTERNS = 200_000 if FULL else 25_000
PIECE = 500                                             # patterns for each run of the driver

LETTERS = "aabbcABKk_019 .-@\n"
WIDE = "sSkK\u017f\u212aéÉßẞΣσςяЯاα中\U0001F600\U00010400\U00010428ǅǆǄİıµμ\u2028\u0301"
CATEGORIES = ("C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk "
              "Sm So Z Zl Zp Zs").split()
SCRIPTS = "Greek Latin Cyrillic Han Arabic Common Inherited Deseret".split()
POSIX = ("alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit").split()
# Unicode 15.1 made pairs of these, which differ in case only; the tables here are of 15.0.
LATER = set("\u0390\u1fd3\u03b0\u1fe3\ufb05\ufb06")
OPTIONS = re2.Options()
OPTIONS.log_errors = False
OPTIONS.max_mem = 64 << 20


class Maker:
    """Random patterns; most are right, some are not."""

    def __init__(self, seed):
        self.pick = random.Random(seed)
        self.names = 0

    def letter(self):
        return self.pick.choice(WIDE if self.pick.random() < 0.15 else LETTERS)

    def literal(self):
        c = self.letter()
        if self.pick.random() < 0.5 or c not in ".-@\n ":
            return "\\" + c if c in ".|*+?()[]{}^$\\" else c
        return self.pick.choice([f"\\x{{{ord(c):x}}}", f"\\{ord(c):03o}" if ord(c) < 64 else c,
                                 f"\\x{ord(c):02x}" if ord(c) < 256 else c])

    def escape(self):
        return self.pick.choice([r"\d", r"\D", r"\s", r"\S", r"\w", r"\W"])

    def property(self):
        name = self.pick.choice(CATEGORIES if self.pick.random() < 0.6 else SCRIPTS)
        head = self.pick.choice([r"\p", r"\p", r"\P"])
        hat = "^" if self.pick.random() < 0.1 else ""
        return head + name if len(name) == 1 and self.pick.random() < 0.5 else f"{head}{{{hat}{name}}}"

    def char_class(self):
        parts = []
        for _ in range(self.pick.randint(1, 4)):
            kind = self.pick.random()
            if kind < 0.35:
                c = self.letter()
                parts.append("\\" + c if c in "-^]\\[" and self.pick.random() < 0.7 else c)
            elif kind < 0.65:
                low, high = self.letter(), self.letter()
                if low > high and self.pick.random() < 0.98:
                    low, high = high, low
                parts.append(f"{low}-{high}")
            elif kind < 0.75:
                parts.append(self.escape())
            elif kind < 0.85:
                parts.append(f"[:{self.pick.choice(['', '', '^'])}{self.pick.choice(POSIX)}:]")
            elif kind < 0.93:
                parts.append(self.property())
            else:
                parts.append(self.pick.choice(["-", "]", "^", "[", r"\]", r"\n", r"\x41", r"\-", "[:", ":]"]))
        return f"[{'^' if self.pick.random() < 0.3 else ''}{''.join(parts)}]"

    def atom(self, depth):
        kind = self.pick.random()
        if kind < 0.52:
            return self.literal()
        if kind < 0.58:
            return "."
        if kind < 0.66:
            return self.char_class()
        if kind < 0.70:
            return self.escape()
        if kind < 0.72:
            return self.property()
        if kind < 0.80:
            return self.pick.choice(["^", "$", r"\b", r"\B", r"\A", r"\z", r"\b", "^", "$"])
        if kind < 0.815:
            return f"\\Q{''.join(self.letter() for _ in range(self.pick.randint(0, 3)))}\\E"
        if kind < 0.83:
            return f"(?{self.flags()})"
        if kind < 0.835:
            return self.pick.choice([r"\C", "(?=a)", "(?<!a)", r"\1", r"\Z", "(?P=n)", "(?#x)", "[", "(", ")", "*",
                                     "\\", "{", "}", "{2}", "{,3}", "x{01}", r"\pX", r"\p{Foo}", "[[:foo:]]",
                                     "[z-a]", "a**", "a{3,2}", "(?i", "(?z)", r"\8", r"\e", r"\_", r"\x{110000}"])
        if depth == 0:
            return self.literal()
        return self.group(depth - 1)

    def flags(self):
        some = "".join(self.pick.sample("imsU", self.pick.randint(0, 3)))
        if self.pick.random() < 0.2:
            some += "-" + self.pick.choice("imsU")
        return some

    def group(self, depth):
        inner = self.alternation(depth)
        kind = self.pick.random()
        if kind < 0.4:
            return f"({inner})"
        if kind < 0.7:
            return f"(?:{inner})"
        if kind < 0.9:
            return f"(?{self.flags()}:{inner})"
        self.names += 1
        return f"(?{self.pick.choice(['P', ''])}<n{self.names}>{inner})"

    def repeated(self, depth):
        atom = self.atom(depth)
        kind = self.pick.random()
        if kind < 0.68:
            return atom
        low = self.pick.randint(0, 3)
        tail = self.pick.choice(["*", "+", "?", f"{{{low}}}", f"{{{low},}}",
                                 f"{{{low},{low + self.pick.randint(0, 3)}}}"])
        return atom + tail + self.pick.choice(["", "", "", "?"])

    def alternation(self, depth):
        return "|".join("".join(self.repeated(depth) for _ in range(self.pick.choice([0, 1, 1, 2, 2, 3, 4])))
                        for _ in range(self.pick.choice([1, 1, 1, 2, 3])))

    def pattern(self):
        self.names = 0
        head = f"(?{self.flags()})" if self.pick.random() < 0.2 else ""
        text = head + self.alternation(self.pick.randint(0, 3))
        if self.pick.random() < 0.01 and text:                # anything at all
            at = self.pick.randrange(len(text))
            text = text[:at] + self.pick.choice("()[]{}*+?\\|^$.-") + text[at + self.pick.randint(0, 1):]
        return text

    def text(self, pattern):
        """Mostly characters of the pattern, in its order, with some changed."""
        source = [c for c in pattern if c not in "()[]{}*+?\\|^$"] or ["a"]
        if self.pick.random() < 0.3:
            return "".join(self.letter() for _ in range(self.pick.randint(0, 12)))
        out = []
        for c in source[self.pick.randrange(len(source)):] if self.pick.random() < 0.5 else source:
            kind = self.pick.random()
            if kind < 0.6:
                out.append(c)
            elif kind < 0.7:
                out.append(c.swapcase()[:1])
            elif kind < 0.85:
                out.append(self.letter())
        return "".join(out)[:60]


def ask_driver(cases):
    """A line for each (pattern, texts), all bytes."""
    parts = []
    for pattern, texts in cases:
        parts.append(struct.pack("=I", len(pattern)) + pattern + struct.pack("=I", len(texts)))
        parts.extend(struct.pack("=I", len(t)) + t for t in texts)
    done = subprocess.run([str(DRIVER)], input=b"".join(parts), capture_output=True, check=False, timeout=600)
    if done.returncode:
        raise RuntimeError(f"the driver ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    lines = done.stdout.decode().split("\n")[:-1]
    if len(lines) != len(cases):
        raise RuntimeError(f"{len(lines)} answers to {len(cases)} questions")
    return lines


def ask_re2(pattern, texts):
    """As the driver says it; "-" for a refused pattern, None for one that only its memory refuses."""
    try:
        compiled = re2.compile(pattern, OPTIONS)
    except re2.error as e:
        return None if "too large" in str(e) else "-"
    return "".join("1" if compiled.search(t) else "0" for t in texts)


class Tally:
    def __init__(self):
        self.pairs = self.matches = self.accepted = self.refused = self.large = 0
        self.wrong = []

    def take(self, cases):
        for (pattern, texts), ours in zip(cases, ask_driver(cases)):
            theirs = ask_re2(pattern, texts)
            if theirs is None or ours.endswith("too large"):
                self.large += 1
            elif (ours[:1] == "-") != (theirs == "-") or (ours[:1] != "-" and ours != theirs):
                self.wrong.append(f"{pattern!r}: {ours!r}, RE2 {theirs!r}, texts {texts!r}")
            elif theirs == "-":
                self.refused += 1
            else:
                self.accepted += 1
                self.pairs += len(texts)
                self.matches += ours.count("1")


def test_random(results):
    tally = Tally()

    def piece(seed):
        maker = Maker(seed)
        cases = []
        for _ in range(PIECE):
            pattern = maker.pattern()
            texts = [maker.text(pattern).encode("utf-8") for _ in range(TEXTS)]
            cases.append((pattern.encode("utf-8"), texts))
        return cases

    for seed in range(PATTERNS // PIECE):
        tally.take(piece(seed))
    results.none(tally.wrong, "random patterns and texts: as RE2 says")
    results.check(tally.pairs >= PATTERNS * TEXTS * 0.6, "enough pairs were compared", str(tally.pairs))
    results.check(0.2 < tally.matches / max(tally.pairs, 1) < 0.8, "neither all nor none match",
                  str(tally.matches))
    results.check(tally.large < PATTERNS * 0.01, "hardly any pattern is too large", str(tally.large))
    say(f"{tally.accepted} patterns accepted, {tally.refused} refused, {tally.large} too large; "
        f"{tally.pairs} pairs, {tally.matches} matches")


def is_in_bulk(c):
    """Inside the large blocks of one category and script."""
    return any(low <= c <= high for low, high in (
        (0x3410, 0x4DA0), (0x4E10, 0x9FE0), (0xAC10, 0xD790), (0xE010, 0xF8F0), (0x17010, 0x187E0),
        (0x20010, 0x2A6C0), (0x2A710, 0x2B720), (0x2B830, 0x2EBD0), (0x30010, 0x31340), (0xF0010, 0x10FFF0)))


def test_every_class(results):
    """Each named class over what Python knows of Unicode, and each character's case folding."""
    known = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and
             unicodedata.category(chr(c)) != "Cn" and (c % 61 == 0 or not is_in_bulk(c))]
    texts, everything = [c.encode("utf-8") for c in known], "".join(known)
    names = [rf"\p{{{n}}}" for n in CATEGORIES + all_scripts()]
    names += [rf"[[:{n}:]]" for n in POSIX] + [rf"(?i)[[:{n}:]]" for n in POSIX]
    names += [r"\d", r"\s", r"\w", r"\W", r"(?i)\w", r"(?i)\W", ".", "(?s).", "[^a]", "(?i)[a-z]", "(?i)[^a-z]",
              r"(?i)\p{Lu}", r"(?i)\P{Lu}", r"(?i)[\p{Greek}]", r"\pN|\P{L}"]
    wrong = []
    for name, ours in zip(names, ask_driver([(name.encode(), texts) for name in names])):
        said = {known[i] for i, c in enumerate(ours) if c == "1"}
        differ = (said ^ set(re2.findall(name, everything, OPTIONS))) - LATER
        if differ:
            wrong.append(f"{name}: {len(differ)} characters, {[hex(ord(c)) for c in sorted(differ)[:8]]}, {ours[:40]}")
    results.none(wrong, f"{len(names)} classes over {len(known)} characters")
    cased = [c for c in known if c not in LATER and (c.lower() != c or c.upper() != c)]
    texts = [c.encode("utf-8") for c in cased]
    patterns = [rf"(?i)\x{{{ord(c):x}}}" for c in cased[::1 if FULL else 5]]
    wrong = []
    for pattern, ours in zip(patterns, ask_driver([(p.encode(), texts) for p in patterns])):
        said = {cased[i] for i, c in enumerate(ours) if c == "1"}
        if said != set(re2.findall(pattern, "".join(cased), OPTIONS)):
            wrong.append(f"{pattern}: {[hex(ord(c)) for c in said]}")
    results.none(wrong, f"case folding of {len(patterns)} characters")


def all_scripts():
    """Those that the sources name and RE2 knows, and none that only one of them has but for new ones."""
    found = []
    text = (ROOT / "rules" / "lang" / "regex_unicode.c").read_text(encoding="utf-8")
    words = text.split("fd_unicode_scripts =")[1].split(";")[0].replace('"', " ").split()
    for name in words:
        try:
            re2.compile(rf"\p{{{name}}}", OPTIONS)
            found.append(name)
        except re2.error:
            continue
    if len(found) < 150:
        raise RuntimeError(f"only {len(found)} scripts in common")
    return found


def main():
    if not os.access(DRIVER, os.X_OK):
        print(f"{DRIVER} is not built: cmake --build --preset release", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    results = Results()
    for test in (test_random, test_every_class):
        say(test.__name__)
        test(results)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
