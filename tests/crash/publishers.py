"""64 publishers with histories of their own: `publishers.py RUN SEED COUNT`, until RUN/stop is there.

RUN is the directory of the load: `port` says where the hub listens now, histories are written
beside it. Three kinds of publisher, by what makes a second try safe:

    keyed   Idempotency-Key; tried again with the same key until it is answered
    named   CloudEvents `source` and `id` of its own; likewise
    bare    neither: tried once, and for ever unknown when it got no answer
    batch   several named events at once, which are stored all together or not at all

Each event is recognised by its type, `load.<id>`, whatever happens to its bytes.
"""

import asyncio
import json
import random
import sys
from pathlib import Path

from history import History, sha_of
from http_wire import Lost, Wire
from keeper import Keeper

# A third of the events goes to fifteen topics more.
MORE = [f"load.more.{number}" for number in range(15)]
TOPICS = ["load.a", "load.b", "load.c.x", "load.c.y", "load.trimmed"]
KINDS = ["keyed", "named", "keyed", "named", "bare", "batch"]
PAUSE_SECONDS_MAX = 0.04  # between two publishes: the load is bounded, and comes in bursts
REFUSED = {429, 503, 507}  # nothing is stored; come back later
BATCH_EVENTS = 12


def body_for(ident, dice):
    """(content type, bytes): text, JSON or binary, mostly small, sometimes of many pages."""
    size = dice.choice([0, 20, 300, 300, 1500, 6000]) if dice.random() < 0.99 else 100_000
    filler = dice.randbytes(size // 2).hex()
    form = dice.randrange(3)
    if form == 0:
        return "text/plain", f"{ident} {filler}".encode()
    if form == 1:
        return "application/json", f'{{"id": "{ident}", "n": 1.10, "f": "{filler}"}}'.encode()
    return "application/octet-stream", ident.encode() + b"\0\r\n\xff" + dice.randbytes(size)


class Publisher:
    """One publisher on one connection, one publish at a time."""

    def __init__(self, run, number, seed):
        self.run = run
        self.name = f"p{number}"
        self.kind = KINDS[number % len(KINDS)]
        self.dice = random.Random(f"{seed}/{number}")
        self.wire = Wire(run / "port")
        self.history = History(run / f"{self.name}.history")
        self.count = 0

    async def work(self, stopping):
        """Publishes until told to stop; what was begun is brought to its end."""
        while not stopping.is_set():
            self.count += 1
            if self.kind == "batch":
                await self.publish_batch()
            else:
                await self.publish_one()
            await asyncio.sleep(self.dice.random() * PAUSE_SECONDS_MAX)
        self.wire.close()
        self.history.close()

    async def publish_one(self):
        ident = f"{self.name}-{self.count}"
        topic = self.dice.choice(MORE if self.dice.random() < 1 / 3 else TOPICS)
        content_type, body = body_for(ident, self.dice)
        headers = {"Content-Type": content_type, "ce-type": f"load.{ident}"}
        if self.kind == "keyed":
            headers["Idempotency-Key"] = ident
        if self.kind == "named":
            headers |= {"ce-id": ident, "ce-source": "/load", "ce-specversion": "1.0"}
        again = self.kind != "bare"
        facts = {"topic": topic, "sha": sha_of(body), "keyed": again}
        await self.until_answered({ident: facts}, topic, headers, body, again)

    async def publish_batch(self):
        topic = self.dice.choice(TOPICS[:-1])  # of a trimmed batch nobody knows what is owed
        facts, items = {}, []
        whole = f"{self.name}-{self.count}"
        for number in range(BATCH_EVENTS):
            ident = f"{whole}.{number}"
            data = f"{ident} {self.dice.randbytes(40).hex()}"
            items.append(
                {
                    "specversion": "1.0",
                    "id": ident,
                    "source": "/load",
                    "data": data,
                    "type": f"load.{ident}",
                    "datacontenttype": "text/plain",
                }
            )
            facts[ident] = {
                "topic": topic,
                "sha": sha_of(data.encode()),
                "keyed": True,
                "whole": whole,
            }
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        if self.count % 2:
            headers["Idempotency-Key"] = whole
        await self.until_answered(facts, topic, headers, json.dumps(items).encode(), True)

    async def until_answered(self, facts, topic, headers, body, again):
        """Publishes, and again with the same key while nobody knows what became of it."""
        while True:
            for ident, known in facts.items():
                self.history.note("invoke", id=ident, **known)
            try:
                status, answer_headers = await self.wire.ask("POST", f"/t/{topic}", headers, body)
                answer = await self.wire.body(answer_headers)
            except Lost:
                self.note_all(facts, "unknown")
                await asyncio.sleep(0.005 + self.dice.random() * 0.02)
                if again:
                    continue
                return
            if status in (200, 201):
                self.note_stored(facts, json.loads(answer), status == 200)
                return
            self.note_all(facts, "fail", status=status)
            if status not in REFUSED or not again:
                return
            await asyncio.sleep(0.05)

    def note_all(self, facts, what, **fields):
        for ident in facts:
            self.history.note(what, id=ident, **fields)

    def note_stored(self, facts, answer, repeat):
        """Of a batch only the last event's cursor is in the answer, and only of a fresh one."""
        *others, last = facts
        for ident in others:
            self.history.note("ok", id=ident, cursor=None, repeat=repeat)
        fresh = len(facts) == 1 or answer.get("count") == len(facts)
        cursor = answer["cursor"] if fresh else None
        self.history.note("ok", id=last, cursor=cursor, repeat=repeat)


async def publish(run, seed, count):
    stopping = asyncio.Event()
    clients = [Publisher(run, number, seed) for number in range(count)] + [Keeper(run, seed)]
    workers = [asyncio.create_task(client.work(stopping)) for client in clients]
    (run / "publishing").touch()
    while not (run / "stop").exists():
        await asyncio.sleep(0.02)
    stopping.set()
    await asyncio.gather(*workers)


if __name__ == "__main__":
    asyncio.run(publish(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
