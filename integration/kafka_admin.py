#!/usr/bin/env python3
"""Small Kafka admin client for the development scripts.

Why it exists: the scripts must know when a broker really answers, and must create topics, in
milliseconds; a JVM tool takes seconds per call. It speaks a few non-flexible request versions of the
Kafka protocol (plaintext, no authentication) and needs nothing but the Python standard library.
It does not produce, consume, or retry on its own beyond the waits that each command documents.

    kafka_admin.py ready  HOST:PORT [--timeout S] [--pid PID]   wait until broker and coordinators answer
    kafka_admin.py create HOST:PORT [--config K=V]... NAME:PARTITIONS...
    kafka_admin.py delete HOST:PORT NAME...
    kafka_admin.py list   HOST:PORT                             name, partitions (internal topics left out)
    kafka_admin.py ping-redis URL                               PING a redis:// server
    kafka_admin.py free-ports COUNT                             ports that are free on 127.0.0.1 now

Exit codes: 0 ok, 1 the server refused, 2 usage, 69 the server cannot be reached.
"""

import argparse
import os
import random
import socket
import struct
import sys
import time
import urllib.parse

API_METADATA = (3, 4)
API_FIND_COORDINATOR = (10, 1)
API_VERSIONS = (18, 0)
API_CREATE_TOPICS = (19, 4)
API_DELETE_TOPICS = (20, 3)

GROUP_COORDINATOR = 0
TRANSACTION_COORDINATOR = 1

UNKNOWN_TOPIC = 3
ERROR_NAMES = {
    UNKNOWN_TOPIC: "unknown topic",
    7: "timed out",
    17: "invalid topic name",
    29: "not authorized",
    36: "the topic exists already",
    37: "invalid number of partitions",
    38: "invalid replication factor",
    40: "invalid configuration",
    41: "not the controller",
    42: "invalid request",
    44: "refused by policy",
}

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 69

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
# Outside the usual range of outgoing connections (32768-60999), so that a port stays free while a
# server restarts on it.
PORT_FIRST, PORT_LAST = 20000, 32000


class Unreachable(Exception):
    """The server does not answer (yet)."""


class Refused(Exception):
    """The server answered with an error."""


def describe(code):
    return ERROR_NAMES.get(code, f"Kafka error code {code}")


