"""The state file: one SQLite database of JSON documents, so that a restart finds all again.

Mode 0600, since variables are stored in clear: whoever reads it reads every session's secrets. Keys
made by ``user.createApiKey`` and the queue are not kept.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dokploy.local.database import TABLES, Database
from dokploy.local.service_spec import ServiceSpec, restored
from dokploy.local.swarm import Swarm

_SCHEMA = "CREATE TABLE IF NOT EXISTS document (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))"
_WRITE = "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
_SERVICE = "service"
_LOG = "log"
_META = "meta"


_FORMAT = 1
"""Of the documents; a file of a later one is not touched."""


class BadStateFile(Exception):
    """The state file cannot be used; says which and what to do."""


@dataclass(frozen=True, slots=True)
class State:
    """What a state file held; ``content`` is None for a new one."""

    content: Mapping[str, Any] | None = None
    services: tuple[ServiceSpec, ...] = ()
    organization_id: str = ""
    built: frozenset[str] = frozenset()
    pruned: frozenset[str] = frozenset()
    starts: int = 0


@dataclass(slots=True)
class Store:
    """One state file. Raises BadStateFile for a file that is none, or of a later format."""

    path: Path
    _connection: sqlite3.Connection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        self.path.chmod(0o600)
        try:
            self._connection = sqlite3.connect(self.path)
            self._open()
        except sqlite3.DatabaseError as error:
            raise BadStateFile(
                f"{self.path} is no state file of a local Dokploy ({error}): move it away to begin anew"
            ) from error

    def _open(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > _FORMAT:
            self._connection.close()
            raise BadStateFile(
                f"{self.path} was written by a later version of Berth: run that one, or move the file away"
            )
        self._connection.execute(f"PRAGMA user_version = {_FORMAT}")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(_SCHEMA)

    def load(self) -> State:
        """Read everything."""
        documents: dict[str, dict[str, Any]] = {}
        for kind, document_id, body in self._connection.execute(
            "SELECT kind, id, body FROM document ORDER BY rowid"
        ):
            documents.setdefault(kind, {})[document_id] = json.loads(body)
        if "setting" not in documents:
            return State()
        meta = documents.get(_META, {}).get(_META, {})
        logs = documents.get(_LOG, {})
        deployments = documents.get("deployment", {})
        content = {
            "tables": {table: documents.get(table, {}) for table in TABLES},
            "logs": {deployment_id: logs.get(deployment_id, []) for deployment_id in deployments},
            "accessed": meta.get("accessed", []),
        }
        services = tuple(restored(document) for document in documents.get(_SERVICE, {}).values())
        return State(
            content,
            services,
            meta.get("organizationId", ""),
            frozenset(meta.get("built", ())),
            frozenset(meta.get("pruned", ())),
            int(meta.get("starts", 0)),
        )

    def save(self, database: Database, swarm: Swarm, *, organization_id: str, starts: int) -> None:
        """Write what was touched, in one transaction."""
        with self._connection:
            for table, row_id in database.touched:
                self._put(table, row_id, database.tables[table].get(row_id))
                if table == "deployment":
                    self._put(_LOG, row_id, database.logs.get(row_id))
            for name in swarm.touched:
                service = swarm.services.get(name)
                self._put(_SERVICE, name, service.spec.document() if service else None)
            meta = {
                "accessed": database.accessed,
                "organizationId": organization_id,
                "built": sorted(swarm.images.built),
                "starts": starts,
                "pruned": sorted(swarm.images.pruned),
            }
            self._put(_META, _META, meta)

    def _put(self, kind: str, document_id: str, body: Any) -> None:
        if body is None:
            self._connection.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, document_id))
        else:
            self._connection.execute(_WRITE, (kind, document_id, json.dumps(body)))

    def close(self) -> None:
        """Close the file; its write-ahead log is folded in."""
        self._connection.close()
