#!/usr/bin/env python3
"""Every example of rules in the documentation is run through `fraudd rules check`.

    tests/docs/test_rules.py FRAUDD

Fenced blocks of the Markdown files, by their info string:

    yaml            what begins with "version: 1" is a rule file, and must load; in docs/rules.md
                    anything else is sections of one, or rules of its list
    yaml refused    a rule file that must be refused; the next block, text, is what is said of it
    yaml told       a rule file that must load; the next block, text, is what is said of it, hashes
                    cut short
    yaml explained  a rule file that must load; the next block, text, is what `rules explain` says
    yaml tests      tests of the nearest rule file above, which must pass; a block of text that follows is the report
    yaml tests failing   the same, of which some must fail
    yaml before     a rule file; the next block, yaml after, is its successor, and the one behind that, text, what
                    `rules diff` says
    cel             one expression a line; must compile beside the starter pack
    cel always      one condition a line; must be true whatever the event
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STARTER = os.path.join(ROOT, "rules", "packs", "starter")
FENCE = re.compile(r"^( *)```(\w+)?([^\n]*)\n(.*?)^ *```[ \t]*$", re.MULTILINE | re.DOTALL)
FILE_HEAD = "version: 1\n"
SOME_RULE = "rules:\n  - {id: some-rule, condition: event.is_recurring, action: review}\n"
FRAUDD = None


class Block:
    def __init__(self, path, text, match):
        indent = len(match.group(1))
        self.where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        self.path = path
        self.kind = " ".join(((match.group(2) or "") + match.group(3)).split())
        self.text = "".join(line[min(indent, len(line) - len(line.lstrip(" "))):]
                            for line in match.group(4).splitlines(keepends=True))


def blocks():
    found = []
    for top, dirs, names in os.walk(ROOT):
        dirs[:] = [d for d in dirs if d not in ("build", ".git", "node_modules")]
        for name in sorted(names):
            if not name.endswith(".md"):
                continue
            path = os.path.relpath(os.path.join(top, name), ROOT)
            with open(os.path.join(top, name), encoding="utf-8") as f:
                text = f.read()
            found.extend(Block(path, text, m) for m in FENCE.finditer(text))
    return found


def check(text, starter=False, json_wanted=False, command="check", tests=None):
    """Exit code and output of `rules check`, or another command, on one file, alone or within the starter pack."""
    with tempfile.TemporaryDirectory(prefix="fraudd-docs-") as where:
        rules = os.path.join(where, "rules")
        if starter:
            shutil.copytree(STARTER, rules)
        else:
            os.mkdir(rules)
        with open(os.path.join(rules, "example.yaml"), "w", encoding="utf-8") as f:
            f.write(text)
        if tests is not None:
            with open(os.path.join(rules, "example.test.yaml"), "w", encoding="utf-8") as f:
                f.write(tests)
        args = [FRAUDD, "rules", command, "rules"] + (["-o", "json"] if json_wanted else [])
        done = subprocess.run(args, cwd=where, capture_output=True, encoding="utf-8", timeout=60)
        return done.returncode, done.stdout + done.stderr


def as_file(text):
    """A fragment as a whole rule file."""
    if text.startswith(FILE_HEAD):
        return text
    if text.startswith("- "):
        text = "rules:\n" + "".join("  " + line for line in text.splitlines(keepends=True))
    return FILE_HEAD + text + ("" if re.search(r"^rules:", text, re.MULTILINE) else SOME_RULE)


def quoted(expression):
    return "'" + expression.replace("'", "''") + "'"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.blocks = blocks()

    def of(self, kind):
        found = [b for b in self.blocks if b.kind == kind]
        self.assertTrue(found, f"no {kind} block was found")
        return found

    def lines(self, kind):
        for block in self.of(kind):
            for number, line in enumerate(block.text.splitlines(), 1):
                if line.strip():
                    yield f"{block.where}+{number}", line.strip()

    def test_rule_files_load(self):
        seen = set()
        for block in self.of("yaml"):
            in_rules = block.path == os.path.join("docs", "rules.md")
            if not in_rules and not (block.text.startswith(FILE_HEAD) and "rules:" in block.text):
                continue
            seen.add(block.path)
            with self.subTest(block.where):
                code, said = check(as_file(block.text))
                self.assertEqual((0, ""), (code, "" if code == 0 else said))
        self.assertLessEqual({"README.md", os.path.join("docs", "rules.md")}, seen)

    def test_whole_files_have_no_warnings(self):
        for block in self.of("yaml"):
            if block.text.startswith(FILE_HEAD) and block.path == os.path.join("docs", "rules.md"):
                with self.subTest(block.where):
                    report = json.loads(check(block.text, json_wanted=True)[1])
                    texts = [d["text"] for d in report["diagnostics"]
                             if "reaches the threshold" not in d["text"]]
                    self.assertEqual([], texts)

    def test_refused_files_are_refused_as_shown(self):
        for block in self.of("yaml refused"):
            with self.subTest(block.where):
                follower = self.blocks[self.blocks.index(block) + 1]
                self.assertEqual("text", follower.kind)
                code, said = check(block.text)
                self.assertEqual(78, code)
                self.assertEqual(follower.text, said)

    def test_what_is_told_of_good_files(self):
        for block in self.of("yaml told"):
            with self.subTest(block.where):
                follower = self.blocks[self.blocks.index(block) + 1]
                self.assertEqual("text", follower.kind)
                code, said = check(block.text)
                self.assertEqual(0, code, said)
                self.assertEqual(follower.text,
                                 re.sub(r"\b([0-9a-f]{4})[0-9a-f]{28}\b", r"\1...", said))

    def test_plans_are_explained_as_shown(self):
        for block in self.of("yaml explained"):
            with self.subTest(block.where):
                follower = self.blocks[self.blocks.index(block) + 1]
                self.assertEqual("text", follower.kind)
                self.assertEqual((0, follower.text), check(block.text, command="explain"))

    def test_tests_do_as_shown(self):
        for kind, expected in (("yaml tests", 0), ("yaml tests failing", 1)):
            for block in self.of(kind):
                with self.subTest(block.where):
                    at = self.blocks.index(block)
                    above = next(b for b in reversed(self.blocks[:at])
                                 if b.path == block.path and b.kind == "yaml" and b.text.startswith(FILE_HEAD))
                    code, said = check(above.text, command="test", tests=block.text)
                    self.assertEqual(expected, code, said)
                    follower = self.blocks[at + 1]
                    if follower.kind == "text":
                        self.assertEqual(follower.text, said)

    def test_differences_are_as_shown(self):
        for block in self.of("yaml before"):
            with self.subTest(block.where), tempfile.TemporaryDirectory(prefix="fraudd-docs-") as where:
                at = self.blocks.index(block)
                after, text = self.blocks[at + 1:at + 3]
                self.assertEqual(("yaml after", "text"), (after.kind, text.kind))
                for name, rules in (("rules", block.text), ("rules-new", after.text)):
                    os.mkdir(os.path.join(where, name))
                    with open(os.path.join(where, name, "example.yaml"), "w", encoding="utf-8") as f:
                        f.write(rules)
                done = subprocess.run([FRAUDD, "rules", "diff", "rules", "rules-new"], cwd=where, capture_output=True,
                                      encoding="utf-8", timeout=60)
                self.assertEqual((1, text.text), (done.returncode, done.stdout + done.stderr))

    def test_expressions_compile(self):
        for where, line in self.lines("cel"):
            with self.subTest(where):
                code, said = check(f"{FILE_HEAD}variables:\n  - name: example\n"
                                   f"    expression: {quoted(line)}\n", starter=True)
                self.assertEqual((0, ""), (code, "" if code == 0 else said))

    def test_statements_are_true(self):
        for where, line in self.lines("cel always"):
            with self.subTest(where, line=line):
                code, said = check(f"{FILE_HEAD}rules:\n  - id: example\n    action: review\n"
                                   f"    condition: {quoted(line)}\n", json_wanted=True)
                self.assertEqual(0, code, said)
                self.assertEqual(['rule "example" always fires'],
                                 [d["text"] for d in json.loads(said)["diagnostics"]])


if __name__ == "__main__":
    FRAUDD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
