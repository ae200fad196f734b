"""Berth's own client against the model: what it writes is what it reads back."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from pydantic import SecretStr

from dokploy import dotenv
from dokploy.client import HttpDokploy
from dokploy.errors import Failed, NotFound, Unauthorized, Unsupported, VolumeInUse
from dokploy.local.server import create_app
from dokploy.local.simulation import BuildScript
from dokploy.port import ApplicationConfig, DockerSource, Domain, GitSource, Health, VolumeMount
from tests.dokploy.local.world import KEY

pytestmark = pytest.mark.looptime

SECOND = 1_000_000_000


def config(**changed) -> ApplicationConfig:
    env = {"BERTH_REVISION": "r1", "NASTY": "a#b {{.Node.ID}} ${{project.X}} 'q'"}
    usual = {
        "name": "alice/fix",
        "description": "d",
        "source": DockerSource("sim/ok"),
        "env": SecretStr(dotenv.encode(env)),
        "replicas": 1,
        "health": Health(("CMD", "true"), SECOND, SECOND, SECOND, 3),
        "cpu_limit": SECOND,
        "cpu_reservation": None,
        "memory_limit": 2**30,
        "memory_reservation": None,
        "stop_grace": 10 * SECOND,
        "restart_delay": 2 * SECOND,
        "labels": (("a", "b"),),
    }
    return ApplicationConfig(**(usual | changed))


@pytest.fixture
async def client(world):
    made = connect(world, KEY)
    yield made
    await made.aclose()


def connect(world, key: str) -> HttpDokploy:
    transport = httpx.ASGITransport(create_app(world.dokploy))
    return HttpDokploy("http://dokploy", SecretStr(key), transport=transport)


async def test_the_whole_life_of_a_session(world, client):
    installation = await client.connect()
    assert (installation.version, installation.role) == ("v0.30.2", "owner")
    place = await client.ensure_place("berth", "sessions")
    assert await client.ensure_place("berth", "sessions") == place
    ref = await client.create_application(
        name="alice/fix",
        app_name="berth-x1-s1",
        environment_id=place.environment_id,
        description="d",
        server_id=None,
    )
    mount = VolumeMount(f"{ref.app_name}-work", "/workspace")
    await client.update_application(ref.application_id, config())
    await client.attach_volume(ref.application_id, mount)
    domain = Domain("fix.example.com", 3000, https=True, certificate="letsencrypt")
    await client.create_domain(ref.application_id, domain)
    await client.reload_application(ref)
    read = await client.read_application(ref.application_id)
    assert (read.config, read.mounts, read.domains) == (config(), (mount,), (domain,))
    await world.until({"appName": ref.app_name}, "1/1")
    (service,) = await client.list_services()
    assert (service.app_name, service.running, service.wanted) == (ref.app_name, 1, 1)
    assert [row.ref for row in await client.list_applications()] == [ref]
    task = (await client.read_tasks(ref.app_name))[0]
    assert (task.wanted, task.state, task.error) == ("running", "Running", "")
    env = world.simulation.running(ref.app_name)[0].spec.env
    assert env["NASTY"] == "a#b {{.Node.ID}} ${{project.X}} 'q'"
    assert await client.read_logs(ref.application_id, tail=5, since=None)
    usage = await client.usage()
    assert [name.startswith(f"{ref.app_name}.1.") for name in usage] == [True]
    await client.delete_domain(read.domains[0].domain_id)
    await client.delete_domain(read.domains[0].domain_id)
    await client.delete_application(ref.application_id)
    await client.delete_application(ref.application_id)
    with pytest.raises(VolumeInUse):
        await client.remove_volume(mount.volume)
    assert [row.name.startswith(f"{ref.app_name}.1.") for row in await client.list_containers(ref.app_name)]
    await asyncio.sleep(8)
    assert await client.list_containers(ref.app_name) == ()
    await client.remove_volume(mount.volume)
    await client.remove_volume(mount.volume)
    assert await client.list_volumes() == ()
    with pytest.raises(NotFound):
        await client.read_application(ref.application_id)


async def test_a_build(world, client):
    source = GitSource("https://git/x", "main", "/", "Dockerfile", "", SecretStr("A='1'"))
    world.simulation.builds[source.url] = BuildScript(builds=False, commit="why")
    ref = await client.create_application(
        name="n", app_name="b", environment_id=world.environment, description="", server_id=None
    )
    await client.update_application(ref.application_id, config(source=source))
    assert (await client.read_application(ref.application_id)).config == config(source=source)
    await client.deploy_application(ref.application_id, title="ours")
    (job,) = await client.list_jobs()
    assert (job.application_id, job.state, job.title) == (ref.application_id, "active", "ours")
    await asyncio.sleep(3)
    assert await client.list_jobs() == ()
    (deployment,) = await client.list_deployments(ref.application_id)
    assert (deployment.status, deployment.title) == ("error", "why")
    assert "❌ Docker build failed" in await client.read_build_log(deployment.deployment_id, tail=10)


async def test_keys_that_are_no_good(world):
    world.dokploy.add_key("member")
    for key, error in (("wrong", Unauthorized), ("member", Unsupported)):
        client = connect(world, key)
        with pytest.raises(error):
            await client.connect()
        await client.aclose()


async def test_a_dead_engine_is_told_from_an_empty_one(world, client):
    row = await world.run()
    world.dokploy.stop_engine()
    assert await client.list_services() == ()
    with pytest.raises(Failed):
        await client.reload_application(next(iter(await client.list_applications())).ref)
    assert len(await client.list_applications()) == 1
    assert row
