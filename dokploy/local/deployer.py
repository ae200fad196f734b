"""One deployment from its row to its end: pull or build, then the service (FACTS 4, FACTS-2 1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dokploy.local.behaviours import Behaviour
from dokploy.local.database import Database, Row
from dokploy.local.environment import BadEnvironment, build_arguments
from dokploy.local.queue import Job
from dokploy.local.runtime import BuildFailed, BuildSpec, Commit, NoSuchImage
from dokploy.local.service_spec import ServiceSpec
from dokploy.local.specification import built_image
from dokploy.local.swarm import EngineRefused, EngineUnreachable, Swarm
from dokploy.local.timings import Timings

LAST_LINE = "Error occurred ❌, check the logs for details.\n"
"""The one line that every failed deployment ends with."""


class DeployFailed(Exception):
    """A deployment cannot go on; the text ends its log."""


class Deployer:
    """Performs the jobs of the queue."""

    def __init__(
        self,
        database: Database,
        swarm: Swarm,
        *,
        specify: Callable[[Row], ServiceSpec],
        timings: Timings,
        behaviours: frozenset[Behaviour],
        saved: Callable[[], None],
    ) -> None:
        self.database = database
        self.swarm = swarm
        self.specify = specify
        self.timings = timings
        self.behaviours = behaviours
        self.saved = saved

    async def perform(self, job: Job) -> None:
        """Do one job; its end is in the rows and in the log, whatever happens."""
        application = self.database.tables["application"].get(job.application_id)
        if application is None:
            return
        # Dokploy reads the application once, as the job starts: a change made meanwhile is not
        # deployed, and a deleted application is still there for it.
        work = _Deployment(self, job, dict(application))
        try:
            commit = await work.run()
        except asyncio.CancelledError:
            if not job.killed:
                raise
            work.fail("", work.commit)
        except DeployFailed as failure:
            work.fail(str(failure), work.commit)
        else:
            work.succeed(commit)
        self.saved()


def _specified(deployer: Deployer, application: Row) -> ServiceSpec | BadEnvironment:
    """The service as its rows are at the start; what does not resolve is met only at the end."""
    try:
        return deployer.specify(application)
    except BadEnvironment as error:
        return error


class _Deployment:
    """The state of one running deployment."""

    def __init__(self, deployer: Deployer, job: Job, application: Row) -> None:
        self._database = deployer.database
        self._swarm = deployer.swarm
        self._timings = deployer.timings
        self._behaviours = deployer.behaviours
        self._job = job
        self._application = application
        self._spec = _specified(deployer, application)
        self._row = self._database.new_deployment(application, job.title, job.description, "running")
        self._database.set_application(job.application_id, {"applicationStatus": "running"})
        self.commit: Commit | None = None
        deployer.saved()

    def log(self, text: str) -> None:
        """Write to the deployment's log; nobody keeps the log of a deleted one."""
        pieces = self._database.logs.get(self._row["deploymentId"])
        if pieces is not None:
            pieces.append(text if text.endswith(("\n", "\r")) else text + "\n")

    async def run(self) -> Commit | None:
        """Pull or build, then create or update the service."""
        self.log("Initializing deployment")
        await asyncio.sleep(self._timings.job)
        if self._application["sourceType"] == "docker":
            if self._job.kind == "deploy":
                await self._pull()
        elif self._application["customGitUrl"]:
            await self._build()
        else:
            raise DeployFailed("Error: the application has no source")
        if not self._job.abandoned:
            await self._apply()
        return self.commit

    async def _pull(self) -> None:
        image = self._application["dockerImage"]
        if not image:
            raise DeployFailed("Error: Docker image not found")
        self.log(f"Pulling {image}")
        try:
            self._require_engine()
            await self._swarm.images.fetch(image)
        except NoSuchImage:
            name, _, tag = image.rpartition(":")
            missing = f"manifest for {name}:{tag} not found: manifest unknown: manifest unknown"
            raise DeployFailed(f"Error response from daemon: {missing}\n") from None
        self.log(f"Status: Image is up to date for {image}\n{image}\n✅ Pulling image completed.")

    def _require_engine(self) -> None:
        if not self._swarm.reachable:
            raise DeployFailed(
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
                " Is the docker daemon running?"
            )

    async def _build(self) -> None:
        row, name = self._application, self._application["appName"]
        self._require_engine()
        image = built_image(name)
        spec = BuildSpec(
            url=row["customGitUrl"],
            branch=row["customGitBranch"] or "",
            build_path=row["customGitBuildPath"] or "/",
            dockerfile=row["dockerfile"] or "Dockerfile",
            context=row["dockerContextPath"] or "",
            stage=row["dockerBuildStage"] or None,
            args=self._build_arguments(),
            image=image,
        )
        try:
            self.commit = await self._swarm.runtime.build(spec, self.log)
        except BuildFailed as failure:
            self.commit = failure.commit
            raise DeployFailed("") from None
        self._swarm.images.add_built(image)

    def _build_arguments(self) -> dict[str, str]:
        try:
            return build_arguments(self._application["buildArgs"] or "")
        except BadEnvironment as error:
            raise DeployFailed(str(error)) from None

    async def _apply(self) -> None:
        known = self._job.application_id in self._database.tables["application"]
        if not known and Behaviour.DELETE_LEAVES_ORPHAN not in self._behaviours:
            return
        try:
            spec = self._spec
            if isinstance(spec, BadEnvironment):
                raise spec
            if self._job.stopped and Behaviour.DEPLOY_UNDOES_STOP not in self._behaviours:
                spec = replace(spec, replicas=0)
            await self._swarm.apply(spec)
        except (BadEnvironment, EngineRefused, EngineUnreachable) as error:
            raise DeployFailed(str(error)) from None

    def succeed(self, commit: Commit | None) -> None:
        """The end of a job that went well."""
        self._finish("done", commit)

    def fail(self, last: str, commit: Commit | None) -> None:
        """The end of a job that did not: the reason is nowhere but in the log (FACTS 13)."""
        self.log(f"{last}\n{LAST_LINE}")
        self._finish("error", commit)

    def _finish(self, status: str, commit: Commit | None) -> None:
        if self._job.abandoned:
            return
        fields: dict[str, Any] = {"status": status, "finishedAt": self._database.now()}
        if commit is not None:
            fields |= {"title": commit.message, "description": f"Commit: {commit.name}"}
        self._row.update(fields)
        if self._row["deploymentId"] in self._database.tables["deployment"]:
            self._database.touch("deployment", self._row["deploymentId"])
        self._database.set_application(self._job.application_id, {"applicationStatus": status})
