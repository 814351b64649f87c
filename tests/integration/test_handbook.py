"""The Fraud Detection Handbook's published features, reproduced: by replay and by the live service.

Why it exists: 1.75 million card transactions whose features others computed and published
(../shared/data/handbook, or $HANDBOOK_DATA; skipped without it). Every row up to 2018-05-31 must be equal, but for at most 20 in ties of one customer within a second, where the published order is
chance. An undelayed one-hour count per terminal is compared with brute force over the merge order:
a sloppy merge of partitions would fail it. Quick runs take the first 200,000 rows.
"""
import csv
import gzip
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict, deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import events
from fraudd_test import FULL, OUTSIDE, ROOT, Pipe, Skip, die_with_parent, run_tests, say, wait_until
from kafka_side import TopicReader
from redis_server import Redis

HERE = ROOT / "tests" / "handbook"
DATA = Path(os.environ.get("HANDBOOK_DATA", ROOT.parent / "shared" / "data" / "handbook"))
ROWS = None if FULL else 200_000                        # all until 2018-05-31, or the first of them
PARTITIONS = 4
MAX_TIES = 20
DAYS = (1, 7, 30)
COUNTS = {f"{who}_count_{days}d": f"{who}_id_nb_tx_{days}day_window"
          for who in ("customer", "terminal") for days in DAYS}
AVERAGES = {f"customer_avg_{days}d": (f"customer_count_{days}d", f"customer_id_avg_amount_{days}day_window")
            for days in DAYS}
RISKS = {f"terminal_risk_{days}d": (f"terminal_count_{days}d", f"terminal_id_risk_{days}day_window")
         for days in DAYS}


# ---- what is given ----

class Handbook:
    """The transactions in their order, and the published values in the same."""

    def __init__(self):
        for name in ("transactions.csv.gz", "features_2018-04_05.csv.gz"):
            if not (DATA / name).exists():
                raise Skip(f"the data set is not there: {DATA / name}")
        with gzip.open(DATA / "features_2018-04_05.csv.gz", "rt") as source:
            self.published = list(itertools.islice(csv.DictReader(source), ROWS))
        with gzip.open(DATA / "transactions.csv.gz", "rt") as source:
            self.header = next(source)
            self.lines = [line for _, line in zip(self.published, source)]
        names = self.header.strip().split(",")
        self.transactions = [dict(zip(names, line.rstrip("\n").split(","))) for line in self.lines]
        seconds = Counter((t["customer_id"], t["tx_time"]) for t in self.transactions)
        self.tied = {int(t["tx_id"]) for t in self.transactions if seconds[t["customer_id"], t["tx_time"]] > 1}

    def write(self, directory, partitions):
        """CSV files, a customer's transactions in one of them; [[tx_id in order]]."""
        paths, placed = [], []
        for partition in range(partitions):
            chosen = [n for n, t in enumerate(self.transactions)
                      if int(t["customer_id"]) % partitions == partition]
            path = directory / f"transactions-{partition}-of-{partitions}.csv"
            path.write_text(self.header + "".join(self.lines[n] for n in chosen))
            paths.append(path)
            placed.append([int(self.transactions[n]["tx_id"]) for n in chosen])
        return paths, placed


_cached = []


def handbook():
    if not _cached:
        began = time.monotonic()
        _cached.append(Handbook())
        say(f"{len(_cached[0].lines)} transactions, read in {time.monotonic() - began:.1f} s")
    return _cached[0]


# ---- comparing ----

def near(value):
    """The whole number that the product of a printed average and its count is, None when it is none."""
    rounded = round(value)
    return rounded if abs(value - rounded) < 0.05 else None


def differences(row, got):
    """What differs between published values and features, as texts. Averages are printed with ten
    digits: times the count they give the sum, in cents, and sums are compared as whole numbers."""
    wrong = []
    for name, column in COUNTS.items():
        if got[name] != int(row[column]):
            wrong.append(f"{name} {got[name]}, published {row[column]}")
    for name, (count, column) in AVERAGES.items():
        n = int(row[COUNTS[count]])
        mine = near(got[name] * got[count])
        theirs = near(float(row[column]) * 100 * n)
        if mine is None or mine != theirs:
            wrong.append(f"{name} {got[name]} (sum {mine}), published {row[column]} (sum {theirs})")
    for name, (count, column) in RISKS.items():
        n = int(row[COUNTS[count]])
        if n == 0:
            if got[name] is not None or float(row[column]) != 0:
                wrong.append(f"{name} {got[name]} over nothing, published {row[column]}")
            continue
        mine = None if got[name] is None else near(got[name] * got[count])
        if mine is None or mine != near(float(row[column]) * n):
            wrong.append(f"{name} {got[name]}, published {row[column]} of {n}")
    return wrong


