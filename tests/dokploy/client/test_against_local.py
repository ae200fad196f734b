"""The whole port, against the local Dokploy behind its own HTTP API, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from dokploy.client import CallLimits, HttpDokploy
from dokploy.dotenv import encode
from dokploy.errors import NotFound, Unauthorized, Unsupported, VolumeInUse
from dokploy.local.dokploy import LocalDokploy
from dokploy.local.server import create_app
from dokploy.local.simulation import Simulation
from dokploy.port import DockerSource, Domain, GitSource, VolumeMount
from tests.dokploy.client.recorded import KEY

pytestmark = pytest.mark.looptime


def _now() -> float:
    return asyncio.get_running_loop().time() + 1_795_000_000


@pytest.fixture
async def local():
    made = LocalDokploy(Simulation(clock=_now), admin_key=KEY, clock=_now)
    await made.start()
    yield made
    await made.aclose()


def _client(local: LocalDokploy, key: str = KEY) -> HttpDokploy:
    return HttpDokploy(
        "http://dokploy.test",
        SecretStr(key),
        transport=httpx.ASGITransport(create_app(local)),
        limits=CallLimits(in_flight=8, per_second=1000),
    )


async def _create(client: HttpDokploy, name: str = "berth-s1"):
    place = await client.ensure_place("berth", None)
    return await client.create_application(
        name="alice/fix",
        app_name=name,
        environment_id=place.environment_id,
        description="Fix",
        server_id=None,
    )


async def _until(check, seconds: float = 60):
    for _ in range(int(seconds * 2)):
        if await check():
            return
        await asyncio.sleep(0.5)
    pytest.fail("it did not come about")


async def test_a_session_from_creation_to_deletion(local, config):
    client = _client(local)
    installation = await client.connect()
    assert installation.role == "owner"
    place = await client.ensure_place("berth", "sessions")
    assert await client.ensure_place("berth", "sessions") == place

    config = replace(
        config,
        source=DockerSource("ghcr.io/acme/session:1"),
        env=SecretStr(encode({"A": "${{X}} {{y}}", "PORT": "3000"})),
    )
    ref = await _create(client)
    await client.update_application(ref.application_id, config)
    mount = VolumeMount(f"{ref.app_name}-work", "/workspace")
    await client.attach_volume(ref.application_id, mount)
    domain = Domain("fix.example.com", 3000, https=True, certificate="letsencrypt")
    await client.create_domain(ref.application_id, domain)
    assert await client.read_logs(ref.application_id, tail=10, since=None) == ""
    await client.reload_application(ref)

    detail = await client.read_application(ref.application_id)
    assert detail.ref == ref
    assert detail.config == config
    assert detail.mounts == (mount,)
    assert detail.domains == (domain,)
    assert [row.ref for row in await client.list_applications()] == [ref]

    async def healthy() -> bool:
        services = await client.list_services()
        return [(row.app_name, row.running, row.wanted) for row in services] == [(ref.app_name, 1, 1)]

    await _until(healthy)
    newest = (await client.read_tasks(ref.app_name))[0]
    assert (newest.wanted, newest.state) == ("running", "Running")
    assert newest.age is not None
    assert isinstance(await client.read_logs(ref.application_id, tail=10, since="1h"), str)
    assert any(ref.app_name in name for name in await client.usage())
    assert mount.volume in await client.list_volumes()
    with pytest.raises(VolumeInUse):
        await client.remove_volume(mount.volume)

    await client.delete_domain(detail.domains[0].domain_id)
    await client.delete_domain(detail.domains[0].domain_id)
    await client.delete_application(ref.application_id)
    await client.delete_application(ref.application_id)

    async def removed() -> bool:
        try:
            await client.remove_volume(mount.volume)
        except VolumeInUse:
            return False
        return True

    await _until(removed)
    await client.remove_volume(mount.volume)
    assert await client.list_volumes() == ()
    assert await client.list_services() == ()
    with pytest.raises(NotFound):
        await client.read_application(ref.application_id)
    await client.aclose()


async def test_a_build(local, config):
    client = _client(local)
    await client.connect()
    ref = await _create(client)
    source = GitSource("https://git.test/agent.git", "main", "/", "Dockerfile", "", SecretStr("REV='1'"))
    config = replace(config, source=source, env=SecretStr(""))
    await client.update_application(ref.application_id, config)
    assert (await client.read_application(ref.application_id)).config == config

    await client.deploy_application(ref.application_id, title="tok-1")

    async def built() -> bool:
        assert all(job.application_id == ref.application_id for job in await client.list_jobs())
        rows = await client.list_deployments(ref.application_id)
        return bool(rows) and rows[0].status == "done"

    await _until(built)
    newest = (await client.list_deployments(ref.application_id))[0]
    assert await client.read_build_log(newest.deployment_id, tail=100)
    await client.aclose()


async def test_what_is_gone_is_told_as_gone(local, config):
    client = _client(local)
    await client.connect()
    ref = await _create(client)
    await client.delete_application(ref.application_id)
    for call in (
        client.update_application(ref.application_id, config),
        client.attach_volume(ref.application_id, VolumeMount("v", "/w")),
        client.reload_application(ref),
        client.deploy_application(ref.application_id, title="t"),
        client.read_logs(ref.application_id, tail=1, since=None),
    ):
        with pytest.raises(NotFound):
            await call
    await client.aclose()


async def test_keys(local):
    with pytest.raises(Unauthorized) as caught:
        await _client(local, "wrong").connect()
    assert not caught.value.throttled

    local.add_key("member-key", role="member")
    with pytest.raises(Unsupported):
        await _client(local, "member-key").connect()

    for units, throttled in ((10, [False, False]), (11, [False, True])):
        local.add_key(f"limited-{units}", role="owner", units=units)
        limited = _client(local, f"limited-{units}")
        await limited.connect()
        for _ in range(2):
            await limited.list_services()
        told = []
        for _ in range(2):
            with pytest.raises(Unauthorized) as caught:
                await limited.list_services()
            told.append(caught.value.throttled)
        assert told == throttled, "with an odd number of units, the last call is let in and then refused"
