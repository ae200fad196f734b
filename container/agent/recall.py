"""What a start makes of the transcript that an earlier one left. Pure."""

from __future__ import annotations

from dataclasses import replace

from container.agent.items import Body, Decision, Outcome, Permission, Prompt, Tool
from container.agent.turns import cut_off

_ENDED = "the container ended meanwhile; the prompt was not given again"


def lapse(body: Body) -> Body:
    """What was under way when the container ended is over."""
    match body:
        case Prompt(outcome=Outcome.WORKING):
            return replace(body, outcome=Outcome.INTERRUPTED, message=_ENDED)
        case Permission(decision=Decision.PENDING):
            return replace(body, decision=Decision.CANCELLED)
        case Tool():
            return cut_off(body)
        case _:
            return body
