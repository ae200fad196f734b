"""Waiting until a record is as wished for, with a deadline and words on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from cli.client import Client, Query
from cli.failures import ExitCode, Failure
from cli.kinds import SESSION, Reference
from cli.progress import Progress
from cli.record import Record, identity
from cli.standing import Predicate, in_words
from cli.watch import follow

Hopeless = Callable[[Record], Failure | None]
"""Why a state will not become the one that is waited for by itself, if it is one of those."""


class Deadline:
    """A moment by which all of several waits must be over; ``seconds`` None: never."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._at = None if seconds is None else asyncio.get_running_loop().time() + seconds

    @property
    def at(self) -> float | None:
        """On the loop's clock."""
        return self._at


async def until(
    client: Client,
    reference: Reference,
    wished: Predicate,
    *,
    deadline: Deadline,
    progress: Progress,
    wish: str,
    about: str = "Ready",
    hopeless: Hopeless = lambda _: None,
) -> Record | None:
    """The record once ``wished`` is true of it; None if it is gone by then.

    Args:
        client: the server.
        reference: the record.
        wished: asked at once, and at every change.
        deadline: shared by all waits of one command.
        progress: told the state at every change.
        wish: ``wished`` in a word, for the message at the deadline.
        about: the condition whose reason is told.
        hopeless: says why waiting is of no use, where a person has to act first.

    Raises:
        Failure: what ``hopeless`` says; NOT_MET at the deadline, with the state then; NOT_FOUND if the
            record is gone and that was not wished for; or the server's.
    """
    async with aclosing(_states(client, reference)) as states:
        # The first look is outside the deadline, so that a time-out of 0 still looks once.
        state = await anext(states)
        try:
            async with asyncio.timeout_at(deadline.at):
                while not wished(state):
                    if state is None:
                        raise _absent(reference)
                    failure = hopeless(state)
                    if failure is not None:
                        raise failure
                    progress.show(f"waiting for {reference}: {in_words(state, about=about)}")
                    state = await anext(states)
        except TimeoutError:
            raise _late(reference, state, deadline, wish, about) from None
    return state


async def _states(client: Client, reference: Reference) -> AsyncGenerator[Record | None]:
    """The record now, then at every change; None while there is none."""
    query = Query(reference.kind, reference.namespace or None)
    sought = (reference.namespace, reference.name)
    listing = await client.listing(query)
    yield next((record for record in listing.items if identity(record) == sought), None)
    async with aclosing(follow(client, query, listing)) as changes:
        async for change in changes:
            if identity(change.record) == sought:
                yield None if change.type == "DELETED" else change.record


def _absent(reference: Reference) -> Failure:
    return Failure(
        f"there is no {reference}" + (f" in namespace {reference.namespace}" if reference.namespace else ""),
        code=ExitCode.NOT_FOUND,
        remedy=f"berth get {reference.kind.plural}",
    )


def _late(reference: Reference, state: Record | None, deadline: Deadline, wish: str, about: str) -> Failure:
    return Failure(
        f"{reference} is not {wish} after {deadline.seconds:g}s: {in_words(state, about=about)}",
        code=ExitCode.NOT_MET,
        remedy=f"berth why {reference.name}" if reference.kind == SESSION else f"berth get {reference}",
    )
