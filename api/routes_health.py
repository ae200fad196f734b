"""How Berth itself is: two probes that anyone may ask, its version, its metrics."""

from __future__ import annotations

import asyncio
from importlib import metadata

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from api.context import Here, Who
from api.objects import DECLARED_KINDS
from api.problems import Problem, Reason
from api.render import json_response
from crds.target import Target
from records.errors import RecordsError

open_router = APIRouter()
router = APIRouter()

_PATIENCE = 2.0
"""Seconds in which the records must answer a probe."""


@open_router.get("/livez")
async def is_alive() -> Response:
    """The API answers."""
    return PlainTextResponse("ok")


@open_router.get("/readyz")
async def is_ready(here: Here) -> Response:
    """The records answer, and the server is not going away."""
    if here.closing.is_set():
        raise Problem(Reason.UNAVAILABLE, "the server is going away")
    try:
        async with asyncio.timeout(_PATIENCE):
            await here.records.list(Target, limit=1)
    except (RecordsError, TimeoutError):
        raise Problem(Reason.UNAVAILABLE, "the records do not answer now; try again in a moment") from None
    return PlainTextResponse("ok")


@router.get("/api/version")
async def tell_version(here: Here, who: Who) -> Response:
    """Which Berth this is, and as whom it knows the one who asks."""
    settings = await here.records.settings()
    scheme = here.settings.database_url.get_secret_value().partition(":")[0].partition("+")[0]
    return json_response(
        {
            "version": metadata.version("berth"),
            "instance": settings.instance,
            "records": "sqlite" if scheme == "sqlite" else "postgresql",
            "identity": {"name": who.name, "role": who.role},
        }
    )


@router.get("/metrics")
async def expose_metrics(here: Here, _: Who) -> Response:
    """Prometheus text."""
    for kind in DECLARED_KINDS:
        page = await here.records.list(kind, limit=1)
        here.metrics.records.labels(kind.KIND).set(len(page.items) + page.remaining)
    return Response(generate_latest(here.metrics.registry), media_type=CONTENT_TYPE_LATEST)
