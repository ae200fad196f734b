"""Containers that are only numbers: the runtime of the reliability suite, in virtual time.

Nothing runs, nothing waits but the event loop's own clock, so a day of many sessions takes
seconds. What an image does is read off its name, or given in a registry:

======================== =====================================================================
``sim/ok``               starts, is healthy, stops on TERM; so does any name not listed here
``sim/slow-start:S``     is healthy only after S seconds
``sim/slow-pull:S``      takes S seconds to pull
``sim/stubborn:S``       takes S seconds to stop; killed (137) if the grace is shorter
``sim/crash:CODE``       exits at once with CODE
``sim/oom:S``            is killed (137) after S seconds
``sim/unhealthy``        runs, but never passes its health check; exits 0 on TERM
``sim/unhealthy:CODE``   the same, and exits with CODE on TERM
``sim/missing``          cannot be found or pulled
======================== =====================================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from container.contract import DEFAULT_WORKSPACE, HealthReport, WorkReport
from dokploy.local.echo import report
from dokploy.local.ids import Ids
from dokploy.local.runtime import (
    BuildFailed,
    BuildSpec,
    Commit,
    ContainerSpec,
    LogLine,
    NoSuchImage,
    VolumeBusy,
)

KILLED: Final = 137
_LOG_CAP: Final = 200
_WORK_KEPT: Final = 10.0
"""Seconds for which a container tells its work from memory."""


@dataclass(frozen=True, slots=True)
class Script:
    """What an image does. All times in seconds; a ``lifetime`` of None is without end."""

    missing: bool = False
    pull: float = 0.0
    start: float = 0.3
    healthy_after: float = 0.0
    healthy: bool = True
    stop: float = 3.3
    lifetime: float | None = None
    exit_code: int = 0
    """Of its own end."""
    term_code: int = 0
    """Of its end on TERM."""


@dataclass(frozen=True, slots=True)
class BuildScript:
    """What a build does. ``log`` is printed before it ends; ``clones`` False fails in the clone."""

    seconds: float = 1.0
    clones: bool = True
    builds: bool = True
    hangs: bool = False
    commit: str = "a commit"
    log: str = "Successfully built"


def script_of(image: str) -> Script:
    """Read a script off an image's name."""
    base, _, tag = image.partition(":")
    try:
        number = float(tag)
    except ValueError:
        number = 1.0
    scripts = {
        "sim/slow-start": Script(healthy_after=number),
        "sim/slow-pull": Script(pull=number),
        "sim/stubborn": Script(stop=number),
        "sim/crash": Script(lifetime=0.0, exit_code=int(number)),
        "sim/oom": Script(lifetime=number, exit_code=KILLED),
        "sim/unhealthy": Script(healthy=False, term_code=int(number) if tag else 0),
        "sim/missing": Script(missing=True),
    }
    return scripts.get(base, Script())


@dataclass(slots=True)
class Volume:
    """A named volume: who holds it now, and the marks that its containers left in it."""

    writers: set[str] = field(default_factory=set)
    marks: list[str] = field(default_factory=list)
    uncommitted: int = 0
    """Files in it that are saved nowhere else."""
    unpushed: int = 0
    """Commits in it that are saved nowhere else."""


