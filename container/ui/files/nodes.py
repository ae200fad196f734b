"""The tree as the browser draws it, from the directories that are open. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypedDict

from container.refusal import Refusal
from container.tree.listing import Entry, Kind, Listing
from container.tree.states import State
from container.ui.words import visible

MAX_SHOWN = 1000
"""Entries of one directory that are drawn."""
_NOTE = "//"
"""In the id of a line that is no entry: no path holds it."""
_LETTERS = MappingProxyType(
    {State.MODIFIED: "M", State.ADDED: "A", State.UNTRACKED: "U", State.CONFLICTED: "C"}
)
_ICONS = MappingProxyType(
    {Kind.DIRECTORY: "folder", Kind.FILE: "description", Kind.OTHER: "settings_ethernet"}
)
_SUFFIX_ICONS = MappingProxyType(
    dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "bmp", "avif"), "image")
    | dict.fromkeys(("zip", "tar", "gz", "xz", "zst", "bz2", "7z"), "folder_zip")
)

Listings = Mapping[str, Listing | Refusal]
"""The open directories by their paths, or why they cannot be told."""


class Node(TypedDict):
    """One line; ``look`` is its class, ``state`` what git says, in a word."""

    id: str
    label: str
    icon: str
    look: str
    letter: str
    state: str
    target: str
    selectable: bool
    children: list[Node]


def nodes_of(listings: Listings, path: str = "") -> list[Node]:
    """The lines of a directory, with those of the directories in it that are open."""
    listing = listings.get(path)
    if listing is None:
        return [_note(path, "…")]
    if isinstance(listing, Refusal):
        return [_note(path, listing.message)]
    if not listing.entries:
        return [_note(path, "nothing in it")] if path else []
    nodes = [_node(entry, listings) for entry in listing.entries[:MAX_SHOWN]]
    left = len(listing.entries) - MAX_SHOWN
    if left > 0:
        nodes.append(_note(path, f"… {'more than ' if listing.more else ''}{left:,} more"))
    return nodes


def opens(entry: Entry) -> bool:
    """Whether there are entries in it."""
    return Kind.DIRECTORY in {entry.kind, entry.leads_to}


def _node(entry: Entry, listings: Listings) -> Node:
    directory = opens(entry)
    return Node(
        id=entry.path,
        label=visible(entry.name),
        icon=_icon(entry),
        look=" ".join(filter(None, (entry.kind, entry.git, "" if _leads(entry) else "broken"))),
        letter=_LETTERS.get(entry.git, "") if entry.git else "",
        state=entry.git or "",
        target=visible(entry.target or ""),
        selectable=True,
        children=nodes_of(listings, entry.path) if directory else [],
    )


def _leads(entry: Entry) -> bool:
    return entry.kind is not Kind.LINK or entry.leads_to is not None


def _icon(entry: Entry) -> str:
    if entry.kind is Kind.LINK:
        return "link" if entry.leads_to else "link_off"
    if entry.kind is Kind.FILE:
        return _SUFFIX_ICONS.get(entry.name.rpartition(".")[2].lower(), "description")
    return _ICONS[entry.kind]


def _note(path: str, text: str) -> Node:
    return Node(
        id=path + _NOTE,
        label=text,
        icon="",
        look="note",
        letter="",
        state="",
        target="",
        selectable=False,
        children=[],
    )
