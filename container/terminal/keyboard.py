"""Passes on what is typed; what the program does not read yet waits, up to a bound."""

from __future__ import annotations

import asyncio
import os

from container.refusal import Refusal, Why

MAX_WAITING = 256 * 1024
"""Bytes that were typed and not yet taken."""


class Keyboard:
    """Writes to one descriptor that does not block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting = bytearray()
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        """Pass on, in order; raises Refusal where too much waits already."""
        if len(self._waiting) + len(data) > MAX_WAITING:
            message = "the program does not read what is typed; wait, or end the terminal"
            raise Refusal(Why.TOO_LARGE, "data", message)
        waited = bool(self._waiting)
        self._waiting += data
        if not waited:
            self._flush()

    def stop(self) -> None:
        """Forget what waits."""
        if self._waiting:
            self._loop.remove_writer(self._descriptor)
            self._waiting.clear()

    def _flush(self) -> None:
        try:
            written = os.write(self._descriptor, self._waiting)
        except BlockingIOError:
            written = 0
        except OSError:  # the far end is gone, and with it who would read
            written = len(self._waiting)
        del self._waiting[:written]
        if self._waiting:
            self._loop.add_writer(self._descriptor, self._flush)
        else:
            self._loop.remove_writer(self._descriptor)
