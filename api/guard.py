"""The outermost layer: whatever goes wrong inside is answered and logged without foreign words."""

from __future__ import annotations

import traceback

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_of

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)

log = structlog.get_logger(__name__)


class Guard:
    """Answers Internal for an unexpected error, and marks every answer as not to be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def marked(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in _HEADERS if header[0] not in present),
                ]
            await send(message)

        try:
            await self._app(scope, receive, marked)
        except Exception as error:  # noqa: BLE001 - whatever it is
            # Type and place, not the error's own words: they may quote what must not be told.
            log.error(  # noqa: TRY400 - see above
                "unexpected error",
                method=scope["method"],
                path=scope["path"],
                error=type(error).__name__,
                trace=traceback.format_tb(error.__traceback__),
            )
            if begun:
                raise Broken from None
            await problem_of(error).response(scope["path"])(scope, receive, marked)


class Broken(Exception):
    """An answer that had begun cannot be finished: the connection is cut, and nobody takes it for whole."""
