"""The source tree as the checks see it: files, modules, text without comments and strings."""

import os
import re

ROOMS = ("service", "rules", "schemas", "integration", "models")
SKIPPED_DIRS = {"build", ".git", "__pycache__", ".cache", "node_modules"}
TEXT_SUFFIXES = (".c", ".h", ".py", ".sh", ".cmake", ".md", ".yaml", ".yml", ".avsc", ".txt")


class Finding:
    """One offence, printed as path:line: text so that editors jump to it."""

    def __init__(self, path, line, text):
        self.path, self.line, self.text = path, line, text

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


def walk(root, suffixes):
    """Paths below root, relative and sorted, of files with one of the suffixes."""
    found = []
    for top, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if d not in SKIPPED_DIRS]
        for name in names:
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(top, name), root))
    return sorted(found)


def c_files(root):
    return [p for p in walk(root, (".c", ".h")) if p.split(os.sep)[0] in ROOMS + ("tests",)]


def module_of(path):
    """service/base/arena.c -> base; None for what is in no room's folder."""
    parts = path.split(os.sep)
    return parts[1] if len(parts) >= 3 and parts[0] in ROOMS else None


def modules(root):
    """Module name -> folder, for every folder of a room that holds C files."""
    found = {}
    for path in c_files(root):
        name = module_of(path)
        if name is not None:
            found[name] = os.path.join(*path.split(os.sep)[:2])
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def without_comments_and_strings(text):
    """Same lines and columns, with comments and literals blanked."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
