"""The way into a session, for who may read it."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.context import Here, Who
from api.render import json_response
from container.contract import EntryUse
from crds.base import Key

router = APIRouter()

Use = Annotated[Literal["enter", "tool"], Query()]


@router.post("/api/namespaces/{namespace}/sessions/{name}/entry")
async def open_session(here: Here, who: Who, namespace: str, name: str, use: Use = "enter") -> Response:
    """A token that lets into a session: once, for a browser; or a tool, until it expires."""
    given = await here.entries.open(who, Key(namespace, name), EntryUse(use))
    expires_at = given.expires_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return json_response({"url": given.url, "token": given.token, "expiresAt": expires_at}, 201)
