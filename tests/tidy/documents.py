"""Markdown: links to files and headings, and paths of the tree that are mentioned, must exist."""

import glob
import os
import re

import tree

LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#{1,6} +(.*?) *#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
PATH = re.compile(r"(?:docs|integration|rules|schemas|service|tests)/[\w./*-]*\w\*?")
# Written by a full run of the tests.
MADE = {"docs/last-full-run.txt"}


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def anchors(text):
    """The anchors of a page's headings, as the usual renderers make them."""
    found = set()
    for match in HEADING.finditer(FENCE.sub(blank, text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        while slug in found:
            slug += "-1"
        found.add(slug)
    return found


def check_link(root, path, target):
    if ELSEWHERE.match(target):
        return None
    name, _, anchor = target.partition("#")
    file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
    if not os.path.exists(os.path.join(root, file)):
        return f"the link {target} leads nowhere"
    if anchor and file.endswith(".md") and anchor not in anchors(tree.read(root, file)):
        return f"{file} has no heading #{anchor}"
    return None


def check_span(root, span):
    if not PATH.fullmatch(span) or span in MADE or glob.glob(os.path.join(root, span)):
        return None
    return f"there is no {span}"


def check(root):
    findings = []
    for path in tree.walk(root, (".md",)):
        text = tree.read(root, path)
        bare = FENCE.sub(blank, text)
        spanless = SPAN.sub(blank, bare)
        found = [(m, check_link(root, path, m.group(1))) for m in LINK.finditer(bare)
                 if spanless[m.start()] in "![" and m.group(1)]
        found += [(m, check_span(root, m.group(1))) for m in SPAN.finditer(bare)]
        findings += [tree.Finding(path, tree.line_of(text, m.start()), problem)
                     for m, problem in found if problem]
    return findings
