"""The invariants of exactly-once as plain functions over what was read; nothing here talks to Kafka.

Why it exists: the same checks run while faults happen (StreamChecker, fed by a read_committed
reader) and at the end (check_complete, check_equal, check_dead_letters), and test_checker.py feeds
them wrong histories, so that a check that cannot fail is noticed. A violation is one line of text
that begins with its kind: duplicate, missing, reordered, unexpected, misplaced, malformed, altered,
offset-backwards, offset-ahead, dead-letter-*.
"""
from collections import Counter, namedtuple

# What a reader saw. src: (topic, partition, offset) of the event, None when the header is bad.
Decision = namedtuple("Decision", "partition offset src key value headers")
DeadLetter = namedtuple("DeadLetter", "src key value headers code stage")

def parse_src(text):
    """'topic/partition/offset' as a tuple; None when it is something else."""
    try:
        topic, partition, offset = bytes(text).decode().rsplit("/", 2)
        if not topic or not partition.isdigit() or not offset.isdigit():
            return None
        return topic, int(partition), int(offset)
    except (UnicodeDecodeError, ValueError, TypeError):
        return None


def header_values(headers, name):
    return [value for key, value in headers or [] if key == name]


def decision_of(partition, offset, key, value, headers):
    found = header_values(headers, "fd.src")
    src = parse_src(found[0]) if len(found) == 1 and found[0] is not None else None
    return Decision(partition, offset, src, key, value, tuple(headers or ()))


class StreamChecker:
    """Takes committed decisions in the order a reader sees them; remembers what is wrong."""

    def __init__(self, topic, same_partition=True):
        self.topic = topic
        self.same_partition = same_partition
        self.decisions = {}            # input partition -> decisions, as they were read
        self.violations = []
        self._seen = {}                # input partition -> set of input offsets
        self._newest = {}

    def add(self, decision):
        if decision.src is None or decision.src[0] != self.topic:
            self._note("malformed", f"output {decision.partition}@{decision.offset}: "
                                    f"fd.src {header_values(decision.headers, 'fd.src')}")
            return
        partition, offset = decision.src[1:]
        where = f"{self.topic}/{partition}/{offset}, output {decision.partition}@{decision.offset}"
        if self.same_partition and decision.partition != partition:
            self._note("misplaced", where)
        seen = self._seen.setdefault(partition, set())
        if offset in seen:
            self._note("duplicate", where)
        elif offset < self._newest.get(partition, -1):
            self._note("reordered", f"{where}, after {self._newest[partition]}")
        seen.add(offset)
        self._newest[partition] = max(offset, self._newest.get(partition, -1))
        self.decisions.setdefault(partition, []).append(decision)

    def _note(self, kind, detail):
        self.violations.append(f"{kind}: {detail}")

    def count(self):
        return sum(len(found) for found in self.decisions.values())


def check_complete(expected, decisions):
    """expected: {partition: offsets of the log in order}; decisions: {partition: [Decision]}."""
    violations = []
    for partition in sorted(set(expected) | set(decisions)):
        want = list(expected.get(partition, []))
        got = [d.src[2] for d in decisions.get(partition, [])]
        if got == want:
            continue
        times = Counter(got)
        wanted = set(want)
        faults = [("missing", o) for o in want if o not in times]
        faults += [("duplicate", o) for o, n in times.items() if n > 1]
        faults += [("unexpected", o) for o in times if o not in wanted]
        if not faults:
            faults = [("reordered", b) for a, b in zip(got, got[1:]) if b < a]
        violations += [f"{kind}: partition {partition} offset {offset}" for kind, offset in faults]
    return violations


def by_offset(decisions):
    return {d.src[1:]: d for found in decisions.values() for d in found}


