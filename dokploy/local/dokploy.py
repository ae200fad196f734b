"""A small true model of Dokploy v0.30.2: the whole of it, without HTTP.

The environment of an application is stored in clear, here and in the state file (mode 0600); the
real Dokploy encrypts that column.
"""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from pydantic import SecretStr

from dokploy.local import procedures as procedures  # noqa: PLC0414 - registers every procedure
from dokploy.local.accounting import Accounts, CallRecord
from dokploy.local.answers import Answer, refused, succeeded
from dokploy.local.behaviours import REAL, Behaviour
from dokploy.local.checks import checked
from dokploy.local.database import SETTINGS_ID, Database, Row
from dokploy.local.deployer import Deployer
from dokploy.local.ids import Ids
from dokploy.local.keys import DEFAULT_UNITS, ApiKey, Caller, Keys, Refused
from dokploy.local.patience import Restraint
from dokploy.local.queue import BuildQueue
from dokploy.local.refusals import UNAUTHORIZED, UNKNOWN_PROCEDURE, Refusal, forbidden_resource
from dokploy.local.registry import REGISTER, Call, Method, Procedure
from dokploy.local.routes import Routes
from dokploy.local.runtime import Runtime
from dokploy.local.service_spec import ServiceSpec
from dokploy.local.specification import specification
from dokploy.local.store import Store
from dokploy.local.swarm import Swarm
from dokploy.local.timings import Timings

_log = structlog.get_logger(__name__)


