#!/usr/bin/env python3
"""The ten minutes of README.md, command by command: what a newcomer types must work as it says.

Only addresses and directories are replaced, so that nothing else on the machine is touched: /tmp/fd,
my-rules and the HTTP port.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from fraudd_test import ROOT, Results, die_with_parent, free_port, wait_until

FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LIMIT_S = 180
HTTP = "localhost:9464"


def steps():
    """[(language, text)] of the section's fences, in order."""
    text = (ROOT / "README.md").read_text().partition("## Ten minutes\n")[2].partition("\n## ")[0]
    return [(language, textwrap.dedent(body)) for language, body in FENCE.findall(text)]


class Tour:
    def __init__(self, results, folder):
        self.results = results
        self.folder = Path(folder)
        for name in ("build", "integration", "rules", "schemas"):
            (self.folder / name).symlink_to(ROOT / name)
        self.port = free_port()
        self.env = {**os.environ, "FRAUDD_HTTP_LISTEN": f"127.0.0.1:{self.port}"}
        for name in ("KAFKA_BOOTSTRAP", "REDIS_URL"):
            self.env.pop(name, None)
        self.service = None
        self.run_text = None

    def bash(self, script, **options):
        """Arguments for subprocess: the command and the rest."""
        script = script.replace("/tmp/fd", str(self.folder / "fd"))
        script = script.replace(HTTP, f"127.0.0.1:{self.port}")
        return ["bash", "-euo", "pipefail", "-c", script], {
            "cwd": self.folder, "env": self.env, "stdin": subprocess.DEVNULL,
            "preexec_fn": die_with_parent, **options}

    def do(self, text, what):
        """Runs commands to their end; returns what they print."""
        words, options = self.bash(text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        done = subprocess.run(words, check=False, timeout=LIMIT_S, **options)
        self.results.check(done.returncode == 0, what, [text, done.stderr[-800:]])
        return done.stdout

    def learn_servers(self):
        for line in self.do("integration/servers env --dir /tmp/fd", "the servers' addresses").splitlines():
            name, _, value = line.partition("=")
            self.env[name] = value.strip("'")

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def sum_of(self, family):
        return sum(map(int, re.findall(rf"^{family}\{{.*\}} (\d+)$", self.get("/metrics"), re.MULTILINE)))

    def decided(self):
        return self.sum_of("fraudd_decisions_total")

    def committed(self):
        """Events before the committed offsets: `generate` leaves no gaps between them."""
        return self.sum_of("fraudd_partition_committed_offset")

    def start(self, text):
        self.run_text = text
        words, options = self.bash("exec " + text)
        with open(self.folder / "run.log", "ab") as log:
            self.service = subprocess.Popen(words, stdout=log, stderr=log, **options)
        self.results.check(wait_until(lambda: self.get("/readyz"), 30), "fraudd gets ready", self.log())

    def log(self):
        return (self.folder / "run.log").read_text().splitlines()[-6:]

    def end(self):
        if self.service and self.service.poll() is None:
            self.service.kill()
            self.service.wait()
        stop = [str(ROOT / "integration/servers"), "stop", "--kill", "--dir", str(self.folder / "fd")]
        subprocess.run(stop, check=False, stdin=subprocess.DEVNULL)


def kill_in_the_middle(tour, lines):
    """generate in the background; SIGKILL and a new start while it works; then the counts."""
    before = tour.decided()
    words, options = tour.bash(lines[0], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    more = subprocess.Popen(words, **options)
    count = int(re.search(r"--count (\d+)", lines[0])[1])
    wait_until(lambda: tour.decided() > before + count // 20, 30)
    at = tour.decided()
    tour.service.send_signal(signal.SIGKILL)
    tour.results.check(tour.service.wait(10) == -signal.SIGKILL and at < before + count,
                       "killed in the middle", f"{at} of {before + count}")
    tour.start(tour.run_text)
    tour.results.check(more.wait(LIMIT_S) == 0, "payments are made meanwhile")
    tour.results.check(wait_until(lambda: tour.committed() == before + count, 60),
                       "all are decided in the end", [f"{tour.committed()}", *tour.log()])
    numbers = [int(tour.do(line, line)) for line in lines[1:]]
    tour.results.check(numbers == [before + count] * 3, "one decision per payment", str(numbers))


def follow(tour):
    said = []
    for language, text in steps():
        if language == "yaml":
            (tour.folder / "my-rules").mkdir()
            (tour.folder / "my-rules" / "first.yaml").write_text(text)
            continue
        lines = text.strip().splitlines()
        if lines[0].startswith("integration/servers start"):
            tour.do(text, "servers and topics")
            tour.learn_servers()
        elif " run -c " in lines[0]:
            tour.start(lines[0])
        elif len(lines) > 2 and " generate " in lines[0]:
            wait_until(lambda: tour.decided() >= 20000, 30)
            kill_in_the_middle(tour, lines)
        else:
            if " tap " in text or "curl" in text:
                wait_until(lambda: tour.decided() >= 20000, 30)
            if lines[0].startswith("integration/servers stop"):
                tour.service.terminate()
                tour.results.check(tour.service.wait(30) == 0, "fraudd ends in good order", tour.log())
            said.append(tour.do(text, lines[0]))
    return "\n".join(said)


def main():
    results = Results()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="fraudd-readme-") as folder:
        tour = Tour(results, folder)
        try:
            said = follow(tour)
        finally:
            tour.end()
    results.check('"ready": true' in said, "readyz says so", said[:500])
    results.check(re.search(r'^fraudd_decisions_total\{action="review"\} [1-9]', said, re.MULTILINE),
                  "metrics count reviews", said[:1000])
    results.check(re.search(r"^payments/[0-3]/\d+,REVIEW,.*LARGE_ECOM", said, re.MULTILINE),
                  "the new rule decides", said[-500:])
    results.check(len(steps()) >= 9, "the page has its steps", str(len(steps())))
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
