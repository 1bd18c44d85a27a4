"""Readers with histories of their own: `readers.py RUN SEED`, until each has read to RUN/end.

Every reader keeps one cursor and resumes with it, over restarts of the hub and over every way of
reading that it uses: SSE (plain, and as CloudEvents), lines of /tail, pages, long-polls, WebSockets on
URLs and sessions, one topic or several and patterns by /stream. `end` holds the position of the last event of each topic.
"""

import asyncio
import base64
import json
import random
import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from clients import SseParser  # noqa: E402
from history import History, position_of, sha_of  # noqa: E402
from http_wire import Lost, Wire  # noqa: E402
from patterns import matches_any  # noqa: E402
from web_wire import TEXT, send, texts, upgrade  # noqa: E402

LOOK_SECONDS = 0.05  # how often a reader looks whether it was told where to end
SILENCE_SECONDS = 20.0  # heartbeats come each second: a stream this quiet is dead
TOPICS = ["load.a", "load.b", "load.c.x", "load.c.y", "load.trimmed"]
TOPICS += [f"load.more.{number}" for number in range(15)]

EVERY_WAY = ["sse", "tail", "page", "poll", "sse-events", "web", "session", "session-credit"]

# name, topics, ways (a reader with several changes over at each new request), its pause
ROSTER = [
    ("sse-a", ["load.a"], ["sse"], 0),
    ("sse-b", ["load.b"], ["sse-events"], 0),
    ("sse-trimmed", ["load.trimmed"], ["sse"], 0),
    ("sse-pattern", ["load.c.*"], ["sse"], 0),
    ("sse-all", ["load.**"], ["sse-events"], 0),
    ("sse-mixed", ["load.a", "load.c.x"], ["sse"], 0),
    ("tail-a", ["load.a"], ["tail"], 0),
    ("tail-x", ["load.c.x"], ["tail"], 0),
    ("page-b", ["load.b"], ["page"], 0.05),
    ("page-mixed", ["load.c.**", "load.trimmed"], ["page"], 0.1),
    ("page-late", ["load.trimmed"], ["page"], 0.9),
    ("poll-y", ["load.c.y"], ["poll"], 0),
    ("poll-mixed", ["load.b", "load.c.y"], ["poll"], 0),
    ("sse-late", ["load.trimmed", "load.b"], ["sse"], 0.7),
    ("web-a", ["load.a"], ["web"], 0),
    ("web-mixed", ["load.b", "load.c.*"], ["web"], 0),
    ("session-all", ["load.**"], ["session"], 0),
    ("session-trimmed", ["load.trimmed"], ["session"], 0.4),
    ("credit-b", ["load.b"], ["session-credit"], 0),
    ("credit-trimmed", ["load.trimmed"], ["session-credit"], 0.4),
    ("hop-a", ["load.a"], EVERY_WAY, 0.02),
    ("hop-mixed", ["load.b", "load.c.x"], EVERY_WAY, 0.02),
    ("hop-trimmed", ["load.trimmed"], EVERY_WAY, 0.3),
    ("hop-all", ["load.**"], EVERY_WAY, 0.02),
]
CREDIT = 7