class SimulatedContainer:
    """One container; see :class:`dokploy.local.runtime.Container`."""

    def __init__(self, container_id: str, spec: ContainerSpec, script: Script, owner: Simulation) -> None:
        self.container_id = container_id
        self.spec = spec
        self.boot = container_id
        self.started = owner.now()
        self._script = script
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._news = asyncio.Event()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._lines: list[LogLine] = []
        self._stopping = False
        self._work: WorkReport | None = None
        self._work_due = float("-inf")
        if script.lifetime is not None:
            self._loop.call_later(script.lifetime, self.exit, script.exit_code)

    @property
    def running(self) -> bool:
        """It has not ended."""
        return not self._exit.done()

    @property
    def serving(self) -> bool:
        """Its health test would pass now."""
        old_enough = self._loop.time() - self._began >= self._script.healthy_after
        return self.running and self._script.healthy and old_enough

    def exit(self, code: int) -> None:
        """End, from within or by force; its volumes are free again."""
        if not self._exit.done():
            self._exit.set_result(code)
            self._owner.release(self)
            self._news.set()

    def work(self, question: str | None) -> WorkReport:
        """The work as the container tells it: from memory, or as it is now for a question."""
        cached, now = self._work, self._loop.time()
        if question is None and cached is not None and now < self._work_due:
            return cached
        mounted = next((name for name, path in self.spec.mounts if path == DEFAULT_WORKSPACE), "")
        volume = self._owner.disk.get(mounted)
        files, commits = (volume.uncommitted, volume.unpushed) if volume else (0, 0)
        self._work = WorkReport(
            state="Unsaved" if files or commits else "Clean",
            uncommitted=files,
            unpushed=commits,
            readAt=datetime.fromtimestamp(self._owner.now(), UTC).isoformat(),
        )
        self._work_due = now + _WORK_KEPT
        # Who asks nothing gets what was read before, and has the next one get this.
        return {**self._work, "question": question} if question else cached or self._work

    def turn(self, *, healthy: bool) -> None:
        """Change what its health test will say from now on."""
        self._script = replace(self._script, healthy=healthy, healthy_after=0.0)
        self._news.set()

    def print(self, text: str) -> None:
        """Write a line to its log."""
        self._lines.append(LogLine(self._owner.now(), text))
        del self._lines[:-_LOG_CAP]

    async def wait(self) -> int:
        """The exit code."""
        return await asyncio.shield(self._exit)

    def freeze(self) -> None:
        """Stop answering, as a stopped program or one on a disk that hangs does; it has not ended."""
        self._thawed.clear()
        self._news.set()

    def thaw(self) -> None:
        """Answer again."""
        self._thawed.set()
        self._news.set()

    async def check(self) -> bool:
        """The health test."""
        await self._thawed.wait()
        return self.serving if self.spec.health_test else True

    async def until_changed(self) -> None:
        """Return when the health test may say something else: nobody need ask in between."""
        self._news.clear()
        await self._news.wait()

    async def stop(self, grace: float) -> None:
        """TERM, then KILL."""
        if self._stopping or not self.running:
            await self.wait()
            return
        self._stopping = True
        in_time = self._script.stop <= grace
        await asyncio.sleep(min(self._script.stop, grace))
        self.exit(self._script.term_code if in_time else KILLED)

    def address(self) -> tuple[str, int] | None:
        """Nowhere: :meth:`Simulation.healthz` answers in its place."""
        return None

    def logs(self) -> tuple[LogLine, ...]:
        """What it printed."""
        return tuple(self._lines)

    def usage(self) -> tuple[float, int]:
        """Hardly anything."""
        return (0.01, 16 * 1024 * 1024) if self.running else (0.0, 0)


