#!/usr/bin/env python3
"""Asks a running fraudd over HTTP, for quickstart.sh; the standard library is all it needs.

    service.py ready   URL PID SECONDS   wait until /readyz says yes; fail when the process ends
    service.py wait    URL EVENTS SECONDS   wait until that many events are decided (0: until no more come)
    service.py mark    URL FILE          keeps the metrics as they are now, for the latency of what comes after
    service.py summary URL FILE          events, decisions by action, rules that fired most, latency since the mark
"""

import os
import re
import sys
import time
import urllib.error
import urllib.request

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
POLL_S = 0.2
SETTLED_POLLS = 5
LATENCY = "fraudd_end_to_end_latency_seconds_bucket"
REPORT_S = 1.2                                          # rules are counted once a second
TOP_RULES = 8


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def samples(url):
    return parse(fetch(url + "/metrics"))


def parse(page):
    """Returns [(name, {label: value}, number)] of a metrics page."""
    rows = []
    for line in page.splitlines():
        match = SAMPLE.match(line)
        if match:
            rows.append((match[1], dict(LABEL.findall(match[2] or "")), float(match[3])))
    return rows


def total(rows, name):
    return int(sum(value for known, _, value in rows if known == name))


def ready(url, pid, limit_s):
    deadline = time.monotonic() + limit_s
    answer = "no answer"
    while time.monotonic() < deadline:
        try:
            fetch(url + "/readyz")
            return 0
        except urllib.error.HTTPError as error:
            answer = error.read().decode("utf-8", "replace").strip()
        except OSError as error:
            answer = str(error)
        if not os.path.exists(f"/proc/{pid}"):
            print("quickstart: fraudd ended while starting", file=sys.stderr)
            return 1
        time.sleep(POLL_S)
    print(f"quickstart: fraudd is not ready after {limit_s} s: {answer}", file=sys.stderr)
    return 1


def wait(url, events, limit_s):
    deadline = time.monotonic() + limit_s
    last, settled = -1, 0
    while time.monotonic() < deadline:
        now = total(samples(url), "fraudd_decisions_total")
        settled = settled + 1 if now == last else 0
        last = now
        if (events and now >= events) or (not events and settled >= SETTLED_POLLS):
            time.sleep(REPORT_S)
            return 0
        time.sleep(POLL_S)
    return 1


def mark(url, path):
    with open(path, "w") as file:
        file.write(fetch(url + "/metrics"))
    return 0


def below(rows):
    """{seconds: how many were committed within}"""
    return {float(labels["le"]): value for name, labels, value in rows if name == LATENCY}


def quantile_ms(counts, share):
    """As Prometheus has it: evenly spread in its bucket; None of nothing, or beyond the last bound."""
    wanted, lower, under = max(counts.values(), default=0) * share, 0.0, 0.0
    for bound in sorted(counts):
        if counts[bound] >= wanted > under and bound != float("inf"):
            return 1000 * (lower + (bound - lower) * (wanted - under) / (counts[bound] - under))
        lower, under = bound, counts[bound]
    return None


def summary(url, path):
    rows = samples(url)
    print(f"events     {total(rows, 'fraudd_events_total'):>10}")
    print(f"decisions  {total(rows, 'fraudd_decisions_total'):>10}")
    for name, labels, value in rows:
        if name == "fraudd_decisions_total":
            print(f"  {labels.get('action', '?').lower():<9}{int(value):>10}")
    print(f"dead letters {total(rows, 'fraudd_dead_letters_total'):>8}")
    hits = [(value, labels.get("rule", "?")) for name, labels, value in rows if name == "fraudd_rule_hits_total" and value]
    if hits:
        print("rules that fired most")
        for value, rule in sorted(hits, reverse=True)[:TOP_RULES]:
            print(f"  {rule:<32}{int(value):>8}")
    with open(path) as file:
        before = below(parse(file.read()))
    live = {bound: count - before.get(bound, 0) for bound, count in below(rows).items()}
    half, most = quantile_ms(live, 0.5), quantile_ms(live, 0.99)
    if half is not None and most is not None:
        print(f"event to committed decision: half within {half:.1f} ms, 99% within {most:.1f} ms")
    return 0


def main(words):
    try:
        if len(words) == 4 and words[0] == "ready":
            return ready(words[1], int(words[2]), float(words[3]))
        if len(words) == 4 and words[0] == "wait":
            return wait(words[1], int(words[2]), float(words[3]))
        if len(words) == 3 and words[0] == "mark":
            return mark(words[1], words[2])
        if len(words) == 3 and words[0] == "summary":
            return summary(words[1], words[2])
    except OSError as error:
        print(f"quickstart: fraudd does not answer at {words[1]}: {error}", file=sys.stderr)
        return 69
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
