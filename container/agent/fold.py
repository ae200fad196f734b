"""The transcript's newest items and how each word of the agent changes them. Pure.

An item is changed in place for as long as its own updates come: a tool call by its id, the plan of the
turn, a message or thought while nothing else came after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from container.agent import content
from container.agent.items import Body, Item, Location, Message, Plan, Step, Thought, Tool
from container.agent.weight import weight

if TYPE_CHECKING:
    from acp import schema

    Update = (
        schema.UserMessageChunk
        | schema.AgentMessageChunk
        | schema.AgentThoughtChunk
        | schema.ToolCallStart
        | schema.ToolCallProgress
        | schema.AgentPlanUpdate
        | schema.AgentPlanContentUpdate
        | schema.AgentPlanRemovedUpdate
        | schema.AvailableCommandsUpdate
        | schema.CurrentModeUpdate
        | schema.ConfigOptionUpdate
        | schema.SessionInfoUpdate
        | schema.UsageUpdate
    )
    ToolUpdate = schema.ToolCallStart | schema.ToolCallProgress | schema.ToolCallUpdate

MAX_CALLS = 500
"""Tool calls that may still change; an update of an older one is an entry of its own."""
MAX_STEPS = 200
_MAX_LOCATIONS = 50
_OUTPUTS = ("terminal_output", "terminal_output_delta")
"""Where codex-acp and claude-agent-acp put what a command prints: in the update's ``_meta``."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The items that may still change, and the id that the next one gets."""

    next_id: int = 1
    newest: Item | None = None
    plan: Item | None = None
    calls: Mapping[str, Item] = field(default_factory=dict)

    def add(self, body: Body, at: str) -> tuple[Draft, Item]:
        """A new item at the end."""
        item = Item(self.next_id, at, body)
        return replace(self.change(item), next_id=self.next_id + 1, newest=item), item

    def change(self, item: Item) -> Draft:
        """The same with another state of one of its items."""
        newest = item if self.newest is not None and self.newest.id == item.id else self.newest
        if isinstance(item.body, Plan):
            return replace(self, newest=newest, plan=item)
        if isinstance(item.body, Tool):
            calls = {**self.calls, item.body.call: item}
            if len(calls) > MAX_CALLS:
                del calls[next(iter(calls))]
            return replace(self, newest=newest, calls=calls)
        return replace(self, newest=newest)

    def begin_turn(self) -> Draft:
        """A new turn makes a plan of its own."""
        return replace(self, plan=None)


def fold(draft: Draft, update: Update, at: str) -> tuple[Draft, Item | None]:
    """Take in one update; with the item that it made or changed, if any."""
    match update.session_update:
        case "agent_message_chunk":
            return _fold_message(draft, update, at)
        case "agent_thought_chunk":
            return _fold_thought(draft, update, at)
        case "tool_call" | "tool_call_update":
            return fold_tool(draft, update, at)
        case "plan":
            return _fold_plan(draft, update, at)
        case _:
            # What we said ourselves, and what is announced and no part of the talk.
            return draft, None


def fold_tool(draft: Draft, update: ToolUpdate, at: str) -> tuple[Draft, Item]:
    """Take in a tool call, or what an update or a permission request tells of one."""
    call = content.line(update.tool_call_id)
    before = draft.calls.get(call)
    if before is None:
        return draft.add(_told(Tool(call, ""), update), at)
    assert isinstance(before.body, Tool)  # noqa: S101 - only tool calls are in there
    item = before.with_body(_told(before.body, update))
    return draft.change(item), item


def append_output(tool: Tool, text: str) -> Tool:
    """A tool call whose command printed more: the end of it is kept."""
    output, omitted = content.end_of(tool.output + text)
    return replace(tool, output=output, omitted=tool.omitted + omitted)


