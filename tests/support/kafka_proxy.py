"""A TCP proxy that understands Kafka's request headers and hurts chosen requests.

Why it exists: a lost or late answer to EndTxn is what breaks transactions in practice, and nobody
can produce it by killing processes. The broker advertises this proxy's port for a listener of its
own, so that only the process under test goes through it. Nothing is rewritten.

A Rule fires on the n-th request of an API (`hits`: which of them) and does one of
  cut-before     closes both sides before the request is forwarded
  cut-after      forwards it, swallows the answer, closes the client's side
  delay          holds the request for hold_s, then forwards it; the connection waits in order
  delay-answer   forwards it at once, holds the answer for hold_s
  detach         takes the request out of its connection, closes the client's side and sends the
                 request to the broker when `release` is called (or after hold_s): the network that
                 delivers an old request late, out of order (the Jepsen case)
Threads: an asyncio loop on a thread of its own; rules may be added and read from any thread.
"""
import asyncio
import struct
import threading
import time

API_NAMES = {0: "Produce", 1: "Fetch", 3: "Metadata", 8: "OffsetCommit", 9: "OffsetFetch",
             10: "FindCoordinator", 11: "JoinGroup", 12: "Heartbeat", 13: "LeaveGroup",
             14: "SyncGroup", 18: "ApiVersions", 22: "InitProducerId", 24: "AddPartitionsToTxn",
             25: "AddOffsetsToTxn", 26: "EndTxn", 28: "TxnOffsetCommit"}
PRODUCE, INIT_PRODUCER_ID, ADD_PARTITIONS, ADD_OFFSETS, END_TXN, TXN_OFFSET_COMMIT = (
    0, 22, 24, 25, 26, 28)


class Request:
    """What the header of a request says; transactional_id where the API begins with it."""

    def __init__(self, frame):
        self.frame = frame
        self.api, self.version, self.correlation = struct.unpack_from(">hhi", frame, 0)
        at = 8
        (size,) = struct.unpack_from(">h", frame, at)
        at += 2 + max(0, size)
        self.client_id = frame[10:at].decode("utf-8", "replace") if size > 0 else ""
        self.transactional_id = self._transactional_id(frame, at)
        self.at_s = time.monotonic()

    def _transactional_id(self, frame, at):
        first_flexible = {INIT_PRODUCER_ID: 2, ADD_PARTITIONS: 3, ADD_OFFSETS: 3, END_TXN: 3,
                          TXN_OFFSET_COMMIT: 3, PRODUCE: 9}.get(self.api)
        if first_flexible is None or (self.api == ADD_PARTITIONS and self.version >= 4):
            return None
        if self.version >= first_flexible:
            at += 1                                     # no tagged fields in the header
            size = frame[at] - 1                        # compact; names here are under 127 bytes
            at += 1
        elif self.api == PRODUCE and self.version < 3:
            return None
        else:
            (size,) = struct.unpack_from(">h", frame, at)
            at += 2
        return None if size < 0 else frame[at:at + size].decode("utf-8", "replace")


class Rule:
    def __init__(self, api, action, hits=(1,), hold_s=0.0, transactional_id=None, times=None):
        """hits: which matching requests; None: every one, at most `times`. transactional_id: only
        those whose id ends so."""
        self.api, self.action, self.hold_s = api, action, hold_s
        self.hits = None if hits is None else set(hits)
        self.times = times
        self.suffix = transactional_id
        self.seen = 0
        self.fired = []                                 # descriptions, one for each firing
        self.released = asyncio.Event()
        self.answers = []                               # of detached requests: the broker's answers

    def matches(self, request):
        if request.api != self.api:
            return False
        if self.suffix and not (request.transactional_id or "").endswith(self.suffix):
            return False
        self.seen += 1
        if self.hits is None:
            return self.times is None or len(self.fired) < self.times
        return self.seen in self.hits

    def done(self):
        wanted = self.times if self.hits is None else len(self.hits)
        return wanted is not None and len(self.fired) >= wanted


