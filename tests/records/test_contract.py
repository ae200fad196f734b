"""The contract, on SQLite and on a real Postgres, and on the store of the searches."""

from __future__ import annotations

import pytest

from tests.fakes.memory_records import MemoryRecords
from tests.records.conftest import Clock
from tests.records.contract import RecordsContract


class TestSqlRecords(RecordsContract):
    """Each test on both databases: the fixtures are parametrised."""


class TestMemoryRecords(RecordsContract):
    """What the controller is searched on behaves as what it runs on."""

    @pytest.fixture
    def records(self, clock: Clock) -> MemoryRecords:
        return MemoryRecords(clock)

    @pytest.fixture
    def another(self, records: MemoryRecords) -> MemoryRecords:
        return records.another()
