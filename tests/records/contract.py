"""The laws of ``records/port.py`` as tests, for any adapter.

A subclass gives the fixtures: ``records``, an empty store whose time is ``clock``; and
``another``, a second adapter on the same place, as another program would open it.
"""

from __future__ import annotations

from tests.records.contract_others import EventsContract, LedgerContract, SecretsContract
from tests.records.contract_reads import ConcurrencyContract, ListingContract, WatchContract
from tests.records.contract_writes import DeletionContract, WritesContract


class RecordsContract(
    WritesContract,
    DeletionContract,
    ListingContract,
    WatchContract,
    ConcurrencyContract,
    SecretsContract,
    EventsContract,
    LedgerContract,
):
    """All of it."""
