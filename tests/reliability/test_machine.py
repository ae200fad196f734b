"""Any order of what people, outsiders and accidents do to any property of a session's spec.

Three oracles, when all is at rest: the status equals the world (consistency); whatever way a session
came to its spec, Dokploy holds what a fresh session of that spec has (differential); a mistake that
is undone leaves the configuration as it was (recovery). And laws L1-L3, S2, S4, S5 throughout.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from controller.identity import Identity
from crds.base import ObjectMeta
from crds.session import OperatingMode, Session, SessionSpec
from records.errors import AlreadyExists, NotFound
from tests.controller.test_walk import check_quiet, check_rest
from tests.controller.world import CHANGES, KEY, NAMESPACE, World, world
from tests.laws import INSTANCE, ready_reason
from tests.reliability.faults import Fault
from tests.reliability.network import FAULTS, connect_through
from tests.reliability.operator import remove_orphans, remove_volumes
from tests.reliability.schema import IMPOSSIBLE, REFUSED, SOUND, Declared, furnish, write
from tests.reliability.virtual import run

NAMES = ("one", "two")
POLL = {"fast": "1s", "slow": "5s", "idle": "15s", "audit": "20s"}
QUIET = 70.0
"""Seconds without a change after which nothing more is to come: the longest pause between two tries
is 60 s, and each application is read whole within 40 s."""
PATIENCE = 2000.0


class Step(NamedTuple):
    """One thing that happens, and how many seconds pass after it."""

    act: str
    name: str = ""
    what: str = ""
    number: int = 0
    pause: float = 0.0


PAUSES = st.sampled_from([0.0, 0.03, 0.3, 2.0, 8.0, 45.0])


NOTHING = st.just("")


def step(act: str, *, what: st.SearchStrategy[str] = NOTHING, number: int = 0) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        st.just(act),
        st.sampled_from(NAMES),
        what,
        st.integers(0, number),
        PAUSES,
    )


STEPS = st.lists(
    st.one_of(
        step("declare", what=st.sampled_from(list(SOUND))),
        step("change", what=st.sampled_from(list(SOUND))),
        step("change", what=st.sampled_from(list(SOUND))),
        step("spoil", what=st.sampled_from(list(IMPOSSIBLE))),
        step("mend"),
        step("mistake", what=st.sampled_from(list(IMPOSSIBLE))),
        step("refused", what=st.sampled_from(list(REFUSED))),
        step("mode", what=st.sampled_from(["Running", "Stopped", "Legacy"])),
        step("restart"),
        step("delete"),
        step("outsider", what=st.sampled_from(["delete", "stop", "start", "edit", "rename"])),
        step("crash"),
        step("fault", what=st.sampled_from([fault.name for fault in FAULTS]), number=9),
        step("controller_dies"),
        step("second_controller", what=st.sampled_from(["waits", "takes over"])),
        step("dokploy_restarts", number=20),
        step("engine_down", number=60),
    ),
    min_size=1,
    max_size=14,
)


class Machine:
    """Carries the steps out, and knows what each session was last declared to be."""

    def __init__(self, of: World) -> None:
        self.of = of
        self.declared: dict[str, Declared] = {}
        self.fates: deque[Fault | None] = deque()
        self.restarts = 0
        self.controllers = 0
        of.connect = connect_through(of.dokploy, self.fate)
        self.start_controller()

    def fate(self) -> Fault | None:
        """What befalls the next call."""
        return self.fates.popleft() if self.fates else None

    def start_controller(self) -> None:
        self.controllers += 1
        self.of.run_controller(f"holder-{self.controllers}")

    async def take(self, step: Step) -> None:
        """Carry a step out; what is refused, since there is no such session, is no step."""
        try:
            await getattr(self, step.act)(step)
        except (NotFound, AlreadyExists):
            return
        await asyncio.sleep(step.pause)

    # -- people ---------------------------------------------------------------------------------

    async def declare(self, step: Step) -> None:
        fresh = Declared({"image": "sim/ok"}, {"image": "sim/ok"})
        meta = ObjectMeta(name=step.name, namespace=NAMESPACE)
        spec = fresh.take(SOUND[step.what], step.name)
        await self.of.records.create(Session(metadata=meta, spec=spec))
        self.declared[step.name] = fresh

    async def change(self, step: Step) -> None:
        await self.write(step.name, lambda mine: mine.take(SOUND[step.what], step.name))

    async def spoil(self, step: Step) -> None:
        await self.write(step.name, lambda mine: mine.spoil(IMPOSSIBLE[step.what].patch, step.name))

    async def mend(self, step: Step) -> None:
        await self.write(step.name, Declared.mend)

    async def mode(self, step: Step) -> None:
        await self.write(step.name, lambda mine: mine.take({"operating_mode": step.what}, step.name))

    async def restart(self, step: Step) -> None:
        self.restarts += 1
        at = self.of.now().replace(microsecond=0) + timedelta(milliseconds=self.restarts)
        await self.write(step.name, lambda mine: mine.take({"restarted_at": at}, step.name))

    async def refused(self, step: Step) -> None:
        before = await self.of.session(step.name)
        with pytest.raises(ValidationError):
            await self.write(step.name, lambda mine: mine.take(REFUSED[step.what], step.name))
        assert await self.of.session(step.name) == before

    async def write(self, name: str, edit: Any) -> None:
        session = await self.of.session(name)
        if session.metadata.deletion_timestamp is None:
            await write(self.of, name, edit(self.declared[name]))

    async def mistake(self, step: Step) -> None:
        """A mistake at rest, seen or not, and undone: the recovery oracle."""
        wrong = IMPOSSIBLE[step.what]
        await self.mend(step)
        await self.of.session(step.name)
        await self.settle()
        before = await self.of.session(step.name)
        await write(self.of, step.name, self.declared[step.name].spoil(wrong.patch, step.name))
        await asyncio.sleep(step.pause)
        await self.mend(step)
        await self.settle()
        after = await self.of.session(step.name)
        assert after.spec == before.spec
        assert after.status.dokploy.configured == before.status.dokploy.configured
        assert after.status.revision == before.status.revision
        assert await self.of.ready(step.name) == _ready(before)

    async def delete(self, step: Step) -> None:
        """Delete; volumes that the policy keeps are there until their owner takes them away."""
        session = await self.of.session(step.name)
        await self.of.delete(step.name)
        if _keeps(session):
            held = set(session.status.dokploy.storage) & set(self.of.simulation.volumes())
            await self.settle()
            assert held <= set(self.of.simulation.volumes())
            await remove_volumes(self.of, session)

    # -- outsiders and accidents ----------------------------------------------------------------

    async def outsider(self, step: Step) -> None:
        known = (await self.of.session(step.name)).status.dokploy
        bodies = {
            "edit": ("update", {"env": "A=b", "replicas": 1, "memoryLimit": "10000000"}),
            "rename": ("update", {"name": "renamed", "description": "by an outsider"}),
        }
        procedure, body = bodies.get(step.what, (step.what, {}))
        if known.application_id is not None:
            given = {"applicationId": known.application_id, **body}
            await self.of.dokploy.call(f"application.{procedure}", "POST", given, KEY)

    async def crash(self, step: Step) -> None:
        known = (await self.of.session(step.name)).status.dokploy
        self.of.simulation.kill(str(known.app_name))

    async def fault(self, step: Step) -> None:
        self.fates.extend([*[None] * step.number, Fault[step.what]])

    async def controller_dies(self, _: Step) -> None:
        await self.of.kill_controller()
        self.start_controller()

    async def second_controller(self, step: Step) -> None:
        """Another one stands by, or finds the lease run out while the first still works."""
        self.start_controller()
        if step.what == "takes over":
            self.of.records._leases.clear()
        await asyncio.sleep(step.pause)

    async def dokploy_restarts(self, step: Step) -> None:
        await self.of.dokploy.restart(downtime=float(step.number))

    async def engine_down(self, step: Step) -> None:
        self.of.dokploy.stop_engine()
        await asyncio.sleep(float(step.number))
        self.of.dokploy.start_engine()

    # -- rest -----------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Wait until nothing changes any more, and no orphan is left for the operator."""
        async with asyncio.timeout(PATIENCE):
            await self.until_quiet()
            while await remove_orphans(self.of):
                await self.until_quiet()

    async def until_quiet(self) -> None:
        quiet, seen = 0.0, self.changes()
        while quiet < QUIET:
            await asyncio.sleep(5)
            now = self.changes()
            quiet, seen = (quiet + 5 if now == seen else 0.0), now

    def changes(self) -> tuple[int, int]:
        calls = sum(number for name, number in self.of.calls().items() if name in CHANGES)
        return calls, len(self.of.records.writes)

    async def end(self) -> None:
        """Undo what cannot be done, let all come to rest, and look."""
        self.fates.clear()
        for name in NAMES:
            try:
                session = await self.of.session(name)
            except NotFound:
                continue
            if session.metadata.deletion_timestamp is None:
                self.declared[name].mend()
                if session.spec.operating_mode is OperatingMode.LEGACY:
                    self.declared[name].take({"operating_mode": "Running"}, name)
                await write(self.of, name, SessionSpec.model_validate(self.declared[name].values))
        await self.settle()
        await check_rest(self.of)
        await check_quiet(self.of)
        assert self.of.simulation.violations == [], "two containers on one volume (S2)"


