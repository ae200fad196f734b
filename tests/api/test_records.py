"""Records over HTTP: what is stored, what is answered, what is refused and why."""

from __future__ import annotations

import asyncio
import functools
from datetime import timedelta
from typing import Any

import pytest

from api import operations
from api.journal import Deed
from crds.base import ConditionStatus, Key
from crds.session import OperatingMode, Phase, Session
from records.paging import pages
from records.sql import SqlRecords
from tests.api.conftest import HELLO, START, Client, Clock, Lost, Work, condition, running, session_body

FINALIZER = "berth.dev/session"


async def reasons(records: SqlRecords) -> list[str]:
    return [event.reason for event in await records.list_events()]


async def hold(records: SqlRecords) -> None:
    """Put the controller's finalizer on the session."""
    stored = await records.get(Session, Key("alice", "hello"))
    await records.add_finalizer(Session, stored.key, uid=stored.metadata.uid, finalizer=FINALIZER)


class TestApply:
    async def test_creates_what_is_absent(self, client: Client, records: SqlRecords) -> None:
        answer = await client.put(HELLO, json=session_body())
        assert answer.status_code == 201
        assert answer.headers["berth-result"] == "created"
        body = answer.json()
        assert answer.headers["etag"] == f'"{body["metadata"]["resourceVersion"]}"'
        assert body["metadata"]["generation"] == 1
        assert body["status"]["phase"] == "Pending"
        stored = await records.get(Session, Key("alice", "hello"))
        assert stored.spec.image == "example/session:1"
        (event,) = await records.list_events()
        assert (event.reason, event.message) == ("Declared", "Declared by admin")
        assert event.reporting_component == "berth-api"
        assert event.involved_object.uid == stored.metadata.uid

    async def test_the_same_again_changes_nothing(self, client: Client, records: SqlRecords) -> None:
        first = await client.put(HELLO, json=session_body())
        revision = (await records.list(Session)).revision
        again = await client.put(HELLO, json=session_body())
        assert (again.status_code, again.headers["berth-result"]) == (200, "unchanged")
        assert again.json() == first.json()
        assert (await records.list(Session)).revision == revision

    async def test_replaces_labels_annotations_and_spec_and_keeps_the_rest(
        self, client: Client, records: SqlRecords, stand
    ) -> None:
        body = session_body()
        body["metadata"] |= {"labels": {"a": "1"}, "annotations": {"n": "x"}}
        await client.put(HELLO, json=body)
        await hold(records)
        await stand(phase=Phase.RUNNING)
        changed = session_body(title="Another")
        changed["metadata"]["finalizers"] = ["someone/else"]
        changed["status"] = {"phase": "Error"}
        answer = await client.put(HELLO, json=changed)
        assert (answer.status_code, answer.headers["berth-result"]) == (200, "configured")
        stored = await records.get(Session, Key("alice", "hello"))
        assert stored.metadata.labels == stored.metadata.annotations == {}
        assert stored.metadata.finalizers == (FINALIZER,)
        assert stored.metadata.generation == 2
        assert stored.spec.title == "Another"
        assert stored.status.phase is Phase.RUNNING
        assert await reasons(records) == [Deed.DECLARED, Deed.CHANGED]

    async def test_a_field_left_open_again_is_open(self, client: Client, records: SqlRecords) -> None:
        await client.put(HELLO, json=session_body(title="Old", idle={"stopAfter": "30m"}))
        await client.put(HELLO, json=session_body())
        stored = await records.get(Session, Key("alice", "hello"))
        assert stored.spec.model_fields_set == {"image"}

    async def test_finalizers_of_the_body_are_nobodys_to_remove_and_so_not_taken(
        self, client: Client, records: SqlRecords
    ) -> None:
        body = session_body()
        body["metadata"]["finalizers"] = [FINALIZER]
        await client.put(HELLO, json=body)
        assert (await records.get(Session, Key("alice", "hello"))).metadata.finalizers == ()

    @pytest.mark.parametrize("where", ["body", "If-Match", "weak If-Match"])
    async def test_a_stale_view_is_a_conflict(self, client: Client, records: SqlRecords, where: str) -> None:
        first = (await client.put(HELLO, json=session_body())).json()["metadata"]["resourceVersion"]
        await client.put(HELLO, json=session_body(title="By somebody else"))
        mine, headers = session_body(title="Mine"), {}
        if where == "body":
            mine["metadata"]["resourceVersion"] = first
        else:
            headers["If-Match"] = f'W/"{first}"' if where.startswith("weak") else f'"{first}"'
        answer = await client.put(HELLO, json=mine, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
        assert (await records.get(Session, Key("alice", "hello"))).spec.title == "By somebody else"

    async def test_the_newest_view_is_taken(self, client: Client) -> None:
        tag = (await client.put(HELLO, json=session_body())).headers["etag"]
        answer = await client.put(HELLO, json=session_body(title="Mine"), headers={"If-Match": tag})
        assert answer.headers["berth-result"] == "configured"
        answer = await client.put(HELLO, json=session_body(title="Any"), headers={"If-Match": "*"})
        assert answer.headers["berth-result"] == "configured"

    async def test_another_record_of_the_name_is_a_conflict(self, client: Client) -> None:
        await client.put(HELLO, json=session_body())
        body = session_body()
        body["metadata"]["uid"] = "of-one-that-is-gone"
        assert (await client.put(HELLO, json=body)).json()["reason"] == "Conflict"

    async def test_a_version_of_a_record_that_is_gone_is_a_conflict(self, client: Client) -> None:
        body = session_body()
        body["metadata"]["resourceVersion"] = "3"
        answer = await client.put(HELLO, json=body)
        assert answer.status_code == 409
        assert "leave resourceVersion out" in answer.json()["detail"]

    async def test_a_record_on_its_way_out_takes_no_declaration(
        self, client: Client, records: SqlRecords
    ) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        await client.delete(HELLO)
        answer = await client.put(HELLO, json=session_body(title="Back"))
        assert answer.status_code == 409
        assert "wait until it is gone" in answer.json()["detail"]

    async def test_two_at_once_both_succeed(self, client: Client, records: SqlRecords) -> None:
        answers = await asyncio.gather(
            *(client.put(HELLO, json=session_body(title=f"Title {n}")) for n in range(6))
        )
        results = sorted(answer.headers["berth-result"] for answer in answers)
        assert results == ["configured"] * 5 + ["created"]

    async def test_dry_run_stores_nothing_and_says_what_would_be(
        self, client: Client, records: SqlRecords
    ) -> None:
        dry = {"dryRun": "true"}
        answer = await client.put(HELLO, params=dry, json=session_body())
        assert (answer.status_code, answer.headers["berth-result"]) == (200, "created")
        assert answer.json()["metadata"]["generation"] == 1
        assert answer.json()["metadata"]["uid"]
        assert (await records.list(Session)).revision == 0
        await client.put(HELLO, json=session_body())
        revision = (await records.list(Session)).revision
        answer = await client.put(HELLO, params=dry, json=session_body(title="New"))
        assert answer.headers["berth-result"] == "configured"
        assert answer.json()["metadata"]["generation"] == 2
        answer = await client.put(HELLO, params=dry, json=session_body())
        assert answer.headers["berth-result"] == "unchanged"
        assert (await client.put(HELLO, params=dry, json=session_body(cpu=1))).status_code == 422
        assert (await records.list(Session)).revision == revision

    async def test_yaml_is_taken(self, client: Client, records: SqlRecords) -> None:
        text = "kind: Session\nmetadata: {name: hello}\nspec:\n  image: example/session:1\n"
        answer = await client.put(HELLO, content=text, headers={"Content-Type": "application/yaml"})
        assert answer.status_code == 201
        assert (await client.put(HELLO, json=session_body())).headers["berth-result"] == "unchanged"

    async def test_what_the_path_says_may_be_left_out(self, client: Client) -> None:
        answer = await client.put(HELLO, json={"spec": {"image": "example/session:1"}})
        assert answer.status_code == 201
        assert answer.json()["metadata"]["namespace"] == "alice"


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"spec": {"imgae": "x"}}, "spec.imgae"),
            ({"spec": {"env": [{"name": "A", "valeu": "1"}]}}, "spec.env[0].valeu"),
            ({"metadata": {"name": "other", "namespace": "alice"}}, "metadata.name"),
            ({"metadata": {"name": "hello", "namespace": "bob"}}, "metadata.namespace"),
            ({"kind": "Pod"}, "kind"),
            ({"kind": "User", "spec": {}}, "kind"),
            ({"apiVersion": "v2"}, "apiVersion"),
        ],
    )
    async def test_name_the_field(self, client: Client, change: dict, field: str) -> None:
        answer = await client.put(HELLO, json=session_body() | change)
        assert answer.status_code == 422
        problem = answer.json()
        assert problem["reason"] == "Invalid"
        assert problem["instance"] == HELLO
        assert field in [cause["field"] for cause in problem["causes"]]

    @pytest.mark.parametrize(
        ("content", "media_type", "status"),
        [
            (b"{", "application/json", 400),
            (b"[]", "application/json", 400),
            (b'{"kind": "Session", "kind": "Session"}', "application/json", 400),
            (b'{"spec": NaN}', "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b"\xff\xfe", "application/json", 400),
            (b"9" * 5000, "application/json", 400),
            (b"", "application/json", 400),
            (b"a: [", "application/yaml", 422),
            (b"\xff", "application/yaml", 400),
            (b"---\n---\n", "application/yaml", 400),
            (b"a: &a [x]\nb: *a\nc: " + b"[" * 3000, "application/yaml", 422),
            (b"x=1", "application/x-www-form-urlencoded", 415),
        ],
    )
    async def test_a_body_that_cannot_be_read(
        self, client: Client, content: bytes, media_type: str, status: int
    ) -> None:
        answer = await client.put(HELLO, content=content, headers={"Content-Type": media_type})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_a_body_that_is_too_large(self, client: Client) -> None:
        body = session_body(title="x" * (1 << 20))
        answer = await client.put(HELLO, json=body)
        assert (answer.status_code, answer.json()["reason"]) == (413, "TooLarge")
        assert "1048576 bytes" in answer.json()["detail"]

        async def unannounced():
            for _ in range(20):
                yield b" " * 65536

        answer = await client.put(HELLO, content=unannounced(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413

    @pytest.mark.parametrize(
        ("method", "path", "status", "reason"),
        [
            ("GET", "/api/namespaces/alice/sessions/none", 404, "NotFound"),
            ("GET", "/api/namespaces/alice/pods", 404, "NotFound"),
            ("GET", "/api/namespaces/alice/targets", 404, "NotFound"),
            ("GET", "/api/sessions/hello", 404, "NotFound"),
            ("GET", "/elsewhere", 404, "NotFound"),
            ("DELETE", "/api/namespaces/alice/sessions/none", 404, "NotFound"),
            ("DELETE", "/api/namespaces/alice/events/x", 405, "Invalid"),
            ("PUT", "/api/namespaces/alice/events/x", 405, "Invalid"),
            ("PATCH", HELLO, 405, "Invalid"),
            ("POST", HELLO + "/stop", 404, "NotFound"),
            ("POST", HELLO + "/explode", 404, "NotFound"),
            ("GET", "/api/sessions?limit=0", 422, "Invalid"),
            ("GET", "/api/sessions?limit=x", 422, "Invalid"),
            ("GET", "/api/sessions?continue=x", 422, "Invalid"),
            ("GET", "/api/sessions?labelSelector=a%20like%20b", 422, "Invalid"),
            ("GET", "/api/sessions?labelSelector=team%3D%3D", 422, "Invalid"),
            ("GET", "/api/events?about=hello", 422, "Invalid"),
            ("GET", "/api/watch?kinds=", 422, "Invalid"),
            ("GET", "/api/watch?kinds=pods", 404, "NotFound"),
            ("GET", "/api/watch?since=soon", 422, "Invalid"),
            ("GET", HELLO + "/logs?tail=-1", 422, "Invalid"),
            ("GET", HELLO + "/logs?since=yesterday", 422, "Invalid"),
        ],
    )
    async def test_a_request_for_what_is_not_there(
        self, client: Client, method: str, path: str, status: int, reason: str
    ) -> None:
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        assert set(answer.json()) == {"type", "title", "status", "detail", "instance", "reason", "causes"}


class TestLists:
    async def test_a_long_list_is_whole_and_read_by_pages(
        self, client: Client, records: SqlRecords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(operations, "pages", functools.partial(pages, size=3))
        names = [f"s{number}" for number in range(8)]
        for name in names:
            await client.put(f"/api/namespaces/alice/sessions/{name}", json=session_body(name))
        held: list[int] = []
        read = records.list

        async def counted(*args: Any, **options: Any) -> Any:
            page = await read(*args, **options)
            held.append(len(page.items))
            return page

        monkeypatch.setattr(records, "list", counted)
        body = (await client.get("/api/sessions")).json()
        assert [item["metadata"]["name"] for item in body["items"]] == names
        assert body["metadata"].keys() == {"resourceVersion"}
        assert max(held) == 3
        part = (await client.get("/api/sessions", params={"limit": 5})).json()
        assert (len(part["items"]), part["metadata"]["remainingItemCount"]) == (5, 3)
        rest = {"continue": part["metadata"]["continue"]}
        rest_of = (await client.get("/api/sessions", params=rest)).json()
        assert [item["metadata"]["name"] for item in part["items"] + rest_of["items"]] == names

    async def test_pages_show_one_revision(self, client: Client) -> None:
        for n in range(5):
            await client.post("/api/namespaces/alice/sessions", json=session_body(f"s-{n}"))
        first = (await client.get("/api/sessions", params={"limit": 2})).json()
        assert first["kind"] == "SessionList"
        assert first["apiVersion"] == "berth.dev/v1alpha1"
        assert [item["metadata"]["name"] for item in first["items"]] == ["s-0", "s-1"]
        assert first["metadata"]["remainingItemCount"] == 3
        await client.delete("/api/namespaces/alice/sessions/s-4")
        rest = (
            await client.get("/api/sessions", params={"limit": 9, "continue": first["metadata"]["continue"]})
        ).json()
        assert [item["metadata"]["name"] for item in rest["items"]] == ["s-2", "s-3", "s-4"]
        assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}

    @pytest.mark.parametrize(
        ("selector", "names"),
        [
            ("team=a", ["one"]),
            ("team==a", ["one"]),
            ("team=", []),
            ("team!=a", ["three", "two"]),
            ("team in (a, b)", ["one", "two"]),
            ("team notin (a,b)", ["three"]),
            ("team", ["one", "two"]),
            ("!team", ["three"]),
            ("team,tier=x", ["two"]),
            ("", ["one", "three", "two"]),
        ],
    )
    async def test_labels_select(self, client: Client, selector: str, names: list[str]) -> None:
        for name, labels in {"one": {"team": "a"}, "two": {"team": "b", "tier": "x"}, "three": {}}.items():
            body = session_body(name)
            body["metadata"]["labels"] = labels
            await client.post("/api/namespaces/alice/sessions", json=body)
        answer = await client.get("/api/sessions", params={"labelSelector": selector})
        assert [item["metadata"]["name"] for item in answer.json()["items"]] == names

    async def test_a_namespace_shows_its_own(self, client: Client) -> None:
        await client.put(HELLO, json=session_body())
        assert (await client.get("/api/namespaces/bob/sessions")).json()["items"] == []
        assert len((await client.get("/api/namespaces/alice/sessions")).json()["items"]) == 1

    async def test_events_are_listed_by_what_they_are_about(self, client: Client) -> None:
        await client.put(HELLO, json=session_body())
        await client.post("/api/namespaces/alice/sessions", json=session_body("other"))
        await client.put("/api/users/alice", json={"spec": {"displayName": "Alice"}})
        for path, about, names in [
            ("/api/namespaces/alice/events", "Session/hello", ["hello"]),
            ("/api/namespaces/alice/events", "sess/hello", ["hello"]),
            ("/api/events", "Session/hello", ["hello"]),
            ("/api/events", "Session/alice/other", ["other"]),
            ("/api/events", "Session/bob/other", []),
            ("/api/events", "User/alice", ["alice"]),
            ("/api/namespaces/alice/events", None, ["hello", "other"]),
            ("/api/events", None, ["hello", "other", "alice"]),
        ]:
            answer = await client.get(path, params={"about": about} if about else None)
            body = answer.json()
            assert body["kind"] == "EventList"
            assert [item["involvedObject"]["name"] for item in body["items"]] == names, (path, about)
        one = body["items"][0]
        assert (one["type"], one["count"], one["reason"]) == ("Normal", 1, "Declared")
        meta = one["metadata"]
        assert (await client.get(f"/api/namespaces/alice/events/{meta['name']}")).json() == one


class TestCreate:
    async def test_is_refused_for_what_exists(self, client: Client) -> None:
        answer = await client.post("/api/namespaces/alice/sessions", json=session_body())
        assert answer.status_code == 201
        assert answer.headers["location"] == HELLO
        answer = await client.post("/api/namespaces/alice/sessions", json=session_body())
        assert (answer.status_code, answer.json()["reason"]) == (409, "AlreadyExists")

    async def test_cluster_scoped_kinds_have_no_namespace(self, client: Client) -> None:
        answer = await client.post("/api/users", json={"metadata": {"name": "alice"}, "spec": {}})
        assert answer.status_code == 201
        assert answer.headers["location"] == "/api/users/alice"
        answer = await client.post("/api/users", json={"metadata": {"name": "bob", "namespace": "x"}})
        assert answer.status_code == 422


class TestDelete:
    async def test_without_finalizers_it_is_gone(self, client: Client, records: SqlRecords) -> None:
        await client.put(HELLO, json=session_body())
        answer = await client.delete(HELLO)
        assert (answer.status_code, answer.json()["metadata"]["name"]) == (200, "hello")
        assert (await client.get(HELLO)).status_code == 404
        assert (await reasons(records))[-1] == Deed.DELETE_REQUESTED

    async def test_with_finalizers_it_is_marked_once(self, client: Client, records: SqlRecords) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        first = await client.delete(HELLO)
        assert first.json()["metadata"]["deletionTimestamp"]
        revision = (await records.list(Session)).revision
        assert (await client.delete(HELLO)).json() == first.json()
        assert (await records.list(Session)).revision == revision

    @pytest.mark.parametrize("reason", ["WorkUnsaved", "WorkUnknown"])
    async def test_unsaved_work_is_lost_only_by_force(
        self, client: Client, records: SqlRecords, work: Work, reason: str
    ) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        work.loss = Lost(reason, "2 commits unpushed")
        revision = (await records.list(Session)).revision
        refused = await client.delete(HELLO)
        assert (refused.status_code, refused.json()["reason"]) == (409, reason)
        assert "2 commits unpushed" in refused.json()["detail"]
        assert "force" in refused.json()["detail"]
        assert (await records.list(Session)).revision == revision, "nothing is stored"
        assert (await reasons(records))[-1] == Deed.DECLARED
        forced = await client.delete(HELLO, params={"force": "true"})
        assert forced.status_code == 200
        stored = await records.get(Session, Key("alice", "hello"))
        assert stored.metadata.annotations == {"berth.dev/force-delete": "true"}
        assert stored.metadata.deletion_timestamp is not None
        assert stored.spec.image == "example/session:1"

    async def test_the_container_is_asked_at_every_deletion_without_force(
        self, client: Client, records: SqlRecords, work: Work, stand
    ) -> None:
        """What the status says of the work is a while old, and no answer."""
        await client.put(HELLO, json=session_body())
        await hold(records)
        await stand(conditions=[condition("WorkSaved", ConditionStatus.FALSE, "Unsaved")])
        assert (await client.delete(HELLO)).status_code == 200
        assert work.asked == ["alice/hello"]
        work.loss = Lost("WorkUnsaved", "1 file uncommitted")
        again = await client.delete(HELLO)
        assert (again.status_code, "which waits" in again.json()["detail"]) == (409, True)

    @pytest.mark.parametrize(("reason", "named"), [("TargetNotFound", True), ("Running", False)])
    async def test_the_way_out_is_named_where_the_target_is_gone(
        self, client: Client, work: Work, stand, reason: str, named: bool
    ) -> None:
        await client.put(HELLO, json=session_body())
        await stand(conditions=[condition("Ready", ConditionStatus.FALSE, reason)])
        work.loss = Lost("WorkUnknown", "its container does not answer")
        detail = (await client.delete(HELLO)).json()["detail"]
        assert ("if its target does not come back, with orphan" in detail) is named

    async def test_a_deletion_that_hangs_can_be_forced(self, client: Client, records: SqlRecords) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        await client.delete(HELLO)
        assert (await client.delete(HELLO, params={"force": "true"})).status_code == 200
        stored = await records.get(Session, Key("alice", "hello"))
        assert stored.metadata.annotations == {"berth.dev/force-delete": "true"}

    async def test_a_stale_view_deletes_nothing(self, client: Client) -> None:
        tag = (await client.put(HELLO, json=session_body())).headers["etag"]
        await client.put(HELLO, json=session_body(title="Changed"))
        assert (await client.delete(HELLO, headers={"If-Match": tag})).status_code == 409
        assert (await client.get(HELLO)).status_code == 200


class TestUndelete:
    async def test_a_deletion_of_which_no_step_was_taken_is_undone(
        self, client: Client, records: SqlRecords, stand
    ) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        await stand(**running())
        before = (await client.get(HELLO)).json()
        await client.delete(HELLO)
        back = await client.post(HELLO + "/undelete")
        assert back.status_code == 200
        assert "deletionTimestamp" not in back.json()["metadata"]
        assert back.json()["metadata"]["generation"] == before["metadata"]["generation"] + 2
        assert (back.json()["spec"], back.json()["status"]) == (before["spec"], before["status"])
        assert (await reasons(records))[-2:] == [Deed.DELETE_REQUESTED, Deed.UNDELETED]
        assert (await client.post(HELLO + "/undelete")).json() == back.json(), "again: no change"
        assert (await client.post(HELLO + "/stop")).status_code == 200, "it is asked for things again"

    async def test_after_the_first_step_it_is_refused(
        self, client: Client, records: SqlRecords, stand
    ) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        await client.delete(HELLO)
        await stand(**running(removing_since=START))
        refused = await client.post(HELLO + "/undelete")
        assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")
        assert "is being removed since 2026-11-24T12:00:00" in refused.json()["detail"]
        assert (await records.get(Session, Key("alice", "hello"))).metadata.deletion_timestamp is not None

    async def test_the_first_step_wins_a_race(
        self, client: Client, records: SqlRecords, stand, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The controller announces its first step between the API's reading and its writing."""
        await client.put(HELLO, json=session_body())
        await hold(records)
        await client.delete(HELLO)
        undelete = SqlRecords.undelete

        async def late(self: SqlRecords, *given: object, **named: object) -> object:
            await stand(**running(removing_since=START))
            return await undelete(self, *given, **named)

        monkeypatch.setattr(SqlRecords, "undelete", late)
        assert (await client.post(HELLO + "/undelete")).status_code == 409
        assert (await records.get(Session, Key("alice", "hello"))).metadata.deletion_timestamp is not None

    async def test_leave_to_lose_work_ends_with_the_deletion_that_it_was_for(
        self, client: Client, records: SqlRecords
    ) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        await client.delete(HELLO, params={"force": "true"})
        stored = await records.get(Session, Key("alice", "hello"))
        asked = {**stored.metadata.annotations, "berth.dev/orphan": "true"}
        metadata = stored.metadata.model_copy(update={"annotations": asked})
        await records.update(stored.model_copy(update={"metadata": metadata}))
        back = await client.post(HELLO + "/undelete")
        assert back.status_code == 200
        assert back.json()["metadata"]["annotations"] == {}

    async def test_other_kinds_are_kept_too_and_what_is_gone_is_not_found(
        self, client: Client, records: SqlRecords
    ) -> None:
        await client.put("/api/users/alice", json={"metadata": {"name": "alice"}, "spec": {}})
        assert (await client.post("/api/users/alice/undelete")).status_code == 200
        assert (await client.post(HELLO + "/undelete")).status_code == 404

    async def test_what_waits_to_be_deleted_says_how_it_is_kept(
        self, client: Client, records: SqlRecords, stand
    ) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        await client.delete(HELLO)
        refused = await client.post(HELLO + "/stop")
        assert "berth undelete session hello" in refused.json()["detail"]
        await stand(**running(removing_since=START))
        refused = await client.post(HELLO + "/stop")
        assert "wait until it is gone" in refused.json()["detail"]


class TestVerbs:
    async def test_declare_the_mode(self, client: Client, records: SqlRecords) -> None:
        await client.put(HELLO, json=session_body(title="Kept"))
        stopped = await client.post(HELLO + "/stop")
        assert stopped.json()["spec"] == {
            "image": "example/session:1",
            "title": "Kept",
            "operatingMode": "Stopped",
        }
        revision = (await records.list(Session)).revision
        await client.post(HELLO + "/stop")
        assert (await records.list(Session)).revision == revision
        started = await client.post(HELLO + "/start")
        assert started.json()["spec"]["operatingMode"] == "Running"
        assert started.json()["metadata"]["generation"] == 3
        assert await reasons(records) == [Deed.DECLARED, Deed.STOP_REQUESTED, Deed.START_REQUESTED]

    async def test_each_restart_is_a_new_one(self, client: Client, records: SqlRecords, clock: Clock) -> None:
        await client.put(HELLO, json=session_body(operatingMode="Stopped"))
        await client.post(HELLO + "/restart")
        clock.move(0.001)
        answer = await client.post(HELLO + "/restart")
        assert answer.json()["metadata"]["generation"] == 3
        stored = await records.get(Session, Key("alice", "hello"))
        assert stored.spec.restarted_at == START + timedelta(milliseconds=1)
        assert stored.spec.operating_mode is OperatingMode.RUNNING

    async def test_a_restart_may_wait_and_take_logins(
        self, client: Client, records: SqlRecords, clock: Clock
    ) -> None:
        await client.put(HELLO, json=session_body(authFiles={"secrets": ["work"]}))
        answer = await client.post(HELLO + "/restart?when=idle&logins=take")
        spec = (await records.get(Session, Key("alice", "hello"))).spec
        assert (spec.restarted_at, spec.restart_when_idle_at) == (None, START)
        assert answer.json()["spec"]["authFiles"] == {
            "secrets": ["work"],
            "takeGivenAt": answer.json()["spec"]["restartWhenIdleAt"],
        }
        assert (await client.post(HELLO + "/stop?when=idle")).status_code == 422
        assert (await client.post(HELLO + "/restart?when=soon")).status_code == 422

    async def test_what_is_being_deleted_is_asked_nothing(self, client: Client, records: SqlRecords) -> None:
        await client.put(HELLO, json=session_body())
        await hold(records)
        await client.delete(HELLO)
        assert (await client.post(HELLO + "/start")).status_code == 409