def compare(context, what, data, features):
    """features: {tx_id: {name: value}} for every transaction."""
    check = context.results.check
    check(len(features) == len(data.published), f"{what}: every transaction has its features",
          f"{len(features)} of {len(data.published)}")
    unlike, in_ties = {}, 0
    for row in data.published:
        number = int(row["tx_id"])
        found = differences(row, features[number]) if number in features else ["nothing"]
        if not found:
            continue
        if number in data.tied and all(text.startswith("customer") for text in found):
            in_ties += 1
        else:
            unlike[number] = found
    check(not unlike, f"{what}: as published", [f"tx {n}: {'; '.join(w)}" for n, w in unlike.items()])
    check(in_ties <= MAX_TIES, f"{what}: at most {MAX_TIES} rows differ in ties", f"{in_ties}")
    say(f"{what}: {len(data.published)} rows x {len(COUNTS) + len(AVERAGES) + len(RISKS)} features, "
        f"{len(unlike)} differ, {in_ties} more in ties")


def hour_counts(order, data):
    """{tx_id: transactions of its terminal in (t - 1 h, t], in this order, itself included}"""
    recent, found = defaultdict(deque), {}
    by_id = {int(t["tx_id"]): t for t in data.transactions}
    for number in order:
        t = by_id[number]
        now = seconds(t["tx_time"])
        queue = recent[t["terminal_id"]]
        queue.append(now)
        while queue[0] <= now - 3600:
            queue.popleft()
        found[number] = len(queue)
    return found


def seconds(text):
    return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def merge_order(data, placed):
    """Transactions by (time, partition, offset): the order of decisions."""
    when = {int(t["tx_id"]): t["tx_time"] for t in data.transactions}
    keyed = [(when[number], partition, offset, number)
             for partition, numbers in enumerate(placed) for offset, number in enumerate(numbers)]
    return [item[3] for item in sorted(keyed)]


def compare_hours(context, what, data, order, features):
    wanted = hour_counts(order, data)
    wrong = [f"tx {n}: {features[n]['terminal_count_1h']}, brute force {count}"
             for n, count in wanted.items() if features[n]["terminal_count_1h"] != count]
    context.results.check(not wrong, f"{what}: the undelayed hour per terminal, in the order of the merge", wrong)
    say(f"{what}: {sum(count > 1 for count in wanted.values())} of {len(wanted)} hours hold more than the "
        f"transaction itself, {len(wrong)} differ")


def compare_rules(context, what, data, fired):
    """fired: {tx_id: ids of rules}; weekend and night show the two variables."""
    wrong = []
    for row in data.published:
        found = fired[int(row["tx_id"])]
        mine = int("weekend" in found), int("night" in found)
        if mine != (int(row["tx_during_weekend"]), int(row["tx_during_night"])):
            wrong.append(f"tx {row['tx_id']}: weekend, night {mine}")
    context.results.check(not wrong, f"{what}: weekend and night as published", wrong)


# ---- by replay ----

SOURCE = {"topic": "transactions", "schema": str(HERE / "transaction.avsc"), "framing": "raw", "id": "tx_id",
          "time": "tx_time", "start": "earliest", "partitioned_by": "customer_id"}
STATE = {"lateness": "0s", "future": "5m", "memory": "512MiB"}


def replay(context, name, *arguments):
    config = context.logs / "replay.yaml"
    config.write_text(json.dumps({"sources": [SOURCE], "rules": str(HERE / "rules"), "state": STATE,
                                  "output": {"evidence": "all"}}))
    out = context.logs / name
    began = time.monotonic()
    command = [context.need_binary(), "replay", "-c", config, "--out", out, *arguments]
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=600, env=OUTSIDE, preexec_fn=die_with_parent)
    say(f"replay {name}: {time.monotonic() - began:.1f} s, {done.stderr.decode().strip().splitlines()[-1]}")
    context.results.check(done.returncode == 0, f"replay {name}", done.stderr.decode())
    return out


