"""A simulated Dokploy and its HTTP API, for tests in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from dokploy.local.behaviours import REAL
from dokploy.local.dokploy import LocalDokploy
from dokploy.local.server import create_app
from dokploy.local.simulation import Simulation, loop_clock

KEY = "admin-key"
STOP_FIRST = {"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause"}
HEALTH = {
    "Test": ["CMD-SHELL", "true"],
    "Interval": 1_000_000_000,
    "Timeout": 1_000_000_000,
    "StartPeriod": 0,
    "Retries": 3,
}


class World:
    def __init__(self, behaviours=REAL, state_file=None, restraint=None, **simulated) -> None:
        self._behaviours = behaviours
        self._state_file = state_file
        self._restraint = restraint
        self._simulated = simulated
        self.environment = ""
        self.project = ""

    async def open(self) -> None:
        self.clock = loop_clock()
        self.simulation = Simulation(clock=self.clock, **self._simulated)
        self.dokploy = LocalDokploy(
            self.simulation,
            admin_key=KEY,
            clock=self.clock,
            behaviours=self._behaviours,
            state_file=self._state_file,
            restraint=self._restraint,
        )
        await self.dokploy.start()
        transport = httpx.ASGITransport(create_app(self.dokploy))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://dokploy/api/")
        known = await self.get("project.all")
        if known:
            self.project = known[0]["projectId"]
            self.environment = known[0]["environments"][0]["environmentId"]
        else:
            made = await self.post("project.create", name="sessions")
            self.project = made["project"]["projectId"]
            self.environment = made["environment"]["environmentId"]

    async def close(self) -> None:
        await self.http.aclose()
        await self.dokploy.aclose()

    async def ask(self, method: str, name: str, values: Any = None, key: str | None = KEY) -> httpx.Response:
        headers = {} if key is None else {"x-api-key": key}
        if method == "GET":
            return await self.http.get(name, params=values or {}, headers=headers)
        return await self.http.post(name, json=values or {}, headers=headers)

    async def get(self, name: str, /, **values: Any) -> Any:
        return self._good(await self.ask("GET", name, values))

    async def post(self, name: str, /, **values: Any) -> Any:
        return self._good(await self.ask("POST", name, values))

    @staticmethod
    def _good(response: httpx.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json() if response.content else None

    async def create(self, app_name: str = "s-1", **fields: Any) -> dict[str, Any]:
        row = await self.post(
            "application.create", name=app_name, appName=app_name, environmentId=self.environment
        )
        if fields:
            await self.post("application.update", applicationId=row["applicationId"], **fields)
        return row

    async def run(self, app_name: str = "s-1", **fields: Any) -> dict[str, Any]:
        """An application that has been reloaded once, with the fields Berth writes."""
        usual = {
            "sourceType": "docker",
            "dockerImage": "sim/ok",
            "env": "BERTH_REVISION='r1'",
            "replicas": 1,
            "updateConfigSwarm": STOP_FIRST,
            "healthCheckSwarm": HEALTH,
            "stopGracePeriodSwarm": 10_000_000_000,
            "restartPolicySwarm": {"Condition": "any", "Delay": 2_000_000_000},
        }
        row = await self.create(app_name, **(usual | fields))
        await self.reload(row)
        return row

    async def update(self, row: dict[str, Any], **fields: Any) -> None:
        await self.post("application.update", applicationId=row["applicationId"], **fields)

    async def reload(self, row: dict[str, Any]) -> None:
        await self.post("application.reload", applicationId=row["applicationId"], appName=row["appName"])

    async def change(self, row: dict[str, Any], **fields: Any) -> None:
        await self.update(row, **fields)
        await self.reload(row)

    async def replicas(self, row: dict[str, Any]) -> str | None:
        for service in await self.get("swarm.getNodeApps"):
            if service["Name"] == row["appName"]:
                return service["Replicas"]
        return None

    async def tasks(self, row: dict[str, Any]) -> list[tuple[str, str, str]]:
        rows = await self.get("docker.getServiceContainersByAppName", appName=row["appName"])
        return [(task["state"], task["currentState"].split()[0], task["error"]) for task in rows]

    async def status(self, row: dict[str, Any]) -> str:
        one = await self.get("application.one", applicationId=row["applicationId"])
        return one["applicationStatus"]

    async def until(self, row: dict[str, Any], replicas: str, limit: float = 60) -> float:
        """Seconds until the listing says so, looked at four times a second."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while await self.replicas(row) != replicas:
            assert loop.time() - began < limit, await self.tasks(row)
            await asyncio.sleep(0.25)
        return loop.time() - began
