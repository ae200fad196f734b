"""What nobody asked of a session is taken up when its agent is at rest, and never while it works."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from pydantic import SecretStr

from container.contract import Attention
from crds.base import Condition, Key, ObjectMeta
from crds.container import ContainerDefaults, HealthCheck
from crds.quantity import Duration
from crds.secret import Secret
from crds.session import Session, SessionFields, SessionTemplate
from crds.target import Target
from crds.vocabulary import ConditionType
from dokploy.local.echo import report
from dokploy.local.simulation import SimulatedContainer
from tests import laws
from tests.controller.world import KEY as OWNERS_KEY
from tests.controller.world import NAMESPACE, World, world

pytestmark = pytest.mark.looptime

APPLY = "application.reload"
CANARY = "canary-7f3b-never-seen"
TOKEN = {"name": "TOKEN", "secret_ref": {"name": "my", "key": "token"}}


def secret(name: str = "my", **entries: str) -> Secret:
    return Secret(metadata=ObjectMeta(name=name, namespace=NAMESPACE), string_data=entries)


def login(name: str = "codex", content: str = CANARY) -> Secret:
    meta = ObjectMeta(name=name, namespace=NAMESPACE)
    return Secret(metadata=meta, type="berth.dev/auth-file", string_data={"auth.json": content})


def template(**fields: object) -> SessionTemplate:
    return SessionTemplate(
        metadata=ObjectMeta(name="python", namespace=NAMESPACE), spec=SessionFields(**fields)
    )


def container(of: World) -> SimulatedContainer:
    [only] = of.simulation.containers
    return only


def says(of: World, attention: Attention, *, active: bool = False) -> None:
    """What its container reports from now on."""
    spec = container(of).spec
    at = {"at": of.now().isoformat(), "source": "terminal"} if active else None
    of.simulation.overrides[spec.service] = {
        **report(spec.env, container(of).boot, container(of).work(None)),
        "attention": attention.value,
        "activity": at,
    }


def hears_no_more(of: World) -> None:
    of.simulation.overrides.clear()


async def condition(of: World, kind: ConditionType = ConditionType.CONFIG_APPLIED) -> Condition:
    return next(c for c in (await of.session()).status.conditions if c.type == kind)


async def until_waiting(of: World) -> Condition:
    async with asyncio.timeout(60):
        while (await condition(of)).reason != "RestartNeeded":
            await asyncio.sleep(0.1)
    return await condition(of)


async def stays(of: World, before: SimulatedContainer, seconds: float = 600) -> None:
    """The container runs on, and its session is Ready, for all this time."""
    for _ in range(round(seconds / 5)):
        await asyncio.sleep(5)
        assert of.simulation.containers == [before]
        assert await of.ready() == ("True", "Running")


async def replaced(of: World, before: SimulatedContainer, *, within: float = 60) -> SimulatedContainer:
    async with asyncio.timeout(within):
        while before.running:
            await asyncio.sleep(0.1)
    hears_no_more(of)
    await of.until_ready()
    async with asyncio.timeout(60):
        while (await condition(of)).status != "True":
            await asyncio.sleep(0.1)
    return container(of)


async def running(of: World, **spec: object) -> SimulatedContainer:
    of.run_controller()
    await of.declare(**spec)
    await of.until_ready()
    return container(of)


async def change_secret(of: World, name: str = "my", **entries: str) -> None:
    old = of.records.at(Secret, Key(NAMESPACE, name))
    await of.records.update(old.model_copy(update={"data": {}, "string_data": entries}))


async def test_a_new_login_waits_while_the_agent_works_and_is_taken_up_once_it_rests():
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING)
        made = of.calls()
        await of.records.create(login())
        waiting = await until_waiting(of)
        assert waiting.status == "False"
        assert waiting.message == (
            "The Secret codex changed since it started; taken up once its agent is at rest, and all is quiet "
            "for 2 minutes, or by berth restart"
        )
        progressing = await condition(of, ConditionType.PROGRESSING)
        assert (progressing.status, progressing.reason) == ("False", "RestartNeeded")
        await stays(of, before)
        assert of.changes_since(made) == Counter({"application.update": 1})
        session = await of.session()
        assert session.status.revision.running == before.spec.env["BERTH_REVISION"]
        assert session.status.revision.desired != session.status.revision.running
        said = [session.model_dump_json(), *(e.model_dump_json() for e in await of.records.list_events())]
        laws.s3(said)
        assert any('"reason":"RestartNeeded"' in event for event in said[1:])
        says(of, Attention.IDLE)
        after = await replaced(of, before)
        assert "CODEX_AUTH_FILE_1" in after.spec.env
        await asyncio.sleep(600)
        assert of.simulation.containers == [after]
        assert of.changes_since(made) == Counter({"application.update": 1, APPLY: 1})


async def test_while_it_waits_a_further_pass_changes_and_writes_nothing():
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING)
        await of.records.create(login())
        await until_waiting(of)
        await asyncio.sleep(120)
        calls, writes = of.calls(), len(of.records.writes)
        await stays(of, before, 2000)  # with an audit
        laws.l2(of.changes_since(calls), laws.written_by_passes(of.records.writes[writes:]))


@pytest.mark.parametrize("attention", [Attention.NEEDS_APPROVAL, Attention.UNKNOWN])
async def test_what_is_no_rest_is_waited_for(attention: Attention):
    async with world() as of:
        before = await running(of)
        says(of, attention)
        await of.records.create(login())
        await until_waiting(of)
        await stays(of, before)
        await of.restart()
        assert "CODEX_AUTH_FILE_1" in (await replaced(of, before)).spec.env


async def test_nothing_is_taken_up_while_somebody_is_at_work_in_a_terminal():
    async with world() as of:
        before = await running(of)
        says(of, Attention.IDLE, active=True)
        await of.records.create(login())
        for _ in range(20):
            await asyncio.sleep(20)
            says(of, Attention.IDLE, active=True)
        assert of.simulation.containers == [before]
        await replaced(of, before, within=200)


async def test_a_removed_login_is_no_interruption_either():
    async with world() as of:
        await of.records.create(login())
        before = await running(of)
        says(of, Attention.WORKING)
        await of.records.delete(Secret, Key(NAMESPACE, "codex"))
        await until_waiting(of)
        await stays(of, before)
        says(of, Attention.IDLE)
        assert "CODEX_AUTH_FILE_1" not in (await replaced(of, before)).spec.env


async def test_of_a_secret_only_what_is_used_matters():
    async with world() as of:
        await of.records.create(secret(token="1", other="1"))
        before = await running(of, env=[TOKEN], auth_files={"providers": []})
        says(of, Attention.WORKING)
        calls = of.calls()
        await change_secret(of, token="1", other="2")
        await of.records.create(login())
        await stays(of, before, 120)
        assert (await condition(of)).reason == "Applied"
        assert not of.changes_since(calls)
        await change_secret(of, token="2", other="2")
        assert "The Secret my changed" in (await until_waiting(of)).message


async def test_a_change_of_its_own_spec_is_applied_at_once_and_takes_all_along():
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING)
        await of.records.create(login())
        await until_waiting(of)
        await of.change(title="Another title")
        await stays(of, before, 60)
        await of.change(env=[{"name": "LOG", "value": "debug"}])
        after = await replaced(of, before, within=20)
        assert after.spec.env["LOG"] == "debug"
        assert "CODEX_AUTH_FILE_1" in after.spec.env


async def test_templates_and_targets_wait_as_well_and_are_named():
    async with world() as of:
        await of.records.create(template(env=[{"name": "LOG", "value": "1"}]))
        before = await running(of, template="python")
        says(of, Attention.WORKING)
        old = of.records.at(SessionTemplate, Key(NAMESPACE, "python"))
        spec = SessionFields(env=[{"name": "LOG", "value": "2"}])
        await of.records.update(old.model_copy(update={"spec": spec}))
        default = of.records.at(Target, Key("", "default"))
        defaults = ContainerDefaults(
            port=4000, health_check=HealthCheck(interval=Duration("1s"), start_period=Duration("5s"))
        )
        changed = default.spec.model_copy(update={"container": defaults})
        await of.records.update(default.model_copy(update={"spec": changed}))
        await asyncio.sleep(60)
        message = (await until_waiting(of)).message
        assert message.startswith("The Target default, the template python have changed since it started")
        await stays(of, before)
        domains = of.dokploy.database.tables["domain"].values()
        assert [row["port"] for row in domains] == [3000]
        says(of, Attention.NEEDS_INPUT)
        after = await replaced(of, before)
        assert (after.spec.env["LOG"], after.spec.env["PORT"]) == ("2", "4000")
        assert [row["port"] for row in of.dokploy.database.tables["domain"].values()] == [4000]


async def test_a_build_from_a_templates_inputs_waits_as_well():
    async with world() as of:
        await of.records.create(template(build={"repository": "https://git.test/a"}))
        before = await running(of, template="python", image=None)
        says(of, Attention.WORKING)
        old = of.records.at(SessionTemplate, Key(NAMESPACE, "python"))
        spec = SessionFields(build={"repository": "https://git.test/b"})
        calls = of.calls()
        await of.records.update(old.model_copy(update={"spec": spec}))
        await until_waiting(of)
        await stays(of, before, 120)
        assert of.changes_since(calls)["application.deploy"] == 0
        says(of, Attention.IDLE)
        await replaced(of, before, within=120)
        assert of.changes_since(calls)["application.deploy"] == 1


async def test_a_session_without_a_route_waits_for_a_restart():
    async with world(route={}) as of:
        before = await running(of)
        await of.records.create(login())
        message = (await until_waiting(of)).message
        assert message.endswith(
            "whether its agent works is not known without a route, so it waits for berth restart"
        )
        await stays(of, before)
        await of.restart()
        assert "CODEX_AUTH_FILE_1" in (await replaced(of, before)).spec.env


async def test_a_container_that_does_not_run_has_nothing_to_interrupt():
    async with world() as of:
        await of.records.create(secret(token="1"))
        await running(of, env=[TOKEN])
        of.simulation.images["sim/ok"] = of.simulation._script("sim/crash:1")
        says(of, Attention.WORKING)
        of.simulation.kill(container(of).spec.service)
        async with asyncio.timeout(120):
            while (await of.ready())[1] != "ContainerFailing":
                await asyncio.sleep(0.1)
        hears_no_more(of)
        del of.simulation.images["sim/ok"]
        await change_secret(of, token="2")
        async with asyncio.timeout(60):
            while not any(each.spec.env.get("TOKEN") == "2" for each in of.simulation.containers):
                await asyncio.sleep(0.1)


async def test_a_stopped_session_starts_with_what_is_declared_by_then():
    async with world() as of:
        await of.records.create(secret(token="1"))
        await running(of, env=[TOKEN])
        await of.stop()
        await of.until("Stopped")
        await change_secret(of, token="2")
        await asyncio.sleep(60)
        await of.start()
        await of.until_ready()
        assert container(of).spec.env["TOKEN"] == "2"
        assert (await condition(of)).reason == "Applied"


async def test_a_restart_asked_for_when_idle_is_carried_out_once():
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING, active=True)
        await of.change(restart_when_idle_at=of.now())
        await stays(of, before, 300)
        progressing = await condition(of, ConditionType.PROGRESSING)
        assert (progressing.status, progressing.reason) == ("False", "RestartNeeded")
        assert (await condition(of)).reason == "Applied"
        says(of, Attention.IDLE, active=True)
        after = await replaced(of, before)
        await stays(of, after, 300)
        assert (await condition(of, ConditionType.PROGRESSING)).reason == "Settled"


async def test_any_restart_overtakes_one_that_waits():
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING)
        await of.change(restart_when_idle_at=of.now())
        await asyncio.sleep(60)
        await of.restart()
        after = await replaced(of, before)
        await stays(of, after, 300)


async def test_what_somebody_restarted_in_dokploy_is_taken_up():
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING)
        await of.records.create(login())
        await until_waiting(of)
        session = await of.session()
        calls = of.calls()
        api = of.connect(of.records.at(Target, Key("", "default")), SecretStr(OWNERS_KEY))
        try:
            [row] = await api.list_applications()
            await api.reload_application(row.ref)
        finally:
            await api.aclose()
        after = await replaced(of, before, within=200)
        assert after.spec.env["BERTH_REVISION"] == session.status.revision.desired
        await stays(of, after, 120)
        assert of.changes_since(calls)[APPLY] == 1  # theirs


async def test_a_status_of_an_earlier_version_interrupts_nobody():
    """It has not kept what was applied; the change came while no controller ran."""
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING)
        await of.kill_controller()
        session = await of.session()
        known = session.status.dokploy.model_copy(update={"applied_from": None})
        status = session.status.model_copy(update={"dokploy": known})
        await of.records.update_status(Session, session.key, uid=session.metadata.uid, status=status)
        await of.records.create(login())
        of.run_controller("two")
        assert "What Berth gives every container" in (await until_waiting(of)).message
        await stays(of, before)
        await of.kill_controller()
        of.run_controller("three")
        await stays(of, before, 120)
        await of.change(env=[{"name": "LOG", "value": "debug"}])
        await replaced(of, before, within=20)


async def test_a_crash_of_the_container_while_it_waits_is_the_moment():
    async with world() as of:
        before = await running(of)
        says(of, Attention.WORKING)
        await of.records.create(login())
        await until_waiting(of)
        of.simulation.kill(before.spec.service)
        hears_no_more(of)
        async with asyncio.timeout(200):
            while not any("CODEX_AUTH_FILE_1" in each.spec.env for each in of.simulation.containers):
                await asyncio.sleep(0.1)
        await of.until_ready()
