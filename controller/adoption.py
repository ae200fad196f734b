"""Our record of an application, corrected by what Dokploy holds where it is no longer to be trusted. Pure."""

from __future__ import annotations

from controller.actions import Apply, Build, route_text
from controller.desired import Desired
from controller.effect import same_effect
from controller.observed import Observed, Reading
from controller.planned import Plan, needing, replace_known
from crds.session import DokployStatus, Session
from dokploy.port import ApplicationDetail, ApplicationRow, Domain


def needs_detail(session: Session, want: Desired, observed: Observed, application: ApplicationRow) -> bool:
    """Whether our own record of the application is no longer to be trusted."""
    known, service = session.status.dokploy, observed.service
    if known.intent is not None or observed.suspect:
        return True
    if known.application_id != application.ref.application_id:
        return True
    if application.name != want.config.name:
        return True
    if known.route != route_of(want.domain):
        # An old route's id is needed to remove it, and a second of the new one would be one too many.
        return True
    settled = known.applied == want.digest == known.configured
    return settled and (service is None or service.wanted != want.config.replicas)


def readings_to_adopt(known: DokployStatus, want: Desired, observed: Observed) -> Plan | None:
    """What has to be read besides before Dokploy's word is taken for our record."""
    if observed.detail is None:
        return None
    if _may_be_applied(known, want, observed) and want.domain:
        asked = {Reading.ECHO: observed.echo, Reading.TASKS: observed.tasks}
        missing = [reading for reading, answer in asked.items() if answer is None]
        if missing:
            return needing(known, "The container tells what it runs", *missing)
    if observed.runs is None and _may_have_begun(known, want, observed):
        return needing(known, "Its newest task tells whether the apply took effect", Reading.RUNS)
    edited = observed.detail.config is None or not same_effect(observed.detail.config, want.config)
    if observed.tasks is None and edited and known.task is not None:
        return needing(known, "Whether what was edited was applied, too, is told by its tasks", Reading.TASKS)
    if observed.tasks is None and not _is_wanted(want, observed):
        return needing(known, "A start, a stop or a loss is believed by its tasks", Reading.TASKS)
    return None


def _may_be_applied(known: DokployStatus, want: Desired, observed: Observed) -> bool:
    """Whether a pass that was cut off may have got as far as its apply."""
    service = observed.service
    return bool(
        known.intent
        and want.config.replicas
        and service is not None
        and service.wanted == want.config.replicas
    )


def _may_have_begun(known: DokployStatus, want: Desired, observed: Observed) -> bool:
    """Whether a task that is not the one to be replaced came of an apply that was not answered."""
    applies = known.intent is not None and Apply.__name__ in known.intent.actions
    newest = observed.tasks[0] if observed.tasks else None
    if not applies or want.config.replicas == 0 or newest is None or newest.has_ended:
        return False
    return newest.task_id not in {known.task, known.replaced}


def _has_begun(known: DokployStatus, want: Desired, observed: Observed) -> bool:
    """Whether that task runs the desired revision, healthy or not yet.

    Then a further apply would only restart it, at each try for as long as no answer comes. Nobody's
    restart of an older revision shows so, and one of the desired revision does as well.
    """
    return _may_have_begun(known, want, observed) and observed.runs == want.revision


def adopted(session: Session, want: Desired, observed: Observed, detail: ApplicationDetail) -> DokployStatus:
    """Our record, corrected by what Dokploy holds."""
    known = session.status.dokploy
    configured = detail.config is not None and same_effect(detail.config, want.config)
    running = _is_wanted(want, observed)
    applied = known.applied if known.application_id == detail.ref.application_id else None
    begun = configured and running and _has_begun(known, want, observed)
    if known.intent is not None and _APPLIES.intersection(known.intent.actions):
        echoed = _newest_echoes(want, observed)
        stopped = want.config.replicas == 0
        there = configured and running and observed.service is not None
        applied = want.digest if begun or (there and (echoed or stopped)) else None
    elif not running or not (configured or _is_untouched(known, observed)):
        applied = None
    return replace_known(
        known,
        configured=want.digest if configured else None,
        described=want.described if detail.config == want.config else None,
        applied=applied,
        applied_from=want.origin if applied == want.digest else known.applied_from,
        restarted=session.spec.restarted_at if begun else known.restarted,
        deployed_at=known.intent.at if begun and known.intent is not None else known.deployed_at,
        # What runs as declared is not about to be replaced, whatever a pass that was cut off meant to do.
        replaced=(
            None if known.intent is not None and applied == want.digest and not begun else known.replaced
        ),
        storage=tuple(dict.fromkeys(mount.volume for mount in detail.mounts if mount in want.volumes)),
        route=_attached_route(detail.domains, want.domain),
    )


def _is_untouched(known: DokployStatus, observed: Observed) -> bool:
    """Whether the container that runs is the one that was seen last.

    Then an edit that nobody applied, or an older database, is written over and worth no restart.
    """
    newest = observed.tasks[0] if observed.tasks else None
    return newest is not None and newest.task_id == known.task and newest.state == "Running"


def _newest_echoes(want: Desired, observed: Observed) -> bool:
    """Whether what runs as declared is what Swarm means to run.

    A container that is on its way out still answers: when a bad change is taken back, its revision
    is the desired one again, and its successor the one that cannot start.
    """
    echoed = isinstance(observed.echo, dict) and observed.echo["revision"] == want.revision
    newest = observed.tasks[0] if observed.tasks else None
    return echoed and newest is not None and newest.state == "Running"


_APPLIES = frozenset({Apply.__name__, Build.__name__})
"""What leaves in doubt which configuration runs, where a pass was cut off; a change of route or of a
name does not."""


def _is_wanted(want: Desired, observed: Observed) -> bool:
    """Whether Swarm wants as many tasks as are declared.

    A listing that is out of date shows a session as stopped that was just started, and one that was
    cut short shows none; to apply again would restart it. Its newest task tells.
    """
    service = observed.service
    if service is not None and service.wanted == want.config.replicas:
        return True
    if observed.tasks is None:
        return False
    runs = bool(observed.tasks) and observed.tasks[0].wanted == "running"
    return runs == (want.config.replicas > 0)


def _attached_route(domains: tuple[Domain, ...], declared: Domain | None) -> str | None:
    """The declared route where it is attached; where none is declared, one that is not yet detached."""
    if declared is not None:
        return route_text(declared) if declared in domains else None
    return route_text(domains[0]) if domains else None


def route_of(domain: Domain | None) -> str | None:
    """A route as it is recorded; None where there is none."""
    return route_text(domain) if domain else None
