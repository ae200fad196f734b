"""Events over HTTP: who did what to a record, and why. They can be read only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.context import Face, Here, Who
from api.objects import reference_from
from api.render import ListBody
from crds.event import Event, ObjectReference
from crds.target import Target

router = APIRouter()

_LATEST = 500
_MOST = 10_000

Limit = Annotated[int, Query(ge=1, le=_MOST)]
About = Annotated[str | None, Query()]


@router.get("/api/namespaces/{namespace}/events")
async def list_events(
    here: Here, _: Who, namespace: str, about: About = None, limit: Limit = _LATEST
) -> Response:
    """The newest events of one namespace, the oldest of them first."""
    return await _list(here, namespace, reference_from(about, namespace=namespace), limit)


@router.get("/api/events")
async def list_all_events(here: Here, _: Who, about: About = None, limit: Limit = _LATEST) -> Response:
    """The newest events of all namespaces, the oldest of them first."""
    return await _list(here, None, reference_from(about, namespace=None), limit)


async def _list(here: Face, namespace: str | None, about: ObjectReference | None, limit: int) -> Response:
    # Before the events: a watch from this revision on tells of none too few.
    revision = (await here.records.list(Target, limit=1)).revision
    if about is None or about.namespace or namespace is not None:
        events = await here.records.list_events(namespace=namespace, about=about, limit=limit)
    else:
        every = await here.records.list_events(limit=_MOST)
        events = tuple(event for event in every if _is_about(event, about))[-limit:]
    body = ListBody(Event)
    body.add(events)
    return body.response({"resourceVersion": str(revision)})


def _is_about(event: Event, about: ObjectReference) -> bool:
    involved = event.involved_object
    return (involved.kind, involved.name) == (about.kind, about.name)
