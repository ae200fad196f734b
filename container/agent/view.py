"""All that a page shows of the agent beside the transcript, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from container.agent.announced import Announced
from container.agent.attention import Situation, attention
from container.agent.failures import Kind
from container.agent.modes import Decider, decider
from container.agent.parts import Parts
from container.agent.providers import Provider
from container.agent.queue import Waiting
from container.contract import AgentState, Attention


@dataclass(frozen=True, slots=True)
class ProviderView:
    """An agent to choose; ``missing`` says why it cannot be started, or is empty."""

    name: str
    title: str
    missing: str
    login: str
    """How one logs in."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """How the agent stands at a revision."""

    revision: int
    state: AgentState
    message: str
    attention: Attention
    provider: str
    """The chosen one's name; empty if none is."""
    providers: tuple[ProviderView, ...]
    name: str
    """What the agent calls itself, with its version, while it runs."""
    turn: int | None
    """The item of the prompt that is under way."""
    cancelling: bool
    waiting: tuple[Waiting, ...]
    """The queue."""
    held: str
    """Why the queue waits for a person; empty while it goes on by itself."""
    permissions: tuple[str, ...]
    """The requests that wait for a person, the oldest first; each is an item of the transcript."""
    auto_approve: bool
    decides: Decider | None
    """Who decides whether it may do what it asks leave for; None while it does not run."""
    login_needed: bool
    seen: int
    """The revision up to which a person has looked."""
    announced: Announced


def view_of(parts: Parts) -> AgentView:
    """How the agent stands now."""
    duty, talk, line = parts.duty, parts.duty.talk, parts.queue.line
    return AgentView(
        revision=parts.transcript.revision,
        state=duty.state,
        message=duty.message,
        attention=attention_of(parts),
        provider=duty.provider.name if duty.provider else "",
        providers=tuple(map(_provider, parts.known)),
        name=talk.name if talk else "",
        turn=parts.turns.current.id if parts.turns.current else None,
        cancelling=parts.turns.cancelling,
        waiting=line.waiting,
        held=line.held,
        permissions=parts.permissions.pending,
        auto_approve=parts.permissions.auto_approve,
        decides=_decides(parts),
        login_needed=bool(refused_login_of(parts)),
        seen=parts.memory.seen,
        announced=parts.hearing.announced,
    )


def attention_of(parts: Parts) -> Attention:
    """What the agent wants of its owner now."""
    last = parts.last_prompt()
    return attention(
        Situation(
            declared=parts.duty.provider is not None,
            working=parts.turns.current is not None,
            asking=bool(parts.permissions.pending),
            line=parts.queue.line,
            last=last[0] if last else None,
            unseen=last is not None and last[1] > parts.memory.seen,
            failure=parts.duty.failure.kind if parts.duty.failure else None,
        )
    )


def refused_login_of(parts: Parts) -> str:
    """The provider that does not take the login that is here; empty for none."""
    provider, failure = parts.duty.provider, parts.duty.failure
    return provider.name if provider and failure and failure.kind is Kind.LOGIN else ""


def _decides(parts: Parts) -> Decider | None:
    if parts.duty.talk is None:
        return None
    return decider(parts.hearing.announced, auto_approve=parts.permissions.auto_approve)


def _provider(provider: Provider) -> ProviderView:
    return ProviderView(provider.name, provider.title, provider.missing, provider.login)
