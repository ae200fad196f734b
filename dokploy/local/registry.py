"""The register of procedures: name, method, input, who may call, and what is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from dokploy.local.checks import Fields
from dokploy.local.keys import Caller

if TYPE_CHECKING:
    from dokploy.local.dokploy import LocalDokploy

Run = Callable[["LocalDokploy", Caller, dict[str, Any]], Any | Awaitable[Any]]


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
