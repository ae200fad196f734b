"""The newest commits."""

from __future__ import annotations

from nicegui import ui

from container.changes.history import Commit

_ID = 8


class History:
    """A list to read; a mark says whether a remote has a commit."""

    def __init__(self) -> None:
        self._shown: tuple[Commit, ...] | None = None
        with ui.element("section").classes("group"):
            with ui.element("div").classes("group-head"):
                ui.label("Commits").classes("group-name")
            self._place = ui.element("div")

    def show(self, commits: tuple[Commit, ...]) -> None:
        """As they are by now."""
        if commits == self._shown:
            return
        self._shown = commits
        self._place.clear()
        with self._place:
            for commit in commits:
                _draw(commit)
            if not commits:
                ui.label("none yet").classes("quiet none")


def _draw(commit: Commit) -> None:
    with ui.element("div").classes("commit-line pushed" if commit.pushed else "commit-line"):
        mark, words = ("cloud_done", "pushed") if commit.pushed else ("cloud_upload", "not pushed yet")
        ui.icon(mark).props(f'title="{words}" aria-label="{words}" role="img"')
        with ui.element("div").classes("commit-words"):
            ui.label(commit.subject).classes("commit-subject")
            ui.label(f"{commit.author} · {commit.at[:16].replace('T', ' ')} · {commit.id[:_ID]}").classes(
                "quiet"
            )
