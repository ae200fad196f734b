"""The tree of the workspace: a directory is read when it is opened, and again while it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from nicegui import events, ui

from container.refusal import Refusal, Why
from container.tree.listing import Entry, Listing
from container.tree.tree import Tree
from container.ui.files.nodes import MAX_SHOWN, nodes_of, opens

# All of a name goes through Vue's text, and none through HTML.
_LINE = """
<span class="node" :class="props.node.look" :title="props.node.state">
  <q-icon v-if="props.node.icon" :name="props.node.icon" />
  <span class="node-name">{{ props.node.label }}</span>
  <span v-if="props.node.target" class="node-target">→ {{ props.node.target }}</span>
  <span class="node-letter">{{ props.node.letter }}</span>
</span>
"""

Open = Callable[[str], Awaitable[bool]]
"""Opens a file by its path; whether it did."""


class Directories:
    """What is open stays open, and what is selected stays selected, whatever changes around it."""

    def __init__(self, tree: Tree, open_file: Open) -> None:
        self._tree = tree
        self._open_file = open_file
        self._chosen: Callable[[], None] = lambda: None
        self._listings: dict[str, Listing | Refusal] = {}
        self._selected = ""
        self._view = ui.tree([], on_select=self._on_select, on_expand=self._on_expand)
        self._view.add_slot("default-header", _LINE)
        self._view.props("dense no-connectors no-transition").classes("directories")

    @property
    def selected(self) -> Entry | None:
        """What is selected, if it is still there."""
        return self._entry(self._selected)

    @property
    def directory(self) -> str:
        """The directory that new things are put in: the selected one, or the one around what is selected."""
        selected = self.selected
        if selected is None:
            return ""
        return selected.path if opens(selected) else selected.path.rpartition("/")[0]

    def on_choice(self, chosen: Callable[[], None]) -> None:
        """Call this when something else is selected."""
        self._chosen = chosen

    def select(self, path: str) -> None:
        """Select an entry; ``""`` for none."""
        self._selected = path
        self._view.select(path or None)
        self._chosen()

    async def show(self, path: str) -> None:
        """Open the directories around an entry; raises Refusal."""
        self._expanded = {*self._expanded, *_around(path)}
        await self.refresh()

    async def refresh(self) -> None:
        """Read all open directories again; raises Refusal for the workspace itself."""
        found = self._listings[""] = await self._tree.list()
        kept = {""}
        reading = [found]
        while reading:
            for path in self._open_in(reading.pop()):
                listing = await self._read(path)
                kept.add(path)
                if isinstance(listing, Listing):
                    reading.append(listing)
        for path in self._listings.keys() - kept - set(self._expanded):
            del self._listings[path]
        self._draw()

    @property
    def _expanded(self) -> set[str]:
        return set(self._view.props["expanded"])

    @_expanded.setter
    def _expanded(self, paths: set[str]) -> None:
        if paths != self._expanded:
            self._view.props["expanded"] = sorted(paths)

    async def _read(self, path: str) -> Listing | Refusal:
        try:
            self._listings[path] = await self._tree.list(path)
        except Refusal as refusal:
            self._listings[path] = refusal
            if refusal.why is Why.ABSENT:
                self._expanded -= {path}
        return self._listings[path]

    def _open_in(self, listing: Listing) -> Iterator[str]:
        expanded = self._expanded
        return (
            entry.path for entry in listing.entries[:MAX_SHOWN] if entry.path in expanded and opens(entry)
        )

    def _draw(self) -> None:
        nodes = nodes_of(self._listings)
        if nodes != self._view.props["nodes"]:
            self._view.props["nodes"] = nodes

    def _entry(self, path: str) -> Entry | None:
        listing = self._listings.get(path.rpartition("/")[0])
        entries = listing.entries if isinstance(listing, Listing) else ()
        return next((entry for entry in entries if path and entry.path == path), None)

    async def _on_expand(self) -> None:
        for path in self._expanded - self._listings.keys():
            await self._read(path)
        self._forget_closed()
        self._draw()

    def _forget_closed(self) -> None:
        for path in self._listings.keys() - self._expanded - {""}:
            del self._listings[path]

    async def _on_select(self, event: events.ValueChangeEventArguments[str | None]) -> None:
        before = self._selected
        self.select(event.value or before)  # the browser lets go of what is clicked again
        entry = self.selected
        if entry is None:
            return
        if opens(entry):
            self._expanded ^= {entry.path}
            await self._on_expand()
        elif not await self._open_file(entry.path):
            self.select(before)


def _around(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
