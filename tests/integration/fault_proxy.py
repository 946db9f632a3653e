"""An HTTP proxy between Penstock and a real S3 server that breaks chosen replies.

    proxy = FaultProxy(server_port)          proxy.endpoint is what the client is given
    fault = proxy.cut(after=100_000, key="big.csv", times=1)
    ... run the client ...
    fault.fired                               how often it really happened

A request matches the first fault of its method and key (part of the path or query) that still has
times left; others pass through unchanged. `require_fired()` fails for a fault that never fired, so
that a test cannot pass because nothing was broken (the fixture `proxy` calls it). `skip=n` lets n matching
requests pass first: the (n+1)-th is broken. One thread per connection; keep-alive works.
"""
import socket
import struct
import threading
import urllib.parse

CHUNK = 64 * 1024
ERROR_BODY = ('<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message>'
              "<RequestId>fault-proxy</RequestId></Error>")


class Fault:
    """One rule. kind and its numbers say what is broken; `fired` counts; `skip` requests pass before it."""

    def __init__(self, kind, method, key, times, skip=0, **details):
        self.kind, self.method, self.key, self.times, self.skip = kind, method, key, times, skip
        self.details = details
        self.fired = 0

    def takes(self, method, target):
        """Whether the rule breaks this request; counts it."""
        if self.fired >= self.times or method != self.method or not (
                self.key is None or self.key in urllib.parse.unquote(target)):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.fired += 1
        return True

    def __repr__(self):
        return "Fault(%s %s %s, fired %d of %s)" % (self.kind, self.method, self.key, self.fired, self.times)


def read_head(stream):
    """The first line and the header lines of a message; (None, []) at the end of the connection."""
    first = stream.readline()
    if not first:
        return None, []
    lines = []
    while True:
        line = stream.readline()
        if line in (b"\r\n", b"\n", b""):
            return first.decode("latin-1").strip(), lines
        lines.append(line.decode("latin-1").rstrip("\r\n"))


def header(lines, name):
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def without(lines, *names):
    return [line for line in lines if line.partition(":")[0].strip().lower() not in names]


