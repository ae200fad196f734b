"""What an operator asks of a target."""

from __future__ import annotations

import pytest

from crds.base import ConditionStatus, Key
from crds.session import ORPHAN_ANNOTATION, DokployStatus, Session, TargetPlace
from crds.target import ACCEPT_ABSENCE_ANNOTATION, Target
from crds.target_status import Absence, Freeze, TargetStatus
from crds.vocabulary import Reason
from records.sql import SqlRecords
from tests.api.conftest import HELLO, START, Client, condition, declare_target, running, session_body

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


def placed(**fields: object) -> dict[str, object]:
    """The status of a session that runs on the target default."""
    place = TargetPlace(name="default", uid="u", url="http://dokploy", organization_id="org")
    known = DokployStatus(
        target=place, application_id="app-1", app_name="b-hello-abc-x1y2z3", storage=("v-workspace", "v-data")
    )
    return {**running(), "dokploy": known, **fields}


@pytest.mark.parametrize("status", [placed(), running()], ids=["placed", "of an earlier version"])
async def test_a_session_that_was_made_cannot_name_another_target(
    client: Client, records: SqlRecords, stand, status
) -> None:
    await client.post("/api/namespaces/alice/sessions", json=session_body())
    await stand(**status)
    body = session_body(target={"name": "second"})
    for url, send in ((HELLO, client.put), (f"{HELLO}?dryRun=true", client.put), ("/api/plan", client.post)):
        refused = await send(url, json=body)
        assert refused.status_code == 422
        (cause,) = refused.json()["causes"]
        assert cause["field"] == "spec.target.name"
        assert "cannot be moved to 'second'" in cause["message"]
        assert "leave it on 'default'" in cause["message"]
    stored = await records.get(Session, Key("alice", "hello"))
    assert stored.spec.target.name == "default"
    # Whatever else it declares can be changed, and a record that already names another put back.
    assert (await client.put(HELLO, json=session_body(title="another"))).status_code == 200
    spec = stored.spec.model_copy(update={"target": stored.spec.target.model_copy(update={"name": "second"})})
    meta = stored.metadata.model_copy(update={"resource_version": ""})
    await records.update(stored.model_copy(update={"spec": spec, "metadata": meta}))
    if "target" in status["dokploy"].model_fields_set:
        assert (await client.put(HELLO, json=session_body(title="back"))).status_code == 200


async def test_before_anything_was_made_a_session_may_name_another_target(client: Client) -> None:
    await client.post("/api/namespaces/alice/sessions", json=session_body())
    assert (await client.put(HELLO, json=session_body(target={"name": "second"}))).status_code == 200


async def test_a_target_that_sessions_use_is_deleted_only_by_force(
    client: Client, records: SqlRecords, stand
) -> None:
    await declare_target(records)
    for number in range(7):
        await client.post("/api/namespaces/alice/sessions", json=session_body(f"s{number}"))
    await stand("s0", **placed())
    refused = await client.delete("/api/targets/default")
    assert (refused.status_code, refused.json()["reason"]) == (409, "InUse")
    detail = refused.json()["detail"]
    assert "7 sessions: alice/s0, alice/s1, alice/s2, alice/s3, alice/s4 and 2 more" in detail
    await records.get(Target, DEFAULT)
    assert (await client.delete("/api/targets/default?force=true")).status_code == 200


async def test_a_target_is_used_by_what_is_on_it_whatever_that_names(
    client: Client, records: SqlRecords, stand
) -> None:
    await declare_target(records)
    await client.post("/api/namespaces/alice/sessions", json=session_body(target={"name": "second"}))
    assert (await client.delete("/api/targets/default")).status_code == 200
    spec = {"url": "http://dokploy", "api_key": {"name": "dokploy", "key": "token"}}
    await records.create(
        Target.model_validate({"kind": "Target", "metadata": {"name": "default"}, "spec": spec})
    )
    await stand(**placed())
    refused = await client.delete("/api/targets/default")
    assert "1 session: alice/hello" in refused.json()["detail"]


async def ready(records: SqlRecords, status: ConditionStatus) -> None:
    target = await records.get(Target, DEFAULT)
    told = TargetStatus(conditions=(condition("Ready", status, "Running"),))
    await records.update_status(Target, DEFAULT, uid=target.metadata.uid, status=told)


async def test_a_session_is_given_up_only_where_its_target_does_not_answer(
    client: Client, records: SqlRecords, stand
) -> None:
    await declare_target(records)
    await client.post("/api/namespaces/alice/sessions", json=session_body())
    await records.add_finalizer(
        Session,
        Key("alice", "hello"),
        uid=(await records.get(Session, Key("alice", "hello"))).metadata.uid,
        finalizer="berth.dev/session",
    )
    unsaved = condition("WorkSaved", ConditionStatus.FALSE, "Unsaved", "1 files uncommitted")
    await stand(**placed(conditions=(unsaved,)))
    await ready(records, ConditionStatus.TRUE)
    refused = await client.delete(f"{HELLO}?orphan=true")
    assert (refused.status_code, "answers" in refused.json()["detail"]) == (409, True)
    assert (await records.get(Session, Key("alice", "hello"))).metadata.deletion_timestamp is None
    await ready(records, ConditionStatus.FALSE)
    answer = await client.delete(f"{HELLO}?orphan=true")
    assert answer.status_code == 200
    left = answer.headers["warning"]
    assert "'default'" in left
    assert "the application b-hello-abc-x1y2z3 and the volumes v-workspace, v-data" in left
    stored = await records.get(Session, Key("alice", "hello"))
    assert stored.metadata.annotations[ORPHAN_ANNOTATION] == "true"
    assert stored.metadata.deletion_timestamp is not None


async def test_a_deletion_that_is_under_way_can_be_given_up_and_nothing_else_can(
    client: Client, records: SqlRecords, stand
) -> None:
    await client.post("/api/namespaces/alice/sessions", json=session_body())
    key = Key("alice", "hello")
    session = await records.get(Session, key)
    await records.add_finalizer(Session, key, uid=session.metadata.uid, finalizer="berth.dev/session")
    await stand(**placed())
    assert (await client.delete(HELLO)).status_code == 200
    assert (await client.delete(f"{HELLO}?orphan=true")).status_code == 200
    assert ORPHAN_ANNOTATION in (await records.get(Session, key)).metadata.annotations
    await declare_target(records)
    assert (await client.delete("/api/targets/default?orphan=true")).status_code == 422
