"""Ends what runs on a terminal: first as a terminal that is hung up would, then for good."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def hang_up(session: int, groups: set[int]) -> None:
    """Tell these groups that their terminal is gone; those that are stopped, too."""
    for number in (signal.SIGHUP, signal.SIGCONT):
        _signal(session, groups, number)


def kill(session: int, groups: set[int]) -> None:
    """End what is left of these groups of a session."""
    _signal(session, groups, signal.SIGKILL)


def kill_all(session: int) -> None:
    """End what is left of a session, also what was meant to outlast its terminal."""
    for program, _ in members(session):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(program, signal.SIGKILL)


def _signal(session: int, groups: set[int], number: signal.Signals) -> None:
    # Looked up anew each time: the number of a group that is gone may be another's by now.
    there = {group for _, group in members(session)} if _PROC.exists() else groups
    for group in groups & there:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def members(session: int) -> Iterator[tuple[int, int]]:
    """(Program, its group) of all that belong to a session; none where there is no ``/proc``."""
    with contextlib.suppress(OSError):
        for entry in os.listdir(_PROC):  # noqa: PTH208 - names alone are wanted
            if entry.isdigit():
                program = int(entry)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if os.getsid(program) == session:
                        yield program, os.getpgid(program)
