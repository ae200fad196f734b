"""Dokploy's database, in memory: rows as the API shows them, and who belongs to whom.

Every change is announced by :meth:`Database.touch`, which drops what was cached of the row and
remembers it for the state file.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from dokploy.local.answers import encoded
from dokploy.local.ids import Ids
from dokploy.local.refusals import not_found
from dokploy.local.shapes import NEW_APPLICATION
from dokploy.local.words import stamp

Row = dict[str, Any]

DEPLOYMENTS_KEPT: Final = 11
"""Newest rows kept per application (FACTS 4)."""

TABLES: Final = ("project", "environment", "application", "mount", "domain", "deployment", "setting")

_SETTINGS: Final[Mapping[str, Any]] = {
    "serverIp": None,
    "certificateType": "none",
    "https": False,
    "host": None,
    "letsEncryptEmail": None,
    "sshPrivateKey": None,
    "enableDockerCleanup": True,
    "logCleanupCron": "0 0 * * *",
    "metricsConfig": {
        "server": {
            "port": 4500, "type": "Dokploy", "token": "", "cronJob": "", "urlCallback": "",
            "thresholds": {"cpu": 0, "memory": 0}, "refreshRate": 60, "retentionDays": 2,
        },
        "containers": {"services": {"exclude": [], "include": []}, "refreshRate": 60},
    },
    "whitelabelingConfig": dict.fromkeys(
        (
            "appName", "docsUrl", "logoUrl", "customCss", "metaTitle", "faviconUrl", "footerText",
            "supportUrl", "loginLogoUrl", "appDescription", "errorPageTitle", "errorPageDescription",
        )
    ),
    "remoteServersOnly": False,
    "buildsConcurrency": 1,
    "enforceSSO": False,
    "cleanupCacheApplications": False,
    "cleanupCacheOnPreviews": False,
    "cleanupCacheOnCompose": False,
}  # fmt: skip

SETTINGS_ID: Final = "settings"


class Database:
    """All rows. A mapping of id to row per table, in the order of creation."""

    def __init__(self, ids: Ids, clock: Callable[[], float]) -> None:
        self._ids = ids
        self._clock = clock
        self.tables: dict[str, dict[str, Row]] = {table: {} for table in TABLES}
        self.logs: dict[str, list[str]] = {}
        """Text of every deployment's log, in pieces."""
        self.accessed: list[str] = []
        """The owner's ``accessedServices``: what ``application.search`` filters by (FACTS 4)."""
        self.touched: dict[tuple[str, str], None] = {}
        """What the state file does not know yet, in the order of change: a set would have none."""
        self._overview: dict[str, bytes] = {}
        self._listing: bytes | None = None
        self._owned: dict[str, dict[str, list[str]]] = {"mount": {}, "domain": {}, "deployment": {}}
        now = stamp(clock())
        settings = {"id": ids.row(), **_SETTINGS, "createdAt": now, "updatedAt": now}
        self.tables["setting"][SETTINGS_ID] = {**settings, "nextConfigKey": 1}
        self.touch("setting", SETTINGS_ID)

    @property
    def settings(self) -> Row:
        """The one row of web server settings."""
        return self.tables["setting"][SETTINGS_ID]

    def now(self) -> str:
        """The time as rows bear it."""
        return stamp(self._clock())

    def touch(self, table: str, row_id: str) -> None:
        """Say that a row was added, changed or removed."""
        self.touched[table, row_id] = None
        if table == "application":
            self._overview.pop(row_id, None)
            self._listing = None
        elif table in ("project", "environment"):
            self._overview.clear()
            self._listing = None

    def get(self, table: str, row_id: str) -> Row:
        """A row; raises the 404 that Dokploy answers."""
        row = self.tables[table].get(row_id)
        if row is None:
            raise not_found(table.capitalize())
        return row

    def add(self, table: str, row_id: str, row: Row) -> Row:
        """Insert a row."""
        self.tables[table][row_id] = row
        self.touch(table, row_id)
        owned = self._owned.get(table)
        if owned is not None:
            owned.setdefault(row["applicationId"], []).append(row_id)
        return row

    def remove(self, table: str, row_id: str) -> Row:
        """Delete a row; raises the 404 that Dokploy answers."""
        row = self.get(table, row_id)
        del self.tables[table][row_id]
        self.touch(table, row_id)
        owned = self._owned.get(table)
        if owned is not None:
            owned[row["applicationId"]].remove(row_id)
        if table == "deployment":
            self.logs.pop(row_id, None)
        return row

    def of(self, table: str, application_id: str) -> list[Row]:
        """The mounts, domains or deployments of one application, in the order of creation."""
        rows = self.tables[table]
        return [rows[row_id] for row_id in self._owned[table].get(application_id, ())]

    def applications_in(self, environment_id: str) -> Iterable[Row]:
        """The applications of one environment."""
        rows = self.tables["application"].values()
        return (row for row in rows if row["environmentId"] == environment_id)

    def environments_of(self, project_id: str) -> list[Row]:
        """The environments of one project."""
        return [row for row in self.tables["environment"].values() if row["projectId"] == project_id]

    def new_project(self, name: str, description: str | None, env: str, organization_id: str) -> Row:
        """Insert a project."""
        project_id = self._ids.row()
        row = {
            "projectId": project_id,
            "name": name,
            "description": description,
            "createdAt": self.now(),
            "organizationId": organization_id,
            "env": env,
        }
        return self.add("project", project_id, row)

    def new_environment(self, name: str, description: str | None, project_id: str, *, default: bool) -> Row:
        """Insert an environment."""
        environment_id = self._ids.row()
        row = {
            "environmentId": environment_id,
            "name": name,
            "description": description,
            "createdAt": self.now(),
            "env": "",
            "projectId": project_id,
            "isDefault": default,
        }
        return self.add("environment", environment_id, row)

    def new_application(self, fields: Mapping[str, Any]) -> Row:
        """Insert an application."""
        application_id = self._ids.row()
        row = {
            **NEW_APPLICATION,
            **fields,
            "applicationId": application_id,
            "refreshToken": self._ids.row(),
            "createdAt": self.now(),
            "networkIds": [],
        }
        return self.add("application", application_id, row)

    def set_application(self, application_id: str, fields: Mapping[str, Any]) -> None:
        """Change columns of an application, if it is still there."""
        row = self.tables["application"].get(application_id)
        if row is not None:
            row.update(fields)
            self.touch("application", application_id)

    def remove_application(self, application_id: str) -> None:
        """Delete an application with its mounts, domains and deployments."""
        for table in ("mount", "domain", "deployment"):
            for row_id in list(self._owned[table].get(application_id, ())):
                self.remove(table, row_id)
            self._owned[table].pop(application_id, None)
        self.remove("application", application_id)

    def new_deployment(self, application: Row, title: str, description: str, status: str) -> Row:
        """Insert a deployment; the oldest beyond those kept goes."""
        application_id, app_name = application["applicationId"], application["appName"]
        deployment_id = self._ids.row()
        at = self.now()
        file = f"{app_name}-{at[:10]}:{at[11:19]}.log"
        row = {
            "deploymentId": deployment_id,
            "title": title,
            "description": description,
            "status": status,
            "logPath": f"/etc/dokploy/logs/{app_name}/{file}",
            "pid": None,
            "applicationId": application_id,
            "composeId": None,
            "serverId": None,
            "isPreviewDeployment": False,
            "previewDeploymentId": None,
            "createdAt": at,
            "startedAt": at,
            "finishedAt": None,
            "errorMessage": None,
            "scheduleId": None,
            "backupId": None,
            "rollbackId": None,
            "volumeBackupId": None,
            "buildServerId": None,
        }
        self.add("deployment", deployment_id, row)
        self.logs[deployment_id] = []
        for stale in self.of("deployment", application_id)[:-DEPLOYMENTS_KEPT]:
            self.remove("deployment", stale["deploymentId"])
        # The listing shows when the application was last deployed.
        self.touch("application", application_id)
        return row

    def next_config_key(self) -> int:
        """The counter that Traefik's router names are made with: one for all domains (FACTS-2 3)."""
        key = int(self.settings["nextConfigKey"])
        self.settings["nextConfigKey"] = key + 1
        self.touch("setting", SETTINGS_ID)
        return key

    def overview(self) -> bytes:
        """``overview.services``, serialised; rows that did not change are not built again."""
        if self._listing is None:
            built = self._overview
            for application_id, row in self.tables["application"].items():
                if application_id not in built:
                    built[application_id] = self._overview_row(row)
            rows = (built[application_id] for application_id in self.tables["application"])
            self._listing = b"[" + b",".join(rows) + b"]"
        return self._listing

    def _overview_row(self, row: Row) -> bytes:
        environment = self.tables["environment"][row["environmentId"]]
        project = self.tables["project"][environment["projectId"]]
        deployments = self._owned["deployment"].get(row["applicationId"])
        last = self.tables["deployment"][deployments[-1]]["createdAt"] if deployments else None
        shown = {
            "id": row["applicationId"],
            "name": row["name"],
            "appName": row["appName"],
            "status": row["applicationStatus"],
            "createdAt": row["createdAt"],
            "serverId": None,
            "serverName": None,
            "projectId": project["projectId"],
            "projectName": project["name"],
            "environmentId": environment["environmentId"],
            "environmentName": environment["name"],
            "icon": row["icon"],
            "type": "application",
            "lastDeployAt": last,
        }
        return encoded(shown)

    def dump(self) -> dict[str, Any]:
        """A copy of everything: what a backup of the database holds."""
        return copy.deepcopy({"tables": self.tables, "logs": self.logs, "accessed": self.accessed})

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Replace everything by what was dumped."""
        for table, rows in self.tables.items():
            self.touched.update(dict.fromkeys((table, row_id) for row_id in rows))
        content = copy.deepcopy(dict(dumped))
        self.tables = {table: content["tables"].get(table, {}) for table in TABLES}
        self.logs = content["logs"]
        self.accessed = content["accessed"]
        for owned in self._owned.values():
            owned.clear()
        for table, owned in self._owned.items():
            for row_id, row in self.tables[table].items():
                owned.setdefault(row["applicationId"], []).append(row_id)
        for table, rows in self.tables.items():
            self.touched.update(dict.fromkeys((table, row_id) for row_id in rows))
        self._overview.clear()
        self._listing = None
