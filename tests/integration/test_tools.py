"""generate, produce, tap and schema on a real broker, judged by foreign clients (confluent-kafka, fastavro).

Why it exists: users meet these commands first, and every other test and demonstration trusts what
they write and show. Messages that users see are part of what is tested.
"""
import csv
import datetime
import io
import json
import logging
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import registry_server
from events import DECISION_SCHEMA, PAYMENT_SCHEMA, decision_schema, payment_schema
from fraudd_test import FULL, die_with_parent, run_tests, wait_until

COUNT = 100_000 if FULL else 4000
PARTITIONS = 4
RAW_PAYMENT = json.loads(PAYMENT_SCHEMA.read_text())


# ---- helpers ----

QUIET = logging.getLogger("librdkafka")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


class Done:
    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout.decode()
        self.err = completed.stderr.decode()

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def fraudd(context, *arguments, stdin=None, timeout=60):
    command = [context.need_binary(), *map(str, arguments)]
    return Done(subprocess.run(command, input=stdin or b"", capture_output=True, timeout=timeout,
                               check=False, preexec_fn=die_with_parent))


def expect(context, what, done, code=0, *texts):
    """Exit code and texts on standard error."""
    good = done.code == code and all(text in done.err for text in texts)
    return context.results.check(good, what, [f"exit {done.code}, wanted {code} and {texts}", done.err,
                                              done.out[:300]])


def iso(when):
    milliseconds = f".{when.microsecond // 1000:03d}" if when.microsecond else ""
    return when.strftime("%Y-%m-%dT%H:%M:%S") + milliseconds + "Z"


def plain(record):
    """A fastavro record as the tools' JSON has it."""
    return {name: iso(value) if isinstance(value, datetime.datetime) else value
            for name, value in record.items()}


def avro_bytes(schema, record):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, record)
    return out.getvalue()


def decode(value, schema=payment_schema):
    source = io.BytesIO(value)
    record = fastavro.schemaless_reader(source, schema, None)
    assert not source.read(), "bytes left over"
    return plain(record)


def consume(context, topic, partitions=PARTITIONS):
    """All records of a topic, in offset order per partition."""
    consumer = Consumer({"bootstrap.servers": context.bootstrap, "group.id": "unused",
                         "enable.auto.commit": False, "logger": QUIET})
    wanted = {}
    for partition in range(partitions):
        wanted[partition] = consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)[1]
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
    found = []
    end = time.monotonic() + 60
    while len(found) < sum(wanted.values()) and time.monotonic() < end:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return sorted(found, key=lambda m: (m.partition(), m.offset()))


