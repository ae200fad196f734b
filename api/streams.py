"""Bounds how many streams are served at a time, and counts them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from api.metrics import Metrics
from api.problems import Problem, Reason

T = TypeVar("T")


class Streams:
    """The places for streams; a place is taken before the answer begins."""

    def __init__(self, metrics: Metrics, *, limit: int) -> None:
        self._metrics = metrics
        self._limit = limit
        self._open = 0

    def check(self) -> None:
        """Raise Problem Unavailable where every place is taken."""
        if self._open >= self._limit:
            detail = f"{self._limit} streams are served already; close one, or try again in a moment"
            raise Problem(Reason.UNAVAILABLE, detail)

    async def counted(self, stream: AsyncGenerator[T]) -> AsyncIterator[T]:
        """The stream; it holds a place from its first item on, until it ends or is left."""
        self._open += 1
        self._metrics.watchers.set(self._open)
        try:
            async for item in stream:
                yield item
        finally:
            self._open -= 1
            self._metrics.watchers.set(self._open)
            await stream.aclose()
