"""Health tests of containers that are programs of this machine.

Berth's own check begins with a marker line (``# berth-http-check: /readyz``). It is answered by one
request from here instead of a shell: a thousand sessions checked every few seconds would otherwise
cost a shell and a curl or a Python each time. Every other test is run as it is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from pathlib import Path

from container.contract import PORT

_MARKER = re.compile(r"# berth-http-check: (/[!-~]*)\n?")
_OK = range(200, 400)
_LONGEST = 30.0
"""Seconds: Docker's default time-out, for a caller that sets none by cancelling."""


async def check(test: tuple[str, ...], env: Mapping[str, str], cwd: Path) -> bool:
    """Run the test once. Cancelled, it leaves nothing behind."""
    if not test or test[0] == "NONE":
        return True
    try:
        async with asyncio.timeout(_LONGEST):
            return await _run(test, env, cwd)
    except (TimeoutError, OSError):
        return False


async def _run(test: tuple[str, ...], env: Mapping[str, str], cwd: Path) -> bool:
    if test[0] == "CMD":
        return await _succeeds(test[1:], env, cwd)
    marker = _MARKER.match(test[1])
    if marker:
        return await _answers(int(env[PORT]), marker[1])
    return await _succeeds(("/bin/sh", "-c", test[1]), env, cwd)


async def _answers(port: int, path: str) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode("ascii")
        )
        words = (await reader.readline()).split(None, 2)
        return len(words) > 1 and words[1].isdigit() and int(words[1]) in _OK
    except ValueError:  # a first line beyond any limit
        return False
    finally:
        writer.transport.abort()


async def _succeeds(command: tuple[str, ...], env: Mapping[str, str], cwd: Path) -> bool:
    """Run a test; not under the shim of a container, which is a Python for each check."""
    program = await asyncio.create_subprocess_exec(
        *command,
        env=dict(env),
        cwd=cwd,
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        return await program.wait() == 0
    finally:
        if program.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            await asyncio.shield(program.wait())
