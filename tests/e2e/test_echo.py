"""carillon-echo: the hub's codec and transport alone, against clients that are not ours."""

import asyncio
import random
import re
import socket
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
import websockets

from hub import ROOT, binary, wait_until
from socket_client import closed_with, in_time

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
UPGRADE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Echo:
    def __init__(self, *args):
        program = re.sub(r"carillon$", "carillon-echo", binary())
        words = [program, "--listen", "127.0.0.1:0", "--message-bytes-max", MESSAGE_BYTES_MAX]
        self.process = subprocess.Popen(
            [str(word) for word in [*words, *args]], stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.said = self.process.stderr.readline().strip()
        listening = re.search(r"listening on http://\S+:(\d+)$", self.said)
        self.port = int(listening[1]) if listening else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(20) == 0
        self.process.stderr.close()

    def connect(self, **options):
        return websockets.connect(f"ws://127.0.0.1:{self.port}/", max_size=None, **options)

    def raw(self, more=""):
        """A connection that was upgraded, and what stood behind the answer's head."""
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        peer.sendall((UPGRADE + more + "\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += peer.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ")
        return peer


@pytest.fixture(scope="module", params=["plain", "deflate"])
def echo(request):
    with Echo(*(["--deflate"] if request.param == "deflate" else [])) as running:
        running.compression = "deflate" if request.param == "deflate" else None
        yield running


def frame(first, payload, mask=b"mask"):
    length = len(payload)
    head = bytes([first])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", length)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", length)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def close_code(peer, data, step=None):
    """What it is closed with, when it is sent these bytes, `step` at a time."""
    for at in range(0, len(data), step or len(data)):
        try:
            peer.sendall(data[at : at + (step or len(data))])
        except (BrokenPipeError, ConnectionResetError):
            break
    got = b""
    try:
        while piece := peer.recv(4096):
            got += piece
    except ConnectionResetError:
        pass
    assert got[0] == 0x88, got
    return struct.unpack(">H", got[2:4])[0]


@in_time
async def test_messages_of_every_size_come_back_whole(echo):
    async with echo.connect(compression=echo.compression) as web:
        assert bool(web.extensions) == (echo.compression is not None)
        dice = random.Random(1)
        for size in (0, 1, 125, 126, 127, 65535, 65536, 1_000_000, MESSAGE_BYTES_MAX):
            text = "é" * (size // 2)
            await web.send(text)
            assert await web.recv() == text
            data = dice.randbytes(size)
            await web.send(data)
            assert await web.recv() == data


@in_time
async def test_fragments_and_pings_between_them_come_back_as_one(echo):
    async with echo.connect(compression=echo.compression) as web:

        async def pieces():
            for piece in ("a", "", "bc", "é" * 1000):
                yield piece
                await (await web.ping())

        await web.send(pieces())
        assert await web.recv() == "abc" + "é" * 1000


@in_time
async def test_a_peer_that_does_not_read_is_not_read_from(echo):
    async with echo.connect(compression=echo.compression, max_queue=1) as web:

        async def write():
            for _ in range(100):
                await web.send(b"x" * 300_000)

        writing = asyncio.create_task(write())
        for _ in range(100):
            assert len(await web.recv()) == 300_000
        await writing


@in_time
async def test_too_large_a_message_is_1009_however_it_comes(echo):
    for whole in (True, False):
        async with echo.connect(compression=echo.compression) as web:
            large = b"x" * (MESSAGE_BYTES_MAX + 1)
            sent = large if whole else [large[:-1], large[-1:]]
            try:
                await web.send(sent)
            except websockets.ConnectionClosed:
                pass
            assert (await closed_with(web))[0] == 1009


HOSTILE = [
    ("C2.1 not masked", b"\x81\x01x", 1002),
    ("C2.2 a reserved bit", frame(0xA1, b""), 1002),
    ("C2.3 a reserved opcode", frame(0x83, b""), 1002),
    ("C2.3 a reserved control opcode", frame(0x8B, b""), 1002),
    ("C2.4 a long length for little", b"\x82\xfe\x00\x01maskx", 1002),
    ("C2.4 a length with its top bit", b"\x82\xff" + b"\xff" * 8 + b"mask", 1002),
    ("C2.4 a huge claim", b"\x82\xff\x00\x00\x7f" + b"\xff" * 5 + b"mask", 1009),
    ("C2.5 a large ping", frame(0x89, b"x" * 126), 1002),
    ("C2.5 a ping in fragments", frame(0x09, b"x"), 1002),
    ("C2.7 a continuation of nothing", frame(0x80, b"x"), 1002),
    ("C2.7 a message inside another", frame(0x01, b"x") + frame(0x81, b"y"), 1002),
    ("C3.1 bad UTF-8", frame(0x81, b"\xce\xba\xff"), 1007),
    ("C3.1 UTF-8 cut at the end", frame(0x81, b"\xce"), 1007),
    ("C3.2 bad UTF-8 in a frame that never ends", frame(0x01, b"\xf4\x90")[:-1] + b"\x90", 1007),
    ("C3.3 half a close code", frame(0x88, b"\x03"), 1002),
    ("C3.3 a bad close reason", frame(0x88, b"\x03\xe8\xff"), 1007),
    ("C3.5 close code 1005", frame(0x88, b"\x03\xed"), 1002),
    ("C3.5 close code 2999", frame(0x88, b"\x0b\xb7"), 1002),
]


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("name,data,code", HOSTILE, ids=[row[0] for row in HOSTILE])
def test_hostile_frames_are_closed_with_their_code(echo, name, data, code, step):
    with echo.raw() as peer:
        assert close_code(peer, data, step) == code


def test_C_C3_4_a_close_is_answered_once_and_the_connection_ends(echo):
    with echo.raw() as peer:
        peer.sendall(frame(0x88, b"\x0f\xa0") + frame(0x81, b"late"))
        got = b""
        while piece := peer.recv(100):
            got += piece
    assert got == b"\x88\x02\x0f\xa0"


def test_C_C1_9_frames_behind_the_request_are_not_lost(echo):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=20) as peer:
        peer.sendall((UPGRADE + "\r\n").encode() + frame(0x81, b"early"))
        got = b""
        while not got.endswith(b"\x81\x05early"):
            piece = peer.recv(4096)
            assert piece, got
            got += piece


def test_C_C4_10_a_bomb_is_refused_and_takes_no_memory():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(b"\0" * 400_000_000) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]
    with Echo("--deflate") as echo:
        with echo.raw("Sec-WebSocket-Extensions: permessage-deflate\r\n") as peer:
            assert close_code(peer, frame(0xC2, bomb)) == 1009
        status = Path(f"/proc/{echo.process.pid}/status").read_text()
        assert int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) < 64 * 1024


def test_a_plain_request_and_a_wrong_flag_are_told_what_to_do(echo):
    with socket.create_connection(("127.0.0.1", echo.port), timeout=20) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert peer.recv(4096).startswith(b"HTTP/1.1 426 ")
    wrong = Echo("--nonsense")
    assert "--listen ADDR:PORT --message-bytes-max N [--deflate]" in wrong.said
    assert wrong.process.wait(20) == 2
    wrong.process.stderr.close()


def test_the_connection_of_a_peer_that_vanished_is_given_back(echo):
    count = lambda: len(list(Path(f"/proc/{echo.process.pid}/fd").iterdir()))  # noqa: E731
    before = count()
    for _ in range(20):
        echo.raw().close()
    wait_until(lambda: count() <= before, "the descriptors are closed")