def _ready(session: Session) -> tuple[str, str]:
    return next((c.status.value, c.reason) for c in session.status.conditions if c.type == "Ready")


def _keeps(session: Session) -> bool:
    return session.spec.storage.on_delete == "Retain"


@asynccontextmanager
async def furnished() -> AsyncIterator[tuple[World, Machine]]:
    """A world with all that a spec may refer to; no pass and no tick in it may fail for a bug."""
    with capture_logs() as log:
        async with world(poll=POLL, container=DEFAULTS) as of:
            await furnish(of)
            yield of, Machine(of)
    assert [entry for entry in log if entry["log_level"] == "error"] == []


DEFAULTS = {"image": "sim/ok", "health_check": {"interval": "1s", "start_period": "5s"}}


# -- oracles --------------------------------------------------------------------------------------

_DRAWN = {"applicationId", "createdAt", "refreshToken", "environmentId", "applicationStatus"}
_TOLD_AT_START = {"BERTH_SESSION_TITLE"}
"""A title is worth no restart: the container is told the newest one when it next starts."""


def picture(of: World, session: Session) -> dict[str, Any]:
    """What Dokploy holds and runs for a session, without what is drawn anew for each."""
    known = session.status.dokploy
    tables = of.dokploy.database.tables
    row = tables["application"][str(known.application_id)]
    shown = {
        "application": {name: row[name] for name in sorted(row.keys() - _DRAWN - _unused(row))},
        "mounts": sorted(
            (mount["volumeName"], mount["mountPath"])
            for mount in tables["mount"].values()
            if mount["applicationId"] == known.application_id
        ),
        "domains": [
            {name: value for name, value in sorted(domain.items()) if name in _DOMAIN}
            for domain in tables["domain"].values()
            if domain["applicationId"] == known.application_id
        ],
        "containers": [
            {
                "image": container.spec.image,
                "env": {n: v for n, v in sorted(container.spec.env.items()) if n not in _TOLD_AT_START},
                "mounts": sorted(container.spec.mounts),
                "port": container.spec.port,
                "health": container.spec.health_test,
                "limits": [container.spec.memory_bytes, container.spec.nano_cpus],
                "labels": dict(sorted(container.spec.labels.items())),
            }
            for container in of.simulation.running(str(known.app_name))
        ],
    }
    text = json.dumps(shown)
    for drawn, word in (
        (known.app_name, "APPLICATION"),
        (Identity.of(session, instance=INSTANCE).session_id, "SESSION"),
        (session.status.revision.desired, "REVISION"),
    ):
        text = text.replace(str(drawn), word)
    found: dict[str, Any] = json.loads(text)
    return found


