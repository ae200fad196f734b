"""Dokploy's queue of deployments: in memory, first in first out, one of an application at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(eq=False, slots=True)
class Job:
    """One deployment asked for. ``at`` and ``started`` in milliseconds since the epoch."""

    number: int
    application_id: str
    title: str
    description: str
    kind: Literal["deploy", "redeploy"]
    at: int
    started: int | None = None
    killed: bool = False
    """``killBuild`` ended it."""
    abandoned: bool = False
    """Dokploy was restarted: its build goes on, nobody waits for it (FACTS-2 7)."""
    stopped: bool = False
    """``application.stop`` was called while it ran."""
    work: asyncio.Task[None] | None = field(default=None, repr=False)

    def shown(self, href: str | None) -> dict[str, Any]:
        """A row of ``deployment.queueList``."""
        row: dict[str, Any] = {
            "id": f"job-{self.number}",
            "name": "deployments",
            "data": {
                "applicationId": self.application_id,
                "titleLog": self.title,
                "descriptionLog": self.description,
                "type": self.kind,
                "applicationType": "application",
                "server": False,
            },
            "timestamp": self.at,
        }
        if self.started is not None:
            row["processedOn"] = self.started
        row["state"] = "waiting" if self.started is None else "active"
        row["servicePath"] = {"href": href, "label": "Application" if href else "—"}
        return row


class BuildQueue:
    """The queue. ``perform`` does one job and never raises."""

    def __init__(self, perform: Callable[[Job], Awaitable[None]], clock: Callable[[], float]) -> None:
        self.concurrency = 1
        self._perform = perform
        self._clock = clock
        self._waiting: list[Job] = []
        self._active: list[Job] = []
        self._abandoned: list[Job] = []
        self._count = 0

    def add(
        self, application_id: str, title: str, description: str, kind: Literal["deploy", "redeploy"]
    ) -> None:
        """Enqueue; duplicates are not merged (FACTS 4)."""
        self._count += 1
        at = int(self._clock() * 1000)
        self._waiting.append(Job(self._count, application_id, title, description, kind, at))
        self.advance()

    def advance(self) -> None:
        """Start what may start now."""
        for job in tuple(self._waiting):
            if len(self._active) >= self.concurrency:
                return
            if any(other.application_id == job.application_id for other in self._active):
                continue
            self._waiting.remove(job)
            self._active.append(job)
            job.started = int(self._clock() * 1000)
            job.work = asyncio.get_running_loop().create_task(self._work(job))

    async def _work(self, job: Job) -> None:
        try:
            await self._perform(job)
        finally:
            for jobs in (self._active, self._abandoned):
                if job in jobs:
                    jobs.remove(job)
            self.advance()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Waiting and active jobs, the newest first."""
        return tuple(sorted((*self._waiting, *self._active), key=lambda job: -job.number))

    @property
    def active(self) -> tuple[Job, ...]:
        """The jobs at work."""
        return tuple(self._active)

    def clean(self, application_id: str) -> None:
        """Drop the waiting jobs of one application; an active one stays (FACTS-2 1)."""
        self._waiting = [job for job in self._waiting if job.application_id != application_id]

    def kill(self) -> int:
        """End every active job, as the host-wide kill of builds does; returns how many."""
        for job in self._active:
            job.killed = True
            if job.work is not None:
                job.work.cancel()
        return len(self._active)

    def lose(self) -> tuple[Job, ...]:
        """Forget everything, as a restart does; returns what was active, whose builds go on."""
        lost = tuple(self._active)
        for job in lost:
            job.abandoned = True
        self._abandoned += lost
        self._active, self._waiting = [], []
        return lost

    async def aclose(self) -> None:
        """End every job."""
        self._waiting = []
        works = [job.work for job in (*self._active, *self._abandoned) if job.work is not None]
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
