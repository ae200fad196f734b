"""Long lists, a page at a time."""

from __future__ import annotations

import pytest

from crds.session import Session
from records.paging import pages
from tests.records.samples import session


@pytest.mark.parametrize(
    ("limit", "sizes", "left"),
    [(None, [3, 3, 1], 0), (5, [3, 2], 2), (6, [3, 3], 1), (7, [3, 3, 1], 0), (9, [3, 3, 1], 0)],
)
async def test_a_list_comes_in_pages_up_to_its_limit(records, limit, sizes, left):
    for name in "abcdefg":
        await records.create(session(name))
    found = []
    async for page in pages(records, Session, size=3, limit=limit):
        found.append(page)
        await records.create(session(f"later-{len(found)}"))
    assert [len(page.items) for page in found] == sizes
    assert {page.revision for page in found} == {7}
    assert [s.metadata.name for page in found for s in page.items] == list("abcdefg")[: sum(sizes)]
    assert (found[-1].remaining, found[-1].next is None) == (left, left == 0)


async def test_an_empty_list_is_one_page(records):
    assert [page.items async for page in pages(records, Session)] == [()]
