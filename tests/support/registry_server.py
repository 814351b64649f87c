#!/usr/bin/env python3
"""A small Schema Registry for tests: the part of Confluent's interface that fraudd uses, and trouble on demand.

    registry_server.py --port 0 --print-port [--auth user:password] [--tls CERT KEY]

It keeps everything in memory and ends with its standard input when --until-eof is given, so that no test leaves it
behind. Registry: POST /subjects/S/versions {"schema": "...", "schemaType"?, "references"?, "id"?} gives {"id": N};
GET /schemas/ids/N. An own "id" in the request is an extension, for tests that need a known number.
Trouble, never behind the password: POST /_test/mode {"mode": M, "times"?: K, ...} for the next K registry requests
(for ever without), where M is
    ok | status (with "status", "body"?) | slow (with "seconds") | cut (half an answer) | garbage (not HTTP at all)
GET /_test/requests gives {"requests": N, "paths": [...]} of the registry requests so far.
"""

import argparse
import base64
import hashlib
import json
import re
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
MAX_BODY = 8 << 20


class Registry:
    """Schemas by id; equal schemas share one, as in the original."""

    def __init__(self, auth):
        self.lock = threading.Lock()
        self.auth = base64.b64encode(auth.encode()).decode() if auth else None
        self.by_id = {}
        self.ids = {}
        self.subjects = {}
        self.paths = []
        self.mode = {"mode": "ok"}

    def register(self, subject, body):
        record = {key: body[key] for key in ("schema", "schemaType", "references") if body.get(key)}
        digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
        with self.lock:
            number = body.get("id") or self.ids.get(digest) or max(self.by_id, default=0) + 1
            if self.by_id.get(number, record) != record:
                return None
            self.by_id[number] = record
            self.ids[digest] = number
            self.subjects.setdefault(subject, []).append(number)
        return number

    def next_mode(self, path):
        """The trouble for this request, counted down."""
        with self.lock:
            self.paths.append(path)
            mode = self.mode
            if "times" in mode:
                if mode["times"] <= 0:
                    return {"mode": "ok"}
                mode["times"] -= 1
            return dict(mode)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.flush_with(data)

    def flush_with(self, data):
        """Headers and body in one segment: a body on its own would wait for a delayed acknowledgement."""
        self._headers_buffer.append(b"\r\n" + data)
        self.flush_headers()

    def body(self):
        size = min(int(self.headers.get("Content-Length") or 0), MAX_BODY)
        try:
            value = json.loads(self.rfile.read(size))
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def troubled(self):
        """Makes the trouble asked for; True when the request needs no other answer."""
        mode = self.registry.next_mode(self.path)
        kind = mode["mode"]
        if kind == "status":
            body = mode.get("body", {"error_code": mode["status"], "message": "asked for by a test"})
            self.answer(mode["status"], body.encode() if isinstance(body, str) else body)
        elif kind == "slow":
            time.sleep(mode["seconds"])
            return False
        elif kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"schema": "')
            self.close_connection = True
        elif kind == "garbage":
            self.wfile.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            self.close_connection = True
        return kind != "ok"

    def refused(self):
        auth = self.registry.auth
        if auth is None or self.headers.get("Authorization") == "Basic " + auth:
            return False
        self.answer(401, {"error_code": 401, "message": "Unauthorized"}, [("WWW-Authenticate", "Basic")])
        return True

    def do_GET(self):
        if self.path == "/_test/requests":
            with self.registry.lock:
                paths = list(self.registry.paths)
            self.answer(200, {"requests": len(paths), "paths": paths})
            return
        if self.troubled() or self.refused():
            return
        match = re.fullmatch(r"/schemas/ids/([0-9]{1,10})(?:\?.*)?", self.path)
        if match is None:
            self.answer(404, {"error_code": 404, "message": "HTTP 404 Not Found"})
            return
        record = self.registry.by_id.get(int(match[1]))
        if record is None:
            self.answer(404, {"error_code": 40403, "message": f"Schema {match[1]} not found"})
        else:
            self.answer(200, record)

    def do_POST(self):
        body = self.body()
        if self.path == "/_test/mode":
            if body is None or body.get("mode") not in ("ok", "status", "slow", "cut", "garbage"):
                self.answer(400, {"message": "give a JSON object with a known mode"})
                return
            with self.registry.lock:
                self.registry.mode = body
            self.answer(200, {})
            return
        if self.troubled() or self.refused():
            return
        match = re.fullmatch(r"/subjects/([^/?]+)/versions(?:\?.*)?", self.path)
        if match is None:
            self.answer(404, {"error_code": 404, "message": "HTTP 404 Not Found"})
        elif body is None or not isinstance(body.get("schema"), str):
            self.answer(422, {"error_code": 42201, "message": "no schema given"})
        else:
            number = self.registry.register(match[1], body)
            if number is None:
                self.answer(409, {"error_code": 409, "message": "another schema has this id"})
            else:
                self.answer(200, {"id": number})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up (a test of theirs, or TLS they do not trust) are no news."""


def serve(port, auth=None, tls=None):
    """A server that runs on a thread of its own; its port is server_address[1]."""
    handler = type("BoundHandler", (Handler,), {"registry": Registry(auth)})
    server = Server(("127.0.0.1", port), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 = any free one")
    parser.add_argument("--print-port", action="store_true", help="say the port on standard output")
    parser.add_argument("--auth", metavar="USER:PASSWORD")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files; serves https")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    arguments = parser.parse_args()
    server = serve(arguments.port, arguments.auth, arguments.tls)
    if arguments.print_port:
        print(server.server_address[1], flush=True)
    try:
        if arguments.until_eof:
            sys.stdin.read()
        else:
            threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