class FaultProxy:
    def __init__(self, server_port):
        self.server_port = server_port
        self.faults = []
        self.requests = []  # (method, target, header lines), in order of arrival
        self.last_replies = {}  # (method, path): whole body, for repeat_page
        self.lock = threading.Lock()
        self.is_closed = threading.Event()
        self.connections = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.endpoint = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self._accept, daemon=True).start()

    # -- faults

    def _add(self, kind, method="GET", key=None, times=1, **details):
        fault = Fault(kind, method, key, times, **details)
        with self.lock:
            self.faults.append(fault)
        return fault

    def error(self, status, code, message="made by the fault proxy", headers=(), **rule):
        """Answers with an S3 error of its own; the server never sees the request."""
        return self._add("error", status=status, code=code, message=message, headers=headers, **rule)

    def slow_down(self, retry_after=None, **rule):
        return self.error(503, "SlowDown", "Please reduce your request rate.",
                          ["Retry-After: %s" % retry_after] if retry_after is not None else (), **rule)

    def cut(self, after, **rule):
        """Closes the connection in an orderly way after so many bytes of the body."""
        return self._add("cut", after=after, **rule)

    def reset(self, after, **rule):
        """Resets the connection (RST) after so many bytes of the body."""
        return self._add("reset", after=after, **rule)

    def wrong_length(self, off_by, **rule):
        """Declares a Content-Length that is off by so much; the body is as it is, then closes."""
        return self._add("wrong_length", off_by=off_by, **rule)

    def corrupt(self, at, **rule):
        """Flips one byte of the body; length and ETag stay."""
        return self._add("corrupt", at=at, **rule)

    def changed_etag(self, etag, **rule):
        """Replaces the ETag of the reply."""
        return self._add("changed_etag", etag=etag, **rule)

    def stall(self, after, seconds, **rule):
        """Sends nothing for so long after so many bytes, then closes."""
        return self._add("stall", after=after, seconds=seconds, **rule)

    def trickle(self, chunk, pause, **rule):
        """Sends the body in small pieces with a pause after each."""
        return self._add("trickle", chunk=chunk, pause=pause, **rule)

    def delay(self, seconds, **rule):
        """Lets the request go on only after so long; the reply is as it is."""
        return self.before(lambda: self.is_closed.wait(seconds), **rule)

    def repeat_page(self, times=1, **rule):
        """Answers with the reply before (of the same method and key) once more: a listing page again."""
        return self._add("repeat", times=times, **rule)

    def edit(self, change, **rule):
        """Sends change(body) instead of the body, with the right length: a listing page made wrong."""
        return self._add("edit", change=change, **rule)

    def before(self, action, **rule):
        """Calls action() before the request goes on to the server (to overwrite an object, say)."""
        return self._add("before", action=action, **rule)

    def require_fired(self):
        idle = [fault for fault in self.faults if fault.fired == 0]
        assert not idle, "faults that never fired: %s; requests: %s" % (
            idle, [(method, target) for method, target, _ in self.requests[-20:]])

    def count(self, method, key):
        """How many requests of that method had `key` in their path or query."""
        return sum(1 for have, target, _ in self.requests
                   if have == method and key in urllib.parse.unquote(target))

    def close(self):
        self.is_closed.set()
        self.listener.close()
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    # -- traffic

    def _accept(self):
        while not self.is_closed.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with self.lock:
            self.connections.add(client)
        server = None
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port))
            streams = client.makefile("rb"), server.makefile("rb")
            while self._exchange(client, server, *streams):
                pass
        except OSError:
            pass
        finally:
            with self.lock:
                self.connections.discard(client)
            client.close()
            if server is not None:
                server.close()

    def _take_fault(self, method, target, lines):
        with self.lock:
            self.requests.append((method, target, lines))
            for fault in self.faults:
                if fault.takes(method, target):
                    return fault
        return None

    def _exchange(self, client, server, from_client, from_server):
        """One request and its reply. Returns whether the connection goes on."""
        first, lines = read_head(from_client)
        if first is None:
            return False
        method, target = first.split(" ")[:2]
        if target.startswith("http://"):  # as a forward proxy is asked
            target = "/" + target.split("/", 3)[3]
            first = "%s %s HTTP/1.1" % (method, target)
        body = from_client.read(int(header(lines, "content-length") or 0))
        fault = self._take_fault(method, target, lines)
        if fault is not None and fault.kind == "error":
            return self._send_error(client, method, fault.details)
        if fault is not None and fault.kind == "before":
            fault.details["action"]()
            fault = None
        server.sendall("\r\n".join([first, *lines, "", ""]).encode("latin-1") + body)
        return self._relay(client, from_server, (method, target), fault)

    @staticmethod
    def _send_error(client, method, details):
        body = (ERROR_BODY % (details["code"], details["message"])).encode()
        head = ["HTTP/1.1 %d Fault" % details["status"], "Content-Type: application/xml",
                "Content-Length: %d" % len(body), *details["headers"], "", ""]
        client.sendall("\r\n".join(head).encode() + (b"" if method == "HEAD" else body))
        return True

    def _relay(self, client, from_server, request, fault):
        method, target = request
        first, lines = read_head(from_server)
        if first is None:
            return False
        status = int(first.split(" ")[1])
        if method == "HEAD" or status in (204, 304):
            body_length = 0
        elif (header(lines, "transfer-encoding") or "").lower() == "chunked":
            body = self._edited(read_chunked(from_server), method, target, fault)
            lines = without(lines, "transfer-encoding") + ["Content-Length: %d" % len(body)]
            return self._send(client, first, lines, iter([body]), len(body), fault)
        else:
            body_length = int(header(lines, "content-length") or 0)
        if "list-type=2" in target and method == "GET":
            body = self._edited(b"".join(pieces(from_server, body_length)), method, target, fault)
            lines = without(lines, "content-length") + ["Content-Length: %d" % len(body)]
            return self._send(client, first, lines, iter([body]), len(body), fault)
        return self._send(client, first, lines, pieces(from_server, body_length), body_length, fault)

    def _edited(self, body, method, target, fault):
        """A listing's body after the faults that change it as a whole."""
        place = method, target.split("?")[0]
        if fault is not None and fault.kind == "repeat":
            return self.last_replies.get(place, body)
        if fault is not None and fault.kind == "edit":
            body = fault.details["change"](body)
        self.last_replies[place] = body
        return body

    def _send(self, client, first, lines, body, body_length, fault):
        kind = fault.kind if fault is not None else None
        details = fault.details if fault is not None else {}
        if kind == "wrong_length":
            lines = without(lines, "content-length") + [
                "Content-Length: %d" % (body_length + details["off_by"])]
        if kind == "changed_etag":
            lines = without(lines, "etag") + ['ETag: "%s"' % details["etag"]]
        client.sendall("\r\n".join([first, *lines, "", ""]).encode("latin-1"))
        sent = 0
        for piece in body:
            if kind in ("cut", "reset", "stall") and sent + len(piece) > details["after"]:
                client.sendall(piece[:max(details["after"] - sent, 0)])
                return self._break(client, kind, details)
            if kind == "corrupt" and sent <= details["at"] < sent + len(piece):
                at = details["at"] - sent
                piece = piece[:at] + bytes([piece[at] ^ 0x01]) + piece[at + 1:]
            if kind == "trickle":
                self._trickle(client, piece, details)
            else:
                client.sendall(piece)
            sent += len(piece)
        return kind != "wrong_length"

    def _break(self, client, kind, details):
        if kind == "stall":
            self.is_closed.wait(details["seconds"])
        if kind == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def _trickle(self, client, piece, details):
        for start in range(0, len(piece), details["chunk"]):
            client.sendall(piece[start:start + details["chunk"]])
            if self.is_closed.wait(details["pause"]):
                return


def pieces(stream, length):
    """The next `length` bytes of the stream, in pieces."""
    while length > 0:
        piece = stream.read(min(CHUNK, length))
        if not piece:
            return
        length -= len(piece)
        yield piece


def read_chunked(stream):
    body = b""
    while True:
        size = int(stream.readline().split(b";")[0], 16)
        if size == 0:
            while stream.readline() not in (b"\r\n", b"\n", b""):
                pass
            return body
        body += stream.read(size)
        stream.readline()
