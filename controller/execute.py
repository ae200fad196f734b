"""The only module that changes Dokploy: one action, one call, one outcome.

What an accepted action means for our record of the application is :func:`recorded`, and pure.
"""

from __future__ import annotations

from datetime import datetime

from controller.actions import (
    Action,
    Apply,
    AttachRoute,
    AttachVolume,
    Build,
    Configure,
    Create,
    Delete,
    DetachRoute,
    DetachVolume,
    RemoveVolume,
    route_text,
)
from crds.session import BuildStatus, DokployStatus, Session
from dokploy.port import ApplicationRef, Dokploy, Place


async def execute(
    action: Action, dokploy: Dokploy, place: Place, known: DokployStatus
) -> ApplicationRef | None:
    """Perform one action; raise DokployError. Returns the application that a Create made."""
    match action:
        case Create(app_name=app_name, name=name, description=description):
            return await dokploy.create_application(
                name=name,
                app_name=app_name,
                environment_id=place.environment_id,
                description=description,
                server_id=None,
            )
        case Delete(ref=ref):
            await dokploy.delete_application(ref.application_id)
        case RemoveVolume(volume=volume):
            await dokploy.remove_volume(volume)
        case _:
            await _change(action, dokploy, _ref(known))
    return None


async def _change(action: Action, dokploy: Dokploy, ref: ApplicationRef) -> None:
    match action:
        case Configure(config=config):
            await dokploy.update_application(ref.application_id, config)
        case AttachVolume(mount=mount):
            await dokploy.attach_volume(ref.application_id, mount)
        case DetachVolume(mount=mount):
            await dokploy.detach_volume(mount.mount_id)
        case AttachRoute(domain=domain):
            await dokploy.create_domain(ref.application_id, domain)
        case DetachRoute(domain=domain):
            await dokploy.delete_domain(domain.domain_id)
        case Apply():
            await dokploy.reload_application(ref)
        case Build(inputs=inputs):
            await dokploy.deploy_application(ref.application_id, title=f"berth {inputs}")


def _ref(known: DokployStatus) -> ApplicationRef:
    if known.application_id is None or known.app_name is None:
        raise ValueError("an action on an application was planned before there is one")
    return ApplicationRef(known.application_id, known.app_name)


def recorded(
    action: Action, made: ApplicationRef | None, known: DokployStatus, session: Session, *, now: datetime
) -> DokployStatus:
    """Our record of the application once the action was accepted."""
    changes: dict[str, object] = {}
    match action:
        case Create() if made is not None:
            changes = {"application_id": made.application_id, "app_name": made.app_name}
        case Configure(digest=digest, described=described):
            # What runs is told apart from what is configured only by the next apply.
            changes = {"configured": digest, "described": described}
        case AttachVolume(mount=mount):
            changes = {"storage": (*known.storage, mount.volume)}
        case AttachRoute(domain=domain):
            changes = {"route": route_text(domain)}
        case DetachRoute(surplus=False):
            changes = {"route": None}
        case Apply():
            changes = {
                "applied": known.configured,
                "deployed_at": now,
                "down_since": None,
                **_taken_up(action, session),
            }
        case Build():
            changes = {
                "build": begun(action, now=now),
                "applied": None,
                **_taken_up(action, session),
            }
        case Delete(ref=ref) if ref.application_id == known.application_id:
            changes = {"applied": None, "configured": None, "task": None, "route": None}
        case RemoveVolume(volume=volume):
            changes = {"storage": tuple(name for name in known.storage if name != volume)}
    return known.model_copy(update=changes)


def _taken_up(action: Apply | Build, session: Session) -> dict[str, object]:
    """A new container takes up every restart that was asked for, and all that waited for one."""
    return {
        "applied_from": action.origin,
        "restarted": session.spec.restarted_at,
        "restarted_when_idle": session.spec.restart_when_idle_at,
    }


def begun(build: Build, *, now: datetime) -> BuildStatus:
    """Our record of a build that is asked for."""
    return BuildStatus(inputs=build.inputs, previous=build.previous, started_at=now, outcome="Running")
