"""fraudd replay: the same bytes as the live service, from a topic or from files, beside the group.

Why it exists: an investigation is worth what its replay is worth. Live decisions over four partitions,
poison included, are the reference; the order of the merge is judged by a model of its own.
"""
import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import fastavro

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import events
import kafka_wire
import registry_server
import windows
from fraudd_test import FULL, OUTSIDE, Pipe, die_with_parent, run_tests
from kafka_side import Feeder, Ledger, Watch, check_invariants, single_run

COUNT = 20000 if FULL else 3000
PARTITIONS = 4
RAW_PAYMENT = json.loads(events.PAYMENT_SCHEMA.read_text())


# ---- helpers ----

class Done:
    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr.decode()


def replay(context, *arguments, timeout=120):
    command = [context.need_binary(), "replay", *map(str, arguments)]
    return Done(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                               timeout=timeout, env=OUTSIDE, preexec_fn=die_with_parent))


def expect(context, what, done, code=0, *texts):
    good = done.code == code and all(text in done.err for text in texts)
    return context.results.check(good, what, [f"exit {done.code}, wanted {code} and {texts}", done.err])


def records(container):
    """[(decoded, bytes)] of a container's records, in its order."""
    blocks = fastavro.block_reader(io.BytesIO(container))
    data = b"".join(block.bytes_.getvalue() for block in blocks)
    source, found = io.BytesIO(data), []
    while source.tell() < len(data):
        begin = source.tell()
        record = fastavro.schemaless_reader(source, events.decision_schema, None)
        found.append((record, data[begin:source.tell()]))
    return found


def values(done):
    """{id: bytes}"""
    return {record["id"]: value for record, value in records(done.out)}


def write_config(context, pipe, name, **changes):
    path = context.logs / f"{name}.yaml"
    path.write_text(json.dumps(pipe.config("replay", **changes), indent=2))
    return path


def fill(context, stem, poison_rate=0.0, count=COUNT, seed=41):
    """A pipe and the ledger of what its log holds."""
    pipe = Pipe(context, stem, PARTITIONS)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger,
           events.make_events(seed, count, PARTITIONS, poison_rate=poison_rate)).send_all()
    return pipe, ledger


def merged(ledger, first=0):
    """Ids in merge order: running highest time of valid events, then partition, then offset."""
    keyed = []
    for partition, found in ledger.events.items():
        highest = -10**30
        for offset in sorted(found):
            event = found[offset]
            if offset < first:
                continue
            if not event.poison:
                highest = max(highest, event.fields["event_time"])
            keyed.append((highest, partition, offset))
    return [f"{ledger.topic}/{partition}/{offset}" for _, partition, offset in sorted(keyed)]


# ---- as live ----

def test_equal_to_live(context):
    check = context.results.check
    pipe, ledger = fill(context, "live", poison_rate=0.02)
    live = single_run(pipe, ledger, stem="reference")
    wanted = {"/".join(map(str, decision.src)): decision.value
              for found in live.values() for decision in found}
    path = write_config(context, pipe, "live")
    group_before = kafka_wire.committed_offsets(context.bootstrap, pipe.group, pipe.source, PARTITIONS)
    ends = kafka_wire.log_ends(context.bootstrap, pipe.output, PARTITIONS, kafka_wire.UNCOMMITTED)
    base = ("-c", path, "-t", pipe.source, "--output", "avro")
    outputs = []
    for size in (1, 7, 1000):
        done = replay(context, *base, "--batch", size)
        expect(context, f"batches of {size}", done, 0, f"{ledger.count()} events", "INVALID")
        outputs.append(done.out)
    check(len(set(outputs)) == 1, "the output does not depend on the size of batches")
    found = values(done)
    check(sorted(found) == sorted(wanted), "replay decides the events that live decided",
          f"{len(found)} and {len(wanted)}")
    check([i for i, value in wanted.items() if found.get(i) != value] == [], "to the byte")
    order = [record["id"] for record, _ in records(done.out)]
    check(order == merged(ledger), "in the order of the merge")
    done = replay(context, *base, "-q", "--output", "jsonl")
    lines = [json.loads(line) for line in done.out.splitlines()]
    check([line["id"] for line in lines] == order and not done.err, "as JSON lines, quietly", done.err)
    check(kafka_wire.committed_offsets(context.bootstrap, pipe.group, pipe.source, PARTITIONS) == group_before,
          "the group's offsets are where they were")
    check(kafka_wire.log_ends(context.bootstrap, pipe.output, PARTITIONS, kafka_wire.UNCOMMITTED) == ends,
          "nothing was written")


