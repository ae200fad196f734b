"""The register of procedures: name, method, input, who may call, and what is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from dokploy.local.checks import Fields
from dokploy.local.database import Database, Row
from dokploy.local.keys import Caller
from dokploy.local.refusals import no_access

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy


@dataclass(frozen=True, slots=True)
class Call:
    """One call: on which instance, by whom, with which checked input."""

    dokploy: LocalDokploy
    caller: Caller
    given: dict[str, Any]

    @property
    def database(self) -> Database:
        """The instance's rows."""
        return self.dokploy.database

    def application(self, application_id: str | None = None) -> Row:
        """The application that is named, by default in the input; raises 404, and 401 to a member."""
        row = self.database.get("application", application_id or self.given["applicationId"])
        if not self.caller.may_all:
            raise no_access()
        return row


Run = Callable[[Call], Any | Awaitable[Any]]


class Method(Enum):
    """Queries are read with GET, mutations made with POST."""

    QUERY = "GET"
    MUTATION = "POST"


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure. ``needs`` names the resource a member has no permission for."""

    name: str
    method: Method
    fields: Fields
    needs: str
    run: Run


REGISTER: dict[str, Procedure] = {}


def query(name: str, fields: Fields | None = None, *, needs: str = "") -> Callable[[Run], Run]:
    """Register a query."""
    return _registered(name, Method.QUERY, fields, needs)


def mutation(name: str, fields: Fields | None = None, *, needs: str = "") -> Callable[[Run], Run]:
    """Register a mutation."""
    return _registered(name, Method.MUTATION, fields, needs)


def _registered(name: str, method: Method, fields: Fields | None, needs: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        REGISTER[name] = Procedure(name, method, fields or {}, needs, run)
        return run

    return register
