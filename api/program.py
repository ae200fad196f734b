"""The API as a program of its own: its parts put together, and its exit codes."""

from __future__ import annotations

import asyncio
import os
import sys

import structlog
from pydantic import ValidationError

from api.app import create_app
from api.ports import Explanation, Findings, Loss
from api.server import ApiServer, CannotListen, listen
from api.settings import ApiSettings
from api.token import TokenError

# The meetings of the two packages: docs/decisions/0003, 0011, 0012 and 0015.
from controller.connection import connect
from controller.identity import session_id
from crds.base import Resource
from crds.logs import configure_logging
from crds.session import Session
from crds.target import Target
from dokploy.port import Dokploy
from records.errors import RecordsError
from records.keys import KeyRing
from records.port import Records
from records.sql import open_records

log = structlog.get_logger("api")


async def explain(records: Records, session: Session) -> Explanation:
    """What the controller would do for a record as it is given."""
    # Loaded with the first plan that is asked for: many an API shows none, and saves the memory.
    from controller.explain import explain as of_controller  # noqa: PLC0415 - see above

    return await of_controller(records, session)


async def ask_work(records: Records, session: Session) -> Loss | None:
    """Whether a deletion of a session would lose work, asked of its container."""
    # Loaded with the first deletion, as above.
    from controller.ask import ask  # noqa: PLC0415 - see above

    return await ask(records, session)


async def affects(records: Records, changed: Resource, *, gone: bool = False) -> str:
    """Whom a changed record concerns."""
    from controller.affected import affected  # noqa: PLC0415 - as above

    return await affected(records, changed, gone=gone)


async def preview(records: Records, dokploy: Dokploy, target: Target) -> Findings:
    """What a sweep of a target would find just now."""
    # Loaded with the first sweep that is looked at: it brings the controller's way of observing.
    from controller import survey  # noqa: PLC0415

    return await survey.preview(records, dokploy, target)


async def run(settings: ApiSettings) -> None:
    """Serve until told to end; raises TokenError, RecordsError and CannotListen."""
    url = settings.database_url.get_secret_value()
    records = await open_records(url, key=KeyRing.load(settings.key_file, os.environ))
    try:
        app = create_app(settings, records, explain, preview, connect, session_id, ask_work, affects=affects)
        server = ApiServer(app)
        await server.serve([listen(settings)])
    finally:
        await records.aclose()


def main() -> int:
    """Exit code 0 when told to end, 1 when the port is taken, 2 when settings or records are at fault."""
    try:
        settings = ApiSettings()
        configure_logging("api", level=settings.log_level)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "_".join(("BERTH", *map(str, problem["loc"]))).upper()
            sys.stderr.write(f"{name}: {problem['msg']}\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"BERTH_LOG_LEVEL: {error}\n")
        return 2
    try:
        asyncio.run(run(settings))
    except CannotListen as error:
        log.error("the API cannot start", reason=str(error))  # noqa: TRY400 - the message says it all
        return 1
    except (TokenError, RecordsError) as error:
        log.error("the API cannot start", reason=str(error))  # noqa: TRY400 - the same
        return 2
    return 0
