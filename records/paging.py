"""Reads a long list a page at a time, so that no more than a page is held at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from crds.base import Resource
from records.port import EVERYTHING, Page, Records, Selector

R = TypeVar("R", bound=Resource)

PAGE = 50


async def pages(
    records: Records,
    kind: type[R],
    *,
    namespace: str | None = None,
    selector: Selector = EVERYTHING,
    limit: int | None = None,
    after: str | None = None,
    size: int = PAGE,
) -> AsyncIterator[Page[R]]:
    """A list as pages of at most ``size`` records, all as of the first one's revision.

    There is always one page. Where ``limit`` cuts the list off, the last page says what is left.
    Raises RecordsError.
    """
    left = limit
    while True:
        wanted = size if left is None else min(left, size)
        page = await records.list(kind, namespace=namespace, selector=selector, limit=wanted, after=after)
        yield page
        left = None if left is None else left - len(page.items)
        if page.next is None or left == 0:
            return
        after = page.next
