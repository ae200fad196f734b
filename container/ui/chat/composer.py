"""Where a person writes: a text, files, and what is under way or waits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from nicegui import events, ui

from container.agent.agent import Agent
from container.agent.attachments import MAX_BYTES, MAX_COUNT, FromWorkspace, Given, Upload
from container.agent.queue import MAX_TEXT, Place
from container.agent.view import AgentView
from container.refusal import Refusal, Why
from container.ui.following import follow
from container.ui.saying import saying_why
from container.ui.words import uploaded_name

_MAX_COMMANDS = 50


class Field(ui.element, component="../static/composer.js"):
    """Where the text is written: the browser's own, which tells of it and of what is sent."""

    def __init__(self, draft: str, accepted: str) -> None:
        super().__init__()
        self._props["draft"] = draft
        self._props["accepted"] = accepted
        self._props["most"] = MAX_TEXT
        self._props["given"] = False

    def show(self, draft: str, *, given: bool) -> None:
        """The draft as it is kept, and whether files are attached."""
        if (self._props["draft"], self._props["given"]) != (draft, given):
            self._props["draft"], self._props["given"] = draft, given
            self.update()


class Composer:
    """The text field and its buttons; what is written is kept with the session until it was accepted."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._given: list[Given] = []
        with ui.element("div").classes("composer"):
            self._files = ui.element("div").classes("given")
            self._text = Field(agent.draft, agent.newest_prompt)
            self._text.on("send", self._on_send)
            self._text.on("draft", self._on_draft)
            self._text.on("warm", self._warm)
            follow(agent.subscribe_draft, self._show_draft)
            with ui.element("div").classes("buttons"):
                self._attachments()
                self._commands = ui.button(icon="bolt").props("flat dense").tooltip("Commands of the agent")
                with self._commands, ui.menu() as menu:
                    self._command_menu = menu
                ui.element("span").classes("space")
                self._stop = ui.button("Stop", icon="stop", on_click=self._cancel).props(
                    "no-caps unelevated color=negative dense"
                )
                self._send_button = ui.button("Send", icon="send").props("no-caps unelevated dense")
                self._send_button.on("click", js_handler=f"() => getElement({self._text.id}).send()")
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
        self._text.run_method("begin", text)

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
        self._text.show(self._agent.draft, given=bool(self._given))
        self._files.clear()
        with self._files:
            for given in self._given:
                name = given.path if isinstance(given, FromWorkspace) else given.name
                ui.chip(name, removable=True, on_value_change=_removing(self._remove, given)).props("dense")

    def _remove(self, given: Given) -> None:
        self._given.remove(given)
        self._show_given()

    async def _on_send(self, event: events.GenericEventArguments) -> None:
        text, given = str(event.args), tuple(self._given)
        taken = False
        with saying_why():
            await self._agent.prompt(text, given, place=Place.LAST, draft="")
            taken = True
            # Not what was attached meanwhile.
            self._given = [each for each in self._given if each not in given]
            self._show_given()
        if taken:
            self._text.run_method("taken", text)
        else:
            self._text.run_method("refused")

    async def _on_draft(self, event: events.GenericEventArguments) -> None:
        # What cannot be kept stays in the browser; the prompt itself is refused in words.
        with contextlib.suppress(Refusal):
            await self._agent.keep_draft(str(event.args))

    async def _show_draft(self) -> None:
        self._text.show(self._agent.draft, given=bool(self._given))

    async def _cancel(self) -> None:
        with saying_why():
            await self._agent.cancel()

    async def _warm(self) -> None:
        await self._agent.warm()


def _removing(remove: Callable[[Given], None], given: Given) -> Callable[[], None]:
    return lambda: remove(given)