def _unused(row: dict[str, Any]) -> set[str]:
    """What Dokploy keeps of the other kind of source, and does not look at."""
    docker = row["sourceType"] == "docker"
    return {"buildType", "dockerfile", "dockerContextPath"} if docker else set()


_DOMAIN = {"host", "https", "port", "path", "certificateType", "customCertResolver", "domainType"}


async def check_consistent(of: World) -> None:
    """The status equals the world."""
    tables = of.dokploy.database.tables
    for session in (await of.records.list(Session)).items:
        known, revision = session.status.dokploy, session.status.revision
        if ready_reason(session) == "OrphanService":
            continue
        row = tables["application"][str(known.application_id)]
        assert row["appName"] == known.app_name
        assert row["replicas"] == (session.spec.operating_mode is OperatingMode.RUNNING)
        mounts = [m for m in tables["mount"].values() if m["applicationId"] == known.application_id]
        assert {mount["volumeName"] for mount in mounts} == set(known.storage)
        assert known.configured == known.applied
        assert known.intent is None
        ran = [c.spec.env["BERTH_REVISION"] for c in of.simulation.running(str(known.app_name))]
        assert ran == ([revision.running] if session.status.is_ready else [])
        if session.status.url is not None and session.status.is_ready:
            host = session.status.url.split("/")[2]
            assert of.dokploy.routes()[host][0] == known.app_name


