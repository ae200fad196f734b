"""Controllers with a mistake in them: the laws must find each one (LAWS, "What the suite must show").

A mutant replaces one function of the product for the length of a test. ``where`` names the scenarios
in which it is looked for, and ``by`` what is done there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from controller import (
    desired,
    execute,
    fleet,
    identity,
    loop,
    observe,
    plan,
    plan_deletion,
    plan_present,
    planned,
    reconcile,
    status,
    targets,
)
from controller.actions import Apply, AttachVolume, Configure, Delete, RemoveVolume
from controller.observed import Observed
from controller.planned import Plan
from crds.session import SessionStatus
from dokploy import calls, procedures
from dokploy.port import VolumeRole
from tests.fakes.memory_records import MemoryRecords
from tests.reliability.faults import Fault, Injection, Outage, Tamper
from tests.reliability.search import disturbed, singles, tamperings, undisturbed

Patch = pytest.MonkeyPatch
Tried = tuple[Injection | Outage, ...]
Search = Callable[[str], Iterator[Tried]]


@dataclass(frozen=True)
class Mutant:
    """One mistake."""

    name: str
    make: Callable[[Patch], None]
    where: tuple[str, ...]
    by: Search


def calm(_name: str) -> Iterator[Tried]:
    """Nothing goes wrong."""
    yield ()


def faults(*kinds: Fault) -> Search:
    """These faults at every call at which they can happen."""

    def search(name: str) -> Iterator[Tried]:
        return (one for one in singles(name) if one[0].fault in kinds)

    return search


def deeds(*kinds: Tamper) -> Search:
    """These deeds of an outsider before every call."""

    def search(name: str) -> Iterator[Tried]:
        return (one for one in tamperings(name) if one[0].fault in kinds)

    return search


def outage(fault: Fault, call: str) -> Search:
    """This call fails for a while."""

    def search(_name: str) -> Iterator[Tried]:
        yield (Outage(fault, 40.0, frozenset({call})),)

    return search


def refused(change: str, *, unread: str) -> Search:
    """This change is refused once, and afterwards that reading fails for a while."""

    def search(name: str) -> Iterator[Tried]:
        number = next(call.number for call in undisturbed(name).calls if call.name == change)
        yield Injection(number, Fault.REFUSED), Outage(Fault.REFUSED, 60.0, frozenset({unread}))

    return search


def _no_twin_rule(patch: Patch) -> None:
    def keep_all(known: Any, observed: Observed) -> Plan:
        return Plan("it has several", known)

    patch.setattr(plan, "_plan_twins", keep_all)


def _reordered(patch: Patch, order: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> None:
    real = plan.plan

    def mutant(*given: Any, **named: Any) -> Plan:
        made = real(*given, **named)
        return replace(made, actions=order(made.actions))

    patch.setattr(reconcile, "plan", mutant)


def _configure_after_apply(patch: Patch) -> None:
    _reordered(
        patch, lambda actions: tuple(sorted(actions, key=lambda action: isinstance(action, Configure)))
    )


def _volumes_after_apply(patch: Patch) -> None:
    _reordered(
        patch, lambda actions: tuple(sorted(actions, key=lambda action: isinstance(action, AttachVolume)))
    )


def _double_reload(patch: Patch) -> None:
    def twice(actions: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(twin for action in actions for twin in (action,) * (1 + isinstance(action, Apply)))

    _reordered(patch, twice)


def _prefix_without_delimiter(patch: Patch) -> None:
    real = identity.Markers.session_id

    def mutant(self: identity.Markers, app_name: str) -> str | None:
        exact = real(self, app_name)
        if exact is not None:
            return exact
        loose = self._pattern.pattern.removesuffix("-[a-z0-9]{6}")
        found = identity.re.match(loose, app_name)
        return found[1] if found else None

    patch.setattr(observe.Markers, "session_id", mutant)


def _create_retried_by_transport(patch: Patch) -> None:
    eager = replace(procedures.CREATE, repeat=procedures.Repeat.READING)

    real = calls.Calls.call

    async def mutant(self: Any, procedure: procedures.Procedure, *given: Any) -> Any:
        return await real(self, eager if procedure == procedures.CREATE else procedure, *given)

    patch.setattr(calls.Calls, "call", mutant)
    patch.setattr(
        procedures.Procedure, "is_reading", property(lambda self: self.name.split(".")[1] not in _CHANGING)
    )


_CHANGING = frozenset({"create", "update", "reload", "deploy", "delete", "removeVolume"})


def _delete_on_empty_view(patch: Patch) -> None:
    real = plan_deletion.plan_deletion

    def mutant(session: Any, of: Any, observed: Observed, **named: Any) -> Plan:
        if not observed.applications:
            observed = replace(observed, applications=(), services=(), gone=True)
        return real(session, of, observed, **named)

    patch.setattr(reconcile, "plan_deletion", mutant)
    patch.setattr(reconcile, "out_of_reach", lambda *given: None)


def _no_fence(patch: Patch) -> None:
    patch.setattr(targets.LiveTarget, "wrote", lambda self, key: None)


def _no_resync(patch: Patch) -> None:
    patch.setattr(fleet.Fleet, "_deserves_a_pass", lambda self, live, view, now: view.signature is None)


def _body_logged(patch: Patch) -> None:
    real = calls.Calls._send

    async def mutant(self: Any, procedure: Any, values: Any) -> Any:
        loop.log.info("request", body=str(dict(values)))
        return await real(self, procedure, values)

    patch.setattr(calls.Calls, "_send", mutant)


def _finalizer_skipped(patch: Patch) -> None:
    patch.setattr(reconcile, "FINALIZER", "")
    real = reconcile.reconcile

    async def mutant(session: Any, inputs: Any, target: Any, context: Any) -> Any:
        meta = session.metadata
        if not meta.finalizers and meta.deletion_timestamp is None:
            session = session.model_copy(update={"metadata": meta.model_copy(update={"finalizers": ("",)})})
        return await real(session, inputs, target, context)

    patch.setattr(loop, "reconcile", mutant)


def _status_without_generation(patch: Patch) -> None:
    real = status.summarize

    def mutant(step: Any) -> SessionStatus:
        return real(step).model_copy(
            update={"observed_generation": step.session.status.observed_generation or 1}
        )

    patch.setattr(reconcile, "summarize", mutant)


def _no_deploy_deadline(patch: Patch) -> None:
    real = plan.plan

    def mutant(*given: Any, **named: Any) -> Plan:
        return real(*given, **{**named, "deadlines": planned.Deadlines(build=float("inf"))})

    patch.setattr(reconcile, "plan", mutant)


def _act_on_unknown(patch: Patch) -> None:
    patch.setattr(observe, "_doubt", lambda *given, **named: None)


def _volume_first(patch: Patch) -> None:
    real = plan_deletion.plan_deletion

    def mutant(session: Any, of: Any, observed: Observed, **named: Any) -> Plan:
        made = real(session, of, observed, **named)
        if any(isinstance(action, Delete) for action in made.actions):
            volumes = tuple(RemoveVolume(of.volume(role)) for role in VolumeRole)
            return replace(made, actions=(*volumes, *made.actions))
        return made

    patch.setattr(reconcile, "plan_deletion", mutant)


def _claim_skipped(patch: Patch) -> None:
    async def mutant(planned_: Plan, session: Any, inputs: Any, context: Any) -> Any:
        return planned_.known

    patch.setattr(reconcile, "_announce", mutant)


def _old_container_ignored(patch: Patch) -> None:
    patch.setattr(plan, "_old_container_ends", lambda *given: None)


def _start_over_a_stop(patch: Patch) -> None:
    patch.setattr(plan_present, "_old_container_ends", lambda *given: None)


def _apply_by_the_listing(patch: Patch) -> None:
    """A service that is listed as running is believed to be, whatever its tasks are to do."""
    every = frozenset({"ready", "running", "remove", "shutdown"})
    patch.setattr(plan_present, "_TO_RUN", every)


def _surplus_mounts_kept(patch: Patch) -> None:
    patch.setattr(plan_present, "_surplus_mounts", lambda *given: [])


def _start_by_the_listing(patch: Patch) -> None:
    """``0/0`` is taken for a proof that no container is left."""
    real = plan_present._old_container_ends

    def mutant(session: Any, known: Any, want: Any, observed: Observed, actions: Any) -> Plan | None:
        return real(session, known, want, replace(observed, remains=()), actions)

    patch.setattr(plan_present, "_old_container_ends", mutant)


def _retained_is_removed(patch: Patch) -> None:
    real = plan_deletion.plan_deletion

    def mutant(*given: Any, **named: Any) -> Plan:
        storage = named["storage"].model_copy(update={"on_delete": "Delete"})
        return real(*given, **{**named, "storage": storage})

    patch.setattr(reconcile, "plan_deletion", mutant)


def _stale_record_believed(patch: Patch) -> None:
    real = loop.Views.note

    def mutant(self: Any, session: Any) -> bool:
        changed = real(self, session)
        view = self.get(session.key)
        view.revision = 0
        return changed

    patch.setattr(loop.Views, "note", mutant)
    # And its status written over whatever is there by now.
    write = MemoryRecords.update_status

    async def regardless(self: Any, kind: Any, key: Any, *, before: Any = None, **given: Any) -> Any:
        return await write(self, kind, key, **given)

    patch.setattr(MemoryRecords, "update_status", regardless)


def _stop_leaves_replicas(patch: Patch) -> None:
    real = desired.resolve

    def mutant(*given: Any, **named: Any) -> Any:
        want = real(*given, **named)
        return replace(want, config=replace(want.config, replicas=1))

    patch.setattr("controller.resolver.resolve", mutant)


def _attach_again_at_once(patch: Patch) -> None:
    patch.setattr(plan_present, "may_take_effect", lambda *given: False)


def _apply_unrecorded(patch: Patch) -> None:
    real = execute.recorded

    def mutant(action: Any, made: Any, known: Any, session: Any, *, now: Any) -> Any:
        after = real(action, made, known, session, now=now)
        return after.model_copy(update={"applied": known.applied}) if isinstance(action, Apply) else after

    patch.setattr(reconcile, "recorded", mutant)


MUTANTS = (
    # Those that LAWS names.
    Mutant("no twin rule", _no_twin_rule, ("change environment",), deeds(Tamper.DOUBLES)),
    Mutant("configure after apply", _configure_after_apply, ("change environment",), calm),
    Mutant(
        "prefix match without the delimiter",
        _prefix_without_delimiter,
        ("change environment",),
        deeds(Tamper.IMITATES),
    ),
    Mutant("create retried by the transport", _create_retried_by_transport, ("create",), faults(Fault.LOST)),
    Mutant(
        "delete on an empty view",
        _delete_on_empty_view,
        ("delete retaining",),
        refused("application.delete", unread="overview.services"),
    ),
    Mutant("no fence", _no_fence, ("change environment", "create"), singles),
    Mutant("no resync", _no_resync, ("change environment",), deeds(Tamper.SCALES_DOWN)),
    Mutant("body logged", _body_logged, ("create",), calm),
    Mutant("finalizer skipped", _finalizer_skipped, ("delete",), calm),
    Mutant("status without generation", _status_without_generation, ("change environment",), calm),
    Mutant("no deploy deadline", _no_deploy_deadline, ("hanging build",), calm),
    Mutant("act on unknown", _act_on_unknown, ("at rest", "change environment"), faults(Fault.EMPTY_VIEW)),
    Mutant("volume first", _volume_first, ("delete",), calm),
    Mutant("double reload", _double_reload, ("create",), calm),
    # And more.
    Mutant("volumes after apply", _volumes_after_apply, ("create",), calm),
    Mutant("no claim and no intent", _claim_skipped, ("create",), calm),
    Mutant(
        "old container ignored",
        _old_container_ignored,
        ("at rest", "change environment"),
        deeds(Tamper.DELETES),
    ),
    Mutant("start over a stop", _start_over_a_stop, ("stop and start",), calm),
    Mutant("start by the listing", _start_by_the_listing, ("stop unhealthy and start",), calm),
    Mutant(
        "apply by the listing",
        _apply_by_the_listing,
        ("stop unhealthy and start",),
        faults(Fault.STALE_VIEW),
    ),
    Mutant("surplus mounts kept", _surplus_mounts_kept, ("at rest",), deeds(Tamper.REMOUNTS)),
    Mutant("retained is removed", _retained_is_removed, ("delete retaining",), calm),
    Mutant(
        "stale record believed", _stale_record_believed, ("change environment",), faults(Fault.STALE_RECORD)
    ),
    Mutant("stop leaves the replicas", _stop_leaves_replicas, ("stop",), calm),
    Mutant("attach again at once", _attach_again_at_once, ("create stopped",), faults(Fault.SLOW)),
    Mutant("apply unrecorded", _apply_unrecorded, ("change environment",), calm),
)


def first_law_broken(mutant: Mutant, patch: Patch) -> str | None:
    """The first law that a mutant breaks, or None if it lives."""
    for name in mutant.where:
        undisturbed(name)  # what it is compared with is a run of the true product
        searched = list(mutant.by(name))
        with patch.context() as patched:
            mutant.make(patched)
            for tried in searched:
                injections = tuple(one for one in tried if isinstance(one, Injection))
                outages = [one for one in tried if isinstance(one, Outage)]
                run = disturbed(name, injections, outages[0] if outages else None)
                if run.broken:
                    return run.told()
    return None
