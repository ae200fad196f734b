"""What every route is given: who asks, and the parts that answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from api.entry import Entries
from api.identity import Gate, Identity
from api.logs import Logs
from api.metrics import Metrics
from api.operations import Operations
from api.ports import Affects, Clock, Explain, Preview
from api.readings import Readings
from api.settings import ApiSettings
from api.streams import Streams
from records.port import Records


@dataclass(frozen=True, slots=True)
class Face:
    """The parts of one API; made by :func:`api.app.create_app`."""

    settings: ApiSettings
    records: Records
    operations: Operations
    readings: Readings
    entries: Entries
    logs: Logs
    streams: Streams
    explain: Explain
    affects: Affects
    preview: Preview
    gate: Gate
    metrics: Metrics
    now: Clock
    closing: asyncio.Event
    """Set when the server is going away: every stream ends."""


def face_of(request: Request) -> Face:
    """The parts of the API that a request reached."""
    return cast("Face", request.app.state.face)


async def _face(request: Request) -> Face:
    return face_of(request)


async def identify(request: Request) -> Identity:
    """Who asks; the dependency of every route but the two probes. Raises Problem Unauthorized."""
    return face_of(request).gate.recognize(request.headers.get("authorization"))


Here = Annotated[Face, Depends(_face)]
Who = Annotated[Identity, Depends(identify)]
