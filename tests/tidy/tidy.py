#!/usr/bin/env python3
"""Style and structure as a test: prints each offence as path:line: text, exits 1 when there are
any, 77 when a tool that the check needs is missing.

    tests/tidy/tidy.py [includes | style | headers | links | documents | format | all] [--compiler cc]
"""

import argparse
import os
import shutil
import sys

import documents
import formatting
import headers
import includes
import links
import style

SKIPPED = 77


def run(check, root, compiler):
    """Findings, or None when the check cannot run here."""
    if check == "includes":
        return includes.check(root)
    if check == "style":
        return style.check(root)
    if check == "links":
        return links.check(root)
    if check == "documents":
        return documents.check(root)
    if check == "headers":
        return headers.check(root, compiler) if shutil.which(compiler) else None
    name = formatting.tool()
    return formatting.check(root, name) if name else None


def main():
    checks = ("includes", "style", "links", "documents", "headers", "format")
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="checks style and structure of the tree")
    parser.add_argument("check", nargs="?", default="all", choices=(*checks, "all"))
    parser.add_argument("--compiler", default="cc", help="for headers")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    args = parser.parse_args()
    found = skipped = 0
    for check in checks if args.check == "all" else (args.check,):
        findings = run(check, args.root, args.compiler)
        if findings is None:
            print(f"SKIP: {check}: its tool is not installed")
            skipped += 1
            continue
        for finding in findings:
            print(finding)
        found += len(findings)
    if found:
        print(f"{found} offence{'s' if found > 1 else ''}")
        return 1
    return SKIPPED if skipped and args.check != "all" else 0


if __name__ == "__main__":
    sys.exit(main())
