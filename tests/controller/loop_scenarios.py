"""Scenarios of the loop: its lease, its watch, what wakes whom. Each raises AssertionError if it ends wrong.

``test_loop.py`` plays each with the true product, and with every mistake that it has to find.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

from controller.loop import Controller, Pacing
from crds.base import Key, ObjectMeta
from crds.container import ContainerDefaults, SecretKeyReference
from crds.secret import Secret
from crds.session import EnvVar, Session, SessionFields, SessionTemplate, TargetReference
from crds.target import Limits, Target
from records.errors import Unavailable
from tests.controller.world import KEY, World, target, world

Scenario = Callable[[], Awaitable[None]]

SCENARIOS: dict[str, Scenario] = {}

PACING = Pacing(resync=60.0)
"""A listing of all records every minute."""


def scenario(play: Scenario) -> Scenario:
    """One of them, by the name of its function."""
    SCENARIOS[play.__name__] = play
    return play


class Store:
    """The records as one controller reaches them, over a line that can be cut."""

    def __init__(self, records) -> None:
        self._records = records
        self.down = False
        self.hangs = False
        self.slow = 0.0
        """Seconds that a request for the lease takes."""
        self.deaf: tuple[type, ...] = ()
        """News of these kinds are lost."""
        self.breaks = 0
        """So many times the watch breaks before the next change is delivered."""
        self.since: list[int] = []
        """Where the watch was begun each time."""
        self.heard: list[int] = []
        """Revisions that were delivered."""

    def __getattr__(self, name: str):
        return getattr(self._records, name)

    async def list(self, kind, **options):
        if self.down:
            raise Unavailable("the store does not answer")
        return await self._records.list(kind, **options)

    async def acquire_lease(self, name, *, holder, seconds):
        await asyncio.sleep(self.slow)
        if self.hangs:
            await asyncio.sleep(1000)
        if self.down:
            raise Unavailable("the store does not answer")
        return await self._records.acquire_lease(name, holder=holder, seconds=seconds)

    async def watch(self, kinds, *, since):
        self.since.append(since)
        async for change in self._records.watch(kinds, since=since):
            if self.breaks:
                self.breaks -= 1
                raise Unavailable("the connection was lost")
            self.heard.append(change.revision)
            if not isinstance(change.resource, self.deaf):
                yield change


def controlled(of: World, holder: str = "one") -> tuple[Controller, Store]:
    """A controller with a store of its own."""
    store = Store(of.records)
    return dataclasses.replace(of, records=store).run_controller(holder), store


@asynccontextmanager
async def settled(*names: str, **target_spec: object):
    """A world at rest with these sessions, its controller, and that one's store."""
    async with world(**target_spec) as of:
        of.pacing = PACING
        controller, store = controlled(of)
        for name in names:
            await of.declare(name)
        for name in names:
            await of.until_ready(name)
        await asyncio.sleep(15)
        yield of, controller, store


def looked_at(controller: Controller) -> set[str]:
    """Fills with the names of the sessions that get a pass from now on."""
    names: set[str] = set()
    real = controller._look

    async def noting(session, view, live):
        names.add(session.metadata.name)
        return await real(session, view, live)

    controller._look = noting  # type: ignore[method-assign]
    return names


async def change_secret(of: World, where: Key, **data: str) -> None:
    stored = await of.records.get(Secret, where)
    await of.records.update(stored.model_copy(update={"string_data": data}))


async def change_target(of: World, name: str, **spec: object) -> None:
    stored = await of.records.get(Target, Key("", name))
    await of.records.update(stored.model_copy(update={"spec": stored.spec.model_copy(update=spec)}))


# -- the lease --------------------------------------------------------------------------------


