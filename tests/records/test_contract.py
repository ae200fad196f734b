"""The contract, on SQLite and on a real Postgres."""

from __future__ import annotations

from tests.records.contract import RecordsContract


class TestSqlRecords(RecordsContract):
    """Each test on both databases: the fixtures are parametrised."""
