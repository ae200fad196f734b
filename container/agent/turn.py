"""One turn: a prompt, and everything until its end, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from container.agent.attachments import File
from container.agent.failures import AgentFailure, Kind, of_stop
from container.agent.items import Outcome
from container.agent.talk import Patience, Talk


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn ended.

    ``failure`` is set where the program is of no more use; ``stuck`` where it did not end its turn when
    told to.
    """

    outcome: Outcome
    message: str = ""
    failure: AgentFailure | None = None
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """What a turn watches beside the agent.

    ``stop`` asks for its end, and ``cancelled`` is called once the agent was asked; ``pending`` tells
    that a person is asked something, so that silence is theirs; ``silent`` is called once for each
    silence.
    """

    stop: asyncio.Event
    cancelled: Callable[[], None]
    pending: Callable[[], bool]
    silent: Callable[[], None]
    patience: Patience


async def take_turn(talk: Talk, text: str, files: Sequence[File], watch: Watch) -> Ending:
    """Give a prompt and wait for its end; never raises but when cancelled itself."""
    loop = asyncio.get_running_loop()
    asked = loop.create_task(talk.prompt(text, files))
    stopped = loop.create_task(watch.stop.wait())
    try:
        await _listen(talk, asked, stopped, watch)
        if asked.done():
            return _ending(asked, stopping=False)
        with contextlib.suppress(AgentFailure):
            await talk.cancel()
        # After that, as ACP has it: an agent that hears of these first might go on without them.
        watch.cancelled()
        await asyncio.wait([asked], timeout=watch.patience.cancel)
        if asked.done():
            return _ending(asked, stopping=True)
        seconds = f"{watch.patience.cancel:.0f} seconds"
        return Ending(Outcome.CANCELLED, f"the agent did not stop within {seconds} and was ended", stuck=True)
    finally:
        for task in (asked, stopped):
            task.cancel()


async def _listen(talk: Talk, asked: asyncio.Task[str], stopped: asyncio.Task[bool], watch: Watch) -> None:
    """Wait for the end of the turn, or for the wish for it; tell of silence meanwhile."""
    loop = asyncio.get_running_loop()
    silence, news, told = watch.patience.silence, loop.time(), float("-inf")
    while not asked.done() and not stopped.done():
        now = loop.time()
        news = now if watch.pending() or talk.busy else max(news, talk.heard)
        if now - news >= silence and told < news:
            told = now
            watch.silent()
        pause = silence - (now - news) if now - news < silence else silence
        await asyncio.wait({asked, stopped}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)


def _ending(asked: asyncio.Task[str], *, stopping: bool) -> Ending:
    try:
        outcome, message = of_stop(asked.result())
    except AgentFailure as failure:
        if failure.kind in {Kind.ENDED, Kind.LOGIN, Kind.NOT_INSTALLED}:
            return Ending(failure.outcome, failure.message, failure)
        if stopping:
            # What it was about failed because it was to end.
            return Ending(Outcome.CANCELLED)
        return Ending(failure.outcome, failure.message)
    return Ending(outcome, message)
