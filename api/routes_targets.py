"""What an operator asks of a target: what a sweep would find, a sweep, and a word on what is missing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.context import Here, Who
from api.render import json_response, record_response
from crds.base import Key
from crds.target import Target

router = APIRouter()


@router.get("/api/targets/{name}/sweep")
async def preview_sweep(here: Here, who: Who, name: str) -> Response:
    """What a sweep would find just now; reads Dokploy and changes nothing."""
    target = await here.operations.read(who, Target, Key("", name))
    async with here.readings.of_target(name) as dokploy:
        findings = await here.preview(here.records, dokploy, target)
    items = [item.model_dump(mode="json", by_alias=True, exclude_none=True) for item in findings.items]
    return json_response({"target": name, "unfinished": findings.unfinished, "findings": items})


@router.post("/api/targets/{name}/sweep")
async def ask_sweep(here: Here, who: Who, name: str) -> Response:
    """Ask the controller to sweep now; its report is in the target's status."""
    return record_response(await here.operations.ask_sweep(who, name))


@router.post("/api/targets/{name}/accept-absence")
async def accept_absence(here: Here, who: Who, name: str, missing: Annotated[int, Query(ge=1)]) -> Response:
    """Say that what the target lacks is gone; ``missing`` is how many things that are."""
    return record_response(await here.operations.accept_absence(who, name, missing=missing))
