"""Replays recorded calls of a real Dokploy v0.30.2 against the local one.

A recording names things by the ids they had. Before it is replayed, the like of each is made and
its id put in place: :class:`Stage`. Two answers are alike when status and error texts are equal and
the bodies have the same keys and JSON types; ids and times count by their kind.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from dokploy.local.shapes import UPDATE_APPLICATION
from dokploy.local.simulation import BuildScript, Script
from tests.dokploy.local.world import KEY, World

RECORDINGS = Path(__file__).parents[1] / "recordings"
NOWHERE = {"doesnotexist", "nope", ""}
_DEFAULTS = {"applicationStatus", "createdAt", "environmentId", "appName", "refreshToken", "networkIds"}


def recordings() -> list[str]:
    return sorted(path.stem for path in RECORDINGS.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    return json.loads((RECORDINGS / f"{name}.json").read_text())


class Stage:
    """Makes what a recording speaks of and remembers which recorded id is which of ours."""

    def __init__(self, world: World, recording: dict[str, Any]) -> None:
        self.world = world
        self.request = recording["request"]
        self.procedure = self.request["path"].removeprefix("/api/")
        self.recorded = recording["response"]["body"]
        self.names: dict[str, str] = {}
        self.row: dict[str, Any] = {}

    @property
    def given(self) -> dict[str, Any]:
        body = self.request["body"] if self.request["method"] == "POST" else self.request["params"]
        return body if isinstance(body, dict) else {}

    def _rows(self) -> list[dict[str, Any]]:
        """The rows that the recorded answer shows."""
        body = self.recorded
        if isinstance(body, dict):
            body = body.get("items", [body])
        return [row for row in body if isinstance(row, dict)] if isinstance(body, list) else []

    async def set_up(self, *steps: str) -> None:
        await self._places()
        given = self.given
        wanted = given.get("applicationId", given.get("serviceId", given.get("id")))
        app_name = given.get("appName")
        if isinstance(wanted, str) and wanted not in NOWHERE:
            await self._application(wanted)
        elif self.procedure.startswith("docker") and isinstance(app_name, str):
            await self._application(None, app_name=app_name)
        elif self._shows_applications() or steps:
            await self._application(None)
        for step in steps:
            await getattr(self, step)()
        await self._parts()

    async def _places(self) -> None:
        given = self.given
        for field, ours in (("environmentId", self.world.environment), ("projectId", self.world.project)):
            if isinstance(given.get(field), str):
                self.names[given[field]] = ours
        for row in self._rows():
            if isinstance(row.get("organizationId"), str):
                self.names[row["organizationId"]] = self.world.dokploy.organization_id
        projects = (row for row in _dicts(self.recorded) if {"projectId", "organizationId"} <= row.keys())
        for row in list(projects)[:1]:
            shown = {column: row[column] for column in ("name", "description", "env")}
            self.world.dokploy.database.get("project", self.world.project).update(shown)
        metadata = given.get("metadata")
        if isinstance(metadata, dict) and metadata["organizationId"] not in NOWHERE:
            self.names[metadata["organizationId"]] = self.world.dokploy.organization_id

    def _shows_applications(self) -> bool:
        return '"appName"' in json.dumps(self.recorded) or '"applicationStatus"' in json.dumps(self.recorded)

    async def _application(self, recorded_id: str | None, app_name: str | None = None) -> None:
        shown = self._rows()[0] if self._rows() else {}
        name = shown.get("name") if isinstance(shown.get("name"), str) else "session one"
        base = (app_name or shown.get("appName") or "sess-abc123-y33mvu").rsplit("-", 1)[0]
        listed = (row for row in _dicts(self.recorded) if {"applicationStatus", "description"} <= row.keys())
        description = next(listed, {}).get("description")
        made = await self.world.post(
            "application.create",
            name=name,
            appName=base,
            environmentId=self.world.environment,
            description=description,
        )
        self.row = made
        for recorded in (recorded_id, shown.get("applicationId")):
            if recorded:
                self.names[recorded] = made["applicationId"]
        if app_name or shown.get("appName"):
            self.names[app_name or shown["appName"]] = made["appName"]
        if "refreshToken" in shown and self.procedure != "application.create":
            columns = {
                column: shown[column]
                for column in UPDATE_APPLICATION
                if column in shown and column not in _DEFAULTS | {"applicationId"}
            }
            self.world.dokploy.database.set_application(made["applicationId"], columns)
            await self._belongings(shown)

    async def _belongings(self, shown: dict[str, Any]) -> None:
        """What the recorded row was shown with: mounts, domains, deployments, variables above."""
        for mount in shown.get("mounts", ()):
            await self.mount(mount)
        for domain in shown.get("domains", ()):
            await self.domain(domain)
        for deployment in shown.get("deployments", ()):
            if deployment["finishedAt"]:
                await self.deployed()

    async def _parts(self) -> None:
        """Domains, mounts and deployments that the request names or the answer lists."""
        given, rows = self.given, self._rows()
        if self.procedure.startswith("domain.") and self.procedure != "domain.create":
            if not self.row:
                await self._application(None)
            if given.get("domainId") not in NOWHERE and self.status != 404:
                for row in rows or [{}]:
                    await self.domain(row, given.get("domainId"))
        if self.procedure.startswith("mounts.") and self.procedure != "mounts.create":
            if not self.row:
                await self._application(None)
            for row in rows:
                await self.mount(row, given.get("mountId"))
        if given.get("deploymentId") and given["deploymentId"] not in NOWHERE:
            if not self.row:
                await self._application(None)
            await self.deployed()
            rows = await self.world.get("deployment.all", applicationId=self.row["applicationId"])
            self.names[given["deploymentId"]] = rows[0]["deploymentId"]

    status = 200

    async def domain(self, row: dict[str, Any] | None = None, recorded_id: str | None = None) -> None:
        fields = {
            name: value
            for name, value in (row or {}).items()
            if name
            in {"host", "https", "port", "path", "certificateType", "stripPath", "internalPath", "domainType"}
            and value is not None
        }
        fields.setdefault("host", "s1.example.test")
        made = await self.world.post(
            "domain.create", **{**fields, "applicationId": self.row["applicationId"]}
        )
        for recorded in (recorded_id, (row or {}).get("domainId")):
            if recorded:
                self.names[recorded] = made["domainId"]

    async def mount(self, row: dict[str, Any] | None = None, recorded_id: str | None = None) -> None:
        usual = {"type": "volume", "volumeName": "v", "mountPath": "/data", "serviceType": "application"}
        fields = {name: value for name, value in (row or usual).items() if name in usual or name in _FILE}
        made = await self.world.post("mounts.create", **{**fields, "serviceId": self.row["applicationId"]})
        for recorded in (recorded_id, (row or {}).get("mountId")):
            if recorded:
                self.names[recorded] = made["mountId"]

    async def docker(self) -> None:
        row = self.world.dokploy.database.get("application", self.row["applicationId"])
        if row["sourceType"] not in {"docker", "git"}:
            restart = {"Condition": "any", "Delay": 2_000_000_000}
            await self.world.update(
                self.row, sourceType="docker", dockerImage="sim/ok", restartPolicySwarm=restart
            )

    async def noted(self) -> None:
        """An application, as it is created."""

    async def found(self) -> None:
        """What the search will find."""
        self.world.dokploy.database.accessed.append(self.row["applicationId"])

    async def crowded(self) -> None:
        """More than a page of applications."""
        for number in range(6):
            await self.world.create(f"thr16-{number}")

    async def branched(self) -> None:
        made = await self.world.post(
            "environment.create", name="staging", description="x", projectId=self.world.project
        )
        await self.world.post(
            "application.move",
            applicationId=self.row["applicationId"],
            targetEnvironmentId=made["environmentId"],
        )

    async def checked(self) -> None:
        await self.world.update(
            self.row,
            healthCheckSwarm={"Test": ["CMD", "true"], "Interval": 1_000_000_000, "Retries": 3},
            updateConfigSwarm={"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause"},
        )

    async def running(self) -> None:
        await self.docker()
        await self.world.reload(self.row)
        await self.world.until(self.row, "1/1")

    async def changed(self) -> None:
        await self.world.reload(self.row)
        await asyncio.sleep(8)

    async def stopped(self) -> None:
        await self.world.change(self.row, replicas=0)
        await self.world.until(self.row, "0/0")

    async def unhealthy(self) -> None:
        await self._failing("sim/unhealthy")

    async def missing(self) -> None:
        await self._failing("sim/missing:1")

    async def crashing(self) -> None:
        await self._failing("sim/oom:1")

    async def _failing(self, image: str) -> None:
        await self.docker()
        await self.world.change(self.row, dockerImage=image)
        await asyncio.sleep(30)

    async def deployed(self) -> None:
        await self.docker()
        await self.world.post("application.deploy", applicationId=self.row["applicationId"], title="t")
        await asyncio.sleep(3)

    async def refused(self) -> None:
        await self.docker()
        await self.world.update(self.row, memoryLimit="64m")
        await self.world.post("application.deploy", applicationId=self.row["applicationId"])
        await asyncio.sleep(1)

    async def hanging(self) -> None:
        row = self.world.dokploy.database.get("application", self.row["applicationId"])
        if row["sourceType"] == "git":
            self.world.simulation.builds[row["customGitUrl"]] = BuildScript(hangs=True)
        else:
            await self.docker()
            self.world.simulation.images[row["dockerImage"]] = Script(pull=600)
        await self.world.post("application.deploy", applicationId=self.row["applicationId"])
        await asyncio.sleep(1)

    async def queued(self) -> None:
        await self.world.post("application.deploy", applicationId=self.row["applicationId"])

    async def restarted(self) -> None:
        await self.world.dokploy.restart()

    async def deleted(self) -> None:
        await self.world.post("application.delete", applicationId=self.row["applicationId"])

    async def held(self) -> None:
        """The volume of the request, in use."""
        await self.docker()
        name = self.given.get("volumeName", "v")
        mount = {"volumeName": name, "mountPath": "/data", "serviceId": self.row["applicationId"]}
        await self.world.post("mounts.create", type="volume", serviceType="application", **mount)
        await self.running()

    async def freed(self) -> None:
        """The same, and its application deleted some time ago."""
        await self.held()
        await self.deleted()
        await asyncio.sleep(10)

    async def printed(self) -> None:
        for container in self.world.simulation.running(self.row["appName"]):
            container.print("tick")

    async def lost(self) -> None:
        self.world.dokploy.routes_file.lose(self.row["applicationId"])

    async def ask(self, key: str | None) -> httpx.Response:
        """Send the request with our own ids in the place of the recorded ones."""
        text = json.dumps(
            self.request["body"] if self.request["method"] == "POST" else self.request["params"]
        )
        for recorded, ours in self.names.items():
            text = text.replace(json.dumps(recorded), json.dumps(ours))
        values = json.loads(text)
        headers = {} if key is None else {"x-api-key": key}
        http = self.world.http
        if self.request["method"] == "GET":
            return await http.get(self.procedure, params=values or {}, headers=headers)
        if isinstance(values, str):
            headers["content-type"] = self.request.get("content_type", "application/json")
            return await http.post(self.procedure, content=values, headers=headers)
        return await http.post(self.procedure, json=values or {}, headers=headers)


_FILE = {"hostPath", "content", "filePath"}


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _dicts(inner)


def keys_for(name: str) -> str | None:
    """Which key a recording was made with."""
    if name == "err_bearer_only":
        return None
    if name == "err_wrong_key":
        return "wrong"
    if name.startswith(("member_", "key_member_", "setup_member_")):
        return "member"
    if name.startswith(("ratelimit_6per5s", "key_rl6")):
        return "six"
    return "ten" if name.startswith("ratelimit_default") else KEY
