"""The table of `make bench`: gathered by the tests, shown as it grows, and written to docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from records.keys import KeyRing
from records.sql import SqlRecords, open_records
from tests.performance.table import Table, write
from tests.records.conftest import new_postgres, postgres

__all__ = ["postgres"]

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """Takes rows; what a whole run gathered replaces the page.

    A part of the benchmarks, chosen by arguments, is only printed: the page would lose the others.
    """
    gathered = Table()
    yield gathered
    print(f"\n{gathered.text()}")
    if gathered.is_whole and not request.config.option.keyword and not request.session.testsfailed:
        write(gathered, _PAGE)


@pytest.fixture(params=["sqlite", "postgres"])
async def open_empty(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[str, Callable[[], Awaitable[SqlRecords]]]:
    """The kind of database, and what opens a store on an empty one; the caller closes it."""
    kind, key = request.param, KeyRing.load(tmp_path / "keys", {})
    url = f"sqlite:///{tmp_path / 'berth.db'}"
    if kind == "postgres":
        url = await new_postgres(request.getfixturevalue("postgres"))
    return {"sqlite": "SQLite", "postgres": "Postgres"}[kind], lambda: open_records(url, key=key)
