"""Every recorded call of a real Dokploy v0.30.2, replayed against the local one."""

from __future__ import annotations

import re

import pytest

from tests.dokploy.local.alike import differences, plain
from tests.dokploy.local.replay import Stage, keys_for, load, recordings

pytestmark = pytest.mark.looptime

STEPS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        [
            "build_deployment_all",
            "build_deployment_all_2",
            "build_ok_rows",
            "deployment_all",
            "deployment_allByType",
        ],
        ("deployed",),
    ),
    **{name: ("refused",) for name in recordings() if name.startswith("bldfail_deployments")},
    **dict.fromkeys(
        [
            "build_bad_branch_rows",
            "build_run_fails_rows",
            "deployment_all_bad_image",
            "deployment_all_badmem",
            "deployment_all_unconfigured",
        ],
        ("refused",),
    ),
    **dict.fromkeys(
        [
            "delete_during_pull",
            "hang_delete_during_build",
            "hang_deployment_all",
            "hang_deployment_all_after",
            "hang_killBuild_shimmed",
            "hang_queueList_after_clean",
            "hang_queueList_after_cleanAll",
            "killBuild_shimmed",
            "stop_during_redeploy",
        ],
        ("hanging",),
    ),
    "hang_queueList_after_delete": ("hanging", "deleted"),
    "hang_queueList_with_second": ("hanging", "queued"),
    "queueList_busy": ("hanging", "queued", "queued"),
    "restart_deployments_hanging": ("hanging", "restarted"),
    **dict.fromkeys(["deploy_deleted", "logs_deleted"], ("deleted",)),
    **dict.fromkeys(["quick_removeVolume_ok", "dockerVolume_removeVolume_in_use"], ("held",)),
    **dict.fromkeys(
        ["quick_removeVolume_data_first", "quick_removeVolume_work", "dockerVolume_getVolumes"], ("freed",)
    ),
    **{
        name: ("checked", "running", "printed")
        for name in recordings()
        if name.startswith(("logs_", "docker_get", "size_swarm", "swarm_getContainerStats", "key_owner_node"))
        and name not in {"logs_deleted", "logs_stopped_service"}
    },
    "logs_stopped_service": ("running", "stopped"),
    "nodeApps_crasher": ("crashing",),
    "quick_badimage_tasks": ("missing",),
    "quick_containersMatch_healthy": ("checked", "running"),
    "quick_containersMatch_stopped": ("running", "stopped"),
    "quick_serviceContainers_bad_health": ("checked", "unhealthy"),
    "quick_serviceContainers_healthy": ("checked", "running"),
    "quick_serviceContainers_oom": ("crashing",),
    "quick_serviceContainers_stopped": ("running", "stopped"),
    "serviceContainers_after_crash": ("crashing",),
    "serviceContainers_stopped": ("running", "stopped"),
    "serviceContainers_unhealthy": ("checked", "unhealthy"),
    "containersByAppNameMatch_substring": ("running", "changed"),
    "member_containersByAppNameMatch": ("running", "changed"),
    "overview_services": ("deployed",),
    **{
        name: ("domain",)
        for name in [
            "readTraefikConfig",
            *(name for name in recordings() if name.startswith("route_traefik")),
        ]
        if name not in {"route_traefik_none", "route_traefik_file_lost"}
    },
    "route_traefik_file_lost": ("domain", "lost"),
    **dict.fromkeys(["search_appName", "search_limit100", "search_q"], ("found",)),
    **dict.fromkeys(["key_owner_project_one", "size_project_one"], ("branched",)),
    "key_owner_user_get": ("noted",),
    "search_page": ("crowded",),
    **dict.fromkeys(["start_again", "stop_again", "stop_running"], ("running",)),
}
SAME_PROCEDURE = frozenset(load(name)["request"]["path"].removeprefix("/api/") for name in recordings())

