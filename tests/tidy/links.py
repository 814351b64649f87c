"""CMake links: along the arrows, each library in its one place, nothing included unlinked."""

import os
import re

import includes
import table
import tree

COMMAND = re.compile(r"\b(fd_module|target_link_libraries|add_executable)\s*\(([^()]*)\)")
KEYWORDS = {"PUBLIC", "PRIVATE", "INTERFACE", "SOURCES", "LIBS"}


def targets_of(text):
    """Target name -> [(line, linked target)] of one CMakeLists.txt."""
    text = re.sub(r"#[^\n]*", lambda m: " " * len(m.group(0)), text)
    found = {}
    for match in COMMAND.finditer(text):
        words = match.group(2).split()
        if not words or "$" in words[0]:
            continue
        line = tree.line_of(text, match.start())
        name = f"fd_{words[0]}" if match.group(1) == "fd_module" else words[0]
        linked = found.setdefault(name, [])
        if match.group(1) == "fd_module":
            words = words[words.index("LIBS"):] if "LIBS" in words else []
        elif match.group(1) == "add_executable":
            words = []
        linked += [(line, w) for w in words[1:] if w not in KEYWORDS]
    return found


def check_link(module, linked, owner):
    if linked in table.LIBRARY_TARGETS:
        homes = table.LIBRARY_TARGETS[linked]
        if module not in homes:
            return f"{module} must not link {linked}: only {', '.join(sorted(homes)) or 'tests'} may"
    target = owner.get(linked)
    allowed = table.MAY_USE.get(module)
    if target is None or target == module or allowed is None or target in allowed:
        return None
    return f"{module} must not link {linked}: the arrow {module} -> {target} does not exist"


def closure(module, edges):
    seen, todo = set(), [module]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += edges.get(at, ())
    return seen


def check(root):
    found, owner = {}, {}
    for path in tree.walk(root, ("CMakeLists.txt",)):
        module = tree.module_of(path)
        if module is None:
            continue
        for name, linked in targets_of(tree.read(root, path)).items():
            owner[name] = module
            found.setdefault(module, []).extend((path, line, to) for line, to in linked)
    findings, edges = [], {}
    for module, links in found.items():
        for path, line, linked in links:
            problem = check_link(module, linked, owner)
            if problem:
                findings.append(tree.Finding(path, line, problem))
            if linked in owner:
                edges.setdefault(module, set()).add(owner[linked])
    for path in tree.c_files(root):
        module = tree.module_of(path)
        if module not in found:
            continue
        text = tree.read(root, path)
        reached = closure(module, edges)
        for match in includes.INCLUDE.finditer(text):
            target = match.group(2).split(os.sep)[0]
            if match.group(1) == '"' and target in found and target not in reached:
                findings.append(tree.Finding(path, tree.line_of(text, match.start()),
                                             f"{module} includes {target} and does not link it"))
    return findings