def read_features(path):
    """{tx_id: {name: value}} of --features --output csv"""
    found = {}
    with open(path) as source:
        for row in csv.DictReader(source):
            found[int(row["event_id"])] = {
                name: None if text == "" else float(text) if "avg" in name or "risk" in name else int(text)
                for name, text in row.items() if name.startswith(("customer", "terminal"))}
    return found


def test_replay_one_partition(context):
    data = handbook()
    paths, placed = data.write(context.logs, 1)
    features = read_features(replay(context, "one.csv", "--features", "--output", "csv", *paths))
    compare(context, "replay of one file", data, features)
    compare_hours(context, "replay of one file", data, placed[0], features)


def test_replay_four_partitions(context):
    data = handbook()
    paths, placed = data.write(context.logs, PARTITIONS)
    order = merge_order(data, placed)
    features = read_features(replay(context, "four.csv", "--features", "--output", "csv", *paths))
    compare(context, "replay of four files", data, features)
    compare_hours(context, "replay of four files", data, order, features)
    found, fired = {}, {}
    with open(replay(context, "four.jsonl", "--batch", "333", *paths)) as source:
        for line in source:
            decision = json.loads(line)
            number = int(decision["event_id"])
            found[number] = decision["features"]
            fired[number] = {rule["id"] for rule in decision["rules"]}
    wrong = [number for number, values in features.items() if found.get(number) != values]
    context.results.check(not wrong, "decisions record the same features", [str(n) for n in wrong])
    context.results.check(list(found) == order, "decisions come in the order of the merge")
    compare_rules(context, "replay", data, fired)


# ---- by the live service ----

def fill_topic(context, pipe, data):
    """The backlog, keyed by customer; waits until it is stored."""
    paths, _ = data.write(context.logs, 1)
    command = [context.need_binary(), "produce", "-q", "-b", context.bootstrap, "-t", pipe.source, "--schema",
               HERE / "transaction.avsc", "--key", "customer_id", "--timestamp-field", "tx_time", paths[0]]
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          timeout=600, env=OUTSIDE, preexec_fn=die_with_parent)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())


def live_run(context, what, **changes):
    """A backlog of everything through Kafka, one process; features and rules as decisions record them."""
    data = handbook()
    pipe = Pipe(context, what, PARTITIONS)
    fill_topic(context, pipe, data)
    found = {}

    def take(message):
        record = events.decode_decision(message.value())
        found[int(record["event_id"])] = record
    reader = TopicReader(context.bootstrap, pipe.output, PARTITIONS, take)
    config = pipe.config("handbook", sources=[{**SOURCE, "topic": pipe.source}], state=STATE,
                         output={"topic": pipe.output, "evidence": "all"}, rules=str(HERE / "rules"),
                         batch={"max_events": 2048}, **changes)
    worker = context.worker(f"handbook-{what}", config).start()
    began = time.monotonic()
    wait_until(lambda: len(found) >= len(data.lines) or not worker.alive(), 600)
    took = time.monotonic() - began
    code = worker.terminate()
    reader.stop()
    context.results.check(code == 0, f"{what}: ends with 0", worker.tail())
    say(f"{what}: {len(found)} decisions in {took:.1f} s, {len(found) / took:.0f}/s")
    flagged = Counter(flag for record in found.values() for flag in record["flags"])
    context.results.check(not flagged, f"{what}: no flags", str(flagged))
    features = {number: record["features"] for number, record in found.items()}
    compare(context, what, data, features)
    if len(found) != len(data.lines):
        return
    places = {number: record["id"].rsplit("/", 2)[1:] for number, record in found.items()}
    placed = [[] for _ in range(PARTITIONS)]
    for number in sorted(places, key=lambda n: int(places[n][1])):
        placed[int(places[number][0])].append(number)
    compare_hours(context, what, data, merge_order(data, placed), features)
    compare_rules(context, what, data, {n: {rule["id"] for rule in r["rules"]} for n, r in found.items()})


def test_live_in_memory(context):
    live_run(context, "memory")


def test_live_with_redis(context):
    redis = Redis(context.logs / "redis").start()
    live_run(context, "redis", redis={"url": redis.url})
    context.results.check(len(redis.keys()) > 0, "Redis has the windows", str(redis.keys()[:5]))


TESTS = [test_replay_one_partition, test_replay_four_partitions, test_live_in_memory, test_live_with_redis]

if __name__ == "__main__":
    run_tests("test_handbook", TESTS)
