"""Avro of other hands: Confluent's serializers with a registry, fastavro's container files, a schema of every type.

Why it exists: payments are a tame schema. Here producers and consumers that users have write and read
what fraudd reads and writes, with all logical types, unions, nested records and two writers in one topic.
"""
import datetime
import decimal
import io
import json
import random
import subprocess
import sys
from pathlib import Path

import fastavro
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import registry_server
from fraudd_test import FULL, die_with_parent, run_tests
from test_tools import QUIET, consume, expect, fraudd

COUNT = 3000 if FULL else 300
UTC = datetime.timezone.utc

RICH = {
    "type": "record", "name": "Event", "namespace": "shop",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "flag", "type": "boolean"},
        {"name": "small", "type": "int"},
        {"name": "big", "type": "long"},
        {"name": "ratio", "type": "double"},
        {"name": "raw", "type": "bytes"},
        {"name": "mark", "type": {"type": "fixed", "name": "Mark", "size": 4}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "rate", "type": {"type": "fixed", "name": "Rate", "size": 6, "logicalType": "decimal",
                                  "precision": 12, "scale": 4}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "fine_clock", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "seen", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": None},
        {"name": "card", "type": {"type": "record", "name": "Card", "fields": [
            {"name": "bin", "type": ["null", "string"], "default": None},
            {"name": "mark", "type": "Mark"},
            {"name": "limits", "type": {"type": "map", "values": "long"}}]}},
        {"name": "former", "type": {"type": "array", "items": "Card"}},
        {"name": "choice", "type": ["null", "string", "long", "boolean"]},
        {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
    ],
}
rich = fastavro.parse_schema(json.loads(json.dumps(RICH)))


def card(pick):
    return {"bin": pick.choice([None, "4532", "é€"]), "mark": pick.randbytes(4),
            "limits": {f"k{n}": pick.randrange(-9, 10**12) for n in range(pick.randrange(3))}}


def event(number):
    pick = random.Random(f"rich/{number}")
    begin = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "id": f"E{number}", "at": begin + datetime.timedelta(microseconds=pick.randrange(10**13)),
        "flag": pick.random() < 0.5, "small": pick.randrange(-2**31, 2**31),
        "big": pick.randrange(-2**63, 2**63) >> pick.randrange(64), "ratio": pick.uniform(-1e9, 1e9),
        "raw": pick.randbytes(pick.randrange(20)), "mark": pick.randbytes(4), "kind": pick.choice(["NEW", "OLD"]),
        "price": decimal.Decimal(pick.randrange(-10**11, 10**11)).scaleb(-2),
        "rate": decimal.Decimal(pick.randrange(-10**11, 10**11)).scaleb(-4),
        "day": begin.date() + datetime.timedelta(days=pick.randrange(-90000, 90000)),
        "clock": (begin + datetime.timedelta(milliseconds=pick.randrange(86_400_000))).time(),
        "fine_clock": (begin + datetime.timedelta(microseconds=pick.randrange(86_400_000_000))).time(),
        "seen": pick.choice([None, begin + datetime.timedelta(milliseconds=pick.randrange(10**11))]),
        "card": card(pick), "former": [card(pick) for _ in range(pick.randrange(3))],
        "choice": pick.choice([None, "text", 7, -2**40, True]), "tags": pick.choice([[], ["a", None], ["\u0000\n"]]),
    }


def fraction(microseconds, digits):
    text = f".{microseconds // 10**(6 - digits):0{digits}d}"
    return "" if microseconds == 0 else text


def shown(value, digits=6):
    """A fastavro value as the tools' JSON has it; `digits` of fractions of seconds."""
    if isinstance(value, dict):
        fields = {"seen": 3, "clock": 3}
        return {name: shown(item, fields.get(name, 6)) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S") + fraction(value.microsecond, digits) + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S") + fraction(value.microsecond, digits)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value


def lines_of(done):
    """One record a line; str.splitlines would also split at characters inside of them."""
    return [json.loads(line) for line in done.out.split("\n") if line]


