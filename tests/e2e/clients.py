"""Clients written from the standards, not from the hub: raw bytes, HTTP/1.1 bodies, SSE, lines.

Each read has a deadline and raises Late when it passes. Each is strict: what a lenient client would
forgive is an AssertionError here.
"""

import codecs
import json
import re
import select
import socket
import time
from dataclasses import dataclass, field
from email.message import Message

from hub import DEADLINE, Response

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
SSE_LINE_END = re.compile("\r\n|\n|\r")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*\Z")


class Late(AssertionError):
    """Nothing came within the deadline."""


class Cut(AssertionError):
    """The connection ended inside a message."""


class RawSocket:
    """One connection that carries exactly the bytes it is given."""

    def __init__(self, hub, deadline=DEADLINE):
        self.socket = socket.create_connection(("127.0.0.1", hub.port), timeout=deadline)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends with RST, as a client that was killed may."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    # --- writing ---------------------------------------------------------------------------------

    def send(self, data):
        """False when the peer has ended the connection meanwhile, which a refusal may do."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def send_in_pieces(self, pieces):
        """Piece by piece, each with a chance to be read alone; stops once the peer has closed."""
        for piece in pieces:
            if not self.send(piece):
                return
            if self._readable(0.001) and not self.fill(time.monotonic() + 1):
                return

    def finish_writing(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _readable(self, seconds):
        return bool(select.select([self.socket], [], [], seconds)[0])

    # --- reading ---------------------------------------------------------------------------------

    def fill(self, end):
        """Reads once into the buffer. False at the end of the stream."""
        if self.ended:
            return False
        left = end - time.monotonic()
        if left <= 0 or not self._readable(left):
            raise Late(f"nothing more before the deadline; so far {self.buffer[-300:]!r}")
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.buffer += data
        return True

    def read_until(self, mark, end):
        while mark not in self.buffer:
            if not self.fill(end):
                raise Cut(f"ended before {mark!r}: {self.buffer[-300:]!r}")
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def read_exactly(self, count, end):
        while len(self.buffer) < count:
            if not self.fill(end):
                raise Cut(f"ended {count - len(self.buffer)} bytes early")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_head(self, deadline=DEADLINE):
        """(status, headers) of the next answer, parsed strictly."""
        head = self.read_until(b"\r\n\r\n", time.monotonic() + deadline)
        lines = head.split(b"\r\n")
        status = STATUS_LINE.match(lines[0])
        assert status, f"not a status line: {lines[0]!r}"
        headers = Message()
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            assert colon and TOKEN.match(name), f"not a field line: {line!r}"
            assert not re.search(rb"[\0-\x08\x0a-\x1f\x7f]", value), f"control character: {line!r}"
            headers[name.decode("ascii")] = value.strip(b" \t").decode("latin-1")
        for single in ("content-length", "content-type", "transfer-encoding", "location", "etag"):
            assert len(headers.get_all(single, [])) <= 1, f"{single} is repeated"
        return int(status.group(1)), headers

    def response(self, method="GET", deadline=DEADLINE):
        """The next whole answer to a request of `method`, an interim one included."""
        status, headers = self.read_head(deadline)
        body = Body(self, status, headers, method)
        return Response(status, headers, body.read_all(deadline))

    def final_response(self, method="GET", deadline=DEADLINE):
        answer = self.response(method, deadline)
        while answer.status < 200:
            answer = self.response(method, deadline)
        return answer

    def at_end(self, deadline=DEADLINE):
        """Waits for the peer to close, without another byte."""
        end = time.monotonic() + deadline
        while self.fill(end):
            pass
        return self.buffer == b""


class Body:
    """The body of one answer, by RFC 9112 section 6.3."""

    def __init__(self, raw, status, headers, method):
        self.raw = raw
        self.done = False
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        assert not (coding and length), "both Transfer-Encoding and Content-Length"
        if status < 200 or status == 204:
            assert coding is None and length in (
                None,
                "0",
            ), "a body was announced where none may be"
        self.mode, self.left = "close", 0
        if method == "HEAD" or status < 200 or status in (204, 304):
            self.mode, self.done = "none", True
        elif coding is not None:
            assert coding.lower() == "chunked", coding
            self.mode = "chunked"
        elif length is not None:
            assert re.fullmatch("[0-9]+", length), length
            self.mode, self.left = "length", int(length)
            self.done = self.left == 0

    def read_some(self, end):
        """The next bytes; b"" once the body has ended as it should."""
        if self.done:
            return b""
        if self.mode == "chunked":
            return self._chunk(end)
        if not self.raw.buffer and not self.raw.fill(end):
            if self.mode == "length":
                raise Cut(f"{self.left} bytes of the body are missing")
            self.done = True
            return b""
        take = self.left if self.mode == "length" else len(self.raw.buffer)
        data, self.raw.buffer = self.raw.buffer[:take], self.raw.buffer[take:]
        if self.mode == "length":
            self.left -= len(data)
            self.done = self.left == 0
        return data

    def _chunk(self, end):
        size_line = self.raw.read_until(b"\r\n", end)
        size = re.fullmatch(rb"([0-9A-Fa-f]{1,8})(;.*)?", size_line)
        assert size, f"not a chunk size: {size_line!r}"
        count = int(size.group(1), 16)
        if count == 0:
            while self.raw.read_until(b"\r\n", end):
                pass  # a trailer field
            self.done = True
            return b""
        data = self.raw.read_exactly(count, end)
        assert self.raw.read_exactly(2, end) == b"\r\n", "chunk data without its line end"
        return data

    def read_all(self, deadline=DEADLINE):
        end = time.monotonic() + deadline
        parts = []
        while not self.done:
            parts.append(self.read_some(end))
        return b"".join(parts)


class HttpStream:
    """A GET whose body goes on."""

    def __init__(self, hub, path, headers=None, deadline=DEADLINE):
        self.raw = RawSocket(hub, deadline)
        fields = {"Host": f"127.0.0.1:{hub.port}", **(headers or {})}
        if hub.token and "Authorization" not in fields:
            fields["Authorization"] = f"Bearer {hub.token}"
        head = (
            f"GET {path} HTTP/1.1\r\n"
            + "".join(f"{n}: {v}\r\n" for n, v in fields.items())
            + "\r\n"
        )
        self.raw.send(head.encode("utf-8"))
        self.status, self.headers = self.raw.read_head(deadline)
        self.body = Body(self.raw, self.status, self.headers, "GET")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.raw.close()

    def response(self):
        """The whole answer, for one that turned out to be finite."""
        return Response(self.status, self.headers, self.body.read_all())


@dataclass
class SseEvent:
    type: str
    data: str
    id: str  # the last event id when it was dispatched
    fields: list = field(default_factory=list)  # (name, value) as they came, before interpretation

    def json(self):
        return json.loads(self.data)


class SseParser:
    """WHATWG HTML 9.2.5 and 9.2.6, fed in any pieces."""

    def __init__(self):
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._text = ""  # of the line that is not finished yet
        self._start = True
        self._after_cr = False
        self._data = []
        self._type = ""
        self._id = ""
        self._fields = []
        self.retry = None
        self.comments = []

    def feed(self, data, final=False):
        """The events that these bytes complete."""
        text = self._decoder.decode(data, final)
        if text and self._start:
            self._start = False
            text = text.removeprefix("\ufeff")
        if text and self._after_cr:
            text = text.removeprefix("\n")
            self._after_cr = False
        if text:
            self._after_cr = text.endswith("\r")
        *lines, self._text = SSE_LINE_END.split(self._text + text)
        return [event for line in lines for event in self._line(line)]

    def unfinished(self):
        """What a client drops when the stream ends here."""
        return bool(self._text or self._fields)

    def _line(self, line):
        if line == "":
            return self._dispatch()
        if line[0] == ":":
            self.comments.append(line[1:])
            return []
        name, colon, value = line.partition(":")
        if colon and value.startswith(" "):
            value = value[1:]
        self._fields.append((name, value))
        if name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.retry = int(value)
        return []

    def _dispatch(self):
        data, kind, fields = self._data, self._type, self._fields
        self._data, self._type, self._fields = [], "", []
        if not data:
            return []
        return [SseEvent(kind or "message", "\n".join(data), self._id, fields)]


class SseClient(HttpStream):
    """An EventSource that stays where it is told: it never reconnects by itself."""

    def __init__(self, hub, path, last_event_id=None, headers=None, deadline=DEADLINE, step=None):
        fields = {"Accept": "text/event-stream", "Cache-Control": "no-store", **(headers or {})}
        if last_event_id:
            fields["Last-Event-ID"] = last_event_id
        super().__init__(hub, path, fields, deadline)
        self.parser = SseParser()
        self.step = step  # feeds the parser in pieces of that many bytes
        self.last_event_id = ""  # of what was handed out, not of what already waits here
        self._waiting = []
        self.ended = False

    def opened(self):
        """This client, once it is what an EventSource calls open."""
        if self.status != 200:
            raise AssertionError(self.response())
        content_type = self.headers.get("content-type", "").split(";")[0].strip().lower()
        assert content_type == "text/event-stream", content_type
        return self

    def started(self):
        """This client, once the hub has said where it begins: from here on nothing is missed."""
        self.opened()
        end = time.monotonic() + DEADLINE
        while not self._waiting:
            assert not self.ended, "the stream ended before its start block"
            self._waiting += self._more(end)
        self.last_event_id = self._waiting[0].id
        return self

    def _more(self, end):
        data = self.body.read_some(end)
        if not data:
            self.ended = True
            self.parser.feed(b"", final=True)
            return []
        step = self.step or len(data)
        events = []
        for at in range(0, len(data), step):
            events += self.parser.feed(data[at : at + step])
        return events

    def next_of_any_type(self, deadline=DEADLINE):
        """The next event, heartbeats included; None at a clean end of the stream."""
        end = time.monotonic() + deadline
        while not self._waiting and not self.ended:
            self._waiting += self._more(end)
        if not self._waiting:
            return None
        event = self._waiting.pop(0)
        self.last_event_id = event.id
        return event

    def next(self, deadline=DEADLINE):
        """The next event that is not a heartbeat; None at a clean end of the stream."""
        end = time.monotonic() + deadline
        while True:
            event = self.next_of_any_type(end - time.monotonic())
            if event is None or event.type != "carillon.cursor":
                return event

    def next_of_type(self, kind, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while True:
            event = self.next_of_any_type(end - time.monotonic())
            assert event is not None, f"the stream ended before {kind}"
            if event.type == kind:
                return event

    def take(self, count, deadline=DEADLINE):
        """The next `count` events, none of which may be a gap or a farewell."""
        end = time.monotonic() + deadline
        events = []
        while len(events) < count:
            event = self.next(end - time.monotonic())
            assert event is not None, f"the stream ended after {len(events)} of {count} events"
            assert event.type in ("message", "carillon.event"), event
            events.append(event)
        return events

    def take_data(self, count, deadline=DEADLINE):
        return [event.data for event in self.take(count, deadline)]

    def read_to_end(self, deadline=DEADLINE):
        """Every event up to the clean end of the stream."""
        end = time.monotonic() + deadline
        events = []
        while (event := self.next_of_any_type(end - time.monotonic())) is not None:
            events.append(event)
        return events


class LineClient(HttpStream):
    """Endless lines: /tail, as NDJSON or as raw data."""

    def __init__(self, hub, path, headers=None, deadline=DEADLINE):
        super().__init__(hub, path, headers, deadline)
        self._bytes = b""
        self.ended = False

    def opened(self):
        if self.status != 200:
            raise AssertionError(self.response())
        return self

    def line(self, deadline=DEADLINE):
        """The next line without its end; None at a clean end of the stream."""
        end = time.monotonic() + deadline
        while b"\n" not in self._bytes:
            data = self.body.read_some(end)
            if not data:
                self.ended = True
                assert self._bytes == b"", f"ended inside a line: {self._bytes!r}"
                return None
            self._bytes += data
        line, _, self._bytes = self._bytes.partition(b"\n")
        return line


class NdjsonClient(LineClient):
    """/tail as NDJSON."""

    def opened(self):
        super().opened()
        content_type = self.headers.get("content-type", "").split(";")[0].strip().lower()
        assert content_type == "application/x-ndjson", content_type
        return self

    def next_of_any_type(self, deadline=DEADLINE):
        line = self.line(deadline)
        return None if line is None else json.loads(line.decode("utf-8"))

    def next(self, deadline=DEADLINE):
        """The next line that is not a heartbeat."""
        end = time.monotonic() + deadline
        while True:
            event = self.next_of_any_type(end - time.monotonic())
            if event is None or event["type"] != "carillon.cursor":
                return event

    def take(self, count, deadline=DEADLINE):
        end = time.monotonic() + deadline
        events = []
        while len(events) < count:
            event = self.next(end - time.monotonic())
            assert event is not None, f"the stream ended after {len(events)} of {count} events"
            assert event["type"] not in ("carillon.gap", "carillon.bye"), event
            events.append(event)
        return events
