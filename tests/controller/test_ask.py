"""What a deletion that is asked for would lose, by the container's own answer (law S9a)."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from container.contract import HealthReport
from controller.ask import would_lose
from controller.identity import Identity
from controller.observed import Silence
from controller.probe import HttpProbe
from crds.base import Condition, ConditionStatus, Key, ObjectMeta
from crds.container import SecretKeyReference
from crds.session import DokployStatus, Session, SessionFields, SessionSpec, SessionTemplate, Storage
from crds.target import RoutePattern, Target, TargetSpec
from dokploy.port import Domain
from tests.controller.builders import report
from tests.fakes.memory_records import MemoryRecords

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ROUTE = "http://fix-login.alice.test:3000"
UNSAVED = {"state": "Unsaved", "uncommitted": 1, "unpushed": 0}
CLEAN = {"state": "Clean", "uncommitted": 0, "unpushed": 0}


class Container:
    """A container that answers with a report, in which it repeats the question or does not."""

    def __init__(self, answer: HealthReport | Silence, *, repeats: bool = True) -> None:
        self.answer, self.repeats = answer, repeats
        self.asked: list[tuple[Domain, str | None]] = []

    async def echo(
        self, domain: Domain, address: str | None, *, question: str | None = None
    ) -> HealthReport | Silence:
        assert question, "without one the container answers from memory"
        self.asked.append((domain, address))
        if isinstance(self.answer, Silence) or not self.repeats:
            return self.answer
        return {**self.answer, "work": {**self.answer["work"], "question": question}}


async def stored(
    *,
    saved: tuple[str, str] = ("True", "Saved"),
    suspended: bool = False,
    known: object = None,
    **spec: object,
) -> tuple[MemoryRecords, Session]:
    """A session whose container was seen running, or stopped, with a target."""
    records = MemoryRecords(lambda: NOW)
    route = RoutePattern(pattern="{name}.{namespace}.test", https=False, probe_address="127.0.0.1:8080")
    key = SecretKeyReference(name="dokploy", key="key")
    spec_of_target = TargetSpec(url="http://dokploy.test", api_key=key, route=route)
    await records.create(Target(metadata=ObjectMeta(name="default"), spec=spec_of_target))
    meta = ObjectMeta(name="fix-login", namespace="alice", finalizers=("berth.dev/session",))
    made = await records.create(Session(metadata=meta, spec=SessionSpec(image="sim/ok", **spec)))
    conditions = (
        condition("WorkSaved", *saved),
        condition("Suspended", "True" if suspended else "False", "Suspended"),
    )
    dokploy = DokployStatus(application_id="app-1", app_name="a", applied="d1", route=ROUTE)
    status = made.status.model_copy(
        update={"conditions": conditions, "dokploy": dokploy if known is None else known}
    )
    await records.update_status(Session, made.key, uid=made.metadata.uid, status=status)
    return records, await records.get(Session, Key("alice", "fix-login"))


def condition(kind: str, status: str, reason: str) -> Condition:
    return Condition(
        type=kind, status=ConditionStatus(status), reason=reason, message="as told", last_transition_time=NOW
    )


def answer(of: Session, work: dict[str, object], **changes: object) -> HealthReport:
    session = Identity.of(of, instance="b0123456").session_id
    return {**report(of), "session": session, "work": work, **changes}  # type: ignore[return-value]


async def loss(records: MemoryRecords, of: Session, container: Container) -> str | None:
    found = await would_lose(records, of, container)
    assert found is None or found.what
    return found.reason if found else None


async def test_it_goes_by_the_answer_and_not_by_what_was_told_before():
    for saved in (("True", "Saved"), ("False", "Unsaved"), ("Unknown", "WorkUnknown")):
        records, of = await stored(saved=saved)
        asked = Container(answer(of, UNSAVED))
        assert await loss(records, of, asked) == "WorkUnsaved"
        assert [(domain.host, address) for domain, address in asked.asked] == [
            ("fix-login.alice.test", "127.0.0.1:8080")
        ]
        assert await loss(records, of, Container(answer(of, CLEAN))) is None


@pytest.mark.parametrize("silence", [Silence.NO_ANSWER, Silence.NOT_OURS])
async def test_a_container_that_may_run_and_gives_no_answer_holds_it_up(silence: Silence):
    records, of = await stored()
    assert await loss(records, of, Container(silence)) == "WorkUnknown"
    records, of = await stored(saved=("False", "Unsaved"))
    assert await loss(records, of, Container(silence)) == "WorkUnsaved"


async def test_an_answer_of_another_session_or_to_another_question_is_none():
    records, of = await stored()
    assert await loss(records, of, Container(answer(of, CLEAN, session="another"))) == "WorkUnknown"
    assert await loss(records, of, Container(answer(of, CLEAN, session=""))) == "WorkUnknown"
    assert await loss(records, of, Container(answer(of, CLEAN), repeats=False)) == "WorkUnknown"
    earlier = {**CLEAN, "question": "an earlier one"}
    assert await loss(records, of, Container(answer(of, earlier), repeats=False)) == "WorkUnknown"


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        (("True", "Saved"), None),
        (("False", "Unsaved"), "WorkUnsaved"),
        (("Unknown", "WorkUnknown"), "WorkUnknown"),
        (("Unknown", "NotReported"), None),
    ],
)
async def test_of_a_stopped_session_the_answer_at_its_stop_counts(
    saved: tuple[str, str], expected: str | None
):
    records, of = await stored(saved=saved, suspended=True)
    assert await loss(records, of, Container(Silence.NO_ANSWER)) == expected


async def test_one_that_never_told_of_work_is_let_go():
    records, of = await stored(saved=("Unknown", "NotReported"))
    assert await loss(records, of, Container(Silence.NO_ANSWER)) is None


async def test_without_a_route_nobody_can_be_asked():
    known = DokployStatus(application_id="app-1", app_name="a", applied="d1")
    records, of = await stored(known=known)
    assert await loss(records, of, Container(Silence.NO_ANSWER)) == "WorkUnknown"
    records, of = await stored(known=known.model_copy(update={"applied": None}))
    assert await loss(records, of, Container(Silence.NO_ANSWER)) is None


async def test_where_nothing_is_lost_nobody_is_asked():
    unasked = Container(Silence.NO_ANSWER)
    for declared in (
        await stored(storage=Storage(on_delete="Retain")),
        await stored(known=DokployStatus()),
        await stored(known=DokployStatus(application_id="app-1", applied="d", removing_since=NOW)),
    ):
        assert await loss(*declared, unasked) is None
    records, of = await stored(template="kept")
    fields = SessionFields(storage=Storage(on_delete="Retain"))
    meta = ObjectMeta(name="kept", namespace="alice")
    await records.create(SessionTemplate(metadata=meta, spec=fields))
    assert await loss(records, of, unasked) is None, "its template keeps the volumes"
    assert unasked.asked == []


async def test_a_question_goes_over_http_and_its_answer_has_to_have_the_shape():
    seen: list[httpx.URL] = []
    body: dict[str, object] = {**report(Session(metadata=ObjectMeta(name="x", namespace="y", uid="u")))}

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json=body)

    probe = HttpProbe(httpx.MockTransport(handle))
    domain = Domain("x.test", 3000, https=False)
    for work, shaped in (
        ({**CLEAN, "question": "q", "readAt": "2026-11-24T12:00:00Z"}, True),
        ({**CLEAN, "question": 5}, False),
        ({**CLEAN, "readAt": None}, False),
    ):
        body["work"] = work
        assert isinstance(await probe.echo(domain, None, question="q"), dict) is shaped
    await probe.echo(domain, "127.0.0.1:1")
    await probe.aclose()
    assert [str(url) for url in seen[2:]] == [
        "http://x.test/healthz?question=q",
        "http://127.0.0.1:1/healthz",
    ]
