"""ACP's messages over the pipes of a program, bounded.

It is a transport for :mod:`acp` in place of its own, which takes in whatever comes as fast as it comes:
here the event loop gets its turn between the messages, one message has a largest size, and what is no
message is counted, and is the end if nothing else comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message."""
_MAX_GARBAGE = 256 * 1024
"""Bytes of lines that are no message, with none between them that is."""
_MAX_REQUESTS = 64
"""Requests of the agent that are answered at the same time."""
_CHUNK = 64 * 1024
_BURST = 4
"""Messages between two turns of the event loop."""
_PATIENCE = 30.0
"""Seconds that the program may take to read what is written to it."""


class Pipe:
    """Implements ``acp``'s ``Transport``. ``trouble`` says why it ended, where the program is to blame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._searched = 0
        self._burst = 0
        self._garbage = 0
        self._requests: set[str] = set()
        self.trouble = ""
        self.heard = asyncio.get_running_loop().time()
        """When the last message came, in the loop's time."""

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message; raises ConnectionError."""
        if "method" not in message:
            self._requests.discard(_key(message.get("id")))
        try:
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            async with asyncio.timeout(_PATIENCE):
                await self._writer.drain()
        except TimeoutError:
            self.trouble = "it does not read what it is told"
            raise ConnectionError(self.trouble) from None
        except (OSError, RuntimeError) as error:
            raise ConnectionError(str(error)) from None

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end."""
        while (line := await self._line()) is not None:
            self._burst += 1
            if self._burst >= _BURST:
                self._burst = 0
                await asyncio.sleep(0)
            message = _message(line)
            if message is None:
                if self._is_garbage(line):
                    return None
                continue
            self._garbage = 0
            self.heard = asyncio.get_running_loop().time()
            if "method" in message and "id" in message and not await self._admit(message):
                continue
            return message
        return None

    async def close(self) -> None:
        """Close our end."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.close()

    async def _line(self) -> bytes | None:
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._searched = 0
                return line
            self._searched = len(self._buffer)
            if self._searched > MAX_MESSAGE:
                self.trouble = f"it sent a message of more than {MAX_MESSAGE // 1024 // 1024} MiB"
                return None
            chunk = await self._reader.read(_CHUNK)
            if not chunk:
                return None
            self._buffer += chunk

    def _is_garbage(self, line: bytes) -> bool:
        """Whether so much came that is no message that nothing else is to be expected."""
        self._garbage += len(line)
        if self._garbage > _MAX_GARBAGE:
            self.trouble = "it writes to its output what is no ACP"
        return bool(self.trouble)

    async def _admit(self, request: dict[str, Any]) -> bool:
        key = _key(request["id"])
        if len(self._requests) < _MAX_REQUESTS:
            self._requests.add(key)
            return True
        error = {"code": -32603, "message": f"more than {_MAX_REQUESTS} requests at the same time"}
        with contextlib.suppress(ConnectionError):
            await self.send({"jsonrpc": "2.0", "id": request["id"], "error": error})
        return False


def _key(id_: object) -> str:
    return repr(id_)


def _message(line: bytes) -> dict[str, Any] | None:
    """A line as a message; None for what is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("id"), int | str | None):
        return None
    if isinstance(found.get("method"), str) or "result" in found or isinstance(found.get("error"), dict):
        return found
    return None
