"""Include directions: inward only, each library in its one place, private headers at home."""

import re

import table
import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def check_own(path, module, header, known):
    target = header.split("/")[0]
    if "/" not in header:
        return f'"{header}": write the module too, as in "base/arena.h"'
    if target not in known:
        return f'"{header}": there is no module {target}'
    if target == module:
        return None
    if header.endswith("_int.h"):
        return f'"{header}" is private to {target}'
    allowed = table.MAY_USE[module]
    if allowed is not None and target not in allowed:
        return f'{module} must not include "{header}": the arrow {module} -> {target} does not exist'
    return None


def check_library(module, header):
    for pattern, homes in table.LIBRARY_HEADERS.items():
        if re.fullmatch(pattern, header) and module not in homes:
            where = ", ".join(sorted(homes)) or "tests"
            return f"{module} must not include <{header}>: only {where} may"
    return None


def check(root):
    findings = []
    known = tree.modules(root)
    for name, folder in known.items():
        if name not in table.MAY_USE:
            findings.append(tree.Finding(folder, 1, f"module {name} is not in tests/tidy/table.py"))
    for path in tree.c_files(root):
        module = tree.module_of(path)
        if module is None or module not in table.MAY_USE:
            continue
        text = tree.read(root, path)
        for match in INCLUDE.finditer(text):
            own = match.group(1) == '"'
            problem = (check_own(path, module, match.group(2), known) if own
                       else check_library(module, match.group(2)))
            if problem:
                findings.append(tree.Finding(path, tree.line_of(text, match.start()), problem))
    return findings
