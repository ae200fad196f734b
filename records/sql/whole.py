"""Work on a database that is not cut off half-way."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def whole(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let the work come to its end before a cancellation of its caller is felt.

    The drivers run statements that nobody can take back, and a connection that is dropped in the
    middle of one may never be closed. A transaction takes milliseconds, so it is waited for.
    """

    @functools.wraps(work)
    async def uncut(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.create_task(work(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                await _ended(task)
            if not task.cancelled():
                # Looked at, so that nobody complains of an error that nobody saw.
                task.exception()
            raise

    return uncut


async def _ended(task: asyncio.Task[Any]) -> None:
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        return
