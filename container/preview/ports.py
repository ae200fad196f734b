"""Which ports of this machine are listened on, and by whom, as ``/proc`` tells it.

Where there is no ``/proc``, nothing is told to be listened on, and a port is tried as it is named.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LISTENS = "0A"
_V4, _V6 = "127.0.0.1", "::1"
_HERE = {
    "00000000": _V4,
    "0100007F": _V4,
    "0" * 32: _V4,  # an IPv6 socket on every address takes IPv4, too, unless it is told not to
    "0000000000000000FFFF00000100007F": _V4,
    "0" * 24 + "01000000": _V6,
}
"""Addresses as the kernel writes them, and where such a socket is reached."""
_MARKS = ("SESSION_ID", "DATABASE_PATH")
"""Variables that all programs of a session inherit, and those of another do not."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that is listened on; ``address`` is where it is reached, ``inode`` names its socket."""

    port: int
    address: str
    inode: str


def listeners() -> list[Listener]:
    """All that are reached from this machine, by port."""
    found: dict[int, Listener] = {}
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for listener in parse((_PROC / "net" / table).read_text()):
                if listener.port not in found or listener.address == _V4:
                    found[listener.port] = listener
    return [found[port] for port in sorted(found)]


def parse(table: str) -> Iterator[Listener]:
    """The listeners of ``/proc/net/tcp`` or ``tcp6``. Pure."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTENS and address in _HERE:
            yield Listener(int(port, 16), _HERE[address], fields[9])


def owners(inodes: Iterable[str]) -> dict[str, int]:
    """The program that holds each of these sockets, where we may see it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, int] = {}
    for entry in _PROC.iterdir() if _PROC.exists() else ():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended, or is another's
                for descriptor in (entry / "fd").iterdir():
                    with contextlib.suppress(OSError):
                        if (inode := wanted.get(str(descriptor.readlink()))) is not None:
                            found[inode] = int(entry.name)
    return found


def is_own(program: int, environ: Mapping[str, str]) -> bool:
    """Whether a program was started in this session: it has inherited what only this one has."""
    try:
        theirs = (_PROC / str(program) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    marks = [os.fsencode(f"{name}={environ[name]}") for name in _MARKS if environ.get(name)]
    return program != os.getpid() and all(mark in theirs for mark in marks)


def name_of(program: int) -> str:
    """The short name of a program; its arguments may hold secrets. Empty where it has ended."""
    try:
        return (_PROC / str(program) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""
