"""Keeps the processes of ``berth up`` running, and ends every one of them.

Each child writes its output to a file of its own. One that ends by itself is started again, after
a delay that grows while it keeps ending. What an earlier supervisor left behind, because it was
killed, is ended first: children are known by process id *and* time of creation, so that a number
used again by another program is never mistaken for one of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from records.sql.apart import import_path, python

_STOP_GRACE = 15.0
_RESTART_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY = 30.0
"""Seconds after which a child counts as running well."""
_LOG_LIMIT = 10 * 2**20


_THRIFT = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""glibc keeps an arena per thread and gives little back: a third of what each program holds."""


class AlreadyRunning(Exception):
    """Another ``berth up`` uses this home."""


@dataclass(frozen=True, slots=True)
class Program:
    """One child: ``python -m module`` with its own settings."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home's lock; raises AlreadyRunning."""
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(str(home)) from None
        yield


class Supervisor:
    """Starts programs, starts them again, and stops them in the reverse order."""

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        self._logs = home / "logs"
        self._logs.mkdir(mode=0o700, exist_ok=True)
        self._pids = home / "run.json"
        self._say_to = say
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = False

    def end_leftovers(self) -> None:
        """End what a killed supervisor left running."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            left = json.loads(self._pids.read_text())
            alive = [process for pid, created in left if (process := _same_process(pid, created))]
            for process in alive:
                self._say(f"ending process {process.pid}, left by an earlier start")
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.terminate()
            for process in psutil.wait_procs(alive, timeout=_STOP_GRACE)[1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._pids.unlink(missing_ok=True)

    async def start(self, program: Program) -> None:
        """Start a program and keep it running."""
        child = await self._spawn(program)
        self._keepers.append(asyncio.create_task(self._keep(program, child)))

    def log_of(self, name: str) -> Path:
        """Where a program's output goes."""
        return self._logs / f"{name}.log"

    def exit_code(self, name: str) -> int | None:
        """The exit code of a program that is not running just now."""
        child = self._children.get(name)
        return child.returncode if child else None

    async def stop(self) -> None:
        """Stop all, the newest first: what was started first is needed by what came after."""
        self._stopping = True
        for task in self._keepers:
            task.cancel()
        for name, child in reversed(self._children.items()):
            if child.returncode is not None:
                continue
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_GRACE):
                    await child.wait()
            except TimeoutError:
                self._say(f"{name} does not end; killing it")
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._pids.unlink(missing_ok=True)

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        with _opened_log(self.log_of(program.name)) as log:
            child = await asyncio.create_subprocess_exec(
                *python(),
                "-m",
                program.module,
                *program.arguments,
                env={**_THRIFT, **os.environ, "PYTHONPATH": import_path(), **program.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches this process alone, which then stops the others in their order.
                start_new_session=True,
            )
        self._children[program.name] = child
        self._remember()
        return child

    async def _keep(self, program: Program, child: asyncio.subprocess.Process) -> None:
        attempt = 0
        while True:
            started = asyncio.get_running_loop().time()
            code = await child.wait()
            if self._stopping:
                return
            if asyncio.get_running_loop().time() - started > _STEADY:
                attempt = 0
            delay = _RESTART_DELAYS[min(attempt, len(_RESTART_DELAYS) - 1)]
            attempt += 1
            self._say(f"{program.name} ended with code {code}; starting it again in {delay:g} s")
            self._say(f"its output: {self.log_of(program.name)}")
            child = await self._spawn_again(program, delay)

    async def _spawn_again(self, program: Program, delay: float) -> asyncio.subprocess.Process:
        """Start it after a delay, and again where the machine has no room for it now."""
        while True:
            await asyncio.sleep(delay)
            try:
                return await self._spawn(program)
            except OSError as error:
                delay = min(delay * 2, _RESTART_DELAYS[-1])
                self._say(f"{program.name} cannot be started: {error.strerror}; again in {delay:g} s")

    def _say(self, text: str) -> None:
        # Our own output may go to the disk that is full: that is no reason to keep nothing running.
        with contextlib.suppress(OSError):
            self._say_to(text)

    def _remember(self) -> None:
        alive = []
        for child in self._children.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                alive.append((child.pid, psutil.Process(child.pid).create_time()))
        part = self._pids.with_suffix(".part")
        try:
            part.write_text(json.dumps(alive))
            part.replace(self._pids)
        except OSError as error:
            # On a full disk, say. The child runs and is kept; only if we are killed before the next
            # one starts would a later supervisor not know of it.
            self._say(f"{self._pids} was not written: {error.strerror}")


def _same_process(pid: int, created: float) -> psutil.Process | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < 1:
            return process
    return None


def _opened_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    opened = path.open("ab")
    path.chmod(0o600)
    return opened
