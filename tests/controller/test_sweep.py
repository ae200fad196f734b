"""What a sweep finds, does and leaves alone, against a simulated Dokploy in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import pytest

from controller.survey import survey
from controller.sweep import SECOND_LOOK
from crds.base import Key
from crds.session import Session
from crds.target import ACCEPT_ABSENCE_ANNOTATION, SWEEP_ANNOTATION, Target
from crds.target_status import SweepReport
from dokploy.port import Job
from tests.controller.world import KEY, NAMESPACE, World, world

pytestmark = pytest.mark.looptime

DEFAULT = Key("", "default")
OURS = "b0123456"
DIGEST = "abcdefghijkl"


async def target(of: World) -> Target:
    return await of.records.get(Target, DEFAULT)


async def annotate(of: World, name: str, value: str) -> None:
    stored = await target(of)
    annotations = {**stored.metadata.annotations, name: value}
    metadata = stored.metadata.model_copy(update={"annotations": annotations})
    await of.records.update(stored.model_copy(update={"metadata": metadata}))


async def swept(of: World) -> SweepReport:
    """Ask for a sweep, and give its report."""
    asked = of.now()
    await annotate(of, SWEEP_ANNOTATION, asked.isoformat())
    async with asyncio.timeout(60):
        while True:
            report = (await target(of)).status.sweep
            if report is not None and report.asked == asked:
                return report
            await asyncio.sleep(0.1)


async def create(of: World, app_name: str) -> str:
    """An application made by somebody; Dokploy appends its six characters."""
    table = of.dokploy.database.tables["environment"]
    body = {"name": "x", "appName": app_name, "environmentId": next(iter(table)), "description": ""}
    answer = await of.dokploy.call("application.create", "POST", body, KEY)
    return str(json.loads(answer.body)["applicationId"])


async def running(of: World, name: str = "fix-login", **spec: object) -> Session:
    await of.declare(name, **spec)
    await of.until_ready(name)
    return await of.session(name)


async def forget(of: World, name: str = "fix-login") -> None:
    """The record goes without a deletion, as where somebody removed its finalizer."""
    session = await of.session(name)
    metadata = session.metadata.model_copy(update={"finalizers": ()})
    await of.records.update(session.model_copy(update={"metadata": metadata}))
    await of.records.delete(Session, session.key)


def marker_of(session: Session) -> str:
    return str(session.status.dokploy.app_name)[:-7]


def told(report: SweepReport) -> list[tuple[str, str]]:
    return [(item.finding.value, item.name) for item in report.findings]


async def test_what_is_accounted_for_is_no_finding():
    async with world() as of:
        of.run_controller()
        await running(of)
        await running(of, "other")
        report = await swept(of)
        assert (report.counts, report.findings, report.unfinished) == ({}, (), None)


async def test_an_orphan_application_goes_after_the_second_look_and_its_volumes_are_reported():
    async with world() as of:
        controller = of.run_controller()
        session = await running(of)
        await forget(of)
        asked = asyncio.create_task(swept(of))
        await asyncio.sleep(SECOND_LOOK - 1)
        assert len(of.applications()) == 1, "one look deletes nothing"
        report = await asked
        assert of.applications() == []
        assert of.dokploy.swarm.services == {}
        assert (report.deleted, report.counts) == (1, {"OrphanVolume": 2})
        assert len(of.simulation.volumes()) == 2, "a sweep never removes work"
        assert [item.command for item in report.findings] == [
            f"docker volume rm {name}" for name in of.simulation.volumes()
        ]
        assert {item.session for item in report.findings} == {str(session.key)}
        assert [
            event.reason for event in of.records.all_events if event.involved_object.kind == "Target"
        ] == [
            "OrphanDeleted",
            "OrphanVolume",
            "OrphanVolume",
        ]
        registry = controller._metrics.registry
        found = registry.get_sample_value(
            "berth_sweep_findings", {"target": "default", "finding": "OrphanVolume"}
        )
        assert found == 2
        assert registry.get_sample_value("berth_sweep_deletions_total", {"target": "default"}) == 1


async def test_a_sweep_from_time_to_time_needs_nobody_to_ask():
    async with world() as of:
        of.pacing = replace(of.pacing, sweep=60.0)
        of.run_controller()
        await running(of)
        await forget(of)
        await asyncio.sleep(60 + SECOND_LOOK + 5)
        assert of.applications() == []


async def test_what_the_second_look_does_not_see_is_no_finding():
    async with world() as of:
        of.run_controller()
        await running(of)
        await forget(of)
        asked = asyncio.create_task(swept(of))
        await asyncio.sleep(SECOND_LOOK / 2)
        row = next(iter(of.dokploy.database.tables["application"]))
        await of.dokploy.call("application.delete", "POST", {"applicationId": row}, KEY)
        report = await asked
        assert report.deleted == 0
        assert set(report.counts) == {"OrphanVolume"}


async def test_an_orphan_application_waits_for_its_build():
    async with world() as of:
        of.run_controller()
        session = await running(of)
        await forget(of)
        application_id = str(session.status.dokploy.application_id)
        live = of._controllers[0][0].fleet.get("default")
        assert live is not None
        listed = live.dokploy.list_jobs

        async def busy() -> tuple[object, ...]:
            return (*await listed(), Job(application_id, "active", "build"))

        live.dokploy.list_jobs = busy  # type: ignore[method-assign]
        report = await swept(of)
        assert (report.deleted, report.counts.get("OrphanApplication")) == (0, 1)
        live.dokploy.list_jobs = listed  # type: ignore[method-assign]
        assert (await swept(of)).deleted == 1


async def test_an_orphan_service_is_told_with_its_command_until_it_is_gone():
    async with world() as of:
        of.run_controller()
        session = await running(of)
        name = str(session.status.dokploy.app_name)
        of.dokploy.database.remove("application", str(session.status.dokploy.application_id))
        report = await swept(of)
        assert ("OrphanService", name) in told(report)
        (item,) = [item for item in report.findings if item.finding == "OrphanService"]
        assert item.command == f"docker service rm {name}"
        assert item.session == str(session.key)
        assert name in of.dokploy.swarm.services
        assert len(of.applications()) == 0, "nothing is created beside it"
        of.dokploy.swarm.remove(name)
        await asyncio.sleep(40)
        report = await swept(of)
        assert "OrphanService" not in report.counts


async def test_a_retained_volume_is_listed_without_a_warning():
    async with world() as of:
        of.run_controller()
        await running(of, storage={"on_delete": "Retain"})
        await of.delete()
        await of.until_gone()
        report = await swept(of)
        assert report.counts == {"RetainedVolume": 2}
        assert {item.command for item in report.findings} == {None}
        assert [e for e in of.records.all_events if e.involved_object.kind == "Target"] == []


async def test_a_twin_is_left_to_its_session():
    async with world() as of:
        of.run_controller()
        session = await running(of)
        live = of._controllers[0][0].fleet.get("default")
        assert live is not None
        await create(of, marker_of(session))
        before = of.calls()
        seen = await survey(of.records, live.dokploy, live.record, now=of.now())
        assert [item.finding.value for item in seen.found] == ["Twin"]
        assert of.changes_since(before) == Counter()
        await asyncio.sleep(30)
        assert of.applications() == [session.status.dokploy.app_name]


@pytest.mark.parametrize(
    "app_name",
    [
        f"{OURS}-s-1-{DIGEST}",
        f"{OURS}-s-10-{DIGEST}",
        f"{OURS}-{'x' * 34}-{DIGEST}",
    ],
)
async def test_a_look_alike_is_told_and_left_alone(app_name: str):
    async with world() as of:
        of.run_controller()
        await running(of)
        await create(of, app_name)
        there = of.applications()
        report = await swept(of)
        assert set(report.counts) == {"LookAlike"}
        assert of.applications() == there
        assert (await swept(of)).counts == {"LookAlike": 1}
        assert of.applications() == there


@pytest.mark.parametrize(
    "app_name",
    [
        f"b9999999-s-1-{DIGEST}",
        OURS,
        f"{OURS}-",
        f"{OURS}x-s-1-{DIGEST}",
        f"my-{OURS}-s-1-{DIGEST}",
        f"{OURS}-s-1-short",
        "postgres",
        "a.b_c",
    ],
)
async def test_what_does_not_bear_our_marker_is_nobodys_business(app_name: str):
    async with world() as of:
        of.run_controller()
        await running(of)
        await create(of, app_name)
        there = of.applications()
        report = await swept(of)
        assert report.findings == ()
        assert of.applications() == there


async def test_s_10_lives_while_s_1_is_swept():
    async with world() as of:
        of.run_controller()
        await running(of, "s-1")
        await running(of, "s-10")
        await forget(of, "s-1")
        report = await swept(of)
        assert report.deleted == 1
        assert of.applications() == [(await of.session("s-10")).status.dokploy.app_name]
        assert (await of.ready("s-10"))[0] == "True"


async def test_after_an_older_backup_of_the_store_what_it_does_not_know_is_left_alone():
    async with world() as of:
        of.run_controller()
        await running(of, "old")
        await running(of, "young")
        await forget(of, "young")
        of.records.all_claims = {
            key: claim for key, claim in of.records.all_claims.items() if claim.key.name == "old"
        }
        there = of.applications()
        report = await swept(of)
        assert report.counts == {"LookAlike": 3}, "its application and its two volumes"
        assert of.applications() == there
        assert len(of.simulation.volumes()) == 4


async def test_after_an_older_backup_of_dokploy_what_was_deleted_is_swept_again():
    async with world() as of:
        of.run_controller()
        await running(of, "stays")
        await running(of, "gone")
        table = of.dokploy.database.tables["application"]
        copy = {key: dict(row) for key, row in table.items()}
        await of.delete("gone")
        await of.until_gone("gone")
        for key in copy.keys() - table.keys():
            of.dokploy.database.add("application", key, copy[key])
        assert len(of.applications()) == 2
        report = await swept(of)
        assert (report.deleted, report.counts) == (1, {})
        assert of.applications() == [(await of.session("stays")).status.dokploy.app_name]


Lie = Callable[[World], Awaitable[None]]


async def down(of: World) -> None:
    of.dokploy.up = False


async def empty(of: World) -> None:
    for key in list(of.dokploy.database.tables["application"]):
        of.dokploy.database.remove("application", key)


async def partial(of: World) -> None:
    for key in list(of.dokploy.database.tables["application"])[:3]:
        of.dokploy.database.remove("application", key)


async def no_engine(of: World) -> None:
    of.dokploy.swarm.services.clear()


@pytest.mark.parametrize("lie", [down, empty, partial, no_engine])
async def test_from_a_listing_that_lies_nothing_is_concluded(lie: Lie):
    async with world() as of:
        of.run_controller()
        for index in range(5):
            await running(of, f"session-{index}")
        await forget(of, "session-4")
        before = of.calls()
        asked = asyncio.create_task(swept(of))
        await asyncio.sleep(1)
        await lie(of)  # between the two looks: the first was true
        report = await asked
        assert report.deleted == 0
        assert report.unfinished
        assert of.changes_since(before)["application.delete"] == 0


# -- the freeze --------------------------------------------------------------------------------


async def until_frozen(of: World, reason: str | None) -> Target:
    async with asyncio.timeout(120):
        while True:
            found = await target(of)
            if (found.status.freeze.reason.value if found.status.freeze else None) == reason:
                return found
            await asyncio.sleep(0.5)


def events(of: World) -> list[str]:
    return [event.reason for event in of.records.all_events if event.involved_object.kind == "Target"]


async def test_a_mass_absence_is_shown_counted_and_released_by_a_persons_word():
    async with world() as of:
        controller = of.run_controller()
        registry = controller._metrics.registry
        for index in range(4):
            await running(of, f"session-{index}")
        await empty(of)
        await no_engine(of)
        frozen = await until_frozen(of, "MassAbsence")
        since = frozen.status.freeze.since
        assert "berth accept-absence default" in frozen.status.freeze.release
        absence = frozen.status.absence
        assert (absence.applications, absence.applications_expected) == (4, 4)
        labels = {"target": "default", "reason": "MassAbsence"}
        assert registry.get_sample_value("berth_target_frozen", labels) == 1
        assert (
            registry.get_sample_value("berth_target_missing", {"target": "default", "kind": "applications"})
            == 4
        )
        await asyncio.sleep(100)
        assert of.applications() == []
        assert (await target(of)).status.freeze.since == since
        assert events(of) == ["TargetFrozen"]
        await annotate(of, ACCEPT_ABSENCE_ANNOTATION, of.now().isoformat())
        released = await until_frozen(of, None)
        assert released.status.absence.accepted_until is not None
        for index in range(4):
            await of.until_ready(f"session-{index}")
        await asyncio.sleep(20)
        assert events(of) == ["TargetFrozen", "TargetReleased"]
        assert registry.get_sample_value("berth_target_frozen", labels) is None
        assert (await target(of)).status.absence is None


async def test_a_word_from_long_ago_releases_nothing():
    async with world() as of:
        of.run_controller()
        for index in range(4):
            await running(of, f"session-{index}")
        await annotate(of, ACCEPT_ABSENCE_ANNOTATION, of.now().isoformat())
        await asyncio.sleep(601)
        await empty(of)
        await until_frozen(of, "MassAbsence")
        await asyncio.sleep(60)
        assert of.applications() == []


async def test_a_freeze_is_told_once_over_a_restart_of_the_controller():
    async with world() as of:
        of.run_controller()
        await running(of)
        of.dokploy.up = False
        await until_frozen(of, "TargetUnreachable")
        await of.kill_controller()
        of.run_controller("two")
        await asyncio.sleep(60)
        assert events(of) == ["TargetFrozen"]
        of.dokploy.up = True
        await until_frozen(of, None)
        assert events(of) == ["TargetFrozen", "TargetReleased"]


async def test_sweeps_that_find_the_same_write_nothing_for_an_hour():
    async with world() as of:
        of.pacing = replace(of.pacing, sweep=60.0)
        of.run_controller()
        await running(of, storage={"on_delete": "Retain"})
        await of.delete()
        await of.until_gone()
        await asyncio.sleep(200)
        report: SweepReport | None = (await target(of)).status.sweep
        assert report is not None
        written = len(of.records.writes)
        before = of.calls()
        await asyncio.sleep(1800)
        assert of.records.writes[written:] == []
        made = of.calls() - before
        assert made["docker.getVolumes"] in {0, 30}, made
        await asyncio.sleep(1900)
        renewed: SweepReport | None = (await target(of)).status.sweep
        assert renewed is not None
        assert isinstance(renewed.at, datetime)
        assert renewed.at > report.at


async def test_the_age_of_the_newest_listing_is_measured():
    async with world() as of:
        controller = of.run_controller()
        await running(of)
        of.dokploy.up = False
        await asyncio.sleep(100)
        controller.fleet.measure()
        age = controller._metrics.registry.get_sample_value(
            "berth_snapshot_age_seconds", {"target": "default"}
        )
        assert age is not None
        assert 90 < age < 120
        assert NAMESPACE not in str(controller._metrics.registry.collect())


async def test_a_targets_own_status_and_a_request_for_a_sweep_ask_for_no_pass():
    async with world() as of:
        controller = of.run_controller()
        await running(of)
        adopt = controller.fleet.adopt
        stored = await target(of)

        def annotated(name: str) -> Target:
            metadata = stored.metadata.model_copy(update={"annotations": {name: of.now().isoformat()}})
            return stored.model_copy(update={"metadata": metadata})

        status = stored.status.model_copy(update={"version": "v9"})
        assert not await adopt(stored.model_copy(update={"status": status}))
        assert not await adopt(annotated(SWEEP_ANNOTATION))
        assert await adopt(annotated(ACCEPT_ABSENCE_ANNOTATION)), "a person's word is news"