class Simulation:
    """Images, builds, volumes and containers of a machine that is not there."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        seed: int = 0,
        images: Mapping[str, Script] | None = None,
        builds: Mapping[str, BuildScript] | None = None,
    ) -> None:
        self.now = clock
        self.images = dict(images or {})
        """Scripts by image, before those read off the name."""
        self.builds = dict(builds or {})
        """Scripts by repository URL."""
        self.disk: dict[str, Volume] = {}
        self.containers: list[SimulatedContainer] = []
        """Those that run."""
        self._by_service: dict[str, list[SimulatedContainer]] = {}
        self.violations: list[str] = []
        """What must never happen: two writers on one volume (law S2)."""
        self.removed: list[tuple[str, tuple[str, ...]]] = []
        """Volumes that were removed, each with the marks that were lost with it."""
        self.started = 0
        """Containers started in all."""
        self.overrides: dict[str, HealthReport] = {}
        """Whole ``/healthz`` bodies by service, for what a container of its own would say."""
        self.old_images: set[str] = set()
        """Services whose containers know nothing of questions."""
        self.lost: list[str] = []
        """Volumes that were removed with work in them that was saved nowhere else."""
        self._ids = Ids(seed)
        self._gates: dict[str, asyncio.Event] = {}

    async def pull(self, image: str) -> None:
        """Have the image; raises NoSuchImage."""
        script = self._script(image)
        if script.pull:
            await asyncio.sleep(script.pull)
        if script.missing:
            raise NoSuchImage(image)

    def _script(self, image: str) -> Script:
        found = self.images.get(image)
        return script_of(image) if found is None else found

    async def build(self, spec: BuildSpec, log: Callable[[str], None]) -> Commit | None:
        """Build by script; raises BuildFailed."""
        script = self.builds.get(spec.url, BuildScript())
        # The URL is logged whole, with any token in it: that is what Dokploy does (FACTS-2 1).
        name = spec.image.removesuffix(":latest")
        log(f"Cloning Repo Custom {spec.url} to /etc/dokploy/applications/{name}/code: ✅")
        log(f"Cloning into '/etc/dokploy/applications/{name}/code'...")
        if not script.clones:
            log(f"fatal: repository '{spec.url}' not found")
            log(f"❌ [ERROR] Fail to clone the repository {spec.url}")
            raise BuildFailed
        commit = Commit(script.commit, self._ids.commit())
        log(f"Building {name}")
        if script.hangs:
            await self._gates.setdefault(spec.url, asyncio.Event()).wait()
        await asyncio.sleep(script.seconds)
        log(script.log)
        if not script.builds:
            log("❌ Docker build failed")
            raise BuildFailed(commit=commit)
        log(f"Successfully tagged {spec.image}\n✅ Docker build completed.")
        self.images.setdefault(spec.image, Script())
        return commit

    def release_build(self, url: str) -> None:
        """Let a build that hangs go on."""
        self._gates.setdefault(url, asyncio.Event()).set()

    async def start(self, spec: ContainerSpec) -> SimulatedContainer:
        """Start a container; its volumes come to be."""
        script = self._script(spec.image)
        if script.missing:
            raise NoSuchImage(spec.image)
        await asyncio.sleep(script.start)
        self.started += 1
        container = SimulatedContainer(self._ids.container(), spec, script, self)
        self.containers.append(container)
        self._by_service.setdefault(spec.service, []).append(container)
        for name, _ in spec.mounts:
            volume = self.disk.setdefault(name, Volume())
            if volume.writers:
                held = ", ".join(sorted(volume.writers))
                self.violations.append(f"{name}: {spec.service} writes beside {held}")
            volume.writers.add(container.container_id)
            volume.marks.append(container.boot)
        container.print(f"started {spec.service}")
        return container

    def release(self, container: SimulatedContainer) -> None:
        """Called by a container that ends."""
        self.containers.remove(container)
        beside = self._by_service[container.spec.service]
        beside.remove(container)
        if not beside:
            del self._by_service[container.spec.service]
        for name, _ in container.spec.mounts:
            volume = self.disk.get(name)
            if volume is not None:
                volume.writers.discard(container.container_id)

    def volumes(self) -> tuple[str, ...]:
        """The names of all volumes."""
        return tuple(sorted(self.disk))

    async def remove_volume(self, name: str) -> None:
        """Remove a volume; raises KeyError, VolumeBusy."""
        if self.disk[name].writers:
            raise VolumeBusy(name)
        volume = self.disk.pop(name)
        self.removed.append((name, tuple(volume.marks)))
        if volume.uncommitted or volume.unpushed:
            self.lost.append(name)

    async def aclose(self) -> None:
        """End every container at once."""
        for container in tuple(self.containers):
            container.exit(KILLED)

    def running(self, app_name: str) -> list[SimulatedContainer]:
        """The containers that run for a service."""
        return list(self._by_service.get(app_name, ()))

    def healthz(self, app_name: str, *, question: str | None = None) -> HealthReport | None:
        """What ``/healthz`` of the session answers now; None when nobody answers."""
        for container in self.running(app_name):
            if not container.serving:
                continue
            told = self.overrides.get(app_name)
            if app_name in self.old_images:
                work = container.work(None)
                counts = WorkReport(
                    state=work["state"], uncommitted=work["uncommitted"], unpushed=work["unpushed"]
                )
                return report(container.spec.env, container.boot, counts)
            if told is None:
                return report(container.spec.env, container.boot, container.work(question))
            return {**told, "work": {**told["work"], "question": question}} if question else told
        return None

    def kill(self, app_name: str) -> None:
        """End the containers of a service as a crash does."""
        for container in self.running(app_name):
            container.exit(KILLED)

    def write(self, volume: str, mark: str) -> None:
        """Leave a mark: work that must not be lost."""
        self.disk[volume].marks.append(mark)


def loop_clock(epoch: float = 1_795_478_400.0) -> Callable[[], float]:
    """A wall clock that follows the running loop's: virtual where the loop's is. Seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    return lambda: epoch + loop.time() - began
