"""One container of the local Dokploy: a program of this machine, its scratch and its output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from dokploy.local import process_health
from dokploy.local.patience import ends_within
from dokploy.local.process_launch import Program
from dokploy.local.process_leftovers import end_members
from dokploy.local.process_output import Output
from dokploy.local.process_usage import UsageMeter, Watched
from dokploy.local.runtime import ContainerSpec, LogLine

_KILL_PATIENCE = 15.0
"""Seconds for the shim to see a kill through, before it is killed itself."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """What a container was started with on this machine."""

    program: Program
    env: Mapping[str, str]
    cwd: Path
    scratch: Path
    port: int
    output: Output
    usage: UsageMeter


class ProcessContainer:
    """Implements :class:`dokploy.local.runtime.Container`."""

    def __init__(
        self, container_id: str, spec: ContainerSpec, running: Running, forget: Callable[[], None]
    ) -> None:
        """``forget`` is called once, when nothing of it runs any more."""
        self.container_id = container_id
        self._spec, self._running, self._forget = spec, running, forget
        self._end = asyncio.get_running_loop().create_task(self._see_out())

    async def wait(self) -> int:
        """Return the exit code; by then no process of it is left and its volumes are free."""
        return await asyncio.shield(self._end)

    async def check(self) -> bool:
        """Run the health test once; a container that has ended is not healthy."""
        if self._end.done():
            return False
        running = self._running
        return await process_health.check(self._spec.health_test, running.env, running.cwd)

    async def stop(self, grace: float) -> None:
        """TERM to its group, KILL to all of it after ``grace`` seconds."""
        program = self._running.program
        program.terminate()
        if not await self._ends_within(grace):
            program.kill()
            if not await self._ends_within(_KILL_PATIENCE):
                program.kill_hard()
                await self.wait()

    def address(self) -> tuple[str, int] | None:
        """Where it listens; None once it has ended."""
        return None if self._end.done() else ("127.0.0.1", self._running.port)

    def logs(self) -> tuple[LogLine, ...]:
        """Its output, also after its end."""
        return self._running.output.lines()

    def usage(self) -> tuple[float, int]:
        """CPUs since the last call, bytes resident; nothing once it has ended."""
        return (0.0, 0) if self._end.done() else self._running.usage.read()

    def memory_watch(self) -> Watched | None:
        """What the memory watch needs of it; None without a limit."""
        limit = self._spec.memory_bytes
        if limit is None or self._end.done():
            return None
        return Watched(self._running.program.shim_pid, limit, self._exceed)

    def _exceed(self, used: int) -> None:
        _log.warning(
            "a container used more memory than it may and is killed",
            service=self._spec.service,
            used_bytes=used,
            limit_bytes=self._spec.memory_bytes,
        )
        self._running.program.kill()

    async def _ends_within(self, seconds: float) -> bool:
        return await ends_within(self._end, seconds)

    async def _see_out(self) -> int:
        code = await self._running.program.wait()
        self._running.output.close()
        if self._running.program.shim_failed:
            # The shim was killed from outside: what left the program's group is still there.
            await asyncio.to_thread(end_members, self._running.scratch)
        self._forget()
        return code
