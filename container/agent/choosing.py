"""What a person chooses of the agent: which one, its mode, its options."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import replace
from typing import TypeVar

from container.agent.announced import Announced
from container.agent.failures import AgentFailure
from container.agent.items import Notice
from container.agent.parts import Parts
from container.agent.talk import Talk
from container.refusal import Refusal, Why

T = TypeVar("T")


async def choose_provider(parts: Parts, name: str) -> None:
    """Work with another agent from now on, and remember it; raises Refusal."""
    known = {provider.name: provider for provider in parts.providers()}
    if name not in known:
        raise Refusal(Why.INVALID, "provider", _one_of(known))
    found, current = known[name], parts.duty.provider
    if found.missing:
        raise Refusal(Why.CONFLICT, "provider", found.missing)
    if current is not None and current.name == name:
        return
    await _remember(parts, name)
    if parts.transcript.newest is not None:
        knows = (
            "remembers its own part" if parts.memory.session_of(name) else "knows nothing of what was said"
        )
        parts.transcript.add(Notice(f"from here on with {found.title}, which {knows}"))
    parts.hearing.tell(Announced())
    parts.duty.serve(found)


async def _remember(parts: Parts, name: str) -> None:
    """Note the choice on the disk; raises Refusal, also while the agent works."""
    before = parts.memory.known
    try:
        async with parts.queue.changing(parts.stored):  # so no turn begins meanwhile
            _check_at_rest(parts)
            parts.memory.choose(name, parts.declared)
    except BaseException:
        parts.memory.put_known(
            replace(parts.memory.known, provider=before.provider, declared=before.declared)
        )
        raise
    finally:
        parts.duty.look()


def _check_at_rest(parts: Parts) -> None:
    if parts.turns.current is not None:
        raise Refusal(Why.CONFLICT, "provider", "the agent is working; cancel its turn first")


async def choose_mode(parts: Parts, mode: str) -> None:
    """Change the mode of the agent; raises Refusal."""
    talk, announced = _talk(parts), parts.hearing.announced
    known = [choice.id for choice in announced.modes]
    if mode not in known:
        raise Refusal(Why.INVALID, "mode", _one_of(known))
    await _obeyed("mode", talk.choose_mode(mode))
    parts.hearing.tell(replace(parts.hearing.announced, mode=mode))


async def choose_option(parts: Parts, option: str, value: str | bool) -> None:  # noqa: FBT001 - ACP's own
    """Set an option of the agent; raises Refusal."""
    talk = _talk(parts)
    known = {known.id: known for known in parts.hearing.announced.options}
    if option not in known:
        raise Refusal(Why.ABSENT, "option", _one_of(known))
    choices = [choice.id for choice in known[option].choices]
    if not choices and not isinstance(value, bool):
        raise Refusal(Why.INVALID, "value", "must be true or false")
    if choices and value not in choices:
        raise Refusal(Why.INVALID, "value", _one_of(choices))
    options = await _obeyed("value", talk.choose_option(option, value))
    parts.hearing.tell(replace(parts.hearing.announced, options=options))


def _talk(parts: Parts) -> Talk:
    if parts.duty.talk is None:
        raise Refusal(Why.CONFLICT, "", "the agent does not run; start it first")
    return parts.duty.talk


async def _obeyed(field: str, asking: Awaitable[T]) -> T:
    try:
        return await asking
    except AgentFailure as failure:
        raise Refusal(Why.CONFLICT, field, f"the agent does not take it: {failure.message}") from None


def _one_of(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"must be one of: {names}" if names else "the agent offers none"