class LocalDokploy:
    """One instance.

    Args:
        runtime: what runs its containers; closed with it.
        admin_key: the owner's API key, without a rate limit.
        clock: the wall clock, seconds since the epoch; durations go by the event loop's clock.
        seed: of every identifier it draws.
        behaviours: the quirks that are on.
        state_file: where to keep everything, None for memory alone.
        timings: how long its own parts take.

    Raises:
        dokploy.local.store.BadStateFile: the state file cannot be used.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        admin_key: SecretStr | str,
        clock: Callable[[], float] = time.time,
        seed: int = 0,
        behaviours: frozenset[Behaviour] = REAL,
        state_file: Path | None = None,
        timings: Timings | None = None,
        restraint: Restraint | None = None,
    ) -> None:
        self.runtime = runtime
        self.behaviours = behaviours
        self.timings = timings or Timings()
        self.clock = clock
        self.ids = Ids(seed)
        self.database = Database(self.ids, clock)
        self.routes_file = Routes(self.database)
        self.keys = Keys(clock)
        self.accounts = Accounts()
        self.up = True
        """False while it restarts: nobody listens."""
        self._starts = 0
        self.organization_id = self.ids.row()
        self.owner = Caller("owner", self.ids.account(), self.ids.row())
        secret = admin_key.get_secret_value() if isinstance(admin_key, SecretStr) else admin_key
        self.add_key(secret, role="owner")
        self.swarm = Swarm(
            runtime,
            ids=self.ids,
            timings=self.timings,
            clock=clock,
            behaviours=behaviours,
            crashed=self._crashed,
            restraint=restraint or Restraint(),
        )
        self._store = Store(state_file) if state_file else None
        self._deployer = Deployer(
            self.database,
            self.swarm,
            specify=self.specify,
            timings=self.timings,
            behaviours=behaviours,
            saved=self.save,
        )
        self.queue = BuildQueue(self._deployer.perform, clock)

    async def start(self) -> None:
        """Load the state file, if any, and start again what ran (as Swarm does after a reboot)."""
        if self._store is None:
            return
        state = self._store.load()
        self._starts = state.starts + 1
        self.ids.restart(self._starts)
        if state.content is not None:
            self.database.load(state.content)
            self.organization_id = state.organization_id or self.organization_id
            self.queue.concurrency = self.database.settings["buildsConcurrency"]
            self.routes_file.rewrite()
        self._cancel_running()
        self.swarm.images.built.update(state.built)
        self.swarm.images.pruned.update(state.pruned)
        for spec in state.services:
            self.swarm.revive(spec)
        self.save()

    async def aclose(self) -> None:
        """Stop everything; applications, volumes and what should run are kept in the state file."""
        await self.queue.aclose()
        await self.swarm.aclose()
        await self.runtime.aclose()
        if self._store is not None:
            for row in self.database.tables["deployment"].values():
                if row["status"] == "running":
                    # Its log has grown since it was written.
                    self.database.touch("deployment", row["deploymentId"])
            self.save()
            self._store.close()
            self._store = None

    async def call(self, name: str, method: str, given: Mapping[str, Any], key: str | None) -> Answer:
        """Answer one call. ``method`` is GET or POST, ``given`` its decoded input."""
        status: int | None = None
        try:
            caller = self.keys.admit(key)
            if caller is Refused.UNKNOWN:
                answer = refused(401, UNAUTHORIZED)
            elif caller is Refused.AT_EDGE:
                answer = refused(401, Refusal(401, "UNAUTHORIZED").body(name))
            else:
                answer = await self._answer(name, method, given, caller)
            status = answer.status
            return answer
        finally:
            self.accounts.note(name, given, self.clock(), status)

    async def _answer(self, name: str, method: str, given: Mapping[str, Any], caller: Caller) -> Answer:
        procedure = REGISTER.get(name)
        if procedure is None or procedure.method.value != method:
            return refused(404, UNKNOWN_PROCEDURE)
        try:
            result = await self._run(procedure, given, caller)
        except Refusal as refusal:
            return refused(refusal.status, refusal.body(name))
        finally:
            if procedure.method is Method.MUTATION:
                self.save()
        return succeeded(result)

    async def _run(self, procedure: Procedure, given: Mapping[str, Any], caller: Caller) -> Any:
        fields = checked(procedure.fields, given)
        if procedure.needs and not caller.may_all:
            raise forbidden_resource(procedure.needs)
        result = procedure.run(Call(self, caller, fields))
        return await result if inspect.isawaitable(result) else result

    @property
    def call_log(self) -> tuple[CallRecord, ...]:
        """The newest calls, the oldest first."""
        return tuple(self.accounts.calls)

    def specify(self, application: Row) -> ServiceSpec:
        """The service of an application as its rows are now; raises BadEnvironment."""
        application_id = application["applicationId"]
        environment = self.database.tables["environment"].get(application["environmentId"], {})
        project = self.database.tables["project"].get(environment.get("projectId", ""), {})
        return specification(
            application,
            mounts=self.database.of("mount", application_id),
            domains=self.database.of("domain", application_id),
            environment=environment.get("env") or "",
            project=project.get("env") or "",
            parsed=Behaviour.ENVIRONMENT_IS_PARSED in self.behaviours,
        )

    def save(self) -> None:
        """Write what has changed to the state file; what cannot be written is tried again later."""
        touched, services = self.database.touched, self.swarm.touched
        if self._store is not None and (touched or services):
            try:
                self._store.save(
                    self.database, self.swarm, organization_id=self.organization_id, starts=self._starts
                )
            except sqlite3.Error as error:
                _log.error("the state was not written: is the disk full?", kind=type(error).__name__)
                return
        touched.clear()
        services.clear()

    def routes(self) -> Mapping[str, tuple[str, int]]:
        """The hosts of all routes, each with the service it leads to and its port."""
        return self.routes_file.hosts()

    def container_address(self, app_name: str) -> tuple[str, int] | None:
        """Where a running container of the service is reached; None when there is none."""
        return self.swarm.address(app_name)

    def add_key(
        self, secret: str, *, role: str = "member", units: int | None = None, window: float = 86_400
    ) -> None:
        """Accept another key; ``units`` per ``window`` seconds of silence, None for no limit."""
        caller = self.owner if role == "owner" else Caller(role, self.ids.account(), self.ids.row())
        limit = DEFAULT_UNITS if units is None else units
        key = ApiKey(secret, caller, limited=units is not None, window=int(window * 1000), units=limit)
        key.shown = {
            "id": self.ids.account(),
            "name": f"{role} key",
            "prefix": None,
            "enabled": True,
            "expiresAt": None,
            "createdAt": self.database.now(),
        }
        self.keys.add(key)

    def snapshot(self) -> dict[str, Any]:
        """A backup of the database, as an operator makes one."""
        return self.database.dump()

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Put an older database in place: services, volumes and routes stay what they are."""
        self.database.load(snapshot)
        self.save()

    async def restart(self, downtime: float = 0.0) -> None:
        """Kill Dokploy and start it again after ``downtime`` seconds (12 were measured).

        Services are untouched; waiting deployments are lost, running ones cancelled (FACTS-2 7).
        While it is down the server refuses connections.
        """
        self.up = False
        if Behaviour.QUEUE_IS_LOST in self.behaviours:
            self.queue.lose()
            self._cancel_running()
        self.save()
        if downtime:
            await asyncio.sleep(downtime)
        self.up = True

    def _cancel_running(self) -> None:
        """What Dokploy does with the rows of deployments that were running when it died."""
        for row in self.database.tables["deployment"].values():
            if row["status"] == "running":
                row["status"] = "cancelled"
                self.database.touch("deployment", row["deploymentId"])
                self.database.set_application(row["applicationId"], {"applicationStatus": "idle"})

    def stop_engine(self) -> None:
        """Let the Docker daemon be down: listings are empty with 200, reloads fail (FACTS 14).

        What runs goes on; only nobody can ask or change it.
        """
        self.swarm.reachable = False

    def start_engine(self) -> None:
        """The Docker daemon answers again."""
        self.swarm.reachable = True

    def prune_images(self) -> tuple[str, ...]:
        """The nightly clean-up; returns the built images that are gone for good (FACTS 7.7)."""
        enabled = self.database.settings["enableDockerCleanup"]
        if Behaviour.IMAGES_ARE_PRUNED not in self.behaviours or not enabled:
            return ()
        in_use = {task.spec.image for _, task in self.swarm.tasks() if not task.ended}
        gone = self.swarm.images.prune(in_use)
        self.database.touch("setting", SETTINGS_ID)
        self.save()
        return gone

    def set_concurrency(self, builds: int) -> None:
        """How many deployments run at once."""
        self.database.settings["buildsConcurrency"] = builds
        self.database.settings["updatedAt"] = self.database.now()
        self.database.touch("setting", SETTINGS_ID)
        self.queue.concurrency = builds
        self.queue.advance()

    def _crashed(self, app_name: str) -> None:
        """A container ended by itself; Dokploy does not notice (DONE_MEANS_ACCEPTED)."""
        if Behaviour.DONE_MEANS_ACCEPTED in self.behaviours:
            return
        for row in self.database.tables["application"].values():
            if row["appName"] == app_name:
                self.database.set_application(row["applicationId"], {"applicationStatus": "error"})
