"""Takes what is printed on a terminal, no faster than the app and those who look can bear.

Nothing is buffered but the scrollback: what is not taken waits in the kernel, and then the program
that prints it waits. So a program that floods costs some 25 MB/s of copying and no memory.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from container.terminal.scrollback import Scrollback

_CHUNK = 64 * 1024
_TICK = 0.01
_PER_TICK = 256 * 1024
"""Bytes taken within one tick, which is some milliseconds of work."""


class Pump:
    """Reads one descriptor into a scrollback until its end or :meth:`stop`.

    ``wait`` tells for how many seconds nothing more should be taken, and is asked after each
    reading; ``printed`` is called when there is something new.
    """

    def __init__(
        self,
        descriptor: int,
        scrollback: Scrollback,
        *,
        wait: Callable[[], float],
        printed: Callable[[], None],
    ) -> None:
        self._descriptor = descriptor
        self._scrollback = scrollback
        self._wait = wait
        self._printed = printed
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._spent = 0
        self.ended = asyncio.Event()
        """All has been read."""
        self._loop.add_reader(descriptor, self._take)

    def stop(self) -> None:
        """Take nothing more."""
        if not self.ended.is_set():
            self._pause()
            self.ended.set()

    def resume(self) -> None:
        """Look again whether more should be taken."""
        if self._timer is not None and not self.ended.is_set():
            self._go_on()

    def _take(self) -> None:
        taken = 0
        while taken < _CHUNK:
            try:
                data = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                break
            except OSError:  # EIO: nobody holds the far end
                data = b""
            if not data:
                self._loop.remove_reader(self._descriptor)
                self.ended.set()
                break
            self._scrollback.append(data)
            taken += len(data)
        self._spent += taken
        if taken or self.ended.is_set():
            self._printed()
        if not self.ended.is_set():
            self._consider()

    def _consider(self) -> None:
        wait = self._wait()
        if self._spent >= _PER_TICK:
            wait = max(wait, _TICK)
        if wait > 0:
            self._pause()
            self._timer = self._loop.call_later(wait, self._go_on)

    def _pause(self) -> None:
        self._loop.remove_reader(self._descriptor)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        self._pause()
        self._spent = 0
        wait = self._wait()
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._go_on)
        else:
            self._loop.add_reader(self._descriptor, self._take)
