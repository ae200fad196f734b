"""What an operator asks of a target."""

from __future__ import annotations

from crds.base import Key
from crds.target import ACCEPT_ABSENCE_ANNOTATION, Target
from crds.target_status import Absence, Freeze, TargetStatus
from crds.vocabulary import Reason
from records.sql import SqlRecords
from tests.api.conftest import START, Client, declare_target

DEFAULT = Key("", "default")


async def freeze(records: SqlRecords, *, missing: int) -> None:
    target = await records.get(Target, DEFAULT)
    status = TargetStatus(
        freeze=Freeze(reason=Reason.MASS_ABSENCE, message="gone", since=START, release="look"),
        absence=Absence(applications=missing, applications_expected=missing),
    )
    await records.update_status(Target, DEFAULT, uid=target.metadata.uid, status=status)


async def test_a_preview_is_read_and_changes_nothing(client: Client, records: SqlRecords) -> None:
    await declare_target(records)
    revision = (await records.list(Target)).revision
    answer = await client.get("/api/targets/default/sweep")
    assert answer.status_code == 200
    assert answer.json() == {
        "target": "default",
        "unfinished": None,
        "findings": [
            {
                "finding": "OrphanService",
                "name": "b-default-service",
                "outcome": "left",
                "command": "docker service rm b-default-service",
            }
        ],
    }
    assert (await records.list(Target)).revision == revision
    assert (await client.get("/api/targets/nope/sweep")).status_code == 404


async def test_a_sweep_is_asked_for_in_the_record_and_noted(client: Client, records: SqlRecords) -> None:
    await declare_target(records)
    assert (await client.post("/api/targets/default/sweep")).status_code == 200
    target = await records.get(Target, DEFAULT)
    assert target.sweep_asked == START
    assert target.metadata.generation == 1, "a sweep is no change of what is declared"
    assert [event.reason for event in await records.list_events()] == ["SweepRequested"]
    assert (await client.post("/api/targets/nope/sweep")).status_code == 404


async def test_absence_is_accepted_only_as_it_was_seen(client: Client, records: SqlRecords) -> None:
    await declare_target(records)
    path = "/api/targets/default/accept-absence"
    refused = await client.post(path, params={"missing": 5})
    assert (refused.status_code, "nothing to accept" in refused.json()["detail"]) == (409, True)
    await freeze(records, missing=8)
    refused = await client.post(path, params={"missing": 5})
    assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")
    assert ACCEPT_ABSENCE_ANNOTATION not in (await records.get(Target, DEFAULT)).metadata.annotations
    assert (await client.post(path, params={"missing": 8})).status_code == 200
    assert (await records.get(Target, DEFAULT)).absence_accepted_until(START) is not None
    assert (await client.post(path)).status_code == 422