class Proxy:
    def __init__(self, port, target):
        """port: where clients come; target: (host, port) of the broker's proxied listener."""
        self.port, self.target = port, target
        self.rules = []
        self.trace = []                                 # (time, "ask" or "answer", API, its id)
        self.loop = asyncio.new_event_loop()
        self._tasks = set()
        self._ready = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)
        if self._failure:
            raise self._failure

    def add(self, *rules):
        self.rules.extend(rules)
        return rules[0] if len(rules) == 1 else rules

    def clear(self):
        self.rules = []

    def release(self, rule):
        self.loop.call_soon_threadsafe(rule.released.set)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        try:
            server = self.loop.run_until_complete(
                asyncio.start_server(self._client, "127.0.0.1", self.port))
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.05))
        self.loop.close()

    async def _client(self, reader, writer):
        link = Link(self, reader, writer)
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await link.run()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            link.close()
            self._tasks.discard(task)


async def read_frame(reader):
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


def framed(data):
    return struct.pack(">i", len(data)) + data


class Link:
    """One client connection and its twin to the broker. Kafka answers in the order of requests."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.upstream = None
        self.answer_rules = {}                          # correlation id -> rule
        self.asked = {}                                 # correlation id -> transactional request

    def close(self):
        for writer in (self.writer, self.upstream):
            if writer:
                writer.close()

    async def run(self):
        up_reader, self.upstream = await asyncio.open_connection(*self.proxy.target)
        answers = asyncio.ensure_future(self._answers(up_reader))
        try:
            while await self._one_request():
                pass
        finally:
            answers.cancel()

    async def _one_request(self):
        """False: the connection is to end."""
        request = Request(await read_frame(self.reader))
        rule = next((r for r in self.proxy.rules if r.matches(request)), None)
        if request.transactional_id is not None:
            self.proxy.trace.append((request.at_s, "ask", request.api, request.transactional_id))
            self.asked[request.correlation] = request
        if rule is None:
            return await self._forward(request)
        rule.fired.append(f"{rule.action} {API_NAMES.get(request.api, request.api)} number "
                          f"{rule.seen} of {request.transactional_id or request.client_id}")
        if rule.action == "cut-before":
            return False
        if rule.action == "detach":
            asyncio.ensure_future(self._deliver_late(request, rule))
            return False
        if rule.action == "delay":
            await asyncio.sleep(rule.hold_s)
        else:
            self.answer_rules[request.correlation] = rule
        return await self._forward(request)

    async def _forward(self, request):
        self.upstream.write(framed(request.frame))
        await self.upstream.drain()
        return True

    async def _deliver_late(self, request, rule):
        try:
            await asyncio.wait_for(rule.released.wait(), rule.hold_s)
        except asyncio.TimeoutError:
            pass
        reader, writer = await asyncio.open_connection(*self.proxy.target)
        writer.write(framed(request.frame))
        try:
            rule.answers.append((time.monotonic(), await asyncio.wait_for(read_frame(reader), 10)))
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            rule.answers.append((time.monotonic(), error))
        writer.close()

    async def _answers(self, reader):
        try:
            while True:
                frame = await read_frame(reader)
                (correlation,) = struct.unpack_from(">i", frame, 0)
                rule = self.answer_rules.pop(correlation, None)
                asked = self.asked.pop(correlation, None)
                if rule and rule.action == "cut-after":
                    break
                if rule and rule.action == "delay-answer":
                    await asyncio.sleep(rule.hold_s)
                if asked:
                    self.proxy.trace.append((time.monotonic(), "answer", asked.api,
                                             asked.transactional_id))
                self.writer.write(framed(frame))
                await self.writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        self.close()


def listener_options(plain_port, controller_port, inner_port, proxy_port):
    """Options of integration/servers start: a listener that the broker advertises as the proxy."""
    protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXY:PLAINTEXT"
    properties = {
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{plain_port},CONTROLLER://127.0.0.1:{controller_port},"
                     f"PROXY://127.0.0.1:{inner_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain_port},"
                                f"PROXY://127.0.0.1:{proxy_port}",
        "listener.security.protocol.map": protocols,
    }
    options = ["--kafka-port", str(plain_port)]
    for key, value in properties.items():
        options += ["--broker-prop", f"{key}={value}"]
    return options
