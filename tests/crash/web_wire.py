"""WebSocket for load clients (RFC 6455): asyncio, upon a Wire, nothing that a crash test does not need."""

import asyncio
import base64
import os
import struct

from http_wire import Lost

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


async def upgrade(wire, path, subprotocol):
    """The wire goes on as a WebSocket; Lost when the hub will not."""
    wire.close()
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": subprotocol,
    }
    status, headers = await wire.ask("GET", path, fields)
    if status != 101:
        raise Lost(f"{status} for {path}")
    assert headers.get("sec-websocket-protocol") == subprotocol, headers


def send(wire, opcode, payload):
    mask = os.urandom(4)
    length = len(payload)
    head = bytes([0x80 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    else:
        head += bytes([0x80 | 126]) + struct.pack(">H", length)
    wire.output.write(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))


async def texts(wire):
    """The text of each frame until the hub closes; pings are answered."""
    try:
        while True:
            first, second = await wire.input.readexactly(2)
            length = second & 0x7F
            if length > 125:
                form, size = (">H", 2) if length == 126 else (">Q", 8)
                (length,) = struct.unpack(form, await wire.input.readexactly(size))
            payload = await wire.input.readexactly(length)
            opcode = first & 0x0F
            assert first & 0xF0 == 0x80 and second & 0x80 == 0, (first, second)
            if opcode == TEXT:
                yield payload.decode()
            elif opcode == PING:
                send(wire, PONG, payload)
            elif opcode == CLOSE:
                return
    except (OSError, asyncio.IncompleteReadError) as error:
        wire.close()
        raise Lost(str(error)) from None
