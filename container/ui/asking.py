"""Asks a person something, and waits for what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from nicegui import context, ui


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to answer; ``look`` is how its button is drawn."""

    name: str
    look: str = "flat"


CANCEL = Answer("Cancel")


def danger(name: str) -> Answer:
    """An answer after which something is gone."""
    return Answer(name, "unelevated color=negative")


def proposed(name: str) -> Answer:
    """The answer that most will give."""
    return Answer(name, "unelevated color=primary")


async def choose(question: str, detail: str, *answers: Answer) -> Answer | None:
    """One of the answers; None when the question was left alone."""

    def draw(dialog: ui.dialog) -> None:
        ui.label(detail).classes("said")
        with ui.element("div").classes("answers"):
            for answer in answers:
                _button(answer, partial(dialog.submit, answer))

    answered = await _ask(question, draw)
    return answered if isinstance(answered, Answer) else None


async def confirm(question: str, detail: str, act: str) -> bool:
    """Whether something that cannot be undone shall be done."""
    return await choose(question, detail, CANCEL, danger(act)) not in {None, CANCEL}


async def ask_text(question: str, *, label: str, value: str, act: str) -> str | None:
    """A line; None when the question was left alone.

    The field is one of many lines: in another, a browser drops the newline that a file's name may hold.
    """

    def draw(dialog: ui.dialog) -> None:
        text = ui.textarea(label, value=value).props("autogrow outlined dense autofocus rows=1")
        text.on("keydown.enter.exact.prevent", lambda: dialog.submit(text.value))
        with ui.element("div").classes("answers"):
            _button(CANCEL, lambda: dialog.submit(None))
            _button(proposed(act), lambda: dialog.submit(text.value))

    answered = await _ask(question, draw)
    return answered if isinstance(answered, str) else None


def _button(answer: Answer, on_click: Callable[[], None]) -> None:
    ui.button(answer.name, on_click=on_click).props(f"no-caps dense {answer.look}")


async def _ask(question: str, draw: Callable[[ui.dialog], None]) -> object:
    """It lies in the page itself: what was clicked may be drawn anew while somebody thinks."""
    with context.client.layout, ui.element("div") as place:
        with ui.dialog() as dialog, ui.card().classes("asked"):
            ui.label(question).classes("question")
            draw(dialog)
        answered: object = await dialog
    if not place.is_deleted:
        dialog.delete()
        place.delete()
    return answered
