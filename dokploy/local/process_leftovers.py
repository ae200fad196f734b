"""Ends what a crashed local Dokploy left behind, before a new one starts anything.

The shim ends its program when the local Dokploy dies, so this finds something only where the shim
was killed as well, or is still at it. A process is known by its number *and* its start time, or by
the scratch directory in its environment: never by a number alone, which may be someone else's now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import structlog

_RECORD = "record.json"
_PATIENCE = 5.0
"""Seconds for what was killed to be gone."""
_log = structlog.get_logger(__name__)


def write_record(scratch: Path, pids: tuple[int, ...]) -> None:
    """Remember the processes of a container in its scratch directory."""
    known: list[tuple[int, float]] = []
    for pid in pids:
        try:
            known.append((pid, psutil.Process(pid).create_time()))
        except psutil.NoSuchProcess:
            continue
    (scratch / _RECORD).write_text(json.dumps(known), "utf-8")


def end_leftovers(containers: Path) -> None:
    """Kill every process that belongs to one of the directories in ``containers``."""
    directories = [entry for entry in containers.iterdir() if entry.is_dir()]
    if not directories:
        return
    found = {process.pid: process for process in _recorded(directories)}
    found |= {process.pid: process for process in members(containers)}
    for process in found.values():
        _kill(process)
    _, alive = psutil.wait_procs(list(found.values()), timeout=_PATIENCE)
    _log.warning(
        "ended what an earlier run left", containers=len(directories), killed=len(found), alive=len(alive)
    )


def end_members(scratch: Path) -> None:
    """Kill what still runs of one container whose shim was killed."""
    for process in members(scratch):
        _kill(process)


def _recorded(directories: list[Path]) -> Iterator[psutil.Process]:
    for directory in directories:
        try:
            record = json.loads((directory / _RECORD).read_text("utf-8"))
        except (OSError, ValueError):
            continue  # it crashed between the directory and the record: found by its environment
        for pid, started in record:
            try:
                process = psutil.Process(pid)
                if process.create_time() == started:
                    yield from process.children(recursive=True)
                    yield process
            except psutil.Error:
                continue


def members(directory: Path) -> Iterator[psutil.Process]:
    """All processes whose HOME or TMPDIR lies in ``directory``."""
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue  # ended, or another person's
        if any(Path(environment.get(name, "")).is_relative_to(directory) for name in ("HOME", "TMPDIR")):
            yield process


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()  # it compares the start time before it sends
    except psutil.Error:
        return
