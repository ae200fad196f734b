"""Worlds of many sessions in virtual time, and what was asked of Dokploy and written meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
from pydantic import SecretStr

from crds.session import Session
from crds.target import Target
from crds.vocabulary import ConditionType
from dokploy.client import CallLimits, HttpDokploy
from dokploy.local.server import create_app
from dokploy.port import Dokploy
from tests.controller.world import CHANGES, LISTINGS, Transport, World, world

QUIET = 25.0
"""Seconds after which nothing of a start is left to be told."""


@dataclass
class Made:
    """What happened between two moments; filled in at the end of :func:`watching`."""

    listings: int = 0
    """Both listings counted: a tick is two."""
    changes: Counter[str] = field(default_factory=Counter)
    readings: Counter[str] = field(default_factory=Counter)
    """Calls that change nothing, without the two listings."""
    writes: int = 0
    """Writes to the records that changed something."""


class SlowTransport(Transport):
    """Every call takes a while on its way; when each began is kept."""

    def __init__(self, of: World, latency: float) -> None:
        super().__init__(create_app(of.dokploy))
        self._latency = latency
        self.began: list[tuple[float, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.began.append((asyncio.get_running_loop().time(), request.url.path.rsplit("/", 1)[1]))
        await asyncio.sleep(self._latency)
        return await super().handle_async_request(request)


_T = TypeVar("_T", bound=Transport)


def slowly(of: World, latency: float) -> SlowTransport:
    """Let every call of controllers that are started from now on take ``latency`` seconds."""
    transport = SlowTransport(of, latency)
    _connect_by(of, transport)
    return transport


def reached_by(of: World, kind: type[_T]) -> _T:
    """Let controllers that are started from now on reach Dokploy by such a transport; returns it."""
    transport = kind(create_app(of.dokploy))
    _connect_by(of, transport)
    return transport


def _connect_by(of: World, transport: Transport) -> None:
    def connect(target: Target, key: SecretStr) -> Dokploy:
        limits = target.spec.limits
        return HttpDokploy(
            target.spec.url,
            key,
            transport=transport,
            limits=CallLimits(limits.calls_in_flight, limits.calls_per_second),
            jitter=lambda: 0.5,
        )

    of.connect = connect


@contextmanager
def watching(of: World) -> Iterator[Made]:
    """Count what is asked of Dokploy and written to the records within the block."""
    made, calls, writes = Made(), of.calls(), len(of.records.writes)
    yield made
    asked = of.calls() - calls
    made.listings = sum(asked[name] for name in LISTINGS)
    made.changes = Counter({name: number for name, number in asked.items() if name in CHANGES})
    made.readings = Counter(
        {name: number for name, number in asked.items() if name not in CHANGES | LISTINGS}
    )
    made.writes = len(of.records.writes) - writes


def sessions(of: World) -> list[Session]:
    return [row for row in of.records._rows["Session"].values() if isinstance(row, Session)]


def is_ready(session: Session) -> bool:
    return session.status.observed_generation == session.metadata.generation and any(
        condition.type == ConditionType.READY and condition.status == "True"
        for condition in session.status.conditions
    )


async def declare(of: World, number: int, **spec: object) -> None:
    for index in range(number):
        await of.declare(f"session-{index}", **spec)


async def until(true: Callable[[], bool], *, within: float = 3600.0, step: float = 0.1) -> None:
    """Wait in virtual time for the world to be so."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(step)


async def until_all_are_ready(of: World, *, but: int = 0, **how: float) -> None:
    await until(lambda: sum(map(is_ready, sessions(of))) >= len(sessions(of)) - but, **how)


@asynccontextmanager
async def converged(number: int, **target: object) -> AsyncIterator[World]:
    """A world of so many sessions that run as declared, some time after anything happened."""
    async with world(**target) as of:
        of.run_controller()
        await declare(of, number)
        await until_all_are_ready(of, step=1.0)
        await asyncio.sleep(QUIET)
        yield of