def check_equal(decisions, reference):
    """Byte-equality of key, value and headers with another run over the same log."""
    mine, theirs = by_offset(decisions), by_offset(reference)
    violations = [f"missing: {where} in this run" for where in sorted(set(theirs) - set(mine))]
    violations += [f"missing: {where} in the reference" for where in sorted(set(mine) - set(theirs))]
    for where in sorted(set(mine) & set(theirs)):
        for part in ("key", "value", "headers"):
            ours, other = getattr(mine[where], part), getattr(theirs[where], part)
            if ours != other:
                violations.append(f"altered: {part} of {where}: {ours!r:.300} is not {other!r:.300}")
    return violations


class OffsetHistory:
    """Committed offsets of the group as they were observed: only forward, never past decisions."""

    def __init__(self):
        self.newest = {}
        self.observations = 0
        self.violations = []

    def observe(self, partition, offset):
        """offset: next to decide; None when the group has none."""
        self.observations += 1
        before = self.newest.get(partition)
        if offset is None:
            if before is not None:
                self.violations.append(f"offset-backwards: partition {partition}: {before} to none")
            return
        if before is not None and offset < before:
            self.violations.append(f"offset-backwards: partition {partition}: {before} to {offset}")
        self.newest[partition] = offset if before is None else max(before, offset)


def check_offsets_decided(offsets, expected, decisions):
    """Below a committed offset every event of the log has its decision."""
    violations = []
    for partition, offset in sorted(offsets.items()):
        got = {d.src[2] for d in decisions.get(partition, [])}
        undecided = [o for o in expected.get(partition, []) if o < offset and o not in got]
        if undecided:
            violations.append(f"offset-ahead: partition {partition}: committed {offset}, but "
                              f"{len(undecided)} events below have no decision, first {undecided[0]}")
    return violations


def dead_letter_of(key, value, headers):
    def text(name):
        found = header_values(headers, "__fd.errors." + name)
        return (found[0] or b"").decode("utf-8", "replace") if len(found) == 1 else None

    topic, partition, offset = text("topic"), text("partition"), text("offset")
    src = None
    if topic and partition and offset:
        src = parse_src(f"{topic}/{partition}/{offset}".encode())
    rest = tuple(h for h in headers or () if not h[0].startswith("__fd.errors."))
    return DeadLetter(src, key, value, rest, text("code"), text("stage"))


def check_dead_letters(poison, letters, truncated_to=None):
    """poison: {(topic, partition, offset): (key, value, headers, code or None)}.

    Each exactly once, with the bytes it had; truncated_to: a longer value may be cut to a prefix.
    """
    violations = []
    times = Counter(letter.src for letter in letters)
    for src, n in times.items():
        if src not in poison:
            violations.append(f"dead-letter-unexpected: {src}, {n} times")
        elif n > 1:
            violations.append(f"dead-letter-duplicate: {src}, {n} times")
    violations += [f"dead-letter-missing: {src}" for src in sorted(set(poison) - set(times))]
    for letter in letters:
        if letter.src not in poison:
            continue
        key, value, headers, code = poison[letter.src]
        same = letter.value == value
        if not same and truncated_to is not None and value is not None and letter.value is not None:
            same = len(value) > truncated_to and len(letter.value) <= truncated_to
            same = same and value.startswith(letter.value)
        if letter.key != key or not same or letter.headers != tuple(headers or ()):
            violations.append(f"dead-letter-altered: {letter.src}")
        if not letter.stage or not letter.code or (code is not None and letter.code != code):
            violations.append(f"dead-letter-code: {letter.src}: {letter.stage}/{letter.code}, "
                              f"expected {code}")
    return violations


class FaultLog:
    """What was done to the service, each with the proof that it happened while work was left."""

    def __init__(self):
        self.faults = []                                # (kind, fired, proof)

    def add(self, kind, fired, proof):
        self.faults.append((kind, bool(fired), str(proof)))

    def counts(self):
        return Counter(kind for kind, fired, _ in self.faults if fired)

    def unfired(self):
        return [f"{kind}: {proof}" for kind, fired, proof in self.faults if not fired]

    def fired(self):
        return sum(self.counts().values())