def murmur2(data):
    """The Java client's hash, from its description; signed bytes are not needed for these keys."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    for (k,) in struct.iter_unpack("<I", data[:len(data) // 4 * 4]):
        k = k * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = data[len(data) // 4 * 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key):
    return (murmur2(key) & 0x7FFFFFFF) % PARTITIONS


def by_id(records):
    return {record["tx_id"]: record for record in records}


def put(context, topic, values, key=b"k", headers=None, timestamp=0, partition=0):
    producer = Producer({"bootstrap.servers": context.bootstrap, "logger": QUIET})
    for value in values:
        producer.produce(topic, value=value, key=key, headers=headers, timestamp=timestamp,
                         partition=partition)
    assert producer.flush(30) == 0


def payment(number, **changes):
    record = {"tx_id": f"T{number}", "event_time": 1_767_225_600_000 + number, "card_id": f"C{number % 7}",
              "customer_id": "U1", "merchant_id": "M1", "device_id": None, "ip": None,
              "amount_minor": 100 + number, "currency": "EUR", "card_country": "DE", "ip_country": None,
              "merchant_country": "DE", "mcc": 5411, "channel": "pos", "entry_mode": "chip",
              "status": "approved", "bin": "411111", "is_recurring": False, "lat": 52.5, "lon": None}
    return {**record, **changes}


class Follower:
    """A tool that runs until it is told to stop; its output can be read meanwhile."""

    def __init__(self, context, *arguments):
        self.path = context.logs / f"follower-{context.fresh('out')}.log"
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([context.need_binary(), *map(str, arguments)],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            preexec_fn=die_with_parent)

    def text(self):
        return self.path.read_text()

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


# ---- generate ----

def test_generate_files(context):
    check, where = context.results.check, context.logs
    for ending in ("avro", "jsonl", "csv"):
        pair = [where / f"{name}.{ending}" for name in ("a", "b")]
        for path in pair:
            done = fraudd(context, "generate", "-f", path, "-c", COUNT, "--seed", 7,
                          "--labels", where / f"labels-{path.stem}.{ending}", "--unreported", 0)
            expect(context, f"generate to {path.name}", done, 0, f"% {COUNT} payments")
        check(pair[0].read_bytes() == pair[1].read_bytes(), f"equal seeds give equal .{ending} files")
    other = where / "other.jsonl"
    fraudd(context, "generate", "-f", other, "-c", COUNT, "--seed", 8)
    check(other.read_bytes() != (where / "a.jsonl").read_bytes(), "another seed gives another file")

    with open(where / "a.avro", "rb") as file:
        reader = fastavro.reader(file)
        check(json.loads(reader.metadata["avro.schema"]) == RAW_PAYMENT, "the container has the schema, docs and all")
        records = [plain(record) for record in reader]
    lines = [json.loads(line) for line in (where / "a.jsonl").read_text().splitlines()]
    check(len(records) == COUNT, "the container holds what was asked for", str(len(records)))
    check(records == lines, "JSON lines say the same as the container",
          [str(pair) for pair in zip(records, lines) if pair[0] != pair[1]][:2])
    rows = list(csv.DictReader(io.StringIO((where / "a.csv").read_text())))
    check(len(rows) == COUNT and list(rows[0]) == list(records[0]), "CSV has all rows and columns")
    check(all(row["amount_minor"] == str(record["amount_minor"]) and
              (row["device_id"] or None) == record["device_id"] for row, record in zip(rows, records)),
          "CSV says the same as the container")
    times = [record["event_time"].rstrip("Z") for record in records]   # a fraction sorts after none
    check(times == sorted(times) and times[0].startswith("2026-01-01T00:0"), "event times advance")
    labels = [json.loads(line) for line in (where / "labels-a.jsonl").read_text().splitlines()]
    with open(where / "labels-b.avro", "rb") as file:
        check([plain(record) for record in fastavro.reader(file)] == labels, "labels: Avro says the same as JSON lines")
    rows = list(csv.DictReader(io.StringIO((where / "labels-a.csv").read_text())))
    check([(row["tx_id"], row["known_at"]) for row in rows] == [(row["tx_id"], row["known_at"]) for row in labels],
          "labels: CSV says the same as JSON lines")
    known = [row["known_at"].rstrip("Z") for row in labels]
    check(known == sorted(known), "labels are in the order in which they become known")
    payments = {record["tx_id"]: record for record in records}
    check(all(payments[row["tx_id"]]["card_id"] == row["card_id"] and row["known_at"] > row["tx_time"]
              for row in labels), "labels are of payments, and later")
    frauds = [row for row in labels if row["fraud"]]
    check(0.002 < len(frauds) / COUNT < 0.012 and all(row["pattern"] and row["case_id"] for row in frauds),
          "about half a percent is labelled fraud", str(len(frauds)))
    check(not any(name in (where / "a.jsonl").read_text() for name in ("velocity", "takeover", "fraud")),
          "payments do not tell what they are")
    done = fraudd(context, "generate", "-f", where / "rest.jsonl", "-c", 100, "--skip", COUNT - 100, "--seed", 7)
    check((where / "rest.jsonl").read_text().splitlines() == (where / "a.jsonl").read_text().splitlines()[-100:],
          "--skip goes on where --count ended", done.err)
    done = fraudd(context, "generate", "-f", where / "none.jsonl", "-c", COUNT, "--seed", 7, "--fraud", "none")
    expect(context, "no fraud", done, 0, "(0 fraudulent)")
    done = fraudd(context, "generate", "-f", where / "none.jsonl", "--fraud", "velcity=1")
    expect(context, "a pattern that is none", done, 2, "did you mean 'velocity'?")
    for words, text in ((("--labels", where / "none.jsonl"), "is where the payments go"),
                        (("--unreported", 1), "--unreported is about --labels")):
        expect(context, text, fraudd(context, "generate", "-f", where / "none.jsonl", *words), 2, text)
    done = fraudd(context, "generate", "-f", where / "none.jsonl", "--labels", where / "labels")
    expect(context, "labels of no form", done, 2, "--labels: the name's end says the form")

    done = fraudd(context, "generate", "-f", where / "small.avro", "--deflate", "-c", COUNT, "--seed", 7)
    with open(where / "small.avro", "rb") as file:
        check([plain(record) for record in fastavro.reader(file)] == records, "deflate changes no record")
    check((where / "small.avro").stat().st_size < (where / "a.avro").stat().st_size * 0.7,
          "deflate makes the file smaller")
    done = fraudd(context, "generate", "-f", "-", "--format", "jsonl", "-c", 3, "--seed", 7)
    check(done.lines() == records[:3], "standard output has the data and nothing else", done.out)
    done = fraudd(context, "generate", "-f", "-", "--format", "csv", "-c", 20000, "--stats", "-q")
    expect(context, "statistics", done, 0, "% payments 20000 over", "ecom", "card_testing", "by hour")


def test_generate_to_kafka(context):
    check = context.results.check
    topic = context.create_topic(context.fresh("gen"), PARTITIONS)
    done = fraudd(context, "generate", "-b", context.bootstrap, "-t", topic, "-c", COUNT, "--seed", 7)
    expect(context, "generate to a topic", done, 0, f"% {COUNT} payments")
    messages = consume(context, topic)
    check(len(messages) == COUNT, "all payments are in the topic", str(len(messages)))
    records = [decode(message.value()) for message in messages]
    check(all(message.key() == record["card_id"].encode() and message.partition() == partition_of(message.key())
              for message, record in zip(messages, records)), "keyed by card, as the Java client partitions")
    again = context.logs / "again.jsonl"
    fraudd(context, "generate", "-f", again, "-c", COUNT, "--seed", 7)
    lines = [json.loads(line) for line in again.read_text().splitlines()]
    check(by_id(records) == by_id(lines), "the same payments as in a file of that seed")
    age_s = abs(time.time() - messages[0].timestamp()[1] / 1000)
    check(age_s < 300, "Kafka timestamps are now", str(age_s))
    order = {}
    for record in records:
        order.setdefault(record["card_id"], []).append(record["event_time"])
    check(all(times == sorted(times) for times in order.values()), "each card's payments are in order")

    topic = context.create_topic(context.fresh("gen"), 1)
    done = fraudd(context, "generate", "-b", context.bootstrap, "-t", topic, "-c", 50, "--framing", "confluent",
                  "--schema-id", 258, "--timestamps", "event")
    expect(context, "generate with a frame", done)
    messages = consume(context, topic, 1)
    check(all(message.value()[:5] == b"\0\0\0\1\2" for message in messages), "Confluent's frame")
    framed = [decode(message.value()[5:]) for message in messages]
    stamps = [iso(datetime.datetime.fromtimestamp(m.timestamp()[1] / 1000, datetime.timezone.utc)) for m in messages]
    check(len(framed) == 50 and stamps == [record["event_time"] for record in framed], "event timestamps")


def test_generate_labels_to_kafka(context):
    check = context.results.check
    payments, labels = (context.create_topic(context.fresh(name), PARTITIONS) for name in ("gen", "labels"))
    done = fraudd(context, "generate", "-b", context.bootstrap, "-t", payments, "-c", COUNT, "--seed", 7,
                  "--labels", labels, "--unreported", 0, "--timestamps", "event")
    expect(context, "generate with labels in a topic", done, 0, "labels")
    schema = fastavro.schema.load_schema(str(PAYMENT_SCHEMA).replace("payment.avsc", "label.avsc"))
    messages = consume(context, labels)
    records = [plain(fastavro.schemaless_reader(io.BytesIO(m.value()), schema, None)) for m in messages]
    path = context.logs / "known.jsonl"
    fraudd(context, "generate", "-f", context.logs / "known-payments.avro", "-c", COUNT, "--seed", 7,
           "--labels", path, "--unreported", 0)
    check(by_id(records) == by_id(json.loads(line) for line in path.read_text().splitlines()),
          "the same labels as in a file of that seed")
    check(all(m.key() == record["card_id"].encode() and m.partition() == partition_of(m.key())
              for m, record in zip(messages, records)), "keyed by card, as payments are")
    stamps = [iso(datetime.datetime.fromtimestamp(m.timestamp()[1] / 1000, datetime.timezone.utc)) for m in messages]
    check(stamps == [record["known_at"] for record in records], "their timestamps are when they became known")


def test_generate_poison(context):
    check = context.results.check
    clean = context.create_topic(context.fresh("clean"), PARTITIONS)
    topics = [context.create_topic(context.fresh("poison"), PARTITIONS) for _ in range(2)]
    fraudd(context, "generate", "-b", context.bootstrap, "-t", clean, "-c", 2000, "--seed", 3)
    for topic in topics:
        done = fraudd(context, "generate", "-b", context.bootstrap, "-t", topic, "-c", 2000, "--seed", 3,
                      "--poison", "2.5")
    values = [[(m.partition(), m.offset(), m.key(), m.value()) for m in consume(context, topic)]
              for topic in topics]
    check(values[0] == values[1], "poison is repeatable")
    good, bad = [], []
    for _, _, key, value in values[0]:
        try:
            record = decode(value)
            good.append(record)
            assert key == record["card_id"].encode()
        except Exception:                               # whatever a decoder makes of it
            bad.append(value)
    check(20 < len(bad) < 90, "about 2.5 % poison", str(len(bad)))
    check(None in bad and b"" in bad and len({len(value or b"") for value in bad}) > 4, "of several kinds")
    check(f"{len(bad)} undecodable records" in done.err, "the summary counts them", done.err)
    expected = by_id(decode(message.value()) for message in consume(context, clean))
    check(by_id(good) == expected, "the payments between are the same")


def test_generate_pace_and_stop(context):
    check = context.results.check
    begin = time.monotonic()
    done = fraudd(context, "generate", "-f", "-", "--format", "csv", "-c", 300, "--rate", 200)
    took = time.monotonic() - begin
    check(done.code == 0 and 1.3 < took < 5, "--rate 200 takes 1.5 s for 300", f"{took:.2f} s")
    topic = context.create_topic(context.fresh("live"), 1)
    follower = Follower(context, "generate", "-b", context.bootstrap, "-t", topic, "--start", "now", "--rate", 100)
    time.sleep(4)
    before_ms = time.time() * 1000
    code = follower.interrupt()
    check(code == 130 and "payments" in follower.text(), "Ctrl-C ends it with a summary",
          [str(code), follower.text()])
    messages = consume(context, topic, 1)
    check(200 < len(messages) < 600, "about the rate asked for", str(len(messages)))
    newest = fastavro.schemaless_reader(io.BytesIO(messages[-1].value()), payment_schema, None)["event_time"]
    check(abs(newest.timestamp() * 1000 - before_ms) < 2500, "event times are the clock's", str(newest))
    check(Follower(context, "generate", "-b", context.bootstrap, "-t", topic, "--rate", 1).interrupt(
        signal.SIGTERM) in (143, -signal.SIGTERM), "SIGTERM ends it too")


# ---- produce ----

def test_produce_round_trips(context):
    check, where = context.results.check, context.logs
    count = min(COUNT, 3000)
    for ending in ("avro", "jsonl", "csv"):
        path = where / f"round.{ending}"
        fraudd(context, "generate", "-f", path, "-c", count, "--seed", 11)
        topic = context.create_topic(context.fresh(ending), PARTITIONS)
        schema = [] if ending == "avro" else ["--schema", PAYMENT_SCHEMA]
        done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, "--key", "card_id",
                      "--timestamp-field", "event_time", *schema, path)
        expect(context, f"produce {ending}", done, 0, f"% {count} records to {topic}, 0 skipped")
        messages = consume(context, topic)
        found = by_id(decode(message.value()) for message in messages)
        fraudd(context, "generate", "-f", where / "round.jsonl", "-c", count, "--seed", 11)
        lines = [json.loads(line) for line in (where / "round.jsonl").read_text().splitlines()]
        check(found == by_id(lines), f"{ending} arrives as it was",
              [str(pair) for pair in zip(found.values(), lines) if pair[0] != pair[1]][:1])
        check(all(message.partition() == partition_of(message.key()) for message in messages), "partitions")
        sample = messages[0]
        when = datetime.datetime.fromtimestamp(sample.timestamp()[1] / 1000, datetime.timezone.utc)
        check(iso(when) == decode(sample.value())["event_time"], "the timestamp is the field's")
        done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "--schema", "payment", "-e", "-q")
        check(by_id(done.lines()) == by_id(lines), f"tap shows the {ending} again")


def test_produce_standard_input_and_no_key(context):
    topic = context.create_topic(context.fresh("stdin"), PARTITIONS)
    text = "".join(json.dumps(payment(number)) + "\n" for number in range(40)).encode()
    done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, "--schema", "payment",
                  "--format", "jsonl", "-", stdin=text)
    expect(context, "produce from standard input", done, 0, "40 records")
    messages = consume(context, topic)
    context.results.check([sum(m.partition() == p for m in messages) for p in range(PARTITIONS)] == [10] * 4 and
                          all(m.key() is None for m in messages), "without a key, in turn")


def test_produce_keys_of_all_kinds(context):
    """Whatever the field holds: a null key, an empty one, numbers, fields that only JSON can tell."""
    check = context.results.check
    path = context.logs / "keys.jsonl"
    records = [payment(0, device_id="D1", ip="\u0000"), payment(1), payment(2, device_id=""), payment(3, card_id="k" * 300)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    wanted = {"device_id": [b"D1", None, b"", None], "card_id": [b"C0", b"C1", b"C2", b"k" * 300],
              "mcc": [b"5411"] * 4, "is_recurring": None, "channel": [b"pos"] * 4, "event_time": None}
    for field, keys in wanted.items():
        topic = context.create_topic(context.fresh("key"), 1)
        done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, "--schema", "payment", "--key", field, path)
        found = [message.key() for message in consume(context, topic, 1)]
        if field == "is_recurring":
            expect(context, "true and false are no keys", done, 1, "--key", "neither text nor a whole number")
        elif field == "event_time":
            check(found[0] == b"2026-01-01T00:00:00Z" and len(found) == 4, "a time is a key as text", [str(found), done.err])
        else:
            check(found == keys, f"--key {field}", [str(found), done.err])


def test_produce_refuses_bad_records(context):
    topic = context.create_topic(context.fresh("bad"), 1)
    lines = [json.dumps(payment(number)) for number in range(10)]
    lines[3] = json.dumps(payment(3, amount_minor="much"))
    lines[6] = '{"tx_id": '
    lines[8] = json.dumps({**payment(8), "colour": "red"})
    path = context.logs / "bad.jsonl"
    path.write_text("\n".join(lines) + "\n")
    base = ("produce", "-b", context.bootstrap, "-t", topic, "--schema", "payment", "--key", "card_id")
    done = fraudd(context, *base, path)
    expect(context, "the first bad record ends it", done, 1, "4", "amount_minor", "3 records")
    done = fraudd(context, *base, "--skip-bad", path)
    expect(context, "--skip-bad goes on and counts", done, 0, "7 records", "3 skipped", "colour")
    context.results.check(len(consume(context, topic, 1)) == 10, "what was good arrived, nothing else")
    rows = "tx_id,event_time,card_id,customer_id,merchant_id,amount_minor\n" \
           "a,2026-01-01T00:00:00Z,c,u,m,5\nb,yesterday,c,u,m,5\n"
    (context.logs / "bad.csv").write_text(rows)
    done = fraudd(context, *base, context.logs / "bad.csv")
    expect(context, "a bad CSV row", done, 1, "2", "event_time")
    cut = context.logs / "cut.avro"
    fraudd(context, "generate", "-f", cut, "-c", 1000)
    cut.write_bytes(cut.read_bytes()[:-100])
    done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, cut)
    expect(context, "a container that is cut", done, 1, "cut.avro")
    done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, "--skip-bad", cut)
    expect(context, "damage is not a record to skip", done, 1, "cut.avro")
    expect(context, "no such file", fraudd(context, *base, "/no/such.jsonl"), 1, "/no/such.jsonl")
    expect(context, "an unknown key field", fraudd(context, *base[:-1], "card_ID", path), 2, "did you mean 'card_id'")


def test_produce_with_a_registry(context):
    server = registry_server.serve(0)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    number = server.RequestHandlerClass.registry.register("x", {"schema": json.dumps(RAW_PAYMENT)})
    topic = context.create_topic(context.fresh("reg"), 1)
    path = context.logs / "reg.jsonl"
    path.write_text("".join(json.dumps(payment(n)) + "\n" for n in range(5)))
    base = ("produce", "-b", context.bootstrap, "-t", topic, "--framing", "confluent", "--registry", url)
    expect(context, "produce by the registry's schema", fraudd(context, *base, "--schema-id", number, path), 0, "5 records")
    expect(context, "an id that is not there", fraudd(context, *base, "--schema-id", 99, path), 78, "schema id 99")
    messages = consume(context, topic, 1)
    context.results.check([m.value()[:5] for m in messages] == [b"\0" + struct.pack(">I", number)] * 5, "framed by id")
    tap = ("tap", "-b", context.bootstrap, "-t", topic, "-e", "--framing", "confluent")
    done = fraudd(context, *tap, "--registry", url)
    context.results.check([r["tx_id"] for r in done.lines()] == [f"T{n}" for n in range(5)], "tap asks the registry")
    put(context, topic, [b"\0\0\0\0\x63xyz", b"no frame"])
    done = fraudd(context, *tap, "--registry", url)
    expect(context, "an unknown id and a bad frame are told", done, 1, "schema id 99", "BAD_FRAME", "2 of 7")
    server.shutdown()
    server.server_close()
    expect(context, "a registry that is gone", fraudd(context, *tap, "--registry", url), 69, "schema registry")


# ---- tap ----

def tap_topic(context):
    """Three partitions with 5 records each, a second apart."""
    topic = context.create_topic(context.fresh("tap"), 3)
    for partition in range(3):
        for number in range(5):
            n = partition * 5 + number
            put(context, topic, [avro_bytes(payment_schema, payment(n))], key=f"k{n}".encode(),
                timestamp=1_767_225_600_000 + n * 1000, partition=partition, headers=[("h", b"v"), ("z", None)])
    return topic


def numbers(done):
    return sorted(int(record["tx_id"][1:]) for record in done.lines())


def test_tap_offsets(context):
    topic = tap_topic(context)
    base = ("tap", "-b", context.bootstrap, "-t", topic, "-s", "payment", "-e", "-q")
    cases = [
        ((), list(range(15))),
        (("-o", "beginning"), list(range(15))),
        (("-o", "end"), []),
        (("-o", "3"), [3, 4, 8, 9, 13, 14]),
        (("-o", "-2"), [3, 4, 8, 9, 13, 14]),
        (("-p", "1"), [5, 6, 7, 8, 9]),
        (("-p", "2", "-o", "-1"), [14]),
        (("-o", "@1767225607000"), [7, 8, 9, 10, 11, 12, 13, 14]),
        (("-o", "@2026-01-01T00:00:12Z"), [12, 13, 14]),
        (("-o", "-@1h"), []),
        (("-p", "0", "-c", "2"), [0, 1]),
    ]
    for options, wanted in cases:
        done = fraudd(context, *base, *options)
        context.results.check(done.code == 0 and numbers(done) == wanted, f"tap {' '.join(options)}",
                              [f"exit {done.code}, {done.out[:300]}", done.err])
    expect(context, "a wrong offset", fraudd(context, *base, "-o", "yesterday"), 2, "yesterday")
    expect(context, "the end is told", fraudd(context, *base[:-1]), 0, "% reached the end", "15 records")


def test_tap_forms(context):
    check = context.results.check
    topic = tap_topic(context)
    base = ("tap", "-b", context.bootstrap, "-t", topic, "-s", "payment", "-e", "-q", "-p", "0")
    done = fraudd(context, *base, "-c", "1")
    check(done.lines() == [payment(0, event_time="2026-01-01T00:00:00Z")], "JSON is the value", done.out)
    done = fraudd(context, *base, "-c", "1", "--meta")
    wanted = {"topic": topic, "partition": 0, "offset": 0, "timestamp": 1_767_225_600_000, "key": "k0",
              "headers": [{"name": "h", "value": "v"}, {"name": "z", "value": None}],
              "value": payment(0, event_time="2026-01-01T00:00:00Z")}
    check(done.lines() == [wanted], "--meta", done.out)
    done = fraudd(context, *base, "--output", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    check(len(rows) == 5 and rows[1]["tx_id"] == "T1" and rows[1]["device_id"] == "" and rows[1]["lat"] == "52.5",
          "CSV", done.out)
    done = fraudd(context, *base, "--output", "table", "--meta")
    lines = done.out.splitlines()
    check(len(lines) == 6 and lines[0].split()[:4] == ["partition", "offset", "timestamp", "key"] and
          lines[1].split()[4] == "T0", "table", done.out)
    done = fraudd(context, *base, "-f", r"%p/%o %k %T %K %S %%\n", "-c", "2")
    size = len(avro_bytes(payment_schema, payment(0)))
    check(done.out == f"0/0 k0 1767225600000 2 {size} %\n0/1 k1 1767225601000 2 {size} %\n", "-f", done.out)
    expect(context, "a wrong format", fraudd(context, *base, "-f", "%y"), 2, "-f:")
    done = fraudd(context, *base, "--raw", "-c", "1")
    check(json.loads(done.out) == {"hex": avro_bytes(payment_schema, payment(0)).hex()} or
          json.loads(done.out) == avro_bytes(payment_schema, payment(0)).decode(), "--raw", done.out)


def test_tap_what_cannot_be_decoded(context):
    check = context.results.check
    topic = context.create_topic(context.fresh("odd"), 1)
    good = avro_bytes(payment_schema, payment(1))
    put(context, topic, [good, good[:20], good + b"x", b"", None, b"\xff" * 30, good])
    done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "-s", "payment", "-e")
    lines = done.lines()
    expect(context, "undecodable records are told", done, 1, "TRUNCATED", "TRAILING_BYTES", "EMPTY_PAYLOAD",
           "NULL_PAYLOAD", "5 of 7 records")
    check(len(lines) == 7 and lines[0]["tx_id"] == lines[6]["tx_id"] == "T1", "one line each", done.out)
    check(lines[1]["offset"] == 1 and lines[1]["undecodable"].startswith("TRUNCATED") and
          lines[4]["value"] is None and lines[5]["value"] == {"hex": "ff" * 30}, "with place, cause and bytes",
          done.out)
    headers = [("__fd.errors.topic", b"payments"), ("__fd.errors.partition", b"3"), ("__fd.errors.offset", b"17"),
               ("__fd.errors.stage", b"decode"), ("__fd.errors.code", b"TRUNCATED"),
               ("__fd.errors.message", b"the value ends inside a field"), ("own", b"1")]
    dead = context.create_topic(context.fresh("dead"), 1)
    put(context, dead, [good[:20], good], headers=headers)
    done = fraudd(context, "tap", "-b", context.bootstrap, "-t", dead, "-s", "payment", "-e")
    expect(context, "dead letters are no failure", done, 0)
    lines = done.lines()
    wanted = {"topic": "payments", "partition": "3", "offset": "17", "stage": "decode", "code": "TRUNCATED",
              "message": "the value ends inside a field"}
    check([line["dead_letter"] for line in lines] == [wanted, wanted], "dead letters show their cause", done.out)
    check(lines[1]["value"]["tx_id"] == "T1", "and their value where it can be read", done.out)


def test_tap_decisions(context):
    decision = {"id": "payments/0/1", "event_id": "T1", "event_time": 1_767_225_600_001, "action": "BLOCK",
                "score": 92.5, "reasons": ["A", "B"],
                "rules": [{"id": "r", "action": "BLOCK", "score": 92.5, "mode": "LIVE", "message": "\u00e9 \"x\"\n"},
                          {"id": "s", "action": None, "score": 0.0, "mode": "SHADOW", "message": None}],
                "models": [{"id": "m", "version": "v", "score": 0.25, "mode": "LIVE"}],
                "features": {"n": 3, "d": 0.1, "b": True, "s": "x", "none": None}, "flags": ["LATE", "APPROXIMATE"],
                "ruleset": "r", "models_hash": "m", "lists_hash": "l", "config_hash": "c", "engine": "0.1.0"}
    topic = context.create_topic(context.fresh("decisions"), 1)
    put(context, topic, [avro_bytes(decision_schema, decision)])
    done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "-e", "-q")
    context.results.check(done.lines() == [{**decision, "event_time": "2026-01-01T00:00:00.001Z"}],
                          "a decision is shown whole", done.out + done.err)
    for output in ("table", "csv"):
        done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "-e", "-q", "--output", output)
        context.results.check(done.code == 0 and "payments/0/1" in done.out and "BLOCK" in done.out, output, done.out)
    done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "-e", "-q", "-s", DECISION_SCHEMA)
    context.results.check(len(done.lines()) == 1, "the schema file is as good as the built-in one", done.err)


def test_tap_follows_and_ends(context):
    check = context.results.check
    topic = context.create_topic(context.fresh("follow"), 2)
    follower = Follower(context, "tap", "-b", context.bootstrap, "-t", topic, "-s", "payment")
    time.sleep(1)
    put(context, topic, [avro_bytes(payment_schema, payment(1))])
    check(wait_until(lambda: '"T1"' in follower.text(), 15), "a new record appears at once", follower.text())
    check(follower.interrupt() == 130, "Ctrl-C is 130")
    follower = Follower(context, "tap", "-b", context.bootstrap, "-t", topic, "-s", "payment")
    check(wait_until(lambda: '"T1"' in follower.text(), 15) and follower.interrupt(signal.SIGTERM) == 143,
          "SIGTERM is 143")
    many = context.create_topic(context.fresh("many"), 1)
    put(context, many, [avro_bytes(payment_schema, payment(n)) for n in range(3000)])
    command = f"{context.binary} tap -b {context.bootstrap} -t {many} -s payment; echo code $? >&2"
    done = Done(subprocess.run(["bash", "-c", f"({command}) | head -n 2"], capture_output=True, timeout=60,
                               stdin=subprocess.DEVNULL, check=False))
    check(len(done.out.splitlines()) == 2 and "code 0" in done.err, "a reader that leaves ends it quietly", done.err)


# ---- what all of them share ----

def test_usage_and_exit_codes(context):
    free = "127.0.0.1:1"
    topic = context.fresh("no-such-topic")
    b = ("-b", context.bootstrap)
    cases = [
        (("generate", "--sed", "7"), 2, "did you mean --seed"),
        (("generate",), 2, "-t TOPIC or -f FILE"),
        (("generate", "-t", "x", "-f", "y"), 2, "-t TOPIC or -f FILE"),
        (("generate", "-f", "y.txt"), 2, "--format"),
        (("generate", "-f", "y.avro", "--poison", "1"), 2, "--poison"),
        (("generate", "-f", "y.avro", "--start", "soon"), 2, "--start"),
        (("generate", "-f", "/no/dir/y.csv"), 1, "/no/dir/y.csv"),
        (("generate", "-f", "/dev/full", "--format", "csv", "-c", "50000"), 1, "/dev/full"),
        (("generate", "-f", "/dev/full", "--format", "avro", "-c", "50000"), 1, "/dev/full"),
        (("generate", "-t", "x", "--framing", "confluent"), 2, "--schema-id"),
        (("tap",), 2, "-t TOPIC"),
        (("tap", "-t", "x", "--bogus"), 2, "unknown option --bogus"),
        (("tap", "-t", "x", "-o", "json"), 2, "--output json"),
        (("tap", "-t", "x", "-s", "/no/such.avsc"), 78, "/no/such.avsc"),
        (("produce", "-t", "x"), 2, "missing"),
        (("produce", "-t", "x", "--schema", "payment", "y.txt"), 1, "y.txt"),
        ((*("tap", "-t", topic), *b), 78, topic),
        ((*("generate", "-t", topic, "-c", "1"), *b), 78, topic),
        (("tap", "-t", "x", "-X", "no.such.setting=1"), 78, "no.such.setting"),
        (("tap", "-t", "x", "-b", free), 69, ""),
        (("generate", "-t", "x", "-b", free, "-c", "1"), 69, ""),
        (("schema", "check", "payment", "--id", "tx_id", "--time", "event_tim"), 1, "did you mean 'event_time'"),
        (("schema", "frobnicate", "payment"), 2, "neither check nor print"),
    ]
    for arguments, code, text in cases:
        done = fraudd(context, *arguments)
        expect(context, f"fraudd {' '.join(arguments)}", done, code, text)
        told = [line for line in done.err.splitlines() if line[:1] not in ("%", " ")]
        context.results.check(len(told) == 1 and done.err.count("error:") < 2, "in one line", done.err)
    for command in ("generate", "produce", "tap", "schema"):
        done = fraudd(context, command, "-h")
        context.results.check(done.code == 0 and "Examples:" in done.out and not done.err, f"{command} -h", done.err)
        done = fraudd(context, command, "--version")
        context.results.check(done.code == 0 and done.out.startswith("fraudd "), f"{command} --version", done.out)


def test_schema(context):
    check = context.results.check
    done = fraudd(context, "schema", "print", "payment", "-o", "json")
    printed = json.loads(done.out)
    check([field["path"] for field in printed["fields"]] == [field["name"] for field in RAW_PAYMENT["fields"]],
          "print has every field", done.out[:300])
    check(printed["hash"] == json.loads(fraudd(context, "schema", "print", PAYMENT_SCHEMA, "-o", "json").out)["hash"],
          "the built-in schema is the file's")
    check("timestamp (ms)" in fraudd(context, "schema", "print", "payment").out, "as a table")
    ok = ("--id", "tx_id", "--time", "event_time")
    expect(context, "check", fraudd(context, "schema", "check", "payment", *ok, "--partitioned-by", "card_id"), 0, "ok")
    writer = context.logs / "writer.avsc"
    old = {**RAW_PAYMENT, "fields": [f for f in RAW_PAYMENT["fields"] if f["name"] != "bin"]}
    writer.write_text(json.dumps(old))
    expect(context, "an older writer", fraudd(context, "schema", "check", "payment", *ok, "-w", writer), 0, "ok")
    old["fields"] = [f for f in old["fields"] if f["name"] != "card_id"]
    writer.write_text(json.dumps(old))
    expect(context, "a writer that lacks a field", fraudd(context, "schema", "check", "payment", *ok, "-w", writer), 1,
           "card_id")
    writer.write_text('{"type": "record", "name": ')
    expect(context, "a broken file", fraudd(context, "schema", "check", writer), 1, "writer.avsc")


TESTS = [found for name, found in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    run_tests("test_tools", TESTS)