def _fold_message(draft: Draft, update: schema.AgentMessageChunk, at: str) -> tuple[Draft, Item]:
    text, newest = content.text_of(update.content), draft.newest
    id_ = content.line(update.message_id or "")
    if newest is None or not isinstance(newest.body, Message) or _another(newest.body.message, id_):
        draft, newest = draft.add(Message("", message=id_), at)
    body = newest.body
    assert isinstance(body, Message)  # noqa: S101 - see above
    if text is not None and not body.pieces:
        kept, lost = content.begin_of(text, content.MAX_TEXT - len(body.text))
        changed = replace(body, text=body.text + kept, omitted=body.omitted + lost)
    else:
        changed = _with_piece(body, update, text)
    item = newest.with_body(changed)
    return draft.change(item), item


def _with_piece(body: Message, update: schema.AgentMessageChunk, text: str | None) -> Message:
    """A message in which something came that is no text: from there on it is made of pieces."""
    room = max(0, 2 * content.MAX_TEXT - weight(body))
    last = body.pieces[-1] if body.pieces else None
    if text is not None and last is not None and last.type == "text":
        kept, lost = content.begin_of(text, min(room, content.MAX_TEXT - len(last.text)))
        piece = replace(last, text=last.text + kept, omitted=last.omitted + lost)
        return replace(body, pieces=(*body.pieces[:-1], piece))
    if len(body.pieces) >= content.MAX_PIECES:
        return replace(body, omitted=body.omitted + len(text or "."))
    return replace(body, pieces=(*body.pieces, content.piece_of(update.content, room)))


def _fold_thought(draft: Draft, update: schema.AgentThoughtChunk, at: str) -> tuple[Draft, Item | None]:
    text, newest = content.text_of(update.content), draft.newest
    if text is None:
        return draft, None
    id_ = content.line(update.message_id or "")
    if newest is None or not isinstance(newest.body, Thought) or _another(newest.body.message, id_):
        draft, newest = draft.add(Thought("", message=id_), at)
    body = newest.body
    assert isinstance(body, Thought)  # noqa: S101 - see above
    kept, lost = content.begin_of(text, content.MAX_TEXT - len(body.text))
    item = newest.with_body(replace(body, text=body.text + kept, omitted=body.omitted + lost))
    return draft.change(item), item


def _another(before: str, now: str) -> bool:
    """Whether two message ids tell two messages apart; an agent need not give any."""
    return bool(before and now and before != now)


def _fold_plan(draft: Draft, update: schema.AgentPlanUpdate, at: str) -> tuple[Draft, Item]:
    steps = tuple(
        Step(content.line(entry.content), entry.status, entry.priority)
        for entry in update.entries[:MAX_STEPS]
    )
    plan = Plan(steps, omitted=max(0, len(update.entries) - MAX_STEPS))
    if draft.plan is None:
        return draft.add(plan, at)
    item = draft.plan.with_body(plan)
    return draft.change(item), item


def _told(tool: Tool, update: ToolUpdate) -> Tool:
    """A tool call after an update: what the update leaves out stays."""
    told: dict[str, Any] = {}
    if update.title is not None:
        told["title"] = content.line(update.title)
    if update.kind is not None:
        told["tool"] = update.kind
    if update.status is not None:
        told["status"] = update.status
    if update.locations is not None:
        told["locations"] = tuple(
            Location(content.line(location.path), location.line)
            for location in update.locations[:_MAX_LOCATIONS]
        )
    if update.content is not None:
        told["pieces"], told["omitted"] = content.pieces_of(update.content)
    if update.raw_input is not None:
        told["input"] = content.as_json(update.raw_input)
    return _with_output(replace(tool, **told), update)


def _with_output(tool: Tool, update: ToolUpdate) -> Tool:
    meta = update.field_meta or {}
    for name in _OUTPUTS:
        printed = meta.get(name)
        if isinstance(printed, dict) and isinstance(printed.get("data"), str):
            tool = append_output(tool, printed["data"])
    ended = meta.get("terminal_exit")
    if isinstance(ended, dict) and isinstance(ended.get("exit_code"), int):
        tool = replace(tool, exit_code=ended["exit_code"])
    if update.raw_output is not None and not tool.output and not tool.pieces:
        output, omitted = content.end_of(content.raw_output(update.raw_output))
        return replace(tool, output=output, omitted=omitted)
    return tool
