"""A lease ends by the wall clock, and by silence where that clock was set back."""

from __future__ import annotations

from records.sql import ledger

NAME, TERM = "controller", 15.0


class Standby:
    """Another program that asks for the lease, at moments of its own monotonic clock."""

    def __init__(self, records) -> None:
        self._records = records
        self._silences = ledger.Silences()

    async def takes(self, *, at: float) -> bool:
        async with self._records._transaction() as transaction:
            return await ledger.take_lease(
                transaction, NAME, holder="standby", seconds=TERM, silences=self._silences, at=at
            )


async def test_a_lease_that_a_clock_set_back_would_prolong_ends_with_its_term(records, clock):
    assert await records.acquire_lease(NAME, holder="gone", seconds=TERM)
    clock.advance(hours=-1)
    standby = Standby(records)
    assert not await standby.takes(at=100.0)
    assert not await standby.takes(at=100.0 + TERM - 1)
    assert await standby.takes(at=100.0 + TERM)


async def test_a_lease_that_is_renewed_is_not_taken_whatever_the_clock_does(records, clock):
    standby = Standby(records)
    for number in range(5):
        clock.advance(hours=-1)
        assert await records.acquire_lease(NAME, holder="alive", seconds=TERM)
        assert not await standby.takes(at=100.0 + number * TERM)