ABSENT = {
    "port.create": "Berth publishes no ports: a session is reached by its route",
    "port.delete": "the same",
    "registry.all": "credentials go with the application (FACTS-2 5), registries are not used",
    "registry.create": "the same",
    "registry.one": "the same",
    "registry.remove": "the same",
    "registry.testRegistryById": "the same",
    "application.saveGithubProvider": "GitHub's own provider needs an app that is installed there",
    "application.readAppMonitoring": "monitoring is never set up; usage is read from getContainerStats",
    "deployment.allCentralized": "deployments are read by application",
    "docker.getContainers": "tasks are read by service",
    "docker.getContainersByAppLabel": "the same",
    "domain.generateDomain": "hosts come from the target's pattern",
    "organization.all": "organization.active and user.session tell the organisation",
    "project.allForPermissions": "project.all tells what is needed",
    "settings.checkInfrastructureHealth": "there is no Postgres and no Traefik of its own",
    "settings.getIp": "there is no server of its own",
    "settings.getLogCleanupStatus": "there are no request logs",
    "swarm.getNodes": "there is one node",
    "user.all": "users are keys and roles",
}
"""Procedures that were recorded and are not here, with the reason."""

DIFFERENT = {
    "websockets (/listen-deployment, /docker-container-logs)": "logs are read with application.readLogs and"
    " deployment.readLogs alone",
    "tRPC (/api/trpc)": "the REST faces suffice",
    "deploy webhook (/api/deploy/<refreshToken>)": "it needs no key; nothing of ours uses it",
    "413 poisons the connection": "a flaw of Dokploy's HTTP server, below this application",
    "swarm.getContainerStats takes 1.6 s": "docker samples; the model answers at once",
    "env is encrypted at rest": "here it lies in clear in a file of mode 0600",
    "binds, files and ports of an application": "rows only, never mounted or published",
    "the order of rows in listings": "Postgres gives them in no order; here it is that of creation",
    "a redeploy of a git source builds what was cloned before": "here it clones again",
    "killBuild's 500 without a build": "read off pkill's exit status; the recording had pkill replaced",
}
"""What differs on purpose beyond the procedures, with the reason."""


async def replay(world, name):
    recording = load(name)
    world.dokploy.add_key("member")
    world.dokploy.add_key("six", role="owner", units=6, window=5)
    world.dokploy.add_key("ten", role="owner", units=10)
    stage = Stage(world, recording)
    stage.status = recording["response"]["status"]
    await stage.set_up(*STEPS.get(name, ()))
    calls_before = re.fullmatch(r"(?:ratelimit_\w+_call|key_rl6_probe_)(\d)", name)
    for _ in range(int(calls_before[1]) - ("call" in name) if calls_before else 0):
        await stage.ask(keys_for(name))
    answer = await stage.ask(keys_for(name))
    return stage, recording["response"], answer


def told(stage, recorded, answer):
    if answer.status_code != recorded["status"]:
        return [f"status {recorded['status']} recorded, {answer.status_code} here: {answer.text[:200]}"]
    if not answer.content:
        return [] if recorded["body"] == "" else ["empty body here"]
    json_here = answer.headers.get("content-type", "").startswith("application/json")
    body = answer.json() if json_here else answer.text
    if recorded["status"] == 200:
        return differences(recorded["body"], body)
    return [] if plain(body) == plain(recorded["body"]) else [f"{recorded['body']} recorded, {body} here"]


@pytest.mark.parametrize("name", recordings())
async def test_replay(world, name):
    stage, recorded, answer = await replay(world, name)
    assert told(stage, recorded, answer) == []


@pytest.mark.parametrize("name", ABSENT)
async def test_what_is_left_out_is_refused_as_unknown(world, name):
    assert name not in SAME_PROCEDURE
    for method in ("GET", "POST"):
        answer = await world.ask(method, name)
        assert (answer.status_code, answer.json()["message"]) == (404, "Not found")


def test_every_recorded_step_is_of_a_recording():
    assert set(STEPS) <= set(recordings())


def test_every_difference_has_a_reason():
    assert all((ABSENT | DIFFERENT).values())


def test_the_number_of_recordings(record_property):
    record_property("replayed", len(recordings()))
    record_property("left out", len(ABSENT))
    assert len(recordings()) == 355
