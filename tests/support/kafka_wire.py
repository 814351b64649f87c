"""The few Kafka requests that a watcher needs, on a plain socket.

Why it exists: the watcher asks ten times a second while brokers die, and the admin client of
librdkafka 2.16 may end the whole process with an assertion then. Every call uses a fresh
connection, answers None when no broker does (yet) answer, and never retries: callers poll. Of
several brokers, who is not the coordinator or leader asked for refuses, and the next one is asked.
"""
import socket
import struct

API_LIST_OFFSETS, API_METADATA, API_OFFSET_FETCH, API_DESCRIBE_GROUPS = 2, 3, 9, 15
UNCOMMITTED, COMMITTED = 0, 1
LATEST = -1


class Answer:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        (value,) = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return value

    def raw(self, size):
        found = self.data[self.at:self.at + size]
        self.at += size
        return found

    def text(self):
        size = self.take("h")
        return None if size < 0 else self.raw(size).decode("utf-8", "replace")

    def bytes(self):
        return self.raw(max(0, self.take("i")))

    def array(self, read_one):
        return [read_one() for _ in range(max(0, self.take("i")))]


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def array(items):
    items = list(items)
    return struct.pack(">i", len(items)) + b"".join(items)


def brokers(bootstrap):
    return bootstrap.split(",")


def ask(address, key, version, body, timeout_s=3.0):
    """The answer after the response header; None when there is none in time."""
    host, _, port = address.rpartition(":")
    request = struct.pack(">hhi", key, version, 1) + text("test-watcher") + body
    try:
        with socket.create_connection((host, int(port)), timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)

            def receive(size):
                data = b""
                while len(data) < size:
                    chunk = connection.recv(size - len(data))
                    if not chunk:
                        raise OSError("closed")
                    data += chunk
                return data
            (size,) = struct.unpack(">i", receive(4))
            return Answer(receive(size)[4:])
    except OSError:
        return None


def first_of(bootstrap, question):
    """The first answer that is not None of question(address)."""
    for address in brokers(bootstrap):
        found = question(address)
        if found is not None:
            return found
    return None


def known_partitions(bootstrap, topic):
    """The least number of partitions with a leader that any broker knows of."""
    return min(partitions_by(address, topic) for address in brokers(bootstrap))


def partitions_by(address, topic):
    answer = ask(address, API_METADATA, 1, array([text(topic)]))
    if answer is None:
        return 0
    answer.array(lambda: (answer.take("i"), answer.text(), answer.take("i"), answer.text()))
    answer.take("i")

    def partition():
        answer.take("h")
        answer.take("i")
        leader = answer.take("i")
        answer.array(lambda: answer.take("i"))
        answer.array(lambda: answer.take("i"))
        return leader
    found = answer.array(lambda: (answer.take("h"), answer.text(), answer.take("b"),
                                  answer.array(partition)))
    error, _, _, leaders = found[0]
    return 0 if error else sum(leader >= 0 for leader in leaders)


def committed_offsets(bootstrap, group, topic, partitions):
    """{partition: offset or None}; None when the coordinator does not answer. Pending ones of an
    open transaction are not waited for and not shown."""
    return first_of(bootstrap, lambda address: offsets_by(address, group, topic, partitions))


def offsets_by(address, group, topic, partitions):
    body = text(group) + array([text(topic) + array(struct.pack(">i", p) for p in range(partitions))])
    answer = ask(address, API_OFFSET_FETCH, 5, body)
    if answer is None:
        return None
    answer.take("i")

    def partition():
        index, offset = answer.take("i"), answer.take("q")
        answer.take("i")
        answer.text()
        return index, offset, answer.take("h")
    found = [p for topic_parts in answer.array(lambda: (answer.text(), answer.array(partition))[1])
             for p in topic_parts]
    if answer.take("h") or any(error for _, _, error in found):
        return None
    return {index: offset if offset >= 0 else None for index, offset, _ in found}


def group_members(bootstrap, group):
    """{group.instance.id or member id: set of (topic, partition)} of a stable group, else None."""
    return first_of(bootstrap, lambda address: members_by(address, group))


def members_by(address, group):
    answer = ask(address, API_DESCRIBE_GROUPS, 4, array([text(group)]) + b"\0")
    if answer is None:
        return None
    answer.take("i")

    def assignment(data):
        if len(data) < 6:
            return set()
        part = Answer(data)
        part.take("h")
        pairs = part.array(lambda: (part.text(), part.array(lambda: part.take("i"))))
        return {(topic, p) for topic, parts in pairs for p in parts}

    def member():
        member_id, instance = answer.text(), answer.text()
        answer.text()
        answer.text()
        answer.bytes()
        return instance or member_id, assignment(answer.bytes())

    def described():
        error, _, state = answer.take("h"), answer.text(), answer.text()
        answer.text()
        answer.text()
        members = dict(answer.array(member))
        answer.take("i")
        return None if error or state not in ("Stable", "Empty", "Dead") else members
    return answer.array(described)[0]


def log_ends(bootstrap, topic, partitions, isolation):
    """{partition: end offset (UNCOMMITTED) or last stable offset (COMMITTED)}, or None."""
    found = {}
    for address in brokers(bootstrap):
        found.update(ends_by(address, topic, partitions, isolation))
    return found if len(found) == partitions else None


def ends_by(address, topic, partitions, isolation):
    """Of the partitions that this broker leads."""
    body = struct.pack(">ib", -1, isolation) + array([text(topic) + array(
        struct.pack(">iq", p, LATEST) for p in range(partitions))])
    answer = ask(address, API_LIST_OFFSETS, 2, body)
    if answer is None:
        return {}
    answer.take("i")

    def partition():
        index, error, _, offset = (answer.take(form) for form in "ihqq")
        return index, error, offset
    found = answer.array(lambda: (answer.text(), answer.array(partition))[1])[0]
    return {index: offset for index, error, offset in found if not error}
