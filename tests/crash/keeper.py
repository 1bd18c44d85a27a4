"""Removes events while everybody reads: trims `load.trimmed` again and again, with a history."""

import asyncio
import json
import random

from history import History
from http_wire import Lost, Wire

TRIMMED = "load.trimmed"
KEPT = 40  # events that a trim leaves


class Keeper:
    """Trims to the newest events, and tries each trim until it is answered."""

    def __init__(self, run, seed):
        self.wire = Wire(run / "port")
        self.history = History(run / "keeper.history")
        self.dice = random.Random(f"{seed}/keeper")

    async def work(self, stopping):
        while not stopping.is_set():
            await asyncio.sleep(0.1 + self.dice.random() * 0.5)
            before = await self.oldest_to_keep()
            if before is not None:
                await self.trim(before)
        self.wire.close()
        self.history.close()

    async def oldest_to_keep(self):
        try:
            status, headers = await self.wire.ask("GET", f"/t/{TRIMMED}?limit={KEPT}")
            body = await self.wire.body(headers)
        except Lost:
            return None
        events = json.loads(body)["events"] if status == 200 else []
        return events[0]["cursor"] if len(events) == KEPT else None

    async def trim(self, before):
        self.history.note("removing", topic=TRIMMED, before=before)
        body = json.dumps({"before": before}).encode()
        fields = {"Content-Type": "application/json"}
        while True:
            try:
                path = f"/v1/topics/{TRIMMED}/trim"
                status, headers = await self.wire.ask("POST", path, fields, body)
                await self.wire.body(headers)
            except Lost:
                status = None
            if status == 200:
                self.history.note("removed", topic=TRIMMED, before=before)
                return
            await asyncio.sleep(0.02)
