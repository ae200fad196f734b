"""What goes on: changes of records as server-sent events, and logs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import anyio
from fastapi import APIRouter, Query
from pydantic_core import to_json
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from api.context import Here, Who
from api.logs import parse_extent
from api.objects import kinds_from
from api.problems import invalid
from api.seam import MOST_LINES
from api.selectors import parse_selector
from api.watch import Frame, Watch, Watcher
from crds.base import Key
from crds.session import Session

router = APIRouter()

_SEND_SECONDS = 30.0
"""Seconds in which a client must take what it is sent."""

_GRACE_SECONDS = 5.0

Kinds = Annotated[str, Query()]
LabelSelector = Annotated[str | None, Query(alias="labelSelector")]
Tail = Annotated[int, Query(ge=0, le=MOST_LINES)]
Flag = Annotated[bool, Query()]


@router.get("/api/watch")
async def watch_records(
    request: Request,
    here: Here,
    _: Who,
    kinds: Kinds = "sessions",
    namespace: str | None = None,
    selector: LabelSelector = None,
    since: str | None = None,
) -> Response:
    """Changes as they happen, as server-sent events."""
    here.streams.check()
    watch = Watch(
        kinds=kinds_from(kinds),
        namespace=namespace or None,
        selector=parse_selector(selector),
        since=_revision(since or request.headers.get("last-event-id")),
        bookmark_seconds=here.settings.api_bookmark_seconds,
    )
    watcher = Watcher(here.records, watch, here.closing, request.url.path)
    return EventSourceResponse(
        here.streams.counted(_written(watcher.frames())),
        ping=0,  # bookmarks do that
        sep="\n",
        send_timeout=_SEND_SECONDS,
        # The watch ends by itself when the server closes; sse-starlette is to wait for that.
        shutdown_event=anyio.Event(),
        shutdown_grace_period=_GRACE_SECONDS,
    )


@router.get("/api/namespaces/{namespace}/sessions/{name}/logs")
async def read_logs(
    here: Here,
    who: Who,
    namespace: str,
    name: str,
    tail: Tail = 1000,
    since: str | None = None,
    build: Flag = False,  # noqa: FBT002 - a query's flag
    follow: Flag = False,  # noqa: FBT002 - a query's flag
) -> Response:
    """A session's output or its build's log: its end, or its end and what follows."""
    extent = parse_extent(tail, since)
    session = await here.operations.read(who, Session, Key(namespace, name))
    if follow:
        here.streams.check()
    # Read before the answer begins: what is wrong by now is said as a problem.
    first = await (here.logs.read_build if build else here.logs.read)(session, extent)
    if not follow:
        return PlainTextResponse(first.text if tail else "")
    lines = here.logs.follow_build(session, first) if build else here.logs.follow(session, first, extent)
    return StreamingResponse(here.streams.counted(lines), media_type="text/plain; charset=utf-8")


async def _written(frames: AsyncGenerator[Frame]) -> AsyncGenerator[ServerSentEvent]:
    try:
        async for frame in frames:
            yield ServerSentEvent(
                data=to_json(frame.data).decode(),
                event=frame.event,
                id=None if frame.revision is None else str(frame.revision),
            )
    finally:
        await frames.aclose()


def _revision(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal():
        raise invalid((("since", f"{text!r} is no resourceVersion; leave it out to begin with a list"),))
    return int(text)
