"""Every header compiles alone, with all that it needs included by itself."""

import os
import subprocess

import tree

PACKAGES = ("avro-c", "libcurl", "jansson", "libmicrohttpd", "rdkafka", "yaml-0.1", "cmocka")


def package_flags():
    flags = []
    for package in PACKAGES:
        found = subprocess.run(["pkg-config", "--cflags", package], capture_output=True, text=True,
                               check=False)
        flags += found.stdout.split()
    return flags


def check(root, compiler):
    findings = []
    # The model of tests/sim is at home in other tests too.
    roots = [f"-I{os.path.join(root, room)}" for room in (*tree.ROOMS, "tests/sim")]
    base = [compiler, "-std=c17", "-D_GNU_SOURCE", '-DFD_VERSION="0"', "-Wall", "-Wextra",
            "-Werror", "-fsyntax-only", "-x", "c", *roots, *package_flags()]
    for path in tree.c_files(root):
        if not path.endswith(".h"):
            continue
        # Through a file that includes it: a header itself may hold static functions unused there.
        source = f'#include "{os.path.join(root, path)}"\n'
        ran = subprocess.run([*base, f"-I{os.path.join(root, os.path.dirname(path))}", "-"],
                             input=source, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            first = next((line for line in ran.stderr.split("\n") if "error" in line), ran.stderr)
            findings.append(tree.Finding(path, 1, f"does not compile alone: {first.strip()}"))
    return findings
