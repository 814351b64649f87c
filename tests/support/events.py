"""Payments for the tests: a pure function of (seed, number), and what each decision must be.

Why it exists: every run, whatever its batches, workers and faults, reads the same log; the small
oracle below judges it by the rules in RULES without any code of the service. Values are encoded by
fastavro, a foreign writer. Kafka timestamps are event times in the past: nothing depends on when a
test runs.
"""
import io
import json
import random
import zlib
from collections import namedtuple
from pathlib import Path

import fastavro

ROOT = Path(__file__).resolve().parents[2]
PAYMENT_SCHEMA = ROOT / "schemas" / "payment.avsc"
DECISION_SCHEMA = ROOT / "schemas" / "decision.avsc"
BASE_MS = 1_767_225_600_000                             # 2026-01-01T00:00:00Z
STEP_MS = 37

# poison: None, or the code that the dead letter must carry.
Event = namedtuple("Event", "partition key value headers timestamp_ms fields poison")

payment_schema = fastavro.parse_schema(json.loads(PAYMENT_SCHEMA.read_text()))
decision_schema = fastavro.parse_schema(json.loads(DECISION_SCHEMA.read_text()))

RULES = """\
version: 1
decision:
  actions: [allow, review, challenge, block]
  score_thresholds: {review: 40, challenge: 70, block: 90}
lists:
  trusted_cards: {type: string, items: [C00003, C00017]}
  risky_mcc: {type: int, items: [4829, 6051, 7995]}
rules:
  - id: trusted-card
    condition: event.card_id in lists.trusted_cards && event.amount_minor < 50000
    action: allow
    reason: TRUSTED
  - id: huge-amount
    condition: event.amount_minor > 450000
    action: block
    score: 60
    reason: AMOUNT
  - id: large-amount
    condition: event.amount_minor > 200000
    score: 35
    reason: AMOUNT
    explain: '"paid " + string(event.amount_minor)'
  - id: risky-mcc
    condition: event.mcc in lists.risky_mcc
    score: 40
    reason: MCC
  - id: cross-border
    condition: has(event.ip_country) && event.ip_country != event.card_country
    action: review
    score: 20
    reason: COUNTRY
  - id: declined-before
    condition: event.status == "declined" && event.channel == "ecom"
    action: challenge
    reason: DECLINED
  - id: shadow-moto
    condition: event.channel == "moto"
    action: block
    score: 90
    reason: MOTO
    mode: shadow
"""
SEVERITY = ["ALLOW", "REVIEW", "CHALLENGE", "BLOCK"]
RISKY_MCC = (4829, 6051, 7995)


def expected_verdict(fields):
    """(action, ids of the rules that fired, score); score None where allow ended the matter."""
    amount = fields["amount_minor"]
    hits = []
    if fields["card_id"] in ("C00003", "C00017") and amount < 50000:
        hits.append(("trusted-card", "ALLOW", 0))
    if amount > 450000:
        hits.append(("huge-amount", "BLOCK", 60))
    if amount > 200000:
        hits.append(("large-amount", None, 35))
    if fields["mcc"] in RISKY_MCC:
        hits.append(("risky-mcc", None, 40))
    if fields["ip_country"] is not None and fields["ip_country"] != fields["card_country"]:
        hits.append(("cross-border", "REVIEW", 20))
    if fields["status"] == "declined" and fields["channel"] == "ecom":
        hits.append(("declined-before", "CHALLENGE", 0))
    score = float(sum(hit[2] for hit in hits))
    live = [hit[0] for hit in hits]
    if "trusted-card" in live:
        return "ALLOW", live, None
    level = max([SEVERITY.index(hit[1]) for hit in hits if hit[1]] + [0])
    for threshold, action in ((40, 1), (70, 2), (90, 3)):
        if score >= threshold:
            level = max(level, action)
    return SEVERITY[level], live, score


