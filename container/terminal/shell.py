"""Starts a login shell on a new pseudo-terminal, in a session of its own.

``pty.fork`` would fork a program that has threads; and no wrapper on PyPI does without that. So the
shell is started as any other program is, by way of ``/bin/sh``: as the leader of a session without
a terminal, it gets for its own the first one that it opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pwd
import shutil
import struct
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from container.priority import lower

_ATTACH = 'exec "$@" <>"$0" >&0 2>&1'
_SHELLS = ("/bin/bash", "/bin/sh")
_NO_SHELLS = frozenset({"nologin", "false", "true", "sync"})
_INPUT_FLAGS = 0
_UTF8 = 0o40000
"""IUTF8: a rub-out takes a whole character. The same number on Linux and macOS."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal, in characters."""

    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Started:
    """A shell that runs; both descriptors are the receiver's to close.

    ``far`` is the shell's own end: held open, the near end says nothing of its end before all is read.
    """

    process: asyncio.subprocess.Process
    near: int
    far: int


def login_shell(environ: Mapping[str, str]) -> str:
    """The shell of the user we run as; a usual one where the user has none."""
    with contextlib.suppress(KeyError):  # an image may run as a number without a name
        named = pwd.getpwuid(os.getuid()).pw_shell
        if _usable(named):
            return named
    given = environ.get("SHELL", "")
    return given if _usable(given) else next(filter(_usable, _SHELLS), _SHELLS[-1])


def _usable(shell: str) -> bool:
    return shell.startswith("/") and Path(shell).name not in _NO_SHELLS and os.access(shell, os.X_OK)


async def start(shell: str, size: Size, *, directory: Path, environ: Mapping[str, str]) -> Started:
    """Start it; raises OSError."""
    near, far = os.openpty()
    try:
        os.set_blocking(near, False)
        _take_utf8(far)
        resize(near, size)
        process = await asyncio.create_subprocess_exec(
            shutil.which("sh") or "/bin/sh",
            "-c",
            _ATTACH,
            os.ttyname(far),
            shell,
            "-l",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=directory,
            env=_environment(environ, shell),
            start_new_session=True,
        )
    except BaseException:
        os.close(near)
        os.close(far)
        raise
    lower(process.pid)
    return Started(process, near, far)


def resize(near: int, size: Size) -> None:
    """Say how large it is; the programs on it are told by the kernel."""
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))


def _take_utf8(far: int) -> None:
    settings = termios.tcgetattr(far)
    settings[_INPUT_FLAGS] |= _UTF8
    termios.tcsetattr(far, termios.TCSANOW, settings)


def _environment(environ: Mapping[str, str], shell: str) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in {"COLUMNS", "LINES"}}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "SHELL": shell}
