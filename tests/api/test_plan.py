"""What would happen, and why."""

from __future__ import annotations

import pytest

from api.changes import Difference, differences
from crds.base import ConditionStatus
from crds.session import Phase, Session
from dokploy.errors import Unreachable
from records.sql import SqlRecords
from tests.api.conftest import HELLO, Client, condition, running, session_body


class TestPlan:
    async def test_of_what_is_absent(self, client: Client, records: SqlRecords) -> None:
        answer = await client.post("/api/plan", json=session_body(env=[{"name": "LOG", "value": "debug"}]))
        assert answer.status_code == 200
        assert answer.json() == {
            "result": "created",
            "changes": [
                {"field": "spec.env[LOG].name", "before": None, "after": "LOG"},
                {"field": "spec.env[LOG].value", "before": None, "after": "debug"},
                {"field": "spec.image", "before": None, "after": "example/session:1"},
            ],
            "plan": {
                "why": "generation 1 with a uid",
                "actions": ["Run example/session:1"],
                "waitSeconds": 2.5,
            },
        }
        assert (await records.list(Session)).revision == 0

    async def test_of_a_change(self, client: Client, records: SqlRecords) -> None:
        await client.put(HELLO, json=session_body(title="Old"))
        revision = (await records.list(Session)).revision
        answer = (await client.post("/api/plan", json=session_body(image="example/session:2"))).json()
        assert answer["result"] == "configured"
        assert answer["changes"] == [
            {"field": "spec.image", "before": "example/session:1", "after": "example/session:2"},
            {"field": "spec.title", "before": "Old", "after": None},
        ]
        assert answer["plan"]["why"] == "generation 2 with a uid"
        assert (await records.list(Session)).revision == revision

    async def test_of_nothing(self, client: Client) -> None:
        await client.put(HELLO, json=session_body())
        answer = (await client.post("/api/plan", json=session_body())).json()
        assert (answer["result"], answer["changes"]) == ("unchanged", [])

    async def test_needs_a_session_with_a_namespace(self, client: Client) -> None:
        answer = await client.post("/api/plan", json={"kind": "Session", "metadata": {"name": "x"}})
        assert [cause["field"] for cause in answer.json()["causes"]] == ["metadata.namespace"]
        answer = await client.post("/api/plan", json={"kind": "User", "metadata": {"name": "x"}})
        assert [cause["field"] for cause in answer.json()["causes"]] == ["kind"]


class TestWhy:
    async def test_says_how_it_stands_and_what_comes(self, client: Client, stand) -> None:
        await client.put(HELLO, json=session_body())
        for _ in range(6):
            await client.post(HELLO + "/stop")
            await client.post(HELLO + "/start")
        await stand(
            **running()
            | {
                "phase": Phase.CREATING,
                "conditions": [condition("Ready", ConditionStatus.FALSE, "Starting", "The container starts")],
            }
        )
        answer = (await client.get(HELLO + "/why")).json()
        assert answer["phase"] == "Creating"
        assert answer["summary"] == (
            "hello is Creating; not ready: The container starts; "
            "the controller has not yet seen the newest change; generation 13 with a uid"
        )
        assert [entry["type"] for entry in answer["conditions"]] == ["Ready"]
        assert answer["conditions"][0]["lastTransitionTime"]
        assert answer["plan"]["actions"] == ["Run example/session:1"]
        assert len(answer["events"]) == 3
        assert {event["reason"] for event in answer["events"]} == {
            "Declared",
            "StopRequested",
            "StartRequested",
        }

    async def test_without_a_target_that_answers(
        self, app, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def unreachable(*_: object) -> object:
            raise Unreachable("overview.services", "no connection")

        await client.put(HELLO, json=session_body())
        face = app.state.face
        monkeypatch.setattr(app.state, "face", type(face)(**{**_parts(face), "explain": unreachable}))
        plan = (await client.get(HELLO + "/why")).json()["plan"]
        assert plan["why"].startswith("The target cannot be read")
        assert (plan["actions"], plan["waitSeconds"]) == ([], None)


def _parts(face: object) -> dict[str, object]:
    return {name: getattr(face, name) for name in type(face).__dataclass_fields__}


class TestDifferences:
    def test_go_by_name_where_there_is_one(self) -> None:
        before = {"spec": {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}}
        after = {"spec": {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]}}
        assert differences(before, after) == (Difference("spec.env[B].value", "2", "3"),)

    def test_go_by_place_where_there_is_none(self) -> None:
        before = {"spec": {"agent": {"command": ["a", "b"]}}}
        after = {"spec": {"agent": {"command": ["a", "c", "d"]}}}
        assert differences(before, after) == (
            Difference("spec.agent.command[1]", "b", "c"),
            Difference("spec.agent.command[2]", None, "d"),
        )

    def test_are_those_of_what_is_declared(self) -> None:
        before = {"metadata": {"labels": {"a": "1"}, "uid": "x"}, "status": {"phase": "Running"}}
        after = {"metadata": {"annotations": {"n": "y"}, "uid": "z"}, "status": {"phase": "Error"}}
        assert differences(before, after) == (
            Difference("metadata.annotations[n]", None, "y"),
            Difference("metadata.labels[a]", "1", None),
        )

    @pytest.mark.parametrize(
        "spec",
        [
            {"env": [{"name": "API_KEY", "value": "hunter2"}]},
            {"target": {"overrides": {"env": [{"name": "PASSWORD", "value": "hunter2"}]}}},
            {"build": {"args": {"NPM_TOKEN": "hunter2"}}},
        ],
    )
    def test_show_a_digest_of_what_is_called_like_a_secret(self, spec: dict) -> None:
        found = differences(None, {"spec": spec})
        assert "hunter2" not in str(found)
        assert any(str(entry.after).startswith("hmac:") for entry in found)

    def test_show_names_of_secrets(self) -> None:
        spec = {"env": [{"name": "T", "secretRef": {"name": "mine", "key": "token"}}]}
        after = {entry.field: entry.after for entry in differences(None, {"spec": spec})}
        assert after["spec.env[T].secretRef.key"] == "token"