@scenario
async def the_lease_is_lost() -> None:
    async with settled("fix-login") as (of, controller, _):
        _, task = of._controllers.pop()
        of.records._leases["controller"] = ("another", float("inf"))
        await asyncio.sleep(of.pacing.lease / 3 + 0.1)
        assert not controller.leadership.leading.is_set(), "it leads without the lease"
        ended = await asyncio.wait({task}, timeout=1)
        assert ended[0], "it works on without the lease"
        before = of.calls()
        await asyncio.sleep(60)
        assert of.calls() == before
        task.exception()


async def _never_two_lead(spoil: Callable[[Store], None], *, slow: float = 0.0) -> None:
    """While the leader's store is spoiled, another asks for the lease over a line that works."""
    async with settled("fix-login") as (of, controller, store):
        _, task = of._controllers.pop()
        store.slow = slow
        await asyncio.sleep(13.0)
        spoil(store)
        async with asyncio.timeout(3 * of.pacing.lease):
            while not await of.records.acquire_lease("controller", holder="standby", seconds=15):
                await asyncio.sleep(0.1)
        assert not controller.leadership.leading.is_set(), "two lead at once"
        await asyncio.wait({task}, timeout=0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@scenario
async def the_lease_runs_out_while_the_store_is_down() -> None:
    def down(store: Store) -> None:
        store.down = True

    await _never_two_lead(down)
    await _never_two_lead(down, slow=1.3)


@scenario
async def the_lease_runs_out_while_the_store_hangs() -> None:
    def hang(store: Store) -> None:
        store.hangs = True

    await _never_two_lead(hang)


@scenario
async def an_outage_shorter_than_the_lease_costs_nothing() -> None:
    async with settled("fix-login") as (of, controller, store):
        for _ in range(3):
            store.down = True
            await asyncio.sleep(8)
            store.down = False
            await asyncio.sleep(6)
        assert controller.leadership.leading.is_set()
        assert not of._controllers[-1][1].done()


@scenario
async def a_standby_takes_over_within_the_rate() -> None:
    rate = 5
    async with world(limits=Limits(calls_per_second=rate, calls_in_flight=2)) as of:
        starts: list[float] = []
        ask = of.dokploy.call

        async def noting(*given):
            starts.append(asyncio.get_running_loop().time())
            return await ask(*given)

        of.dokploy.call = noting  # type: ignore[method-assign]
        _, store = controlled(of)
        controlled(of, "standby")
        for number in range(16):
            await of.declare(f"s{number}")
        await asyncio.sleep(11)
        store.down = True
        await asyncio.sleep(60)
        of._controllers[0][1].cancel()
        await asyncio.gather(of._controllers.pop(0)[1], return_exceptions=True)
        most = max(sum(at <= other < at + 0.999 for other in starts) for at in starts)
        assert most <= rate, f"{most} calls within a second"
        assert len(starts) > 100


# -- the watch --------------------------------------------------------------------------------


@scenario
async def what_changed_before_the_watch_expired_is_listed() -> None:
    async with settled("fix-login") as (of, _, store):
        store.breaks = 1
        await of.declare("before")
        of.records.compact()
        await of.until_ready("before", within=30)
        await of.declare("after")
        await of.until_ready("after", within=30)


@scenario
async def the_watch_goes_on_where_it_broke() -> None:
    async with settled("fix-login") as (of, _, store):
        await of.declare("other")
        await of.until_ready("other")
        store.breaks = 3
        await of.declare("during")
        await of.until_ready("during", within=30)
        await asyncio.sleep(30)
        assert len(store.since) == 4, store.since
        repeated = [revision for revision in set(store.heard) if store.heard.count(revision) > 1]
        assert not repeated, f"delivered again: {repeated}"


@scenario
async def a_change_is_taken_before_the_watch_moves_on() -> None:
    async with settled("fix-login") as (of, controller, _):
        failures = [Unavailable("the disk is full")]
        real = controller.fleet.key_changed

        async def failing(key):
            if failures:
                raise failures.pop()
            return await real(key)

        controller.fleet.key_changed = failing  # type: ignore[method-assign]
        old = controller.fleet.get("default")
        await change_secret(of, Key("berth-system", "dokploy"), key=KEY, more="x")
        await asyncio.sleep(30)
        assert not failures
        assert controller.fleet.get("default") is not old, "a change was lost with the error"


@scenario
async def every_page_of_a_listing_counts() -> None:
    async with world() as of:
        names = [f"s{number:03}" for number in range(120)]
        for name in names:
            await of.declare(name, operating_mode="Legacy")
        controller, store = controlled(of)
        await asyncio.sleep(10)
        assert {key.name for key, _ in controller.views} == set(names)
        # During the next listing one comes that is in none of its pages, and its news is heard.
        real, pages = store._records.list, []

        async def listing(kind, **options):
            page = await real(kind, **options)
            if kind is Session:
                pages.append(page)
                if len(pages) == 1:
                    await of.declare("came-between", operating_mode="Legacy")
                    await asyncio.sleep(1)
            return page

        store.list = listing  # type: ignore[method-assign]
        await controller._watch._load()
        assert len(pages) == 3
        assert controller.views.get(Key("alice", "came-between")) is not None, "a page's edge swallowed it"
        assert len(controller.views) == 121


@scenario
async def one_that_went_between_two_pages_is_gone() -> None:
    async with world() as of:
        for number in range(60):
            await of.declare(f"s{number:03}", operating_mode="Legacy")
        controller, store = controlled(of)
        await asyncio.sleep(10)
        real, pages = store._records.list, []

        async def listing(kind, **options):
            page = await real(kind, **options)
            if kind is Session:
                pages.append(page)
                if len(pages) == 1:
                    await of.delete("s059")
                    await of.until_gone("s059")
                    await of.declare("s059", operating_mode="Legacy", title="another")
                    await asyncio.sleep(1)
            return page

        store.list = listing  # type: ignore[method-assign]
        await controller._watch._load()
        await asyncio.sleep(5)
        view = controller.views.get(Key("alice", "s059"))
        assert view is not None
        assert view.uid == (await of.session("s059")).metadata.uid, "an old page was believed"


# -- what wakes whom --------------------------------------------------------------------------

_OTHER = (EnvVar(name="A", value="b"),)
_TOKEN = EnvVar(name="TOKEN", secret_ref=SecretKeyReference(name="mine", key="token"))


async def _declare_four(of: World) -> None:
    """Sessions in two namespaces, one from a template, one on another target."""
    for namespace in ("alice", "bob"):
        await of.records.create(
            Secret(metadata=ObjectMeta(name="mine", namespace=namespace), string_data={"token": "one"})
        )
    await of.records.create(
        Secret(metadata=ObjectMeta(name="second", namespace="berth-system"), string_data={"key": KEY})
    )
    other = target(api_key=SecretKeyReference(name="second", key="key"))
    await of.records.create(other.model_copy(update={"metadata": ObjectMeta(name="second")}))
    for namespace in ("alice", "berth-shared"):
        await of.records.create(
            SessionTemplate(
                metadata=ObjectMeta(name="python", namespace=namespace), spec=SessionFields(image="sim/ok")
            )
        )
    await of.declare("plain", env=(_TOKEN,))
    await of.declare("templated", template="python", image=None)
    await of.declare("elsewhere", target=TargetReference(name="second"))
    await of.declare("bobs", namespace="bob", env=(_TOKEN,))
    await asyncio.sleep(20)


async def _change_template(of: World, namespace: str) -> None:
    stored = await of.records.get(SessionTemplate, Key(namespace, "python"))
    spec = stored.spec.model_copy(update={"image": "sim/other"})
    await of.records.update(stored.model_copy(update={"spec": spec}))


CHANGES: dict[str, tuple[Callable[[World], Awaitable[None]], set[str]]] = {
    "secret": (
        lambda of: change_secret(of, Key("alice", "mine"), token="two"),
        {"plain", "templated", "elsewhere"},
    ),
    "template": (lambda of: _change_template(of, "alice"), {"templated"}),
    "target": (
        lambda of: change_target(
            of, "second", container=ContainerDefaults(env=(EnvVar(name="A", value="b"),))
        ),
        {"elsewhere"},
    ),
    "key": (lambda of: change_secret(of, Key("berth-system", "second"), key=KEY, more="x"), {"elsewhere"}),
}
"""What is changed, and the sessions whom it concerns."""


async def _wakes(change: str, *, heard: bool) -> None:
    async with world() as of:
        of.pacing = PACING
        controller, store = controlled(of)
        await _declare_four(of)
        names = looked_at(controller)
        # A report is due now and then, and would wake them, too.
        for _, view in controller.views:
            view.report_due = view.audit_due = asyncio.get_running_loop().time() + 10_000
        if not heard:
            store.deaf = (Secret, SessionTemplate, Target)
        act, concerned = CHANGES[change]
        await act(of)
        await asyncio.sleep(0.5 if heard else of.pacing.resync + 1)
        assert names >= concerned, f"not woken: {concerned - names}"
        if heard:
            assert names == concerned, f"woken for nothing: {names - concerned}"


@scenario
async def a_change_wakes_whom_it_concerns() -> None:
    for change in CHANGES:
        await _wakes(change, heard=True)


@scenario
async def a_change_whose_news_is_lost_wakes_at_the_next_listing() -> None:
    for change in CHANGES:
        await _wakes(change, heard=False)


@scenario
async def a_target_that_went_unheard_is_let_go_at_the_next_listing() -> None:
    async with settled("fix-login") as (of, controller, store):
        store.deaf = (Target,)
        await of.records.delete(Target, Key("", "default"))
        await asyncio.sleep(of.pacing.resync + 5)
        assert controller.fleet.get("default") is None
        before = of.calls()
        await asyncio.sleep(60)
        assert of.calls() == before


@scenario
async def a_key_that_came_unheard_is_used_at_the_next_listing() -> None:
    async with settled("fix-login") as (of, controller, store):
        await of.records.delete(Secret, Key("berth-system", "dokploy"))
        await asyncio.sleep(5)
        assert controller.fleet.get("default") is None
        store.deaf = (Secret,)
        await of.records.create(
            Secret(metadata=ObjectMeta(name="dokploy", namespace="berth-system"), string_data={"key": KEY})
        )
        await of.until_ready(within=of.pacing.resync + 30)
        assert controller.fleet.get("default") is not None


@scenario
async def what_a_tick_lists_during_a_pass_is_looked_at_after_it() -> None:
    async with settled("fix-login") as (of, controller, _):
        session = await of.session()
        view, live = controller.views.get(session.key), controller.fleet.get("default")
        assert view is not None
        assert live is not None
        read = live.dokploy.read_application

        async def slowly(application_id: str):
            found = await read(application_id)
            live.dokploy.read_application = read
            await asyncio.sleep(25)
            return found

        await asyncio.sleep(3)  # until between two ticks
        live.dokploy.read_application = slowly
        view.report_due = asyncio.get_running_loop().time() + 10_000
        view.audit_due = 0.0
        controller.queue.add(session.key)
        await asyncio.sleep(1)
        # The next tick is still at writing the target's status when the pass ends.
        report = controller.fleet.report

        async def late(live):
            controller.fleet.report = report  # type: ignore[method-assign]
            await asyncio.sleep(40)
            await report(live)

        controller.fleet.report = late  # type: ignore[method-assign]
        gone = {"applicationId": session.status.dokploy.application_id}
        await of.dokploy.call("application.delete", "POST", gone, KEY)
        names = looked_at(controller)
        await asyncio.sleep(60)
        assert names, "what was listed during the pass was taken for seen by it"
