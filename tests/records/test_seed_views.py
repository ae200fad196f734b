"""The seed's three tables, by its names and columns."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from crds.container import ContainerDefaults, EnvVar, SecretKeyReference
from crds.session import DokployStatus, Phase, SessionStatus, TargetReference
from records.errors import Unavailable
from tests.records.samples import secret, session, target


async def rows(records, view: str) -> list[dict]:
    async with records._database.reading() as connection:
        found = await connection.execute(text(f"SELECT * FROM {view}"))
        return [dict(row._mapping) for row in found]


def parsed(value):
    """SQLite gives JSON as text."""
    return json.loads(value) if isinstance(value, str) else value


async def test_session_containers(records):
    made = await records.create(session())
    await records.create(session("old", operating_mode="Legacy"))
    (row,) = await rows(records, "session_containers")
    assert list(row) == ["id", "sessionId", "dokployAppId", "containerUrl", "status", "createdAt"]
    assert (row["id"], row["sessionId"]) == (made.metadata.uid, "alice/fix-login")
    assert (row["dokployAppId"], row["containerUrl"], row["status"]) == (None, None, "creating")
    assert str(row["createdAt"]).startswith("2026-11-24 12:00:00")


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        (Phase.PENDING, "creating"),
        (Phase.CREATING, "creating"),
        (Phase.RUNNING, "running"),
        (Phase.STOPPING, "running"),
        (Phase.STOPPED, "stopped"),
        (Phase.ERROR, "error"),
        (Phase.DELETING, "stopped"),
    ],
)
async def test_the_status_is_one_of_the_seeds_four(records, phase, status):
    made = await records.create(session())
    reported = SessionStatus(phase=phase, url="https://u", dokploy=DokployStatus(application_id="app-1"))
    await records.update_status(type(made), made.key, uid=made.metadata.uid, status=reported)
    (row,) = await rows(records, "session_containers")
    assert (row["dokployAppId"], row["containerUrl"], row["status"]) == ("app-1", "https://u", status)


async def test_session_settings(records):
    env = (
        EnvVar(name="LOG", value="debug"),
        EnvVar(name="TOKEN", secret_ref=SecretKeyReference(name="tokens", key="token")),
    )
    await records.create(secret(token="canary"))
    build = {"repository": "https://github.com/acme/image", "args": {"A": "1"}}
    await records.create(session("a", source={"url": "https://github.com/acme/app"}, env=env, build=build))
    await records.create(session("b", build=build | {"dockerfile": "docker/Dockerfile"}))
    await records.create(session("c"))
    full, other, bare = sorted(await rows(records, "session_settings"), key=lambda row: row["sessionId"])
    assert list(full) == ["sessionId", "githubRepo", "customEnvVars", "dockerfilePath", "buildSettings"]
    assert full["githubRepo"] == "https://github.com/acme/app"
    assert parsed(full["customEnvVars"]) == {"LOG": "debug", "TOKEN": None}
    assert full["dockerfilePath"] == "Dockerfile"
    assert parsed(full["buildSettings"]) == build
    assert other["dockerfilePath"] == "docker/Dockerfile"
    assert (bare["githubRepo"], bare["dockerfilePath"], bare["buildSettings"]) == (None, None, None)
    assert parsed(bare["customEnvVars"]) == {}
    assert "canary" not in str([full, other, bare])


async def test_deploy_configs(records):
    await records.create(target(container={"image": "acme/session:1"}))
    overrides = ContainerDefaults(image="acme/session:2")
    await records.create(session("own", target=TargetReference(name="big", overrides=overrides)))
    await records.create(session("none", target=TargetReference(overrides=None)))
    found = sorted(await rows(records, "deploy_configs"), key=lambda row: row["sessionId"] or "")
    whole, scoped = found
    assert whole["sessionId"] is None
    assert (whole["name"], whole["dokployUrl"], whole["project"]) == (
        "default",
        "https://dokploy.example.com",
        "berth",
    )
    assert parsed(whole["containerDefaults"])["image"] == "acme/session:1"
    assert (scoped["sessionId"], scoped["name"]) == ("alice/own", "big")
    assert parsed(scoped["containerDefaults"]) == {"image": "acme/session:2"}


@pytest.mark.parametrize("view", ["session_containers", "session_settings", "deploy_configs"])
async def test_they_are_read_only(records, view):
    await records.create(session())
    before = await rows(records, view)
    with pytest.raises(Unavailable):
        async with records._database.writing() as connection:
            await connection.execute(text(f"""UPDATE {view} SET "sessionId" = 'x'"""))
    assert await rows(records, view) == before
