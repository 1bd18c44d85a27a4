"""HTTP/1.1 for load clients: asyncio, keep-alive, nothing that a crash test does not need.

Any end that is not a whole answer is Lost: the caller knows nothing about its request then.
"""

import asyncio
import re

ANSWER_SECONDS = (
    20.0  # a hub that is alive answers long before; one that is not ends the connection
)
STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ")


class Lost(Exception):
    """The connection ended, or could not be made, before the answer was whole."""


class Wire:
    """One connection at a time to the hub that runs now; `where` is the file with its port."""

    def __init__(self, where):
        self.where = where
        self.input = None
        self.output = None

    async def connect(self):
        try:
            port = int(self.where.read_text())
            opening = asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            self.input, self.output = await asyncio.wait_for(opening, ANSWER_SECONDS)
            # A connection to a free port of the ephemeral range may meet itself.
            ends = [self.output.get_extra_info(name) for name in ("sockname", "peername")]
            if ends[0] == ends[1]:
                raise OSError("connected to itself")
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            self.close()
            raise Lost(str(error)) from None

    def close(self):
        if self.output is not None:
            self.output.transport.abort()
        self.input = self.output = None

    async def ask(self, method, path, headers=None, body=None):
        """Sends a request; (status, headers) of its answer. The body waits to be read."""
        fields = {"Host": "localhost", **(headers or {})}
        if body is not None:
            fields["Content-Length"] = len(body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()
        if self.output is None:
            await self.connect()
        try:
            self.output.write(head + (body or b""))
            return await asyncio.wait_for(self._head(), ANSWER_SECONDS)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            self.close()
            raise Lost(str(error)) from None

    async def _head(self):
        head = await self.input.readuntil(b"\r\n\r\n")
        status, _, rest = head.partition(b"\r\n")
        number = STATUS.match(status)
        if number is None:
            raise OSError(f"not an answer: {status[:80]!r}")
        headers = {}
        for line in rest.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            if colon:
                headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        return int(number.group(1)), headers

    async def body(self, headers):
        """The whole body of a finite answer."""
        try:
            if headers.get("transfer-encoding") == "chunked":
                parts = [part async for part in self.pieces(headers)]
                return b"".join(parts)
            length = int(headers.get("content-length", "0"))
            return await asyncio.wait_for(self.input.readexactly(length), ANSWER_SECONDS)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            self.close()
            raise Lost(str(error)) from None

    async def pieces(self, headers):
        """The body of an endless answer as it comes; returns at its clean end."""
        assert headers.get("transfer-encoding") == "chunked", headers
        try:
            while size := int((await self.input.readuntil(b"\r\n")).partition(b";")[0], 16):
                yield await self.input.readexactly(size)
                await self.input.readexactly(2)
            await self.input.readuntil(b"\r\n")
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Lost(str(error)) from None
