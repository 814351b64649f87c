#!/usr/bin/env python3
"""integration/quickstart.sh as a newcomer runs it: decisions, a summary, Ctrl-C, nothing left over.

It builds into build/release like the script itself, and starts Kafka of its own.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "integration/quickstart.sh"
BUILD_LIMIT_S = 900
STOP_LIMIT_S = 90

counts = {True: 0, False: 0}


def check(condition, what, detail=""):
    counts[bool(condition)] += 1
    if not condition:
        print(f"FAILED {what}")
        print("    " + "\n    ".join(str(detail).splitlines()[-15:]))


def start(temporary, *words):
    return subprocess.Popen(
        [SCRIPT, *words],
        cwd="/",
        env={**os.environ, "TMPDIR": temporary},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def left_behind(temporary):
    """Command lines and files that still mention the directory of this run."""
    found = os.listdir(temporary)
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if temporary.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append((path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120])
        except OSError:
            continue
    return found


def number_after(word, output):
    match = re.search(rf"^\s*{word}\s+(\d+)$", output, re.MULTILINE)
    return int(match[1]) if match else -1


def test_counted_run():
    events = 300
    with tempfile.TemporaryDirectory() as temporary:
        process = start(temporary, "--events", str(events), "--rate", "500", "--no-wait")
        output, _ = process.communicate(timeout=BUILD_LIMIT_S)
        check(process.returncode == 0, "a counted run ends with 0", output)
        check(len(set(re.findall(r"payments/[0-3]/\d+", output))) == events, "every decision is shown", output)
        check(number_after("events", output) == events, "the summary counts the events", output)
        check(number_after("decisions", output) == events, "the summary counts the decisions", output)
        actions = [number_after(action, output) for action in ("allow", "review", "challenge", "block")]
        check(sum(actions) == events and min(actions) >= 0, "the actions add up", output)
        check("99% within" in output, "the summary says the latency", output)
        check(not left_behind(temporary), "a counted run leaves nothing", left_behind(temporary))


def test_interrupt():
    with tempfile.TemporaryDirectory() as temporary:
        process = start(temporary, "--rate", "100")
        seen = []
        for line in process.stdout:
            seen.append(line)
            if "payments/" in line:
                break
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=STOP_LIMIT_S)
        output = "".join(seen) + rest
        check(process.returncode == 0, "Ctrl-C ends with 0", output)
        check(number_after("decisions", output) > 0, "Ctrl-C shows the summary", output)
        check(number_after("decisions", output) == number_after("events", output), "all events are decided", output)
        check(not left_behind(temporary), "Ctrl-C leaves nothing", left_behind(temporary))


def test_usage():
    for words, text in ((["--fast"], "unknown option"), (["--events", "many"], "number"), (["--no-wait"], "--events")):
        process = subprocess.run([SCRIPT, *words], capture_output=True, text=True, timeout=30)
        check(process.returncode == 2 and text in process.stderr, f"usage: {' '.join(words)}", process.stderr)


def main():
    test_usage()
    test_counted_run()
    test_interrupt()
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(main())
