#!/usr/bin/env python3
"""integration/quickstart.sh as a newcomer runs it: decisions, a summary, Ctrl-C, nothing left over.

Ctrl-C comes twice: as a signal to the script alone, and typed at a terminal, to all that is attached.

It builds into build/release like the script itself, and starts Kafka of its own.
"""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "integration/quickstart.sh"
BUILD_LIMIT_S = 900
STOP_LIMIT_S = 90
DECISION = re.compile(r"^(?:\^C)?(t\d+-\d+) +\d{4}-\d\d-\d\dT\S+Z +(?:ALLOW|REVIEW|CHALLENGE|BLOCK) ", re.MULTILINE)

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


def check_evaluation(output):
    """Precision and recall in all and by pattern, of rules that know what happened before."""
    match = re.search(r"^precision (\d\.\d+) {2}recall (\d\.\d+) ", output, re.MULTILINE)
    check(match and float(match[1]) > 0.6 and float(match[2]) > 0.6, "precision and recall are shown", output)
    caught = {name: float(recall) for name, recall in
              re.findall(r"^([a-z_]+) +\d+ +\d+ +(\d\.\d+) ", output, re.MULTILINE)}
    check(len(caught) >= 7 and caught.get("card_testing", 0) > 0.6, "recall is shown by pattern", str(caught))


def test_counted_run():
    events, history = 300, 20000
    with tempfile.TemporaryDirectory() as temporary:
        process = start(temporary, "--events", str(events), "--rate", "500", "--history", str(history), "--no-wait")
        output, _ = process.communicate(timeout=BUILD_LIMIT_S)
        check(process.returncode == 0, "a counted run ends with 0", output)
        check(len(set(DECISION.findall(output))) == events, "every decision is shown", output)
        check(number_after("events", output) == history + events, "the summary counts the events", output)
        check(number_after("decisions", output) == history + events, "the summary counts the decisions", output)
        actions = [number_after(action, output) for action in ("allow", "review", "challenge", "block")]
        check(sum(actions) == history + events and min(actions) >= 0, "the actions add up", output)
        check_evaluation(output)
        check("99% within" in output, "the summary says the latency", output)
        check(not left_behind(temporary), "a counted run leaves nothing", left_behind(temporary))


def check_end(code, output, temporary, how):
    check(code == 0, f"{how} ends with 0", output)
    check(number_after("decisions", output) > 0, f"{how} shows the summary", output)
    check(number_after("decisions", output) == number_after("events", output), f"{how}: all events are decided", output)
    check(not left_behind(temporary), f"{how} leaves nothing", left_behind(temporary))


def test_interrupt():
    with tempfile.TemporaryDirectory() as temporary:
        process = start(temporary, "--rate", "100", "--history", "2000")
        killer = threading.Timer(BUILD_LIMIT_S, process.kill)   # no decision ever: the loop below ends
        killer.start()
        seen = []
        for line in process.stdout:
            seen.append(line)
            if DECISION.match(line):
                break
        killer.cancel()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=STOP_LIMIT_S)
        check_end(process.returncode, "".join(seen) + rest, temporary, "SIGINT")


def read_terminal(terminal, until, limit_s):
    """What appears on it until the pattern does, or its end; carriage returns left out."""
    seen, deadline = "", time.monotonic() + limit_s
    while time.monotonic() < deadline and not (until and until.search(seen)):
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            chunk = os.read(terminal, 65536)
        except OSError:                                 # nobody has it open any more
            break
        if not chunk:
            break
        seen += chunk.decode(errors="replace").replace("\r", "")
    return seen


def test_terminal():
    with tempfile.TemporaryDirectory() as temporary:
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["TMPDIR"] = temporary
            os.chdir("/")
            os.execv(SCRIPT, [str(SCRIPT), "--rate", "100", "--history", "2000"])
        output = read_terminal(terminal, DECISION, BUILD_LIMIT_S)
        os.write(terminal, b"\x03")
        output += read_terminal(terminal, None, STOP_LIMIT_S)
        deadline = time.monotonic() + STOP_LIMIT_S
        while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < deadline:
            time.sleep(0.1)
        gone, status = ended
        if not gone:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(terminal)
        check_end(os.waitstatus_to_exitcode(status) if gone else None, output, temporary, "Ctrl-C at a terminal")


def test_usage():
    for words, text in ((["--fast"], "unknown option"), (["--events", "many"], "number"), (["--no-wait"], "--events")):
        process = subprocess.run([SCRIPT, *words], capture_output=True, text=True, timeout=30)
        check(process.returncode == 2 and text in process.stderr, f"usage: {' '.join(words)}", process.stderr)


def main():
    test_usage()
    test_counted_run()
    test_interrupt()
    test_terminal()
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(main())
