"""Takes what is printed on a terminal, no faster than the app and those who look can bear.

Nothing is buffered but the scrollback: what is not taken waits in the kernel, and then the program
that prints it waits. So a program that floods costs some 25 MB/s of copying and no memory.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from container.terminal.scrollback import Scrollback

_READ = 8 * 1024
"""More than Linux ever gives of a terminal at once."""
_TURN = 64 * 1024
"""Bytes taken before others get their turn."""
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
        self._held = False
        """Paused for those who look, and not for the clock."""
        self.ended = asyncio.Event()
        """All has been read."""
        self._loop.add_reader(descriptor, self._take)

    def stop(self) -> None:
        """Take nothing more."""
        if not self.ended.is_set():
            self._stop()
            self.ended.set()

    def resume(self) -> None:
        """Look again whether those who look can bear more."""
        if self._held and not self.ended.is_set():
            self._go_on()

    def _take(self) -> None:
        taken = 0
        while taken < _TURN:
            try:
                data = os.read(self._descriptor, _READ)
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
            self._pause(_TICK)
        elif wait > 0:
            self._pause(wait)
            self._held = True

    def _pause(self, seconds: float) -> None:
        self._stop()
        self._timer = self._loop.call_later(seconds, self._go_on)

    def _stop(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self._held = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        self._stop()
        self._spent = 0
        self._loop.add_reader(self._descriptor, self._take)
        self._consider()
