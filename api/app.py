"""The application: its parts put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import (
    routes_entry,
    routes_events,
    routes_health,
    routes_plan,
    routes_records,
    routes_streams,
    routes_targets,
)
from api.context import Face, identify
from api.entry import Entries
from api.guard import Guard
from api.identity import Gate
from api.journal import Journal
from api.logs import Logs
from api.metrics import Measured, Metrics
from api.operations import Operations
from api.ports import Affects, AskWork, Clock, Connect, Explain, Preview, SessionId
from api.problems import Problem, problem_of
from api.readings import Readings
from api.render import show_with
from api.settings import ApiSettings
from api.streams import Streams
from api.token import read_or_make_token
from crds.errors import InvalidObject
from dokploy.errors import DokployError
from records.errors import RecordsError
from records.port import Records

_ANSWERED = (Problem, RecordsError, DokployError, InvalidObject, HTTPException, RequestValidationError)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def create_app(  # noqa: PLR0913 - one argument for each part from outside
    settings: ApiSettings,
    records: Records,
    explain: Explain,
    preview: Preview,
    connect: Connect,
    session_id: SessionId,
    ask_work: AskWork,
    *,
    affects: Affects,
    now: Clock = utc_now,
) -> FastAPI:
    """The API over some records; raises TokenError. The records are closed by whoever opened them."""
    metrics, closing, readings = Metrics(), asyncio.Event(), Readings(records, connect)
    journal = Journal(records, now)
    operations = Operations(records, journal, now, ask_work)
    face = Face(
        settings=settings,
        records=records,
        operations=operations,
        readings=readings,
        entries=Entries(records, operations, journal, session_id, now),
        logs=Logs(records, readings, now=now, closing=closing, poll=settings.api_log_poll_seconds),
        streams=Streams(metrics, limit=settings.api_watchers),
        explain=explain,
        affects=affects,
        preview=preview,
        gate=Gate(read_or_make_token(settings.token_file)),
        metrics=metrics,
        now=now,
        closing=closing,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        show_with((await records.settings()).digest_key)
        yield
        face.closing.set()
        await face.readings.aclose()

    app = FastAPI(title="Berth", openapi_url=None, lifespan=lifespan)
    app.state.face = face
    for kind in _ANSWERED:
        app.add_exception_handler(kind, _answer)
    app.include_router(routes_health.open_router)
    # The order matters: a path of its own is tried before the one that takes any kind.
    for part in (
        routes_health,
        routes_streams,
        routes_plan,
        routes_events,
        routes_targets,
        routes_entry,
        routes_records,
    ):
        app.include_router(part.router, dependencies=[Depends(identify)])
    app.add_middleware(Guard)
    app.add_middleware(Measured, metrics=face.metrics)
    return app


async def _answer(request: Request, error: Exception) -> Response:
    return problem_of(error).response(request.url.path)
