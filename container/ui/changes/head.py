"""Which repository, on which branch, and how it stands to its remote."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from container.changes.changes import Changes
from container.changes.history import Branch
from container.changes.status import Status
from container.ui.asking import ask_text
from container.ui.changes.acting import Acting
from container.ui.changes.looking import Look
from container.ui.words import counted, visible

Choose = Callable[[str], None]


class Head:
    """Choices and buttons; a choice that git refused is taken back."""

    def __init__(self, changes: Changes, acting: Acting, choose: Choose, refresh: Callable[[], None]) -> None:
        self._changes = changes
        self._acting = acting
        self._choose = choose
        self._repository = ""
        self._shown: object = None
        self._states_shown: list[str] = []
        with ui.element("div").classes("bar changes-head"):
            self._choices = ui.element("div").classes("choices")
            self._states = ui.element("div").classes("choices states-here")
            with ui.element("div").classes("exchange"):
                self._draw_exchange(refresh)

    def _draw_exchange(self, refresh: Callable[[], None]) -> None:
        changes, acting = self._changes, self._acting
        acting.button("Fetch", "sync", lambda: changes.fetch(repository=self._repository))
        acting.button("Pull", "south", lambda: changes.pull(repository=self._repository))
        acting.button("Push", "north", lambda: changes.push(repository=self._repository))
        ui.button(icon="refresh", on_click=refresh).props('flat dense aria-label="Refresh"').tooltip(
            "Refresh"
        )

    def show(self, look: Look) -> None:
        """As it is by now."""
        self._repository = look.repository
        named = look.status.branch or look.status.head
        shown = (look.repositories, look.repository, named, branch_choices(look.branches))
        if shown != self._shown:
            self._shown = shown
            self._choices.clear()
            with self._choices:
                self._draw(look)
        states = states_of(look.status)
        if states != self._states_shown:
            self._states_shown = states
            self._states.clear()
            with self._states:
                for state in states:
                    ui.label(state).classes("pill")

    def _draw(self, look: Look) -> None:
        if len(look.repositories) > 1:
            names = {name: visible(name) for name in look.repositories}
            select = ui.select(names, value=look.repository, label="Repository")
            select.props("dense outlined options-dense")
            select.on_value_change(lambda event: self._choose(event.value))
        branch = look.status.branch
        choices = branch_choices(look.branches)
        if branch is not None:
            choices.setdefault(branch, branch)  # one without a commit is no branch for git yet
        label = "Branch" if branch is not None else f"At {look.status.head}, no branch"
        self._branch = ui.select(choices, value=branch, label=label, with_input=True)
        self._branch.props("dense outlined options-dense").classes("branch-select")
        self._branch.on_value_change(lambda event: self._switch(event.value, branch))
        ui.button(icon="add", on_click=self._create).props('flat dense aria-label="New branch"').tooltip(
            "New branch"
        )

    async def _switch(self, to: str | None, branch: str | None) -> None:
        if to in {branch, None}:
            return
        select = self._branch
        switched = await self._acting.run(lambda: self._changes.switch(str(to), repository=self._repository))
        if not (switched or select.is_deleted):
            select.set_value(branch)

    async def _create(self) -> None:
        name = await ask_text("New branch", label="Name", value="", act="Create")
        if name:
            await self._acting.run(lambda: self._changes.create_branch(name, repository=self._repository))


def branch_choices(branches: tuple[Branch, ...]) -> dict[str, str]:
    """What can be checked out, and how it is called: the branches here, and those that remotes alone have."""
    choices = {branch.name: branch.name for branch in branches if not branch.remote}
    for branch in branches:
        name = branch.name.partition("/")[2]
        if branch.remote and name:
            choices.setdefault(name, branch.name)
    return choices


def states_of(status: Status) -> list[str]:
    """What a person should know of a repository beside its changes."""
    states = []
    if status.operation:
        states.append(f"{status.operation} under way")
    if status.ahead is None or status.behind is None:
        states.append("no upstream")
    else:
        states += [
            f"{count} {word}" for count, word in ((status.ahead, "ahead"), (status.behind, "behind")) if count
        ]
    if status.stashes:
        states.append(counted(status.stashes, "stash", "stashes"))
    return states
