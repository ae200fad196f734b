"""What the agent wants of its owner. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from container.agent.failures import Kind
from container.agent.items import Outcome, Prompt
from container.agent.queue import Line
from container.contract import Attention


@dataclass(frozen=True, slots=True)
class Situation:
    """How the agent stands.

    ``last`` is the newest prompt that was given to it; ``unseen`` tells that nobody has looked since
    its turn ended; ``failure`` why the agent is at rest, if it is.
    """

    declared: bool
    working: bool
    asking: bool
    line: Line
    last: Prompt | None
    unseen: bool
    failure: Kind | None


def attention(now: Situation) -> Attention:
    """The first that fits.

    - Unknown: there is no agent.
    - NeedsApproval: it asks leave.
    - Working: a turn is under way, or a prompt waits for the agent to start.
    - LimitReached: the last turn, or the start, met the provider's usage limit. A prompt ends it.
    - NeedsInput: its turn has ended and nobody has looked since, in whatever way it ended; or prompts
      wait for a person's word, or for an agent that does not start.
    - Idle: all was seen, nothing waits.
    """
    waits = bool(now.line.waiting)
    if not now.declared:
        return Attention.UNKNOWN
    if now.asking:
        return Attention.NEEDS_APPROVAL
    if now.working or (waits and not now.line.held and now.failure is None):
        return Attention.WORKING
    limited = now.last is not None and now.last.outcome is Outcome.LIMIT_REACHED
    if limited or now.failure is Kind.LIMIT:
        return Attention.LIMIT_REACHED
    if waits or (now.last is not None and now.unseen):
        return Attention.NEEDS_INPUT
    return Attention.IDLE
