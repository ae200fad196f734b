"""The terminals of a session. Bounds: :data:`MAX_TERMINALS`, a megabyte of output kept of each."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from container.files import make_directory
from container.refusal import Refusal, Why
from container.subscribers import Subscribers
from container.terminal import ending
from container.terminal.replies import typed
from container.terminal.scrollback import Piece
from container.terminal.shell import Size, login_shell, start
from container.terminal.terminal import PIECE_BYTES, Terminal, TerminalView

MAX_TERMINALS = 16
"""Open at a time, those whose shell has ended among them."""
MAX_SIDE = 1000
"""Rows, and columns."""
MAX_NAME = 100
_NOTED_EVERY = 5.0
"""Seconds between two notes of a person who types."""


class Terminals:
    """Opens, keeps and ends terminals.

    ``typing`` is called when a person types, at most every five seconds; what a program prints, and
    what a terminal answers to a program by itself, is no typing.
    """

    def __init__(
        self,
        *,
        workspace: Path,
        home: Path,
        environ: Mapping[str, str],
        typing: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._home = home
        self._environ = environ
        self._typing = typing
        self._clock = clock
        self._noted = float("-inf")
        self._terminals: dict[str, Terminal] = {}
        self._opening = 0
        self._opened = 0
        self._sessions: set[int] = set()
        """Of closed terminals: what was meant to outlast them ends with the container."""
        self._subscribers: Subscribers[[]] = Subscribers()
        self._ending = asyncio.Event()

    def all(self) -> tuple[TerminalView, ...]:
        """All of them, in the order of their opening."""
        return tuple(terminal.view() for terminal in self._terminals.values())

    def view(self, id_: str) -> TerminalView:
        """One of them; raises Refusal."""
        return self._find(id_).view()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Hear when one is opened, renamed, resized, closed, or has ended; what is returned ends it."""
        return self._subscribers.add(callback)

    async def open(self, name: str | None = None, *, rows: int = 24, columns: int = 80) -> TerminalView:
        """Start a login shell in the workspace; raises Refusal."""
        size = _size(rows, columns)
        named = _name(name) if name is not None else f"Terminal {self._opened + 1}"
        if self._ending.is_set():
            raise Refusal(Why.CONFLICT, "", "the container is stopping")
        if len(self._terminals) + self._opening >= MAX_TERMINALS:
            raise Refusal(Why.CONFLICT, "", f"there are {MAX_TERMINALS} terminals; close one of them first")
        self._opening += 1
        try:
            terminal = await self._start(named, size)
        finally:
            self._opening -= 1
        self._opened += 1
        self._terminals[terminal.id] = terminal
        if self._ending.is_set():  # meanwhile
            await self.close(terminal.id)
        self._tell()
        return terminal.view()

    def rename(self, id_: str, name: str) -> TerminalView:
        """Give it another name; raises Refusal."""
        terminal = self._find(id_)
        terminal.name = _name(name)
        self._tell()
        return terminal.view()

    def resize(self, id_: str, rows: int, columns: int) -> TerminalView:
        """Make it as large as what shows it; raises Refusal."""
        terminal = self._running(id_)
        terminal.resize(_size(rows, columns))
        self._tell()
        return terminal.view()

    def write(self, id_: str, data: bytes) -> None:
        """Type; raises Refusal, also where more than a program reads waits already."""
        self._running(id_).write(data)
        if typed(data) and self._clock() - self._noted >= _NOTED_EVERY:
            self._noted = self._clock()
            self._typing()

    def read(self, id_: str, after: int, most: int = PIECE_BYTES) -> Piece:
        """What was printed from a position on, up to 64 KiB; raises Refusal."""
        terminal = self._find(id_)
        try:
            return terminal.read(after, most)
        except ValueError as error:
            raise Refusal(Why.INVALID, "after", str(error)) from None

    def watch(self, id_: str, after: int) -> AsyncIterator[Piece]:
        """What was printed from a position on, and will be, until the end; raises Refusal at once.

        Pieces are of 64 KiB at most. The program waits for a watcher, up to two seconds: one that
        is slower than that loses what falls out, and is told how much.
        """
        self.read(id_, after, 0)
        return self._find(id_).watch(after)

    async def close(self, id_: str) -> None:
        """End what runs on it, and forget it; raises Refusal."""
        terminal = self._find(id_)
        await terminal.end()
        if self._terminals.pop(id_, None) is not None:  # closed by two at once
            terminal.close()
            self._sessions = {session for session in self._sessions if any(ending.members(session))}
            self._sessions.add(terminal.session)
            self._tell()

    async def aclose(self) -> None:
        """End all, within some three seconds, also what was meant to outlast its terminal."""
        self._ending.set()
        await asyncio.gather(*(self.close(id_) for id_ in tuple(self._terminals)))
        for session in self._sessions:
            ending.kill_all(session)

    async def _start(self, name: str, size: Size) -> Terminal:
        with contextlib.suppress(OSError):  # a shell without a home is better than none
            await asyncio.to_thread(make_directory, self._home)
        try:
            started = await start(
                login_shell(self._environ), size, directory=self._workspace, environ=self._environ
            )
        except FileNotFoundError:
            raise Refusal(
                Why.CONFLICT, "", "the workspace is not there yet; wait until it is prepared"
            ) from None
        except OSError as error:
            raise Refusal(Why.CONFLICT, "", f"no terminal can be opened: {error.strerror}") from None
        return Terminal(secrets.token_hex(8), name, size, started, self._tell)

    def _find(self, id_: str) -> Terminal:
        terminal = self._terminals.get(id_)
        if terminal is None:
            raise Refusal(
                Why.ABSENT, "id", "there is no such terminal; it was closed, or the container restarted"
            )
        return terminal

    def _running(self, id_: str) -> Terminal:
        terminal = self._find(id_)
        if not terminal.running:
            raise Refusal(Why.CONFLICT, "id", "its shell has ended; open another terminal")
        return terminal

    def _tell(self) -> None:
        self._subscribers.tell()


def _size(rows: int, columns: int) -> Size:
    for field, value in (("rows", rows), ("columns", columns)):
        if not 1 <= value <= MAX_SIDE:
            raise Refusal(Why.INVALID, field, f"must be from 1 to {MAX_SIDE}")
    return Size(rows, columns)


def _name(name: str) -> str:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise Refusal(Why.INVALID, "name", f"must be one line of 1 to {MAX_NAME} characters")
    return name
