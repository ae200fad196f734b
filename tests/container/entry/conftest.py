from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.container.entry.world import Gate


@pytest.fixture
def make_gate(tmp_path: Path) -> Iterator[Callable[..., Gate]]:
    """Makes gates over one database."""
    made: list[Gate] = []

    def _make(**options: object) -> Gate:
        gate = Gate(tmp_path / "container.db", **options)
        made.append(gate)
        return gate

    yield _make
    for gate in made:
        gate.close()


@pytest.fixture
def gate(make_gate: Callable[..., Gate]) -> Gate:
    return make_gate()