def differences(found, wanted):
    pairs = [(a, b) for a, b in zip(found, wanted) if a != b]
    return [f"{len(found)} of {len(wanted)}, {len(pairs)} differ", *(str(pair) for pair in pairs[:1])]


def check_same(context, what, found, wanted):
    return context.results.check(found == wanted, what, differences(found, wanted))


# ---- Confluent's serializers ----

def serializer(client, schema):
    return AvroSerializer(client, json.dumps(schema), conf={"auto.register.schemas": True})


def send(context, topic, serialize, values):
    producer = Producer({"bootstrap.servers": context.bootstrap, "logger": QUIET})
    for value in values:
        producer.produce(topic, value=serialize(value, SerializationContext(topic, MessageField.VALUE)), partition=0)
    assert producer.flush(30) == 0


def test_confluent_serializer(context):
    """Two writers in one topic, each with the schema it registered; behind a password."""
    server = registry_server.serve(0, auth="reader:secret")
    url = f"http://127.0.0.1:{server.server_address[1]}"
    client = SchemaRegistryClient({"url": url, "basic.auth.user.info": "reader:secret"})
    older = {**RICH, "fields": [f for f in RICH["fields"] if f["name"] not in ("choice", "tags")]}
    topic = context.create_topic(context.fresh("serializer"), 1)
    events = [event(number) for number in range(COUNT)]
    for e in events[:COUNT // 2]:
        del e["choice"], e["tags"]
    send(context, topic, serializer(client, older), events[:COUNT // 2])
    send(context, topic, serializer(client, RICH), events[COUNT // 2:])
    tap = ("tap", "-b", context.bootstrap, "-t", topic, "-e", "-q", "--framing", "confluent", "--registry", url)
    done = fraudd(context, *tap, "--registry-auth", "reader:secret")
    check_same(context, "tap reads what AvroSerializer wrote, with both schemas", lines_of(done),
               [shown(e) for e in events])
    expect(context, "and says that it worked", done, 0)
    asked = [path for path in server.RequestHandlerClass.registry.paths if path.startswith("/schemas/ids/")]
    context.results.check(len(asked) == 2, "each schema is asked for once", asked)
    done = fraudd(context, *tap, "--registry-auth", "reader:wrong", timeout=90)
    expect(context, "a wrong password", done, 69, "user and password")
    context.results.check("wrong" not in done.err, "is not told", done.err)
    server.shutdown()
    server.server_close()


def test_confluent_deserializer(context):
    """What produce frames is read by AvroDeserializer."""
    server = registry_server.serve(0)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    client = SchemaRegistryClient({"url": url})
    number = server.RequestHandlerClass.registry.register("rich", {"schema": json.dumps(RICH)})
    topic = context.create_topic(context.fresh("deserializer"), 1)
    events = [event(n) for n in range(COUNT)]
    path = context.logs / "rich.jsonl"
    path.write_text("".join(json.dumps(shown(e)) + "\n" for e in events))
    done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, "--framing", "confluent", "--registry", url,
                  "--schema-id", number, path)
    expect(context, "produce JSON lines by a registered schema", done, 0, f"{COUNT} records")
    deserialize = AvroDeserializer(client)
    context_of_values = SerializationContext(topic, MessageField.VALUE)
    check_same(context, "AvroDeserializer reads it",
               [deserialize(message.value(), context_of_values) for message in consume(context, topic, 1)], events)
    server.shutdown()
    server.server_close()


# ---- container files ----

def write_container(path, records, **options):
    with open(path, "wb") as file:
        fastavro.writer(file, rich, records, **options)


def test_containers_of_fastavro(context):
    events = [event(number) for number in range(COUNT)]
    wanted = [shown(e) for e in events]
    for codec in ("null", "deflate"):
        path = context.logs / f"{codec}.avro"
        write_container(path, events, codec=codec, sync_interval=4000)
        topic = context.create_topic(context.fresh(codec), 1)
        done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, "--timestamp-field", "at",
                      "--key", "price", path)
        expect(context, f"produce a container with codec {codec}", done, 0, f"{COUNT} records")
        messages = consume(context, topic, 1)
        found = [fastavro.schemaless_reader(io.BytesIO(m.value()), rich, None) for m in messages]
        check_same(context, f"{codec}: fastavro reads the records again", found, events)
        check_same(context, f"{codec}: timestamps are the field's", [m.timestamp()[1] for m in messages],
                   [int(e["at"].timestamp() * 1000) for e in events])
        check_same(context, f"{codec}: keys are the field's text", [m.key().decode() for m in messages],
                   [shown(e["price"]) for e in events])
        schema = context.logs / "rich.avsc"
        schema.write_text(json.dumps(RICH))
        done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "-e", "-q", "-s", schema)
        check_same(context, f"{codec}: tap shows them", lines_of(done), wanted)


def test_containers_that_cannot_be_read(context):
    path = context.logs / "bad.avro"
    topic = context.create_topic(context.fresh("none"), 1)
    base = ("produce", "-b", context.bootstrap, "-t", topic, path)
    write_container(path, [event(1)], codec="bzip2")
    expect(context, "another codec", fraudd(context, *base), 1, "bad.avro", "null and deflate", "bzip2")
    whole = io.BytesIO()
    fastavro.writer(whole, rich, [event(n) for n in range(50)], codec="deflate", sync_interval=500)
    data = whole.getvalue()
    for what, damaged in (("no container", b"PK\x03\x04" + data[4:]), ("a cut header", data[:100]),
                          ("a cut block", data[:-30]), ("a flipped marker", data[:-1] + bytes([data[-1] ^ 1])),
                          ("a flipped block", data[:-200] + bytes([data[-200] ^ 0x55]) + data[-199:])):
        path.write_bytes(damaged)
        done = fraudd(context, *base)
        expect(context, what, done, 1, "bad.avro")
        context.results.check(len([line for line in done.err.splitlines() if "bad.avro" in line]) == 1,
                              f"{what}: one error", done.err)


# ---- columns and plans ----

def test_schema_command(context):
    schema = context.logs / "rich.avsc"
    schema.write_text(json.dumps(RICH))
    done = fraudd(context, "schema", "check", schema, "--id", "id", "--time", "at", "--partitioned-by", "card.bin")
    expect(context, "a rich schema is fine", done, 0, "ok, shop.Event with 19 fields")
    canonical = f"{fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(RICH), 'CRC-64-AVRO')}"
    printed = json.loads(fraudd(context, "schema", "print", "-o", "json", schema).out)
    little = bytes.fromhex(printed["fingerprint"])
    context.results.check(canonical in (little.hex(), little[::-1].hex()), "fastavro's fingerprint is ours",
                          f"{canonical} {printed['fingerprint']}")
    topic = context.create_topic(context.fresh("single"), 1)
    path = context.logs / "one.jsonl"
    path.write_text(json.dumps(shown(event(1))) + "\n")
    done = fraudd(context, "produce", "-b", context.bootstrap, "-t", topic, "--schema", schema, "--framing",
                  "single-object", path)
    expect(context, "produce single objects", done, 0, "1 record")
    value = consume(context, topic, 1)[0].value()
    context.results.check(value[:2] == b"\xc3\x01" and value[2:10] == little[::-1], "framed as the specification has it",
                          value[:12].hex())
    done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "-e", "-q", "-s", schema, "--framing",
                  "single-object")
    check_same(context, "tap takes the frame off", lines_of(done), [shown(event(1))])
    done = fraudd(context, "tap", "-b", context.bootstrap, "-t", topic, "-e", "-s", "payment", "--framing",
                  "single-object")
    expect(context, "another schema's fingerprint", done, 1, "UNKNOWN_SCHEMA")


TESTS = [found for name, found in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    run_tests("test_foreign_avro", TESTS)
