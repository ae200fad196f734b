"""Whom a change concerns is said to whoever makes it, before and after it is stored."""

from __future__ import annotations

import pytest

from api.apply import as_new
from controller.affected import affected
from crds.base import Key
from crds.session import SessionFields, SessionTemplate
from crds.target import Target
from tests.controller.test_takeup import TOKEN, login, secret, template
from tests.controller.world import World, world

pytestmark = pytest.mark.looptime


async def two_sessions(of: World, **spec: object) -> None:
    of.run_controller()
    await of.declare("a", **spec)
    await of.declare("b", **spec)
    await of.declare("stopped", operating_mode="Stopped", **spec)
    for name in ("a", "b"):
        await of.until_ready(name)
    await of.until("Stopped", "stopped")


async def test_a_new_login_concerns_every_running_session_of_its_namespace():
    async with world() as of:
        await two_sessions(of)
        told = "2 sessions take it up at their next idle moment: alice/a, alice/b"
        assert await affected(of.records, as_new(login())) == told
        meta = login().metadata.model_copy(update={"namespace": "elsewhere"})
        assert await affected(of.records, as_new(login().model_copy(update={"metadata": meta}))) == ""
        assert len(of.simulation.containers) == 2


async def test_what_is_not_used_concerns_nobody_and_what_is_missing_blocks():
    async with world() as of:
        stored = await of.records.create(secret(token="1", other="1"))
        await two_sessions(of, env=[TOKEN], auth_files={"providers": []})
        assert await affected(of.records, as_new(login())) == ""
        assert await affected(of.records, as_new(secret(token="1", other="2"))) == ""
        told = "2 sessions take it up at their next idle moment: alice/a, alice/b"
        assert await affected(of.records, as_new(secret(token="2"))) == told
        told = "2 sessions cannot run with it (berth why): alice/a, alice/b"
        assert await affected(of.records, stored, gone=True) == told
        assert container_tokens(of) == {"1"}


async def test_a_second_login_of_one_provider_blocks_until_one_is_chosen():
    async with world() as of:
        labels = {"labels": {"berth.dev/provider": "codex"}}
        work = login("work", "w")
        work = work.model_copy(update={"metadata": work.metadata.model_copy(update=labels)})
        await of.records.create(work)
        await two_sessions(of)
        assert await affected(of.records, as_new(login("codex"))) == (
            "2 sessions cannot run with it (berth why): alice/a, alice/b"
        )


async def test_templates_and_targets_and_sessions_without_a_route():
    async with world(route={}) as of:
        stored = await of.records.create(template(env=[{"name": "LOG", "value": "1"}]))
        await two_sessions(of, template="python")
        changed = stored.model_copy(update={"spec": SessionFields(env=[{"name": "LOG", "value": "2"}])})
        told = "2 sessions take it up at their next restart: alice/a, alice/b"
        assert await affected(of.records, changed) == told
        assert await affected(of.records, SessionTemplate(metadata=changed.metadata)) == told
        default = of.records.at(Target, Key("", "default"))
        assert await affected(of.records, default) == ""
        defaults = default.spec.container.model_copy(update={"port": 4000})
        moved = default.model_copy(update={"spec": default.spec.model_copy(update={"container": defaults})})
        assert await affected(of.records, moved) == told


def container_tokens(of: World) -> set[str]:
    return {each.spec.env["TOKEN"] for each in of.simulation.containers}
