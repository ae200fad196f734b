"""The changes panel: what has changed at the left, how a file differs at the right."""

from __future__ import annotations

from nicegui import ui

from container.changes.changes import Changes
from container.changes.difference import Side
from container.changes.status import Kind
from container.git_failures import GitFailure
from container.refusal import Refusal
from container.session import Session
from container.ui.asking import confirm
from container.ui.changes.acting import Acting
from container.ui.changes.commit import CommitForm
from container.ui.changes.files import File, found_again
from container.ui.changes.groups import Group, Uses
from container.ui.changes.head import Head
from container.ui.changes.history import History
from container.ui.changes.looking import Look, look
from container.ui.changes.shown import Shown
from container.ui.watching import watch

_NONE = (
    "The workspace holds no git repository. Make one in a terminal (git init), and its changes appear here."
)


class ChangesPanel:
    """It is as git is, a few seconds later at most; what is typed and chosen outlives what changes."""

    def __init__(self, session: Session) -> None:
        self._changes: Changes = session.changes
        self._repository = ""
        self._look: Look | None = None
        self._chosen: File | None = None
        self._ask = watch(self._changes.subscribe, self._refresh)
        self._trouble = ui.label().classes("notice")
        self._none = ui.label(_NONE).classes("quiet empty")
        with ui.element("div").classes("changes-all") as self._place:
            self._draw()
        for element in (self._trouble, self._none, self._place):
            element.set_visibility(False)

    def _draw(self) -> None:
        top = ui.element("div")
        self._acting = Acting(self._place)
        with top:
            self._head = Head(self._changes, self._acting, self._choose_repository, self._ask)
        with ui.splitter(value=38, limits=(20, 75)).classes("split") as split:
            with split.before, ui.element("div").classes("side scrolling"):
                self._commit = CommitForm(self._changes, self._acting)
                uses = Uses(self._show, self._move, self._move_all, self._discard)
                self._groups = [Group(side, uses) for side in (Side.STAGED, Side.UNSTAGED)]
                self._history = History()
            with split.after:
                self._shown = Shown(self._changes)

    async def _refresh(self) -> None:
        trouble = ""
        try:
            self._look = await look(self._changes, self._repository)
        except (Refusal, GitFailure) as error:
            trouble = error.message
        self._trouble.set_text(trouble)
        self._trouble.set_visibility(bool(trouble))
        self._none.set_visibility(self._look is None and not trouble)
        self._place.set_visibility(self._look is not None)
        if self._look is not None and not trouble:
            await self._tell(self._look)

    async def _tell(self, now: Look) -> None:
        if now.repository != self._repository:
            self._repository = self._commit.repository = now.repository
            self._chosen = None
        self._chosen = found_again(self._chosen, now.status)
        self._head.show(now)
        for group in self._groups:
            group.show(now.status, self._chosen)
        self._history.show(now.commits)
        await self._shown.show(self._repository, self._chosen)

    def _choose_repository(self, repository: str) -> None:
        self._repository = self._commit.repository = repository
        self._chosen = None
        self._ask()

    async def _show(self, file: File) -> None:
        self._chosen = file
        for group in self._groups:
            group.choose(file)
        await self._shown.show(self._repository, file)

    async def _move(self, file: File) -> None:
        move = self._changes.unstage if file.side is Side.STAGED else self._changes.stage
        await self._acting.run(lambda: move([file.path], repository=self._repository))

    async def _move_all(self, side: Side) -> None:
        move = self._changes.unstage if side is Side.STAGED else self._changes.stage
        await self._acting.run(lambda: move(None, repository=self._repository))

    async def _discard(self, file: File) -> None:
        repository = self._repository
        untracked = file.kind is Kind.UNTRACKED
        detail = (
            "Git does not know the file: it is deleted." if untracked else "What was changed is gone then."
        )
        if await confirm(f"Discard the changes of {file.name}?", detail, "Discard"):
            await self._acting.run(lambda: self._changes.discard(file.path, repository=repository))
