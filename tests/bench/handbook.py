"""All of the Fraud Detection Handbook by replay: 1.75 million transactions, 13 features, 30 rules, decisions to a file.

Why it exists: it is a figure to hold against other engines that read the same file. Needs the data set;
without it nothing is measured. It judges nothing.
"""
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("HANDBOOK_DATA", ROOT.parent / "shared" / "data" / "handbook"))
SOURCE = {"topic": "transactions", "schema": str(ROOT / "tests" / "handbook" / "transaction.avsc"), "id": "tx_id",
          "time": "tx_time", "partitioned_by": "customer_id"}
MORE_RULES = 25                                         # with the five that are there


def write_rules(directory):
    """The handbook's features and rules, and as many more as make thirty."""
    shutil.copytree(ROOT / "tests" / "handbook" / "rules", directory)
    lines = ["version: 1", "rules:"]
    for number in range(MORE_RULES):
        days = (1, 7, 30)[number % 3]
        condition = (f"features.customer_count_{days}d > {5 + number * days} && "
                     f"event.amount_cents > {4000 + 300 * number} && "
                     f"features.terminal_count_{days}d >= {number}")
        lines.append(f"  - {{id: more-{number:02}, condition: '{condition}', score: {number % 7 + 1}}}")
    (directory / "more.yaml").write_text("\n".join(lines) + "\n")


def run(binary, config, what, *arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run([binary, "replay", "-c", str(config), *map(str, arguments)], check=True,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what:34} {wall:6.2f} s wall, {cpu:6.2f} s CPU, {after.ru_maxrss // 1024} MiB at most; "
          f"{done.stderr.strip().splitlines()[-1]}")


def main():
    binary = sys.argv[1]
    packed = DATA / "transactions.csv.gz"
    if not packed.exists():
        print(f"handbook: not measured, the data set is not there: {packed}")
        return
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        directory = Path(name)
        csv = directory / "transactions.csv"
        with gzip.open(packed) as source, csv.open("wb") as out:
            shutil.copyfileobj(source, out)
        write_rules(directory / "rules")
        config = directory / "replay.yaml"
        config.write_text(json.dumps({"sources": [SOURCE], "rules": str(directory / "rules"),
                                      "state": {"lateness": "0s", "memory": "512MiB"}}))
        print("\nhandbook: 1,754,155 transactions, 13 features, 30 rules, decisions to a file")
        run(binary, config, "CSV to JSON lines", "--out", directory / "out.jsonl", csv)
        run(binary, config, "CSV to Avro", "--output", "avro", "--out", directory / "out.avro", csv)
        run(binary, config, "CSV to feature rows", "--features", "--output", "csv", "--out",
            directory / "out.csv", csv)


if __name__ == "__main__":
    main()