async def check_as_fresh(of: World) -> None:
    """Each session ends where one declared just so in a new world ends."""
    sessions = [s for s in (await of.records.list(Session)).items if ready_reason(s) != "OrphanService"]
    if not sessions:
        return
    async with furnished() as (fresh, machine):
        for session in sessions:
            meta = ObjectMeta(name=session.metadata.name, namespace=NAMESPACE)
            await fresh.records.create(Session(metadata=meta, spec=session.spec))
        await machine.settle()
        for session in sessions:
            same = await fresh.session(session.metadata.name)
            assert picture(of, session) == picture(fresh, same)


async def play(steps: list[Step]) -> None:
    async with furnished() as (of, machine):
        for step in steps:
            await machine.take(step)
        await machine.end()
        await check_consistent(of)
        await check_as_fresh(of)


ANY_ORDER = settings(
    deadline=None,
    database=None,
    derandomize=True,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.timeout(400)
@settings(ANY_ORDER, max_examples=60)
@given(STEPS)
def test_any_order_of_steps_ends_where_the_records_say(steps: list[Step]):
    run(play(steps))


@pytest.mark.soak
@settings(ANY_ORDER, derandomize=False, max_examples=int(os.environ.get("BERTH_SOAK_EXAMPLES", "3000")))
@given(STEPS)
def test_many_orders_of_steps_end_where_the_records_say(steps: list[Step]):
    run(play(steps))


@pytest.mark.parametrize("what", SOUND)
def test_a_property_changed_is_as_if_it_had_always_been_so(what: str):
    run(play([Step("declare", "one", "image ok", pause=20), Step("change", "one", what, pause=2)]))


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_what_cannot_be_done_is_named_and_undone_without_a_trace(what: str):
    async def main() -> None:
        async with furnished() as (of, machine):
            await machine.take(Step("declare", "one", "image ok", pause=20))
            await machine.take(Step("spoil", "one", what, pause=60))
            ready, reason = await of.ready("one")
            assert (ready != "True", reason) == (True, IMPOSSIBLE[what].reason)
            await machine.take(Step("mend", "one", pause=20))
            await machine.take(Step("mistake", "one", what, pause=60))
            await machine.end()
            await check_as_fresh(of)

    run(main())


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_schema_refuses_changes_nothing(what: str):
    run(play([Step("declare", "one", "image ok", pause=8), Step("refused", "one", what, pause=2)]))
