"""One terminal: its shell, its output, those who look at it, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from container.terminal import ending
from container.terminal.keyboard import Keyboard
from container.terminal.pump import Pump
from container.terminal.scrollback import Piece, Scrollback
from container.terminal.shell import Size, Started, resize

PIECE_BYTES = 64 * 1024
"""The most of one piece."""
WINDOW_BYTES = 256 * 1024
"""How far one who looks may be behind before the program has to wait."""
PATIENCE = 2.0
"""Seconds that the program waits for one who takes nothing."""
GRACE = 1.0
"""Seconds between the hang-up and the kill, and for what comes after a kill."""


@dataclass(frozen=True, slots=True)
class TerminalView:
    """What is told of a terminal. ``start`` and ``end`` are the positions of what is kept.

    While it runs, ``exit_code`` and ``signal`` are None; after its end one of them is not.
    """

    id: str
    name: str
    rows: int
    columns: int
    start: int
    end: int
    running: bool
    exit_code: int | None = None
    signal: str | None = None


class _Reader:
    """One who looks."""

    def __init__(self, position: int, now: float) -> None:
        self.position = position
        self.moved = now
        self.news = asyncio.Event()


class Terminal:
    """One terminal, from its start to :meth:`close`. ``changed`` is called when it has ended."""

    def __init__(
        self, id_: str, name: str, size: Size, started: Started, changed: Callable[[], None]
    ) -> None:
        self.id = id_
        self.name = name
        self.session = started.process.pid
        """Also the number of the shell, and of its group."""
        self._size = size
        self._process = started.process
        self._near, self._far = started.near, started.far
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._readers: set[_Reader] = set()
        self._over = False
        self._scrollback = Scrollback()
        self._keyboard = Keyboard(self._near)
        self._pump = Pump(self._near, self._scrollback, wait=self._wait, printed=self._tell)
        self._following = self._loop.create_task(self._follow())

    @property
    def running(self) -> bool:
        """Whether its shell runs."""
        return not self._over

    def view(self) -> TerminalView:
        """How it is."""
        code = self._process.returncode if self._over else None
        return TerminalView(
            self.id,
            self.name,
            self._size.rows,
            self._size.columns,
            self._scrollback.start,
            self._scrollback.end,
            self.running,
            exit_code=code if code is not None and code >= 0 else None,
            signal=_name_of(-code) if code is not None and code < 0 else None,
        )

    def write(self, data: bytes) -> None:
        """Type; raises Refusal."""
        self._keyboard.write(data)

    def resize(self, size: Size) -> None:
        """Make it as large as what shows it."""
        self._size = size
        resize(self._near, size)

    def read(self, after: int, most: int = PIECE_BYTES) -> Piece:
        """What was printed from a position on; raises ValueError."""
        return self._scrollback.read(after, min(most, PIECE_BYTES))

    async def watch(self, after: int) -> AsyncIterator[Piece]:
        """What was printed, and will be, until its end; raises ValueError at once for a wrong position.

        The program waits for who looks, as long as they take a piece every :data:`PATIENCE` seconds.
        """
        self._scrollback.read(after, 0)
        reader = _Reader(after, self._loop.time())
        self._readers.add(reader)
        try:
            while True:
                reader.news.clear()
                piece = self.read(reader.position)
                if piece.data or piece.lost:
                    yield piece
                    reader.position, reader.moved = piece.end, self._loop.time()
                    self._pump.resume()
                elif self._over:
                    return
                else:
                    reader.moved = self._loop.time()
                    await reader.news.wait()
                    reader.moved = self._loop.time()
        finally:
            self._readers.discard(reader)
            self._pump.resume()

    async def end(self) -> None:
        """Hang up; kill what is left of the shell and of what is in front of it."""
        groups = {self.session} | self._in_front()
        await asyncio.to_thread(ending.hang_up, self.session, groups)
        await asyncio.wait([self._following], timeout=GRACE)
        groups |= self._in_front()
        await asyncio.to_thread(ending.kill, self.session, groups)
        await asyncio.wait([self._following], timeout=2 * GRACE)

    def close(self) -> None:
        """Let go of it, after :meth:`end`."""
        self._following.cancel()
        self._finish()
        os.close(self._near)
        self._near = -1  # its number may soon be another's

    def _in_front(self) -> set[int]:
        """The group that reads what is typed; none once the terminal is hung up."""
        try:
            return {os.tcgetpgrp(self._near)}
        except OSError:
            return set()

    async def _follow(self) -> None:
        await self._process.wait()
        # With the far end closed, the near one ends once all has been read; where something still
        # holds it open, a moment is enough for what the shell itself has said.
        os.close(self._far)
        self._far = -1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pump.ended.wait(), GRACE)
        self._finish()
        self._changed()

    def _finish(self) -> None:
        self._over = True
        self._pump.stop()
        self._keyboard.stop()
        if self._far >= 0:
            os.close(self._far)
            self._far = -1
        self._tell()

    def _tell(self) -> None:
        for reader in self._readers:
            reader.news.set()

    def _wait(self) -> float:
        """Seconds to wait for those who look; 0 where nobody is far behind."""
        now = self._loop.time()
        behind = (reader for reader in self._readers if self._scrollback.end - reader.position > WINDOW_BYTES)
        return max((reader.moved + PATIENCE - now for reader in behind), default=0.0)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of those that have a number only
        return f"signal {number}"