class Reader:
    """Reads big-endian protocol fields from one response."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, form):
        size = struct.calcsize(form)
        if self.at + size > len(self.data):
            raise Unreachable("the answer is too short: is this a Kafka broker?")
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += size
        return value

    def i8(self):
        return self.take(">b")

    def i16(self):
        return self.take(">h")

    def i32(self):
        return self.take(">i")

    def text(self):
        size = self.i16()
        if size < 0:
            return None
        if self.at + size > len(self.data):
            raise Unreachable("the answer is too short: is this a Kafka broker?")
        value = self.data[self.at : self.at + size].decode("utf-8", "replace")
        self.at += size
        return value

    def array(self, read_one):
        return [read_one() for _ in range(max(0, self.i32()))]


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Broker:
    """One connection; every call raises Unreachable when the connection fails."""

    def __init__(self, address, timeout_s):
        host, port = split_address(address)
        self.address = address
        self.correlation = 0
        try:
            self.socket = socket.create_connection((host, port), timeout=timeout_s)
        except OSError as error:
            raise Unreachable(f"cannot connect to {address}: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _receive(self, size):
        chunks = []
        while size > 0:
            chunk = self.socket.recv(min(size, 65536))
            if not chunk:
                raise Unreachable(f"{self.address} closed the connection: is this a plaintext Kafka listener?")
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def call(self, api, body):
        key, version = api
        self.correlation += 1
        request = struct.pack(">hhi", key, version, self.correlation) + text("fraudd-dev") + body
        try:
            self.socket.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", self._receive(4))
            if not 4 <= size <= MAX_RESPONSE_BYTES:
                raise Unreachable(f"{self.address} does not speak the Kafka protocol")
            reader = Reader(self._receive(size))
        except OSError as error:
            raise Unreachable(f"{self.address} does not answer: {error}") from error
        if reader.i32() != self.correlation:
            raise Unreachable(f"{self.address} does not speak the Kafka protocol")
        return reader

    def versions(self):
        reader = self.call(API_VERSIONS, b"")
        error = reader.i16()
        if error:
            raise Refused(f"ApiVersions: {describe(error)}")
        return {key: (low, high) for key, low, high in reader.array(lambda: (reader.i16(), reader.i16(), reader.i16()))}

    def metadata(self, names=None):
        """Returns (number of brokers, {topic: (error, internal, [(leader, replicas, in sync) per partition])})."""
        wanted = struct.pack(">i", -1) if names is None else array([text(name) for name in names])
        reader = self.call(API_METADATA, wanted + b"\0")
        reader.i32()
        brokers = reader.array(lambda: (reader.i32(), reader.text(), reader.i32(), reader.text()))
        reader.text()
        reader.i32()

        def partition():
            reader.i16()
            reader.i32()
            return reader.i32(), reader.array(reader.i32), reader.array(reader.i32)

        def topic():
            error, name, internal = reader.i16(), reader.text(), reader.i8() != 0
            return name, (error, internal, reader.array(partition))

        return len(brokers), dict(reader.array(topic))

    def find_coordinator(self, kind):
        reader = self.call(API_FIND_COORDINATOR, text("fraudd-dev-probe") + struct.pack(">b", kind))
        reader.i32()
        return reader.i16()


def split_address(address):
    host, colon, port = address.split(",")[0].strip().rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise SystemExit(usage(f"'{address}' is not HOST:PORT"))
    return host.strip("[]"), int(port)


def usage(message):
    print(f"kafka_admin: {message}", file=sys.stderr)
    return EXIT_USAGE


def wait_until(check, timeout_s, pid=None):
    """Repeats check (returns None when done, else what is missing) until the deadline."""
    deadline = time.monotonic() + timeout_s
    missing = "no answer"
    while True:
        try:
            missing = check()
            if missing is None:
                return
        except Unreachable as error:
            missing = str(error)
        if pid is not None and not os.path.exists(f"/proc/{pid}"):
            raise Unreachable("the server process ended")
        if time.monotonic() >= deadline:
            raise Unreachable(f"not ready after {timeout_s:g} s: {missing}")
        time.sleep(0.05)


def command_ready(options):
    """Asking for both coordinators makes the broker create its internal topics now, not in the first test."""

    def check():
        with Broker(options.bootstrap, 5) as broker:
            if API_CREATE_TOPICS[0] not in broker.versions():
                return "the broker does not offer CreateTopics yet"
            registered, topics = broker.metadata(None if options.brokers > 1 else [])
            if registered < options.brokers:
                return f"{registered} of {options.brokers} brokers are registered"
            lagging = [name for name, (_, _, partitions) in topics.items()
                       for leader, replicas, in_sync in partitions
                       if leader < 0 or len(in_sync) < len(replicas)]
            if lagging:
                return f"replicas are not in sync: {lagging[0]}"
            for kind, name in ((GROUP_COORDINATOR, "group"), (TRANSACTION_COORDINATOR, "transaction")):
                error = broker.find_coordinator(kind)
                if error:
                    return f"{name} coordinator: {describe(error)}"
        return None

    wait_until(check, options.timeout, options.pid)
    return 0


def parse_topic(spec):
    name, colon, count = spec.partition(":")
    if not name or not colon or not count.isdigit() or int(count) < 1:
        raise SystemExit(usage(f"'{spec}' is not NAME:PARTITIONS, e.g. payments:4"))
    return name, int(count)


def parse_config(pair):
    key, equals, value = pair.partition("=")
    if not key or not equals:
        raise SystemExit(usage(f"'{pair}' is not KEY=VALUE, e.g. retention.ms=60000"))
    return key, value


def command_create(options):
    topics = [parse_topic(spec) for spec in options.topics]
    configs = array([text(key) + text(value) for key, value in map(parse_config, options.config)])
    broker_default = -1
    wanted = [
        text(name) + struct.pack(">ih", count, broker_default) + array([]) + configs for name, count in topics
    ]
    with Broker(options.bootstrap, options.timeout) as broker:
        reader = broker.call(API_CREATE_TOPICS, array(wanted) + struct.pack(">i?", int(options.timeout * 1000), False))
        reader.i32()
        answers = reader.array(lambda: (reader.text(), reader.i16(), reader.text()))
        failed = [f"{name}: {message or describe(error)}" for name, error, message in answers if error]
        if failed:
            raise Refused("cannot create " + "; ".join(failed))

        def check():
            _, known = broker.metadata([name for name, _ in topics])
            for name, count in topics:
                error, _, partitions = known[name]
                if error or len(partitions) != count or min(leader for leader, _, _ in partitions) < 0:
                    return f"topic {name} has no leader yet"
            return None

        wait_until(check, options.timeout)
    return 0


def command_delete(options):
    with Broker(options.bootstrap, options.timeout) as broker:
        body = array([text(name) for name in options.topics]) + struct.pack(">i", int(options.timeout * 1000))
        reader = broker.call(API_DELETE_TOPICS, body)
        reader.i32()
        failed = [
            f"{name}: {describe(error)}" for name, error in reader.array(lambda: (reader.text(), reader.i16())) if error
        ]
        if failed:
            raise Refused("cannot delete " + "; ".join(failed))

        def check():
            _, known = broker.metadata(options.topics)
            left = [name for name, (error, _, _) in known.items() if error != UNKNOWN_TOPIC]
            return f"still there: {', '.join(left)}" if left else None

        wait_until(check, options.timeout)
    return 0


def command_list(options):
    with Broker(options.bootstrap, options.timeout) as broker:
        _, known = broker.metadata()
    for name, (_, internal, partitions) in sorted(known.items()):
        if not internal:
            print(f"{name}\t{len(partitions)}")
    return 0


def command_ping_redis(options):
    url = urllib.parse.urlsplit(options.url)
    if url.scheme != "redis" or not url.hostname:
        return usage(f"'{options.url}' is not redis://[user:password@]HOST[:PORT][/DB]")
    address = f"{url.hostname}:{url.port or 6379}"
    commands = b"PING\r\n"
    if url.password:
        words = ["AUTH"] + [urllib.parse.unquote(word) for word in (url.username, url.password) if word]
        packed = b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
        commands = b"*%d\r\n%s" % (len(words), packed) + commands

    def check():
        try:
            with socket.create_connection((url.hostname, url.port or 6379), timeout=5) as connection:
                connection.sendall(commands)
                answer = b""
                while b"PONG" not in answer:
                    chunk = connection.recv(4096)
                    answer += chunk
                    if not chunk or len(answer) > 4096 or answer.startswith(b"-"):
                        first = answer.decode("utf-8", "replace").strip().split("\r\n")[0]
                        return f"redis at {address} answered '{first[:80]}'"
        except OSError as error:
            raise Unreachable(f"cannot connect to {address}: {error}") from error
        return None

    wait_until(check, options.timeout, options.pid)
    return 0


def command_free_ports(options):
    held = []
    candidates = list(range(PORT_FIRST, PORT_LAST))
    random.shuffle(candidates)
    for port in candidates:
        if len(held) == options.count:
            break
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
            held.append(probe)
        except OSError:
            probe.close()
    if len(held) < options.count:
        raise Refused(f"no {options.count} free ports between {PORT_FIRST} and {PORT_LAST}")
    print(*[probe.getsockname()[1] for probe in held])
    for probe in held:
        probe.close()
    return 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name, run, target):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument(target)
        command.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
        command.add_argument("--pid", type=int, help="give up when this process ends")
        return command

    ready = add("ready", command_ready, "bootstrap")
    ready.add_argument("--brokers", type=int, default=1, help="with more than one: all replicas must be in sync too")
    create = add("create", command_create, "bootstrap")
    create.add_argument("--config", action="append", default=[], metavar="KEY=VALUE")
    create.add_argument("topics", nargs="+", metavar="NAME:PARTITIONS")
    add("delete", command_delete, "bootstrap").add_argument("topics", nargs="+", metavar="NAME")
    add("list", command_list, "bootstrap")
    add("ping-redis", command_ping_redis, "url")
    ports = commands.add_parser("free-ports")
    ports.set_defaults(run=command_free_ports)
    ports.add_argument("count", type=int)
    return parser.parse_args()


def main():
    options = parse_arguments()
    try:
        return options.run(options)
    except Unreachable as error:
        print(f"kafka_admin: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE
    except Refused as error:
        print(f"kafka_admin: {error}", file=sys.stderr)
        return EXIT_REFUSED


if __name__ == "__main__":
    sys.exit(main())
