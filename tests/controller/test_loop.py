"""The loop's lease, watch and wake-ups: each scenario ends well, and every mistake in them is found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from controller import fleet, leadership, record_watch, views
from controller.leadership import Leadership
from controller.loop import Controller
from controller.record_watch import RecordWatch
from crds.secret import Secret
from records.errors import Expired, RecordsError
from tests.controller.loop_scenarios import SCENARIOS

pytestmark = pytest.mark.looptime

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("name", SCENARIOS)
async def test_it_ends_well(name: str):
    await SCENARIOS[name]()


# -- mistakes ---------------------------------------------------------------------------------


def _leads_on_without_the_lease(patch: Patch) -> None:
    async def hold(self: Leadership) -> None:
        await self._ask()
        self._renewed = asyncio.get_running_loop().time()
        self.leading.set()
        await asyncio.Event().wait()

    patch.setattr(Leadership, "hold", hold)


def _an_outage_counts_as_a_grant(patch: Patch) -> None:
    real = Leadership._ask

    async def ask(self: Leadership) -> bool | None:
        granted = await real(self)
        return True if granted is None else granted

    patch.setattr(Leadership, "_ask", ask)


def _an_outage_counts_as_a_refusal(patch: Patch) -> None:
    real = Leadership._ask

    async def ask(self: Leadership) -> bool | None:
        return bool(await real(self))

    patch.setattr(Leadership, "_ask", ask)


def _the_end_of_the_lease_is_looked_at_late(patch: Patch) -> None:
    real = Leadership._left

    def left(self: Leadership) -> float:
        return real(self) + self._seconds / 3

    patch.setattr(Leadership, "_left", left)


def _an_answer_is_awaited_for_ever(patch: Patch) -> None:
    real = asyncio.wait

    async def wait(tasks: Any, **_bound: Any) -> Any:
        return await real(tasks)

    patch.setattr(leadership.asyncio, "wait", wait)


def _a_standby_begins_at_once(patch: Patch) -> None:
    patch.setattr(leadership, "_SETTLES", 0.0)
    patch.setattr(leadership, "_SHARE", 1.0)


def _expired_and_not_listed(patch: Patch) -> None:
    real = RecordWatch._load

    async def load(self: RecordWatch) -> int:
        if self.loaded.is_set():
            return (await self._records.list(Secret)).revision
        return await real(self)

    patch.setattr(RecordWatch, "_load", load)


def _the_watch_begins_anew(patch: Patch) -> None:
    async def follow(self: RecordWatch) -> None:
        since = await self._load()
        self.loaded.set()
        while True:
            try:
                async for change in self._records.watch(record_watch._WATCHED, since=since):
                    await self._take_or_say(change)
            except (Expired, RecordsError):
                await asyncio.sleep(1)

    patch.setattr(RecordWatch, "follow", follow)


def _the_watch_moves_on_first(patch: Patch) -> None:
    real = RecordWatch._take_or_say

    async def take(self: RecordWatch, change: Any) -> None:
        self._position = change.revision
        await real(self, change)

    patch.setattr(RecordWatch, "_take_or_say", take)


def _only_the_first_page(patch: Patch) -> None:
    real = record_watch.pages

    async def first(*given: Any, **named: Any) -> Any:
        async for page in real(*given, **named):
            yield page
            return

    patch.setattr(record_watch, "pages", first)


def _what_no_page_has_is_forgotten(patch: Patch) -> None:
    real = RecordWatch._load_sessions

    async def load(self: RecordWatch) -> None:
        for _, view in self._views:
            view.revision = min(view.revision, 1)
        await real(self)

    note = views.Views.note

    def noted(self: views.Views, session: Any) -> bool:
        changed = note(self, session)
        view = self.get(session.key)
        if view is not None:
            view.revision = 1
        return changed

    patch.setattr(RecordWatch, "_load_sessions", load)
    patch.setattr(views.Views, "note", noted)


def _an_old_page_is_believed(patch: Patch) -> None:
    patch.setattr(views.Views, "is_overtaken", lambda self, session: False)
    patch.setattr(RecordWatch, "noticed", lambda self, session: None)


def _a_listing_compares_sessions_alone(patch: Patch) -> None:
    real = RecordWatch._load_referred

    async def load(self: RecordWatch, kind: Any) -> int:
        return 0 if self.loaded.is_set() else await real(self, kind)

    patch.setattr(RecordWatch, "_load_referred", load)


def _what_a_listing_lacks_is_kept(patch: Patch) -> None:
    real = RecordWatch._take_referred

    async def take(self: RecordWatch, kind: Any, key: Any, revision: int, resource: Any) -> None:
        if resource is not None:
            await real(self, kind, key, revision, resource)

    patch.setattr(RecordWatch, "_take_referred", take)


def _a_secret_wakes_nobody(patch: Patch) -> None:
    patch.setattr(views.Views, "of_namespace", lambda self, namespace: iter(()))


def _a_secret_wakes_everybody(patch: Patch) -> None:
    patch.setattr(views.Views, "of_namespace", lambda self, namespace: (key for key, _ in self))


def _a_template_wakes_everybody(patch: Patch) -> None:
    patch.setattr(views.Views, "of_template", lambda self, template, *, shared: (key for key, _ in self))


def _a_target_wakes_nobody(patch: Patch) -> None:
    real = fleet.Fleet.adopt

    async def adopt(self: Any, target: Any) -> bool:
        await real(self, target)
        return False

    patch.setattr(fleet.Fleet, "adopt", adopt)


def _a_key_is_not_noticed(patch: Patch) -> None:
    async def changed(self: Any, key: Any) -> tuple[str, ...]:
        return ()

    patch.setattr(fleet.Fleet, "key_changed", changed)


def _a_key_wakes_every_target(patch: Patch) -> None:
    real = fleet.Fleet.key_changed

    async def changed(self: Any, key: Any) -> tuple[str, ...]:
        return ("default", "second") if await real(self, key) else ()

    patch.setattr(fleet.Fleet, "key_changed", changed)


def _the_signature_is_taken_after_the_pass(patch: Patch) -> None:
    real = Controller._after_pass

    def after(self: Controller, key: Any, view: Any, live: Any, signature: Any, result: Any) -> None:
        late = live.sight.signature(view.session_id) if live else ()
        real(self, key, view, live, late, result)

    patch.setattr(Controller, "_after_pass", after)


MUTANTS: tuple[tuple[str, Callable[[Patch], None], str], ...] = tuple(
    (mistake.__name__.strip("_").replace("_", " "), mistake, scenario)
    for mistake, scenario in (
        (_leads_on_without_the_lease, "the_lease_is_lost"),
        (_an_outage_counts_as_a_grant, "the_lease_runs_out_while_the_store_is_down"),
        (_an_outage_counts_as_a_refusal, "an_outage_shorter_than_the_lease_costs_nothing"),
        (_the_end_of_the_lease_is_looked_at_late, "the_lease_runs_out_while_the_store_is_down"),
        (_an_answer_is_awaited_for_ever, "the_lease_runs_out_while_the_store_hangs"),
        (_a_standby_begins_at_once, "a_standby_takes_over_within_the_rate"),
        (_expired_and_not_listed, "what_changed_before_the_watch_expired_is_listed"),
        (_the_watch_begins_anew, "the_watch_goes_on_where_it_broke"),
        (_the_watch_moves_on_first, "a_change_is_taken_before_the_watch_moves_on"),
        (_only_the_first_page, "every_page_of_a_listing_counts"),
        (_what_no_page_has_is_forgotten, "every_page_of_a_listing_counts"),
        (_an_old_page_is_believed, "one_that_went_between_two_pages_is_gone"),
        (_a_listing_compares_sessions_alone, "a_change_whose_news_is_lost_wakes_at_the_next_listing"),
        (_a_listing_compares_sessions_alone, "a_key_that_came_unheard_is_used_at_the_next_listing"),
        (_what_a_listing_lacks_is_kept, "a_target_that_went_unheard_is_let_go_at_the_next_listing"),
        (_a_secret_wakes_nobody, "a_change_wakes_whom_it_concerns"),
        (_a_secret_wakes_everybody, "a_change_wakes_whom_it_concerns"),
        (_a_template_wakes_everybody, "a_change_wakes_whom_it_concerns"),
        (_a_target_wakes_nobody, "a_change_wakes_whom_it_concerns"),
        (_a_key_is_not_noticed, "a_change_wakes_whom_it_concerns"),
        (_a_key_wakes_every_target, "a_change_wakes_whom_it_concerns"),
        (_the_signature_is_taken_after_the_pass, "what_a_tick_lists_during_a_pass_is_looked_at_after_it"),
    )
)


@pytest.mark.parametrize(("name", "mistake", "scenario"), MUTANTS, ids=[f"{one[0]}" for one in MUTANTS])
async def test_a_mistake_is_found(
    name: str,
    mistake: Callable[[Patch], None],
    scenario: str,
    monkeypatch: Patch,
    record_property: Callable[[str, object], None],
):
    mistake(monkeypatch)
    with pytest.raises((AssertionError, TimeoutError)):
        await SCENARIOS[scenario]()
    record_property("killed", f"{name!r} died of {scenario.replace('_', ' ')!r}")
