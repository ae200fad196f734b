"""Where applications are created: a project and an environment, found by name or made."""

from __future__ import annotations

from dokploy import procedures, wire
from dokploy.calls import Calls
from dokploy.port import Place

_DESCRIPTION = "Made by Berth for its sessions"


async def ensure_place(calls: Calls, project: str, environment: str | None) -> Place:
    """Find or make both; without a name the environment is the project's default one.

    Names are not unique (FACTS 4): of several projects the oldest is taken, so that two who
    made one at the same time agree from then on.
    """
    rows = await calls.call(procedures.PROJECTS, {}, wire.projects)
    found = [row for row in rows if row.name == project]
    if found:
        oldest = min(found, key=lambda row: (row.created_at, row.project_id))
        project_id, environment_id = oldest.project_id, _environment(oldest.environments, environment)
    else:
        made = await calls.call(
            procedures.CREATE_PROJECT,
            {"name": project, "description": _DESCRIPTION},
            wire.ProjectCreated.model_validate_json,
        )
        project_id = made.project.project_id
        suits = environment is None or environment == made.environment.name
        environment_id = made.environment.environment_id if suits else None
    if environment_id is None:
        environment_id = await _make_environment(calls, project_id, environment or _DEFAULT_NAME)
    return Place(project_id, environment_id)


_DEFAULT_NAME = "sessions"
"""For a project without a default environment; Dokploy refuses ``production`` (FACTS 4)."""


def _environment(environments: tuple[wire.EnvironmentOfProject, ...], name: str | None) -> str | None:
    """The environment of that name; without one the default, else ``production``, else our own.

    Environments come in no useful order and have no date here: the smallest id is as good as any,
    and the same for everybody.
    """
    if name is not None:
        suits = [row for row in environments if row.name == name]
    else:
        suits = (
            [row for row in environments if row.is_default]
            or [row for row in environments if row.name == "production"]
            or [row for row in environments if row.name == _DEFAULT_NAME]
        )
    return min((row.environment_id for row in suits), default=None)


async def _make_environment(calls: Calls, project_id: str, name: str) -> str:
    made = await calls.call(
        procedures.CREATE_ENVIRONMENT,
        {"name": name, "projectId": project_id, "description": _DESCRIPTION},
        wire.EnvironmentId.model_validate_json,
    )
    return made.environment_id