# ---- windows ----

def live_with_windows(context, pipe, ledger):
    """{id: bytes} as one undisturbed worker decides them."""
    other = pipe.again("windows")
    watch = Watch(other)
    worker = context.worker(other.group, other.config("single", **windows.settings(other))).start()
    found = check_invariants(other, watch, ledger, 120, "live with windows", oracle=False)
    context.results.check(worker.terminate() == 0, "the live worker ends with 0", worker.tail())
    return {"/".join(map(str, decision.src)): decision.value
            for decisions in found.values() for decision in decisions}


def by_place(done):
    return {f"{row['topic']}/{row['partition']}/{row['offset']}": row
            for row in map(json.loads, done.out.splitlines())}


def as_cell(value):
    """A JSON value as CSV has it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def test_windows(context):
    check = context.results.check
    pipe, ledger = fill(context, "windowed", poison_rate=0.01, seed=43)
    windows.install(pipe, windows.LOCAL, windows.CROSSING)
    wanted = live_with_windows(context, pipe, ledger)
    path = write_config(context, pipe, "windowed", **windows.settings(pipe))
    base = ("-c", path, "-t", pipe.source)
    outputs = [replay(context, *base, "--output", "avro", "--batch", size).out for size in (1, 7, 1000)]
    check(len(set(outputs)) == 1, "with windows, too, the size of batches does not matter")
    found = {record["id"]: (record, value) for record, value in records(outputs[0])}
    different = [i for i in wanted if i not in found or found[i][1] != wanted[i]]
    check(len(found) == len(wanted) and not different, "to the byte as live, with features of every key", different)
    check(any("LATE" in record["flags"] for record, _ in found.values()), "some events are late")
    small = replay(context, *base, "--output", "avro", "--memory", "4MiB")
    expect(context, "in little memory", small, 0, "LATE")
    check(small.out == outputs[0], "the memory does not matter")
    # rows of features
    done = replay(context, *base, "--features")
    rows = by_place(done)
    check([row["event_id"] for row in map(json.loads, done.out.splitlines())] ==
          [record["event_id"] for record, _ in records(outputs[0])], "rows come in the order of decisions")
    wrong = [i for i, (record, _) in found.items() if "INVALID" not in record["flags"] and
             (rows[i]["features"] != record["features"] or rows[i]["flags"] != record["flags"])]
    check(not wrong, "rows have the features and flags that decisions record", wrong)
    invalid = [rows[i] for i, (record, _) in found.items() if "INVALID" in record["flags"]]
    check(invalid and all(row["event_id"] == "" and set(row["features"].values()) == {None} for row in invalid),
          "invalid events have none", str(invalid[:1]))
    # CSV says the same
    out = context.logs / "features.csv"
    expect(context, "features as CSV", replay(context, *base, "--features", "--output", "csv", "--out", out), 0)
    with open(out, newline="") as source:
        table = {f"{row['topic']}/{row['partition']}/{row['offset']}": row for row in csv.DictReader(source)}
    wrong = [i for i, row in rows.items() if table[i]["flags"] != " ".join(row["flags"]) or
             table[i]["event_time"] != row["event_time"] or
             any(table[i][name] != as_cell(value) for name, value in row["features"].items())]
    check(len(table) == len(rows) and not wrong, "CSV has the same values", [str(rows[i]) for i in wrong[:2]])


def test_memory_is_bounded(context):
    pipe, ledger = fill(context, "bounded", count=100)
    (pipe.rules / "wide.yaml").write_text(
        "version: 1\nfeatures: [{name: n, key: tx_id, op: count, window: 365d}]\n")
    path = write_config(context, pipe, "bounded")
    file = context.logs / "many.avro"
    subprocess.run([context.need_binary(), "generate", "-f", file, "-c", "100000", "-q"], check=True,
                   capture_output=True)
    done = replay(context, "-c", path, "--memory", "2MiB", file)
    expect(context, "a state that does not fit", done, 1, "state.memory", "--memory")
    expect(context, "and one that does", replay(context, "-c", path, "--memory", "64MiB", file), 0, "100000 events")
    (pipe.rules / "wide.yaml").write_text(
        "version: 1\nfeatures: [{name: n, key: tx_id, op: count, window: 1m}]\n")
    (context.logs / "short.yaml").write_text(path.read_text())
    base = ("-c", context.logs / "short.yaml", "--set", "merge.max_skew=1s", "--set", "merge.max_idle=1s", "--set",
            "state.lateness=1s")
    roomy, tight = (replay(context, *base, "--memory", size, "--output", "avro", file) for size in ("64MiB", "2MiB"))
    expect(context, "what no window can reach any more makes room", tight, 0, "100000 events")
    context.results.check(tight.out == roomy.out, "and is not missed")
    expect(context, "no size", replay(context, "-c", path, "--memory", "much", file), 78, "much")


# ---- files ----

def write_files(context, ledger, form):
    """The log as files, one per partition, in the order of partitions."""
    paths = []
    for partition in range(PARTITIONS):
        fields = [ledger.events[partition][offset].fields for offset in sorted(ledger.events[partition])]
        path = context.logs / f"p{partition}.{form}"
        if form == "avro":
            with open(path, "wb") as out:
                fastavro.writer(out, events.payment_schema, fields, codec="deflate")
        elif form == "jsonl":
            path.write_text("".join(json.dumps(one) + "\n" for one in fields))
        else:
            names = list(fields[0])
            rows = [",".join(names)]
            for one in fields:
                rows.append(",".join("" if one[n] is None else str(one[n]).lower() if isinstance(one[n], bool)
                                     else str(one[n]) for n in names))
            path.write_text("\n".join(rows) + "\n")
        paths.append(path)
    return paths


def test_files_are_partitions(context):
    check = context.results.check
    pipe, ledger = fill(context, "files")
    path = write_config(context, pipe, "files")
    done = replay(context, "-c", path, "-t", pipe.source, "--output", "avro")
    expect(context, "the topic", done, 0, f"{ledger.count()} events")
    wanted = done.out
    for form in ("avro", "jsonl", "csv"):
        paths = write_files(context, ledger, form)
        found = replay(context, "-c", path, "--output", "avro", *paths)
        expect(context, f"{form} files", found, 0, f"{ledger.count()} events")
        check(found.out == wanted, f"{form} files give the bytes of the topic")
    named = [f"{pipe.source}={one}" for one in paths]
    check(replay(context, "-c", path, "--output", "avro", *named).out == wanted, "TOPIC=FILE")
    found = replay(context, "-c", path, "--output", "avro", "--source", pipe.source, *paths)
    check(found.out == wanted, "--source TOPIC")
    out = context.logs / "out.avro"
    found = replay(context, "-c", path, "--output", "avro", "--out", out, *paths)
    check(found.code == 0 and not found.out and out.read_bytes() == wanted, "--out FILE", found.err)
    stream = subprocess.run([context.binary, "replay", "-c", path, "--format", "csv", "-q", "-"],
                            input=paths[0].read_bytes(), capture_output=True, check=False, timeout=60)
    check(len(stream.stdout.splitlines()) == len(ledger.events[0]), "a file from standard input",
          stream.stderr.decode())


def test_other_schemas(context):
    """What was written with another version of the schema is resolved, as it is live."""
    check = context.results.check
    pipe = Pipe(context, "versions", 1)
    path = write_config(context, pipe, "versions")
    fields = [events.payment(5, n) for n in range(300)]
    older = {**RAW_PAYMENT, "fields": [f for f in RAW_PAYMENT["fields"] if f["name"] != "bin"]}
    outputs = []
    for name, schema in (("now", RAW_PAYMENT), ("older", older)):
        file = context.logs / f"{name}.avro"
        with open(file, "wb") as out:
            fastavro.writer(out, fastavro.parse_schema(schema), fields)
        done = replay(context, "-c", path, "--output", "avro", file)
        expect(context, f"a file in the {name} schema", done, 0, "300 events")
        outputs.append(done.out)
    check(outputs[0] == outputs[1], "a field that no rule asks for changes nothing")
    lacking = {**RAW_PAYMENT, "fields": [f for f in RAW_PAYMENT["fields"] if f["name"] != "card_id"]}
    file = context.logs / "lacking.avro"
    with open(file, "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(lacking), fields)
    expect(context, "a file that lacks a field", replay(context, "-c", path, file), 78, "lacking.avro", "card_id")


def test_timestamps_of_files(context):
    """Without timestamps nothing is FUTURE; with them a file is what the topic would be."""
    check = context.results.check
    pipe = Pipe(context, "stamps", 1)
    path = write_config(context, pipe, "stamps")
    fields = [events.payment(6, n) for n in range(50)]
    for n, one in enumerate(fields):
        one["event_time"] = events.BASE_MS + n * 1000
        one["amount_minor"] = events.BASE_MS + n * 1000 - (400_000 if n % 10 == 0 else 0)   # when it was sent
    file = context.logs / "stamps.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in fields))
    done = replay(context, "-c", path, file)
    flags = [json.loads(line)["flags"] for line in done.out.splitlines()]
    check(flags == [[]] * 50, "no timestamps, no FUTURE", done.err)
    done = replay(context, "-c", path, "--timestamp-field", "amount_minor", file)
    flags = [json.loads(line)["flags"] for line in done.out.splitlines()]
    check(flags == [["FUTURE"] if n % 10 == 0 else [] for n in range(50)], "timestamps by a field", flags)
    expect(context, "FUTURE is counted", done, 0, "FUTURE 5")


# ---- ranges ----

def test_ranges(context):
    check = context.results.check
    pipe, ledger = fill(context, "range", count=800)
    path = write_config(context, pipe, "range")
    middle = events.BASE_MS + 400 * events.STEP_MS

    def ids(*options):
        done = replay(context, "-c", path, "-t", pipe.source, *options)
        if done.code:
            return done.err
        return sorted(json.loads(line)["id"] for line in done.out.splitlines())

    def placed(wanted):
        return sorted(f"{pipe.source}/{p}/{o}" for p, found in ledger.events.items()
                      for o, e in found.items() if wanted(p, o, e))

    cases = [
        ((), lambda p, o, e: True),
        (("-p", 2), lambda p, o, e: p == 2),
        (("-o", 20), lambda p, o, e: o >= 20),
        (("-o", 20, "--until", 40), lambda p, o, e: 20 <= o < 40),
        (("-o", "-5"), lambda p, o, e: o >= len(ledger.events[p]) - 5),
        (("-o", f"@{middle}"), lambda p, o, e: e.timestamp_ms >= middle),
        (("--until", f"@{middle}"), lambda p, o, e: e.timestamp_ms < middle),
        (("-o", "end"), lambda p, o, e: False),
    ]
    for options, wanted in cases:
        check(ids(*options) == placed(wanted), f"replay {' '.join(map(str, options))}")
    check(ids("--count", 100, "--batch", 7) == sorted(merged(ledger)[:100]), "--count takes the first in order")
    check(ids("-o", 3, "--count", 50) == sorted(merged(ledger, first=3)[:50]), "--count after -o")


# ---- schemas by id ----

def test_registry(context):
    server = registry_server.serve(0)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    number = server.RequestHandlerClass.registry.register("x", {"schema": json.dumps(RAW_PAYMENT)})
    pipe = Pipe(context, "ids", 1)
    ledger = Ledger(pipe.source)
    Feeder(context.bootstrap, ledger, events.make_events(
        9, 200, 1, frame=lambda payload: events.confluent(number, payload))).send_all()
    source = {**pipe.config("x")["sources"][0], "framing": "confluent"}
    path = write_config(context, pipe, "ids", sources=[source], registry={"url": url})
    done = replay(context, "-c", path, "-t", pipe.source)
    expect(context, "writers' schemas are asked for", done, 0, "200 events")
    Feeder(context.bootstrap, ledger, events.make_events(
        9, 1, 1, first=200, frame=lambda payload: events.confluent(number + 50, payload))).send_all()
    done = replay(context, "-c", path, "-t", pipe.source)
    expect(context, "an unknown id ends it", done, 78, f"schema {number + 50}", "offset 200")
    server.shutdown()
    server.server_close()
    expect(context, "a registry that is gone", replay(context, "-c", path, "-t", pipe.source), 69, "registry")


# ---- what can be wrong ----

def test_unhappy(context):
    pipe = Pipe(context, "unhappy", 1)
    path = write_config(context, pipe, "unhappy")
    good = [events.payment(7, n) for n in range(20)]
    lines = [json.dumps(one) for one in good]
    file = context.logs / "good.jsonl"
    file.write_text("\n".join(lines) + "\n")
    bad = context.logs / "bad.jsonl"
    bad.write_text("\n".join(lines[:5] + ['{"tx_id": 3}', "{"] + lines[5:]) + "\n")
    cut = context.logs / "cut.avro"
    with open(cut, "wb") as out:
        fastavro.writer(out, events.payment_schema, good)
    cut.write_bytes(cut.read_bytes()[:-30])
    missing = context.fresh("no-such-topic")
    other = write_config(context, pipe, "missing", sources=[{**pipe.config("x")["sources"][0], "topic": missing}])
    rules = context.logs / "broken-rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("version: 1\nrules: [{id: x, condition: event.nope > 1, action: block}]\n")
    base = ("-c", path)
    cases = [
        ((*base,), 2, "-t TOPIC or files"),
        ((*base, "-t", pipe.source, file), 2, "either -t"),
        ((*base, "-t", pipe.source + "x"), 2, "did you mean"),
        ((*base, "--source", "nobody", file), 2, "none of the sources"),
        ((*base, "-o", "jsonl", "-t", pipe.source), 2, "--output jsonl"),
        ((*base, "-o", "5", file), 2, "about topics"),
        ((*base, "--features", "--output", "avro", file), 2, "jsonl or csv"),
        ((*base, "--timestamp-field", "x", "-t", pipe.source), 2, "about files"),
        ((*base, "--timestamp-field", "card_id", file), 2, "card_id"),
        ((*base, "--batch", "0", file), 2, "--batch"),
        ((*base, "-o", "soon", "-t", pipe.source), 2, "soon"),
        ((*base, "-p", "7", "-t", pipe.source), 2, "partitions 0 to 0"),
        (("-c", "100", file), 2, "--count 100"),
        (("-c", "/no/such.yaml", file), 78, "/no/such.yaml"),
        ((*base, "--set", f"rules={rules}", file), 78, "nope"),
        ((*base, "/no/such.jsonl"), 1, "/no/such.jsonl"),
        ((*base, context.logs / "good.txt"), 1, "format"),
        ((*base, bad), 1, "record 6", "bad.jsonl"),
        ((*base, cut), 1, "cut.avro"),
        ((*base, "--skip-bad", cut), 1, "cut.avro"),
        ((*base, "--out", "/no/dir/x.jsonl", file), 1, "/no/dir/x.jsonl"),
        ((*base, "--out", "/dev/full", file), 1, "/dev/full"),
        ((*base, "--output", "avro", "--out", "/dev/full", file), 1, "/dev/full"),
        ((*base, "-b", "127.0.0.1:1", "-t", pipe.source), 69, ""),
        (("-c", other, "-t", missing), 78, missing),
        ((*base, "-X", "no.such.setting=1", "-t", pipe.source), 78, "no.such.setting"),
    ]
    for arguments, code, *texts in cases:
        expect(context, "replay " + " ".join(map(str, arguments)), replay(context, *arguments), code, *texts)
    done = replay(context, *base, "--skip-bad", bad)
    expect(context, "bad lines are skipped", done, 0, "skipped: ", "record 6", "record 7", "20 events", "skipped 2")
    found = [json.loads(line)["id"] for line in done.out.splitlines()]
    context.results.check(found == [f"{pipe.source}/0/{n}" for n in range(20)],
                          "and have no offset", found)
    help_text = replay(context, "-h")
    context.results.check(help_text.code == 0 and b"Examples:" in help_text.out, "-h", help_text.err)


def test_csv_and_terminal(context):
    check = context.results.check
    pipe = Pipe(context, "terminal", 1)
    path = write_config(context, pipe, "terminal")
    file = context.logs / "some.avro"
    subprocess.run([context.need_binary(), "generate", "-f", file, "-c", "200000", "-q"], check=True,
                   capture_output=True)
    done = replay(context, "-c", path, "--output", "csv", "--count", 100, file)
    rows = done.out.decode().splitlines()
    check(rows[0] == "id,event_id,event_time,action,score,reasons,rules,flags" and len(rows) == 101, "CSV", rows[:2])
    main, end = pty.openpty()
    process = subprocess.Popen([context.binary, "replay", "-c", path, "--out", context.logs / "x.jsonl", file],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=end,
                               env=OUTSIDE, preexec_fn=die_with_parent)
    os.close(end)
    shown = []

    def read():
        try:
            while chunk := os.read(main, 4096):
                shown.append(chunk)
        except OSError:                                 # the other end is closed
            pass
    reader = threading.Thread(target=read)
    reader.start()
    check(process.wait(60) == 0, "on a terminal")
    reader.join()
    text = b"".join(shown).decode()
    check("100%" in text and " left" in text and "200K events" in text, "progress is shown", text[-300:])
    command = f"{context.binary} replay -c {path} {file}; echo code $? >&2"
    done = subprocess.run(["bash", "-c", f"({command}) | head -n 2"], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    check(len(done.stdout.splitlines()) == 2 and b"code 0" in done.stderr, "a reader that leaves ends it quietly",
          done.stderr.decode())
    process = subprocess.Popen([context.binary, "replay", "-c", path, "--format", "jsonl", "-"],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=die_with_parent)
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    process.stdin.close()
    check(process.wait(10) == 130, "Ctrl-C is 130")


TESTS = [found for name, found in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    run_tests("test_replay", TESTS)