def payment(seed, number, cards=500):
    pick = random.Random(f"{seed}/{number}")
    channel = pick.choice(("pos", "ecom", "ecom", "atm", "moto"))
    country = pick.choice(("DE", "FR", "GB", "US"))
    online = channel == "ecom"
    amount = int(min(pick.lognormvariate(9.5, 1.6), 9_000_000))
    return {
        "tx_id": f"T{seed}-{number}",
        "event_time": BASE_MS + number * STEP_MS - pick.randrange(2000),
        "card_id": f"C{pick.randrange(cards):05d}",
        "customer_id": f"K{pick.randrange(cards):05d}",
        "merchant_id": f"M{pick.randrange(60):03d}",
        "device_id": f"D{pick.randrange(900)}" if online else None,
        "ip": f"10.{pick.randrange(256)}.{pick.randrange(256)}.7" if online else None,
        "amount_minor": amount,
        "currency": "EUR",
        "card_country": country,
        "ip_country": pick.choice((country, country, "RO", None)) if online else None,
        "merchant_country": country,
        "mcc": pick.choice((5411, 5732, 5812, 4829, 6051, 7995, 5999, 5411)),
        "channel": channel,
        "entry_mode": "unknown",
        "status": "declined" if pick.random() < 0.08 else "approved",
        "bin": "400000",
        "is_recurring": pick.random() < 0.1,
        "lat": None,
        "lon": None,
    }


def encode(fields, schema=payment_schema):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, fields)
    return out.getvalue()


def confluent(schema_id, payload):
    """Confluent framing: byte 0, the id in four bytes, the Avro body."""
    return b"\0" + schema_id.to_bytes(4, "big") + payload


def decode_decision(value):
    data = io.BytesIO(value)
    record = fastavro.schemaless_reader(data, decision_schema)
    if data.read(1):
        raise ValueError("bytes are left over after the decision")
    return record


def spoil(kind, value):
    """(value, code) of an event made invalid."""
    if kind == "null":
        return None, "NULL_PAYLOAD"
    if kind == "empty":
        return b"", "EMPTY_PAYLOAD"
    if kind == "truncated":
        return value[:len(value) // 2], "TRUNCATED"
    if kind == "trailing":
        return value + b"\0", "TRAILING_BYTES"
    raise ValueError(kind)


POISON_KINDS = ("null", "empty", "truncated", "trailing")


def partition_of(key, partitions):
    return zlib.crc32(key) % partitions


def make_event(seed, number, partitions, poison_rate=0.0, frame=None):
    """frame: a function from Avro bytes to the record's value, None for raw framing."""
    fields = payment(seed, number)
    value = encode(fields)
    if frame:
        value = frame(value)
    pick = random.Random(f"poison {seed}/{number}")
    code = None
    if pick.random() < poison_rate:
        value, code = spoil(pick.choice(POISON_KINDS), value)
    headers = [("origin", b"test"), ("empty", b""), ("none", None)]
    if number % 10 == 0:
        headers.append(("traceparent", f"00-{number:032x}-{number + 1:016x}-01".encode()))
    key = fields["card_id"].encode()
    return Event(partition_of(key, partitions), key, value, headers,
                 BASE_MS + number * STEP_MS, fields, code)


def make_events(seed, count, partitions, poison_rate=0.0, first=0, frame=None):
    for number in range(first, first + count):
        yield make_event(seed, number, partitions, poison_rate, frame)


def check_decision(event, src, decision):
    """What is wrong with a decision by the oracle: a list of texts."""
    try:
        record = decode_decision(decision.value)
    except Exception as error:                          # whatever a foreign reader says
        return [f"altered: {src} cannot be read as fraudd.Decision: {error}"]
    wrong = []

    def same(what, got, want):
        if got != want:
            wrong.append(f"altered: {what} of {src} is {got!r}, expected {want!r}")

    same("id", record["id"], "/".join(map(str, src)))
    same("key", decision.key, event.key)
    trace = [h for h in decision.headers if h[0] == "traceparent"]
    same("traceparent", trace, [h for h in event.headers if h[0] == "traceparent"])
    if event.poison:
        same("flags", record["flags"], ["INVALID"])
        same("action", record["action"], "REVIEW")
        return wrong
    action, hits, score = expected_verdict(event.fields)
    same("event_id", record["event_id"], event.fields["tx_id"])
    same("action", record["action"], action)
    same("rules", [r["id"] for r in record["rules"] if r["mode"] == "LIVE"], hits)
    same("flags", record["flags"], [])
    if score is not None:
        same("score", record["score"], score)
    header = [h[1] for h in decision.headers if h[0] == "fd.event_id"]
    same("fd.event_id", header, [event.fields["tx_id"].encode()])
    return wrong
