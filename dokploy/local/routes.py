"""The files of routes that Traefik reads: one per application, written by domain calls alone."""

from __future__ import annotations

from collections.abc import Mapping

from dokploy.local import traefik
from dokploy.local.database import Database, Row


class Routes:
    """The files, by application. They are no rows: reload and deploy never write them (FACTS-2 3)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._files: dict[str, dict[str, Row]] = {}
        self._hosts: dict[str, tuple[str, int]] | None = None

    def put(self, domain: Row) -> None:
        """Write one domain into its application's file, making the file if it is lost."""
        self._files.setdefault(domain["applicationId"], {})[domain["domainId"]] = dict(domain)
        self._hosts = None

    def drop(self, domain: Row) -> None:
        """Take one domain out; the file goes with its last."""
        file = self._files.get(domain["applicationId"], {})
        file.pop(domain["domainId"], None)
        if not file:
            self._files.pop(domain["applicationId"], None)
        self._hosts = None

    def lose(self, application_id: str) -> None:
        """Remove a file: by the deletion of its application, or by a stranger's hand."""
        self._files.pop(application_id, None)
        self._hosts = None

    def rewrite(self) -> None:
        """Have every file again as the database says."""
        self._files.clear()
        for domain in self._database.tables["domain"].values():
            self.put(domain)

    def text(self, application: Row) -> str | None:
        """The file's YAML; None when there is none."""
        file = self._files.get(application["applicationId"], {})
        return traefik.render(application["appName"], list(file.values()))

    def hosts(self) -> Mapping[str, tuple[str, int]]:
        """Every routed host with its service and port; of two alike the first wins."""
        if self._hosts is None:
            found: dict[str, tuple[str, int]] = {}
            for application_id, file in self._files.items():
                application = self._database.tables["application"].get(application_id)
                for domain in file.values() if application else ():
                    place = (application["appName"] if application else "", domain["port"])
                    found.setdefault(domain["host"].lower(), place)
            self._hosts = found
        return self._hosts
