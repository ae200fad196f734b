"""Reads a long list a page at a time, so that no more than a page is held at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from crds.base import Resource
from records.port import Page, Records

R = TypeVar("R", bound=Resource)

PAGE = 200


async def pages(records: Records, kind: type[R], *, size: int = PAGE) -> AsyncIterator[Page[R]]:
    """Every page of a list, all as of the first one's revision; raises RecordsError."""
    after: str | None = None
    while True:
        page = await records.list(kind, limit=size, after=after)
        yield page
        if page.next is None:
            return
        after = page.next