class Reader:
    """One reader: a cursor, a history, and a way to read at a time."""

    def __init__(self, run, name, topics, ways, pause, dice):
        self.wire = Wire(run / "port")
        self.history = History(run / f"reader-{name}.history")
        self.history.note("reader", topics=topics)
        self.topics, self.ways, self.pause, self.dice = topics, ways, pause, dice
        self.cursor = "first"
        self.end = None  # the position to which it must read, once that is known
        self.left = 0  # events until a reader of several ways changes over
        self.again = None  # the URL by which a page goes on behind a gap

    def path(self, **options):
        """The URL of what it reads, from its cursor."""
        options = {"after": self.cursor, **options}
        if len(self.topics) == 1 and "*" not in self.topics[0]:
            return f"/t/{self.topics[0]}?{urlencode(options)}"
        pairs = [("topic", topic) for topic in self.topics] + list(options.items())
        return f"/stream?{urlencode(pairs)}"

    def is_done(self):
        at = 0 if self.cursor == "first" else position_of(self.cursor)
        return self.end is not None and at >= self.end

    async def read(self):
        while not self.is_done():
            way = self.dice.choice(self.ways)
            self.left = self.dice.randrange(1, 400) if len(self.ways) > 1 or self.pause else 1 << 62
            if way not in ("page", "poll"):
                self.again = None
            self.history.note("open", after=self.cursor, way=way)
            try:
                await getattr(self, "read_" + way.replace("-", "_"))()
            except Lost:
                await asyncio.sleep(0.01 + self.dice.random() * 0.05)
            if self.pause and self.end is None:
                await asyncio.sleep(self.pause * self.dice.uniform(0.5, 1.5))
        self.history.note("done")
        self.history.close()
        self.wire.close()

    def has_enough(self):
        return self.left <= 0 or self.is_done()

    # --- what comes ------------------------------------------------------------------------------

    def see(self, cursor, data):
        self.history.note("seen", cursor=cursor, sha=sha_of(data))
        self.cursor = cursor
        self.left -= 1

    def see_event(self, event):
        """An event in JSON, asked for with data=base64."""
        self.see(event["cursor"], base64.b64decode(event.get("data_base64", "")))

    def move(self, cursor):
        self.history.note("cursor", cursor=cursor)
        self.cursor = cursor

    def note_gap(self, gap):
        topics = {each["topic"]: each.get("oldest") for each in gap["topics"]}
        self.history.note(
            "gap",
            reason=gap["reason"],
            resumed=gap["resumed"],
            topics=topics,
            total=gap["topics_total"],
        )
        self.cursor = gap["resumed"]

    # --- ways to read ----------------------------------------------------------------------------

    async def read_sse(self, **options):
        fields = {"Accept": "text/event-stream"}
        if self.cursor != "first":
            fields["Last-Event-ID"] = self.cursor
            options["after"] = "first"  # an EventSource keeps its URL; Last-Event-ID wins
        parser = SseParser()
        async for piece in self.stream(self.path(**options), fields):
            for event in parser.feed(piece):
                self.take_sse(event, "as" in options)

    async def read_sse_events(self):
        await self.read_sse(**{"as": "cloudevents"})

    def take_sse(self, event, as_cloudevents):
        if event.type == "carillon.cursor":
            self.move(event.id)
        elif event.type == "carillon.gap":
            self.note_gap(event.json())
        elif event.type == "carillon.event" or (event.type == "message" and as_cloudevents):
            self.see(event.id, bytes_in(event.data))
        elif event.type == "message":
            self.see(event.id, event.data.encode())

    async def read_tail(self):
        path = self.path(data="base64").replace("?", "/tail?")
        rest = b""
        async for piece in self.stream(path, {}):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self.take_line(json.loads(line))

    def take_line(self, event):
        if event["type"] == "carillon.cursor":
            self.move(event["cursor"])
        elif event["type"] == "carillon.gap":
            self.note_gap(event["data"])
        elif event["type"] != "carillon.bye":
            self.see_event(event)

    async def stream(self, path, fields):
        """The pieces of an endless answer, until the reader has enough or the hub is gone."""
        self.wire.close()
        status, headers = await self.wire.ask("GET", path, fields)
        if status != 200:
            raise Lost(f"{status} for {path}")
        async for piece in self.until_enough(self.wire.pieces(headers)):
            yield piece
        self.wire.close()

    async def read_web(self):
        await upgrade(self.wire, self.path(), "cloudevents.json")
        async for text in self.until_enough(texts(self.wire)):
            self.take_web_event(text)
        self.wire.close()

    def take_web_event(self, text):
        event = json.loads(text)
        if event["source"] == "/hub":
            self.take_line(event)
        else:
            self.see(event["cursor"], bytes_in(text))

    async def read_session_credit(self):
        await self.read_session(credit=CREDIT)

    async def read_session(self, **options):
        await upgrade(self.wire, "/ws", "carillon.v1.json")
        wanted = {"op": "subscribe", "id": "s", "topics": self.topics, "after": self.cursor}
        send(self.wire, TEXT, json.dumps({**wanted, **options}).encode())
        async for text in self.until_enough(texts(self.wire)):
            self.take_op(text, "credit" in options)
        self.wire.close()

    def take_op(self, text, acks):
        op = json.loads(text)
        if op["op"] == "event":
            event = text[text.index('"event":') + len('"event":') : -1]
            self.see(op["event"]["cursor"], bytes_in(event))
            if acks:
                ack = {"op": "ack", "id": "s", "cursor": op["event"]["cursor"]}
                send(self.wire, TEXT, json.dumps(ack).encode())
        elif op["op"] in ("cursor", "ok"):
            self.move(op["cursor"])
        elif op["op"] == "gap":
            self.note_gap(op)
        elif op["op"] == "error":
            raise Lost(text)

    async def until_enough(self, pieces):
        """As they come, until the reader has enough or the hub is gone."""
        while not self.has_enough():
            try:
                yield await asyncio.wait_for(anext(pieces), SILENCE_SECONDS)
            except StopAsyncIteration:
                break
            except asyncio.TimeoutError:
                self.history.note("silent")
                break

    async def read_page(self, **options):
        options = {"data": "base64", "limit": 300, **options}
        path = self.again or self.path(**options)
        self.again = None
        status, headers = await self.wire.ask("GET", path)
        body = await self.wire.body(headers)
        if status == 204:
            self.move(headers["carillon-cursor"])
        elif status == 410:
            gap = json.loads(body)
            self.note_gap(gap)
            self.again = gap["continue"]
        elif status == 200:
            self.take_page(json.loads(body))
        else:
            raise Lost(f"{status} for {path}")

    async def read_poll(self):
        await self.read_page(wait=1)

    def take_page(self, page):
        gaps = [page["gap"]] if "gap" in page else []
        for gap in page.get("gaps", gaps):
            self.note_gap(gap)
        for event in page["events"]:
            self.see_event(event)
        self.move(page["cursor"])


def bytes_in(structured):
    """The data of a structured event, JSON with the spelling that it has there."""
    event = json.loads(structured)
    if "data_base64" in event:
        return base64.b64decode(event["data_base64"])
    if isinstance(event["data"], str):
        return event["data"].encode()
    return structured[
        structured.index('"data":') + len('"data":') : structured.rindex("}")
    ].encode()


async def tell_the_end(run, readers):
    """Waits for RUN/end and gives each reader the position that it must reach."""
    while not (run / "end").exists():
        await asyncio.sleep(LOOK_SECONDS)
    ends = json.loads((run / "end").read_text())
    for reader in readers:
        mine = [at for topic, at in ends.items() if matches_any(reader.topics, topic)]
        reader.end = max(mine, default=0)


async def read_all(run, seed):
    readers = [Reader(run, *row, random.Random(f"{seed}/{row[0]}")) for row in ROSTER]
    (run / "reading").touch()
    await asyncio.gather(tell_the_end(run, readers), *(reader.read() for reader in readers))


if __name__ == "__main__":
    asyncio.run(read_all(Path(sys.argv[1]), sys.argv[2]))
