"""Draws what a transcript is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from types import MappingProxyType
from urllib.parse import quote

from nicegui import ui

from container.agent.export import decision_of, diff_lines
from container.agent.items import (
    Attachment,
    Decision,
    Diff,
    Image,
    Link,
    Message,
    Notice,
    Outcome,
    Permission,
    Piece,
    Plan,
    Prompt,
    TerminalRef,
    Text,
    Thought,
    Tool,
)
from container.ui.chat.markdown import to_html
from container.ui.words import plain, size, tone

Answer = Callable[[str, str], Awaitable[None]]
"""Answers a permission request by the id of an option."""

Draw = Callable[[], object]

MAX_LINES = 1000
"""Lines of a diff that are shown; the whole is in the exported transcript, and under Changes."""
_SHOWN_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_TOOL_ICONS = MappingProxyType(
    {
        "read": "description",
        "edit": "edit",
        "delete": "delete",
        "move": "drive_file_move",
        "search": "search",
        "execute": "terminal",
        "think": "psychology",
        "fetch": "language",
        "switch_mode": "swap_horiz",
    }
)
_STEP_ICONS = MappingProxyType({"completed": "check_circle", "in_progress": "pending"})
_TOOL_TONES = MappingProxyType({"completed": "good", "failed": "bad", "interrupted": "bad"})


def draw_prompt(body: Prompt) -> None:
    """What a person asked, and what became of it."""
    with ui.element("div").classes("bubble"):
        ui.label(body.text).classes("said")
        for file in body.attachments:
            draw_attachment(body.prompt, file)
    if body.outcome not in {Outcome.WORKING, Outcome.COMPLETED}:
        with ui.element("div").classes("outcome"):
            ui.label(plain(body.outcome)).classes("pill").props(f'data-tone="{tone(body.outcome)}"')
            ui.label(body.message)


def draw_attachment(prompt: str, file: Attachment) -> None:
    """A file that was given with a prompt."""
    if file.path:
        ui.label(file.path).classes("attachment mono")
    else:
        target = f"/api/agent/attachments/{quote(prompt, safe='')}/{quote(file.name, safe='')}"
        ui.link(f"{file.name} ({size(file.bytes)})", target, new_tab=True).classes("attachment")


def draw_message(body: Message) -> None:
    """What the agent says."""
    draw_markdown(body.text)
    draw_pieces(body.pieces, "")
    draw_omitted(body.omitted)


def draw_markdown(text: str) -> ui.html:
    """Markdown; the browser looks once more that there is nothing in it that acts."""
    return ui.html(to_html(text)).classes("markdown")


def draw_thought(body: Thought) -> None:
    """What it thinks aloud."""
    draw_markdown(body.text)
    draw_omitted(body.omitted)


def draw_plan(body: Plan) -> None:
    """Its plan."""
    for step in body.steps:
        with ui.element("div").classes(f"step {step.status}"):
            ui.icon(_STEP_ICONS.get(step.status, "radio_button_unchecked"))
            ui.label(step.content)
    draw_omitted(body.omitted)


def draw_notice(body: Notice) -> None:
    """Something about the agent."""
    ui.label(body.message).props(f'data-tone="{"bad" if body.level == "Warning" else "wait"}"')


def draw_permission(body: Permission, answer: Answer) -> None:
    """A request for leave, with its answers as buttons while it waits."""
    ui.label(body.title).classes("title")
    if body.decision is not Decision.PENDING:
        ui.label(decision_of(body)).classes("quiet")
        return
    with ui.element("div").classes("answers"):
        for option in body.options:
            rejects = option.kind.startswith("reject")
            button = ui.button(option.name, on_click=_answering(answer, body.request, option.id))
            button.props("no-caps unelevated " + ("outline color=negative" if rejects else "color=primary"))


def _answering(answer: Answer, request: str, option: str) -> Callable[[], Awaitable[None]]:
    async def on_click() -> None:
        await answer(request, option)

    return on_click


def draw_tool_head(body: Tool) -> None:
    """A tool call in a line."""
    ui.icon(_TOOL_ICONS.get(body.tool, "build")).classes("tool-icon")
    ui.label(" ".join(body.title.split()) or body.tool).classes("tool-title")
    ui.label(plain(body.status.replace("_", " "))).classes("pill").props(
        f'data-tone="{_TOOL_TONES.get(body.status, "wait")}"'
    )


def draw_tool(body: Tool) -> None:
    """All that is known of a tool call."""
    for place in body.locations:
        ui.label(f"{place.path}:{place.line}" if place.line else place.path).classes("mono quiet")
    draw_pieces(body.pieces, body.output)
    if body.output and not any(isinstance(piece, TerminalRef) for piece in body.pieces):
        draw_output(body.output)
    if body.exit_code:
        ui.label(f"exit code {body.exit_code}").classes("quiet")
    if body.input and not body.pieces and not body.output:
        draw_output(body.input)
    draw_omitted(body.omitted)


def draw_pieces(pieces: Iterable[Piece], output: str) -> None:
    """The pieces of an item; ``output`` stands where its terminal is."""
    for piece in pieces:
        match piece:
            case Text():
                draw_markdown(piece.text)
                draw_omitted(piece.omitted)
            case Diff():
                draw_diff(piece)
            case Image():
                _draw_image(piece)
            case Link():
                _draw_link(piece)
            case TerminalRef():
                draw_output(output)


def draw_output(text: str) -> None:
    """What a program printed."""
    if text:
        ui.label(text).classes("output mono")


def draw_diff(diff: Diff) -> None:
    """A change of a file."""
    ui.label(diff.path).classes("mono quiet")
    lines = list(diff_lines(diff))[2:]
    draw_diff_lines(lines)
    draw_omitted(diff.omitted)


def draw_diff_lines(lines: list[str]) -> None:
    """Lines of a unified diff, the first :data:`MAX_LINES` of them."""
    with ui.element("div").classes("diff mono"):
        for line in lines[:MAX_LINES]:
            ui.label(line or " ").props(f'data-line="{_line_kind(line)}"')
    if len(lines) > MAX_LINES:
        ui.label(f"{len(lines) - MAX_LINES} more lines").classes("quiet")


def _line_kind(line: str) -> str:
    if line.startswith("@@"):
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "same")


def draw_omitted(count: int) -> None:
    """How much was left out."""
    if count:
        ui.label(f"{count:,} characters left out").classes("quiet")


def _draw_image(image: Image) -> None:
    if image.mime in _SHOWN_IMAGES and image.data:
        ui.image(f"data:{image.mime};base64,{image.data}").classes("picture")
    else:
        ui.label(f"{image.mime}, {size(image.bytes)}").classes("quiet")


def _draw_link(link: Link) -> None:
    if link.uri.startswith(("https://", "http://")):
        ui.link(link.name, link.uri, new_tab=True).props('rel="noopener noreferrer"')
    else:
        ui.label(f"{link.name} ({link.uri})").classes("mono quiet")
