"""The seed's three tables as read-only views, with its names and columns.

A session's id is ``namespace/name``. No view reads the table of secrets: what a record refers to
by name stays a name, or is left out.
"""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0002"
down_revision = "0001"

_STATUS: Final = """CASE {phase}
        WHEN 'Running' THEN 'running' WHEN 'Stopping' THEN 'running'
        WHEN 'Stopped' THEN 'stopped' WHEN 'Deleting' THEN 'stopped'
        WHEN 'Error' THEN 'error' ELSE 'creating' END"""

_CONTAINERS: Final = """CREATE VIEW session_containers AS
    SELECT uid AS "id", namespace || '/' || name AS "sessionId",
        {application} AS "dokployAppId", {url} AS "containerUrl",
        {status} AS "status", created_at AS "createdAt"
    FROM record WHERE kind = 'Session' AND COALESCE({mode}, 'Running') <> 'Legacy'"""

_SETTINGS: Final = """CREATE VIEW session_settings AS
    SELECT namespace || '/' || name AS "sessionId", {repository} AS "githubRepo",
        {variables} AS "customEnvVars",
        CASE WHEN {build} IS NOT NULL THEN COALESCE({dockerfile}, 'Dockerfile') END AS "dockerfilePath",
        {build} AS "buildSettings"
    FROM record WHERE kind = 'Session'"""

_CONFIGS: Final = """CREATE VIEW deploy_configs AS
    SELECT uid AS "id", NULL AS "sessionId", name AS "name", {url} AS "dokployUrl",
        COALESCE({project}, 'berth') AS "project", {container} AS "containerDefaults",
        created_at AS "createdAt"
    FROM record WHERE kind = 'Target'
    UNION ALL
    SELECT uid, namespace || '/' || name, COALESCE({target}, 'default'), NULL, NULL, {overrides}, created_at
    FROM record WHERE kind = 'Session' AND {overrides} IS NOT NULL"""


def upgrade() -> None:
    """Make the views."""
    postgres = op.get_bind().dialect.name == "postgresql"
    text, json = (_postgres_text, _postgres_json) if postgres else (_sqlite, _sqlite)
    variables = _POSTGRES_VARIABLES if postgres else _SQLITE_VARIABLES
    op.execute(
        _CONTAINERS.format(
            application=text("status", "dokploy", "applicationId"),
            url=text("status", "url"),
            status=_STATUS.format(phase=text("status", "phase")),
            mode=text("body", "spec", "operatingMode"),
        )
    )
    op.execute(
        _SETTINGS.format(
            repository=text("body", "spec", "source", "url"),
            variables=variables,
            dockerfile=text("body", "spec", "build", "dockerfile"),
            build=json("body", "spec", "build"),
        )
    )
    op.execute(
        _CONFIGS.format(
            url=text("body", "spec", "url"),
            project=text("body", "spec", "project"),
            container=json("body", "spec", "container"),
            target=text("body", "spec", "target", "name"),
            overrides=json("body", "spec", "target", "overrides"),
        )
    )


# A variable that takes its value from a secret is there by its name, with null for the value.
_SQLITE_VARIABLES: Final = """COALESCE((SELECT json_group_object(
            json_extract(entry.value, '$.name'), json_extract(entry.value, '$.value'))
            FROM json_each(body, '$.spec.env') AS entry), '{}')"""
_POSTGRES_VARIABLES: Final = """COALESCE((SELECT json_object_agg(entry ->> 'name', entry ->> 'value')
            FROM json_array_elements(body #> '{spec,env}') AS entry), '{}'::json)"""


def _sqlite(column: str, *path: str) -> str:
    """What lies at a path, as text or as JSON; NULL for null."""
    return f"json_extract({column}, '$.{'.'.join(path)}')"


def _postgres_text(column: str, *path: str) -> str:
    return f"({column} #>> '{{{','.join(path)}}}')"


def _postgres_json(column: str, *path: str) -> str:
    value = f"{column} #> '{{{','.join(path)}}}'"
    return f"(CASE WHEN json_typeof({value}) <> 'null' THEN {value} END)"
