"""Where a person writes: a text, files, and what is under way or waits."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import events, ui

from container.agent.agent import Agent
from container.agent.attachments import MAX_BYTES, MAX_COUNT, FromWorkspace, Given, Upload
from container.agent.queue import Place
from container.agent.view import AgentView
from container.refusal import Refusal, Why
from container.ui.saying import saying_why
from container.ui.words import uploaded_name

_MAX_COMMANDS = 50
_ENTER = "(event) => { if (!event.isComposing) emit(); }"
_PATIENCE = 10.0
"""Seconds for which a browser is asked what was being written."""
_DRAFT = "berth-draft"
_KEEP = f"(event) => sessionStorage.setItem('{_DRAFT}', event.target.value)"


class Composer:
    """The text field and its buttons; what is written is kept until it was taken."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._given: list[Given] = []
        self._sent = False
        with ui.element("div").classes("composer"):
            self._files = ui.element("div").classes("given")
            self._text = ui.textarea(placeholder="Ask the agent …").props(
                'autogrow outlined dense aria-label="Prompt" input-style="max-height: 12rem"'
            )
            # A field says itself which keys end a line: the server would hear of it too late.
            self._text.on("keydown.enter.exact.prevent", self._send, js_handler=_ENTER)
            self._text.on("focus", self._warm)
            for event in ("keyup", "blur"):
                self._text.on(event, js_handler=_KEEP)
            ui.timer(0, self._restore, once=True)
            with ui.element("div").classes("buttons"):
                self._attachments()
                self._commands = ui.button(icon="bolt").props("flat dense").tooltip("Commands of the agent")
                with self._commands, ui.menu() as menu:
                    self._command_menu = menu
                ui.element("span").classes("space")
                self._stop = ui.button("Stop", icon="stop", on_click=self._cancel).props(
                    "no-caps unelevated color=negative dense"
                )
                self._send_button = ui.button("Send", icon="send", on_click=self._send).props(
                    "no-caps unelevated dense"
                )
        self._named: tuple[str, ...] = ()

    def show(self, view: AgentView) -> None:
        """What may be done now."""
        working = view.turn is not None
        self._stop.set_visibility(working)
        self._stop.set_enabled(not view.cancelling)
        self._stop.set_text("Stopping …" if view.cancelling else "Stop")
        self._send_button.set_text("Queue" if working else "Send")
        self._show_commands(view)

    def _show_commands(self, view: AgentView) -> None:
        commands = view.announced.commands[:_MAX_COMMANDS]
        self._commands.set_visibility(bool(commands))
        names = tuple(command.name for command in commands)
        if names == self._named:
            return
        self._named = names
        self._command_menu.clear()
        with self._command_menu:
            for command in commands:
                text = f"/{command.name} "
                with ui.menu_item(on_click=lambda text=text: self._begin_with(text)), ui.element("div"):
                    ui.label(f"/{command.name} {command.hint}").classes("mono")
                    ui.label(command.description).classes("quiet")

    def _begin_with(self, text: str) -> None:
        self._text.set_value(text + (self._text.value or ""))
        self._text.run_method("focus")

    def _attachments(self) -> None:
        upload = ui.upload(
            multiple=True,
            max_file_size=MAX_BYTES,
            auto_upload=True,
            on_upload=self._on_upload,
            on_rejected=lambda: ui.notify(f"a file may have {MAX_BYTES // 1024 // 1024} MiB", type="warning"),
        ).classes("hidden-upload")
        ui.button(icon="attach_file", on_click=lambda: upload.run_method("pickFiles")).props(
            'flat dense aria-label="Attach a file of yours"'
        ).tooltip("Attach a file of yours")
        with ui.button(icon="alternate_email").props(
            'flat dense aria-label="Attach a file of the workspace"'
        ) as at:
            at.tooltip("Attach a file of the workspace")
            with ui.menu() as menu, ui.element("div").classes("menu-form"):
                path = ui.input("Path in the workspace").props("dense outlined")

                def attach() -> None:
                    if path.value:
                        self._add(FromWorkspace(path.value))
                        path.set_value("")
                        menu.close()

                path.on("keydown.enter", attach)
                ui.button("Attach", on_click=attach).props("no-caps dense flat")
        self._upload = upload

    async def _on_upload(self, event: events.UploadEventArguments) -> None:
        self._add(Upload(uploaded_name(event.file.name), await event.file.read()))
        self._upload.reset()

    def _add(self, given: Given) -> None:
        with saying_why():
            if len(self._given) >= MAX_COUNT:
                raise Refusal(Why.INVALID, "attachments", f"a prompt takes {MAX_COUNT}")
            self._given.append(given)
        self._show_given()

    def _show_given(self) -> None:
        self._files.clear()
        with self._files:
            for given in self._given:
                name = given.path if isinstance(given, FromWorkspace) else given.name
                ui.chip(name, removable=True, on_value_change=_removing(self._remove, given)).props("dense")

    def _remove(self, given: Given) -> None:
        self._given.remove(given)
        self._show_given()

    async def _send(self) -> None:
        text, given = self._text.value or "", tuple(self._given)
        if not text.strip() and not given:
            return
        self._sent = True
        with saying_why():
            await self._agent.prompt(text, given, place=Place.LAST)
            # Not what was written or attached meanwhile.
            if self._text.value == text:
                self._text.set_value("")
                ui.run_javascript(f"sessionStorage.removeItem('{_DRAFT}')")
            self._given = [each for each in self._given if each not in given]
            self._show_given()

    async def _restore(self) -> None:
        """A page that is loaded anew, as after a restart of the container, has what was being written."""
        try:
            written = await ui.run_javascript(f"return sessionStorage.getItem('{_DRAFT}')", timeout=_PATIENCE)
        except TimeoutError:
            return  # the page was closed, or its browser is too busy for anybody to write
        # Who was quick has sent it meanwhile.
        if isinstance(written, str) and not self._text.value and not self._sent:
            self._text.set_value(written)

    async def _cancel(self) -> None:
        with saying_why():
            await self._agent.cancel()

    async def _warm(self) -> None:
        await self._agent.warm()


def _removing(remove: Callable[[Given], None], given: Given) -> Callable[[], None]:
    return lambda: remove(given)
