"""House style: lengths, banned functions, opening comments, leftovers."""

import re

import table
import tree

FUNCTION_LINES, LINE_COLUMNS, FILE_LINES = 70, 100, 800

BANNED_EVERYWHERE = "strcpy strcat sprintf vsprintf gets strtok atoi atol atof"
BANNED_IN_CORE = ("clock_gettime time gettimeofday rand random srand srandom rand_r drand48 "
                  "getrandom socket connect getenv secure_getenv sleep usleep nanosleep")


def call_of(names):
    # Not a member (x->time(...)) and not the end of a longer name.
    return re.compile(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\(")


EVERYWHERE, IN_CORE = call_of(BANNED_EVERYWHERE), call_of(BANNED_IN_CORE)

# In pieces, or this file would find itself.
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def lengths(path, text):
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES:
        yield tree.Finding(path, len(lines), f"{len(lines) - 1} lines: a file has {FILE_LINES} at most")
    begin = None
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS:
            yield tree.Finding(path, number, f"{len(line)} columns: a line has {LINE_COLUMNS} at most")
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            size = number - begin + 1
            if size > FUNCTION_LINES:
                yield tree.Finding(path, begin,
                                   f"{size} lines: a function has {FUNCTION_LINES} at most")
            begin = None


def calls(path, text):
    bare = tree.without_comments_and_strings(text)
    module = tree.module_of(path)
    for match in EVERYWHERE.finditer(bare):
        yield tree.Finding(path, tree.line_of(bare, match.start()), f"{match.group(1)} is banned")
    if module is None or module in table.WORLDLY:
        return
    for match in IN_CORE.finditer(bare):
        yield tree.Finding(path, tree.line_of(bare, match.start()),
                           f"{match.group(1)} is banned in core modules: only ports touch the world")


def check(root):
    findings = []
    for path in tree.c_files(root):
        text = tree.read(root, path)
        if not text.lstrip().startswith(("/*", "//")):
            findings.append(tree.Finding(path, 1, "no opening comment: why does the file exist?"))
        findings.extend(lengths(path, text))
        findings.extend(calls(path, text))
    for path in tree.walk(root, tree.TEXT_SUFFIXES):
        text = tree.read(root, path)
        for match in LEFTOVER.finditer(text):
            findings.append(tree.Finding(path, tree.line_of(text, match.start()),
                                         f"leftover {match.group(1)}"))
    return findings
