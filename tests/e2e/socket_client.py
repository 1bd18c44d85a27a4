"""WebSocket clients by Python's `websockets`, which shares nothing with the hub."""

import asyncio
import json

import websockets

from hub import DEADLINE

SESSION = "carillon.v1.json"
CLOUDEVENTS = "cloudevents.json"


def in_time(function):
    """A test that is a coroutine, ended after the deadline of all tests."""

    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(function(*args, **kwargs), DEADLINE))

    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__signature__ = __import__("inspect").signature(function)
    return run


def connect(hub, path, subprotocols=None, token=None, compression=None, **options):
    headers = dict(options.pop("extra_headers", {}))
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return websockets.connect(
        f"ws://127.0.0.1:{hub.port}{path}",
        subprotocols=subprotocols,
        extra_headers=headers,
        compression=compression,
        max_size=None,
        **options,
    )


async def take(socket, count):
    return [await socket.recv() for _ in range(count)]


async def closed_with(socket):
    """(code, reason) once the hub has closed it; what came before is passed over."""
    try:
        while True:
            await socket.recv()
    except websockets.ConnectionClosed:
        return socket.close_code, socket.close_reason


class Session:
    """One session on /ws: ops out, ops in."""

    def __init__(self, hub, **options):
        self.connecting = connect(hub, "/ws", [SESSION], **options)
        self.socket = self.hello = None
        self.waiting = []  # ops that came while others were looked for

    async def __aenter__(self):
        self.socket = await self.connecting.__aenter__()
        self.hello = json.loads(await self.socket.recv())
        return self

    async def __aexit__(self, *error):
        await self.connecting.__aexit__(*error)

    async def say(self, op, **members):
        await self.socket.send(json.dumps({"op": op, **members}))

    async def next(self, *ops):
        """The next op of these kinds; others stay for later."""
        for at, op in enumerate(self.waiting):
            if op["op"] in ops:
                return self.waiting.pop(at)
        while True:
            op = json.loads(await self.socket.recv())
            if op["op"] in ops:
                return op
            self.waiting.append(op)

    async def answer(self, op, **members):
        """Says it, and waits for its ok or error."""
        await self.say(op, **members)
        answer = await self.next("ok", "error")
        assert answer["id"] == members["id"], answer
        return answer

    async def ok(self, op, **members):
        answer = await self.answer(op, **members)
        assert answer["op"] == "ok", answer
        return answer

    async def refused(self, op, **members):
        answer = await self.answer(op, **members)
        assert answer["op"] == "error", answer
        return answer["problem"]

    async def events(self, count):
        return [(await self.next("event"))["event"] for _ in range(count)]
