"""Where a commit is written."""

from __future__ import annotations

from nicegui import ui

from container.changes.changes import Changes
from container.ui.changes.acting import Acting

_TOGETHER = "(event) => { if (event.ctrlKey || event.metaKey) { event.preventDefault(); emit(); } }"


class CommitForm:
    """The message is kept until it was committed."""

    def __init__(self, changes: Changes, acting: Acting) -> None:
        self._changes = changes
        self._acting = acting
        self.repository = ""
        with ui.element("div").classes("commit"):
            self._message = ui.textarea(placeholder="Message of the commit").props(
                'autogrow outlined dense aria-label="Message of the commit" input-style="max-height: 10rem"'
            )
            self._message.on("keydown.enter", lambda: acting.run(self._commit), js_handler=_TOGETHER)
            acting.button("Commit", "check", self._commit).classes("commit-button").tooltip(
                "Ctrl/Cmd + Enter"
            )

    async def _commit(self) -> None:
        message = self._message.value or ""
        await self._changes.commit(message, repository=self.repository)
        if self._message.value == message:  # and not what was written meanwhile
            self._message.set_value("")
