"""Each method, against the answer of a real Dokploy."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from dokploy.errors import Ambiguous, NotFound, Unsupported, VolumeInUse
from dokploy.port import (
    ApplicationRef,
    Deployment,
    Domain,
    Job,
    Place,
    ServiceRow,
    VolumeMount,
)
from tests.dokploy.client.recorded import KEY, Scripted, answer, body, dokploy, recorded, text

_REF = ApplicationRef("wVmN3yugonwHrCIPLURVs", "qk-nu0sxw")


async def test_connect_tells_version_role_and_settings():
    there = Scripted(
        {
            "settings.getDokployVersion": recorded("version"),
            "user.get": recorded("key_owner_user_get"),
            "settings.getWebServerSettings": recorded("key_owner_webServerSettings"),
        }
    )

    installation = await dokploy(there).connect()

    assert (installation.version, installation.role) == ("v0.30.2", "owner")
    assert installation.organization_id == body("key_owner_user_get")["organizationId"]
    assert installation.image_cleanup
    assert installation.builds_concurrency == 1
    assert all(request.headers["x-api-key"] == KEY for request in there.requests)
    assert all(request.method == "GET" for request in there.requests)


@pytest.mark.parametrize("version", ["v0.24.12", "v0.0.1", "latest", ""])
async def test_a_version_that_is_too_old_or_unreadable_is_refused(version):
    with pytest.raises(Unsupported, match=r"v0\.25\.0"):
        await dokploy(Scripted({"settings.getDokployVersion": answer(version)})).connect()


async def test_a_listing_that_is_the_one_before_it_is_not_read_again():
    rows = body("overview_services")
    whole, part = answer(rows), answer(rows[:1])
    client = dokploy(Scripted({"overview.services": [whole, whole, part, whole]}))
    first = await client.list_applications()
    assert await client.list_applications() is first
    assert await client.list_applications() == first[:1]
    assert await client.list_applications() == first


async def test_a_listing_that_cannot_be_read_is_told_every_time():
    rows = body("overview_services")
    client = dokploy(Scripted({"overview.services": [answer(rows), text("<html>")]}))
    await client.list_applications()
    for _ in range(2):
        with pytest.raises(Ambiguous):
            await client.list_applications()


async def test_a_member_is_refused_before_it_can_list_nothing():
    there = Scripted(
        {
            "settings.getDokployVersion": recorded("version"),
            "user.get": recorded("key_member_user_get"),
        }
    )
    with pytest.raises(Unsupported, match="owner or an admin"):
        await dokploy(there).connect()


async def test_a_dokploy_that_keeps_its_settings_elsewhere_has_the_defaults():
    there = Scripted(
        {
            "settings.getDokployVersion": answer("v0.25.0"),
            "user.get": recorded("key_owner_user_get"),
            "settings.getWebServerSettings": recorded("err_unknown_procedure"),
        }
    )
    installation = await dokploy(there).connect()
    assert (installation.image_cleanup, installation.builds_concurrency) == (True, 1)


async def test_applications_are_listed_without_the_other_services():
    rows = body("overview_services")
    database = {"id": "x", "type": "postgres", "name": None}
    there = Scripted({"overview.services": answer([database, *rows])})

    listed = await dokploy(there).list_applications()

    assert [row.ref.application_id for row in listed] == [row["id"] for row in rows]
    first = listed[0]
    assert first.ref == ApplicationRef("AY7IDLpMH36Qx2B5veGm3", "sess-abc123-y33mvu")
    assert (first.name, first.status) == ("session one", "done")
    assert first.environment_id == "ci17g9xwRnWObwNvpgkWt"
    assert first.created_at == datetime(2026, 11, 23, 23, 59, 40, 838000, tzinfo=UTC)
    assert first.last_deploy_at == datetime(2026, 11, 24, 0, 0, 50, 381000, tzinfo=UTC)
    assert listed[1].last_deploy_at is None


async def test_an_application_that_cannot_be_read_is_not_left_out():
    rows = body("overview_services")
    del rows[1]["appName"]
    with pytest.raises(Ambiguous):
        await dokploy(Scripted({"overview.services": answer(rows)})).list_applications()


async def test_before_v0_30_the_project_is_listed():
    there = Scripted(
        {
            "settings.getDokployVersion": answer("v0.29.14"),
            "user.get": recorded("key_owner_user_get"),
            "settings.getWebServerSettings": recorded("key_owner_webServerSettings"),
            "project.all": recorded("size_project_all"),
            "project.one": recorded("key_owner_project_one"),
        }
    )
    client = dokploy(there)
    await client.connect()
    with pytest.raises(Unsupported):
        await client.list_applications()
    await client.ensure_place("sessions", None)

    listed = await client.list_applications()

    assert there.asked == {"projectId": "TKcCsDW0gD48_QSkHGUdp"}
    assert {row.ref.app_name for row in listed} == {"berth-x1-hc-aomzhp", "qk-nu0sxw", "sess-abc123-y33mvu"}
    assert {row.environment_id for row in listed} == {"ci17g9xwRnWObwNvpgkWt"}


async def test_services_tell_healthy_tasks_and_wanted_ones():
    there = Scripted({"swarm.getNodeApps": recorded("size_swarm_getNodeApps")})
    assert await dokploy(there).list_services() == (
        ServiceRow("sess-abc123-y33mvu", 1, 1, "127.0.0.1:5000/tiny:1"),
    )


async def test_tasks_tell_state_age_and_error():
    there = Scripted(
        {
            "docker.getServiceContainersByAppName": [
                recorded("quick_badimage_tasks"),
                recorded("quick_serviceContainers_oom"),
            ]
        }
    )
    client = dokploy(there)

    rejected = await client.read_tasks("berth-x1-hc-aomzhp")
    killed = await client.read_tasks("qk2-afrmsu")

    assert [(row.state, row.age) for row in rejected] == [
        ("Rejected", 0.0),
        ("Rejected", 5.0),
        ("Rejected", 10.0),
        ("Rejected", 13.0),
        ("Shutdown", 10.0),
    ]
    assert rejected[0].error == "No such image: 127.0.0.1:5000/nope:9"
    assert rejected[0].wanted == "ready"
    assert rejected[4].error == ""
    assert [row.error for row in killed if row.state == "Failed"] == ["task: non-zero exit (137)"] * 2


async def test_containers_are_listed_ended_ones_too():
    there = Scripted({"docker.getContainersByAppNameMatch": recorded("quick_containersMatch_stopped")})
    listed = await dokploy(there).list_containers("qk-nu0sxw")
    assert there.asked == {"appName": "qk-nu0sxw"}
    assert {(row.name.partition(".")[0], row.state) for row in listed} == {("qk-nu0sxw", "exited")}
    assert len(listed) == 4


async def test_jobs_are_waiting_or_active():
    compose = {"state": "active", "data": {"composeId": "c", "titleLog": "t"}}
    finished = {"state": "completed", "data": {"applicationId": "a", "titleLog": "t"}}
    rows = [*body("hang_queueList_with_second"), compose, finished]
    there = Scripted({"deployment.queueList": answer(rows)})
    assert await dokploy(there).list_jobs() == (
        Job("w_waotFGzkMzJum6-VblT", "waiting", "tok-second"),
        Job("w_waotFGzkMzJum6-VblT", "active", "tok-hang"),
    )


async def test_deployments_come_the_newest_first():
    rows = body("build_deployment_all_2")
    there = Scripted({"deployment.all": answer(rows[::-1])})
    listed = await dokploy(there).list_deployments("w_waotFGzkMzJum6-VblT")
    assert listed[0] == Deployment(
        "CVUxcuuraf9mGbKmDzVNe",
        "second commit: secret-free message",
        "done",
        datetime(2026, 11, 24, 1, 38, 0, 915000, tzinfo=UTC),
    )
    assert len(listed) == 2


async def test_a_build_log_is_given_as_it_is():
    there = Scripted({"deployment.readLogs": recorded("readLogs_longname")})
    log = await dokploy(there).read_build_log("RNcQ", tail=50_000)
    assert log == body("readLogs_longname")
    assert there.asked == {"deploymentId": "RNcQ", "tail": "10000"}


async def test_the_log_of_what_stopped_or_never_ran_is_empty():
    never = {
        "message": "No container or service found for this application",
        "code": "INTERNAL_SERVER_ERROR",
        "data": {"code": "INTERNAL_SERVER_ERROR", "httpStatus": 500, "path": "application.readLogs"},
    }
    there = Scripted(
        {
            "application.readLogs": [
                recorded("logs_stopped_service"),
                answer(never, 500),
                recorded("logs_deleted"),
            ]
        }
    )
    client = dokploy(there)
    assert await client.read_logs("a", tail=10, since=None) == ""
    assert there.asked == {"applicationId": "a", "tail": "10", "since": "all"}
    assert await client.read_logs("a", tail=10, since="5m") == ""
    assert there.asked["since"] == "5m"
    with pytest.raises(NotFound):
        await client.read_logs("a", tail=10, since=None)


async def test_volumes_are_listed_by_name():
    there = Scripted({"dockerVolume.getVolumes": recorded("dockerVolume_getVolumes")})
    assert await dokploy(there).list_volumes() == ("del-yjzkcb-data", "sess-abc123-y33mvu-data")


async def test_usage_is_in_cpus_and_bytes():
    gone = {"Name": "gone", "CPUPerc": "--", "MemUsage": "-- / --"}
    there = Scripted({"swarm.getContainerStats": answer([*body("swarm_getContainerStats"), gone])})
    assert await dokploy(there).usage() == {
        "sess-abc123-y33mvu.1.h7g100lr06r9o9vw03ouo79vn": (pytest.approx(0.0227), 2_748_318)
    }


async def test_create_keeps_the_names_that_dokploy_gives():
    there = Scripted({"application.create": recorded("quick_create")})
    client = dokploy(there)
    values = {"name": "alice/fix", "app_name": "qk", "environment_id": "e", "description": "Fix"}
    assert await client.create_application(**values, server_id=None) == _REF
    sent = {"name": "alice/fix", "appName": "qk", "environmentId": "e", "description": "Fix"}
    assert there.sent == sent
    await client.create_application(**values, server_id="s")
    assert there.sent == {**sent, "serverId": "s"}


async def test_a_volume_is_attached_as_measured():
    there = Scripted({"mounts.create": recorded("quick_mount_work")})
    await dokploy(there).attach_volume(_REF.application_id, VolumeMount("qk-nu0sxw-work", "/workspace"))
    assert there.sent == {
        "type": "volume",
        "volumeName": "qk-nu0sxw-work",
        "mountPath": "/workspace",
        "serviceType": "application",
        "serviceId": _REF.application_id,
    }


async def test_a_route_is_added():
    there = Scripted({"domain.create": recorded("route_domain_create_path")})
    client = dokploy(there)
    await client.create_domain("a", Domain(host="s1.example.com", port=9090, https=False, path="/api"))
    sent = {
        "applicationId": "a",
        "host": "s1.example.com",
        "port": 9090,
        "https": False,
        "certificateType": "none",
        "path": "/api",
        "domainType": "application",
    }
    assert there.sent == sent
    await client.create_domain(
        "a", Domain(host="h", port=1, https=True, certificate="custom", resolver="internal")
    )
    assert there.sent["customCertResolver"] == "internal"
    assert there.sent["certificateType"] == "custom"


async def test_one_variable_of_a_task_is_read_and_the_others_are_not():
    there = Scripted({"docker.getConfig": [recorded("docker_getConfig")] * 2 + [text("")]})
    client = dokploy(there)
    assert await client.read_task_variable("h7g100lr06r9o9vw03ouo79vn", "SPACES") == "hello world"
    assert await client.read_task_variable("h7g100lr06r9o9vw03ouo79vn", "MISSING") == ""
    assert await client.read_task_variable("gone", "SPACES") is None


async def test_what_is_gone_is_removed():
    there = Scripted(
        {
            "domain.delete": [recorded("route_domain_delete"), recorded("route_domain_delete_again")],
            "mounts.remove": [recorded("mounts_remove"), recorded("unknown_id_application_delete")],
            "application.delete": [
                recorded("delete_during_pull"),
                recorded("unknown_id_application_delete"),
            ],
            "dockerVolume.removeVolume": [
                recorded("quick_removeVolume_work"),
                recorded("quick_removeVolume_gone"),
            ],
        }
    )
    client = dokploy(there)
    for _ in range(2):
        await client.delete_domain("d")
        await client.detach_volume("m")
        await client.delete_application("a")
        await client.remove_volume("qk2-afrmsu-work")
    assert there.sent == {"volumeName": "qk2-afrmsu-work"}


async def test_a_volume_that_a_container_holds_is_told_apart():
    there = Scripted({"dockerVolume.removeVolume": recorded("dockerVolume_removeVolume_in_use")})
    with pytest.raises(VolumeInUse):
        await dokploy(there).remove_volume("sess-abc123-y33mvu-data")


async def test_reload_and_deploy():
    there = Scripted(
        {
            "application.reload": recorded("quick_reload_first"),
            "application.deploy": recorded("build_deploy"),
        }
    )
    client = dokploy(there)
    await client.reload_application(_REF)
    assert there.sent == {"applicationId": _REF.application_id, "appName": _REF.app_name}
    await client.deploy_application("a", title="tok")
    assert there.sent == {"applicationId": "a", "title": "tok"}


async def test_of_two_projects_with_one_name_the_older_is_taken():
    there = Scripted({"project.all": recorded("size_project_all")})
    client = dokploy(there)
    production = Place("TKcCsDW0gD48_QSkHGUdp", "ci17g9xwRnWObwNvpgkWt")
    assert await client.ensure_place("sessions", None) == production
    assert await client.ensure_place("sessions", "production") == production
    assert there.procedures == ["project.all"] * 2


async def test_a_project_is_made_with_its_environment():
    there = Scripted(
        {
            "project.all": recorded("size_project_all"),
            "project.create": recorded("setup_project_create"),
            "environment.create": recorded("setup_environment_create"),
        }
    )
    client = dokploy(there)
    assert await client.ensure_place("gov-setup", None) == Place(
        "ZTx5UPDZ19CRvUrsZnn9V", "7_ScH-97WCMoOJit8FLDu"
    )
    assert there.sent["name"] == "gov-setup"
    assert await client.ensure_place("gov-setup", "sessions") == Place(
        "ZTx5UPDZ19CRvUrsZnn9V", "rR_PpwVKLp4fzZvoWcmTL"
    )
    assert there.sent["projectId"] == "ZTx5UPDZ19CRvUrsZnn9V"


async def test_an_environment_is_made_in_a_project_that_lacks_it():
    there = Scripted(
        {
            "project.all": recorded("size_project_all"),
            "environment.create": recorded("setup_environment_create"),
        }
    )
    place = await dokploy(there).ensure_place("sessions", "berth")
    assert place == Place("TKcCsDW0gD48_QSkHGUdp", "rR_PpwVKLp4fzZvoWcmTL")
    assert there.sent["name"] == "berth"


async def test_mounts_and_routes_are_read_with_the_application():
    row = body("size_application_one")
    row["domains"] = [body("route_domain_create_path")]
    there = Scripted({"application.one": answer(row)})
    detail = await dokploy(there).read_application("AY7IDLpMH36Qx2B5veGm3")
    assert detail.ref == ApplicationRef("AY7IDLpMH36Qx2B5veGm3", "sess-abc123-y33mvu")
    assert detail.mounts[0] == VolumeMount("sess-abc123-y33mvu-data", "/data")
    assert detail.mounts[0].mount_id
    assert [mount.path for mount in detail.mounts if not mount.volume] == ["/cfg/a.txt", "/bind"]
    domain = Domain(host="s1.example.com", port=9090, https=False, path="/api")
    assert detail.domains == (domain,)
    assert detail.domains[0].domain_id == "8xu_05kN8jW2A3Hy-yhDd"
    assert detail.config is None


@pytest.mark.parametrize(
    "url", ["dokploy:3000", "ftp://x", "http://", "http://u:p@x", "http://x?a=b", "http://[::1"]
)
def test_what_is_no_url_is_refused_by_name(url):
    from dokploy.client import HttpDokploy  # noqa: PLC0415

    with pytest.raises(ValueError, match=r"^url: "):
        HttpDokploy(url, SecretStr("k"))


async def test_text_that_is_no_json_is_no_log():
    with pytest.raises(Ambiguous):
        await dokploy(Scripted({"deployment.readLogs": text("<html>")})).read_build_log("d", tail=1)
