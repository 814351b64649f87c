"""clang-format, in the one version whose taste the tree follows (others differ in details)."""

import re
import shutil
import subprocess

import tree

VERSION = 14


def tool():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if shutil.which(name) is None:
            continue
        said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
        found = re.search(r"version (\d+)", said.stdout)
        if found and int(found.group(1)) == VERSION:
            return name
    return None


def check(root, name):
    files = tree.c_files(root)
    if not files:
        return []
    ran = subprocess.run([name, "--dry-run", "-Werror", *files], cwd=root, capture_output=True,
                         text=True, check=False)
    findings = []
    seen = set()
    for match in re.finditer(r"^([^\s:]+):(\d+):\d+: error", ran.stderr, re.MULTILINE):
        if match.group(1) not in seen:
            seen.add(match.group(1))
            findings.append(tree.Finding(match.group(1), match.group(2),
                                         f"not formatted: run {name} -i on it"))
    return findings
