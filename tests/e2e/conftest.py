from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.berth import Berth
from tests.records.conftest import new_postgres
from tests.records.conftest import postgres as postgres  # noqa: PLC0414 - a fixture of this folder too


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these share one Berth per module: keep each module on one worker."""
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="module")
def berth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berth]:
    """A running Berth with the example session."""
    one = Berth(tmp_path_factory.mktemp("home")).up()
    yield one
    one.down()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def new_database(postgres: str) -> Callable[[], str]:
    """Makes fresh, empty databases of a real Postgres; the URL of each."""
    return lambda: asyncio.run(new_postgres(postgres, template="template0"))
