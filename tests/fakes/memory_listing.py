"""Pages of records in memory: the first of what is there, later ones as of the same revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from crds.base import Key, Resource
from records.errors import Expired, Invalid
from records.port import Change, Page, Selector
from records.sql.selecting import _LABEL, Cursor

R = TypeVar("R", bound=Resource)


def page_of(
    rows: Mapping[Key, R],
    feed: Sequence[Change],
    kind: type[R],
    *,
    compacted: int,
    namespace: str | None,
    selector: Selector,
    limit: int | None,
    after: str | None,
) -> Page[R]:
    """One page; raises Invalid, and Expired for one of a listing from before what the feed holds."""
    if limit is not None and limit < 1:
        raise Invalid("limit: must be at least 1")
    for name, _, _ in selector.requirements:
        if not _LABEL.fullmatch(name):
            raise Invalid(f"labelSelector: {name!r} is no name of a label")
    cursor = None if after is None else Cursor.parse(after)
    revision = len(feed) if cursor is None else cursor.revision
    if not (cursor is None or compacted <= revision <= len(feed)):
        raise Expired("this listing was begun too long ago: list from the beginning")
    shown = rows if revision == len(feed) else _past(feed[:revision], kind)
    found = [
        row
        for key, row in sorted(shown.items())
        if (namespace is None or key.namespace == namespace)
        and (cursor is None or key > cursor.key)
        and _fits(row, selector)
    ]
    if limit is None or len(found) <= limit:
        return Page(tuple(found), revision)
    token = Cursor(revision, found[limit - 1].key).token()
    return Page(tuple(found[:limit]), revision, token, len(found) - limit)


def _past(feed: Sequence[Change], kind: type[R]) -> Mapping[Key, R]:
    """The records as they were after these changes."""
    rows: dict[Key, R] = {}
    for change in feed:
        if change.resource.KIND != kind.KIND:
            continue
        if change.type == "DELETED":
            rows.pop(change.resource.key, None)
        else:
            rows[change.resource.key] = cast("R", change.resource)
    return rows


def _fits(row: Resource, selector: Selector) -> bool:
    labels = row.metadata.labels
    for name, operator, values in selector.requirements:
        there = name in labels
        match operator:
            case "In":
                fits = there and labels[name] in values
            case "NotIn":
                fits = labels.get(name) not in values
            case "Exists":
                fits = there
            case "DoesNotExist":
                fits = not there
        if not fits:
            return False
    return True
