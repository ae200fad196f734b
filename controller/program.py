"""The controller as a program of its own: its parts put together, and its exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import uuid
from datetime import UTC, datetime
from types import FrameType

import structlog
from pydantic import ValidationError

from controller.connection import connect
from controller.leadership import LeadershipLost
from controller.loop import Controller, Pacing
from controller.metrics import Metrics
from controller.probe import HttpProbe
from controller.serve import serve_probes
from controller.settings import ControllerSettings
from crds.logs import configure_logging
from records.errors import RecordsError
from records.keys import KeyRing
from records.sql import open_records

log = structlog.get_logger("controller")


async def run(settings: ControllerSettings) -> None:
    """Work until cancelled; raises LeadershipLost and RecordsError."""
    records = await open_records(
        settings.database_url.get_secret_value(), key=KeyRing.load(settings.key_file, os.environ)
    )
    probe, metrics = HttpProbe(), Metrics()
    controller = Controller(
        records,
        await records.settings(),
        connect=connect,
        probe=probe,
        now=lambda: datetime.now(UTC),
        holder=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}",
        pacing=Pacing(
            workers=settings.workers,
            report=settings.report_seconds,
            sweep=settings.sweep_seconds,
            resync=settings.resync_seconds,
            lease=settings.lease_seconds,
        ),
        metrics=metrics,
    )
    try:
        async with serve_probes(settings, metrics, controller):
            await controller.run()
    finally:
        await probe.aclose()
        await records.aclose()


async def _until_told(settings: ControllerSettings) -> None:
    task = asyncio.create_task(run(settings))
    loop = asyncio.get_running_loop()

    def end(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: it ends already
            loop.call_soon_threadsafe(task.cancel)

    # Not the loop's own handlers, which end with it: told once more just then, it would die of the signal.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> int:
    """Exit code 0 when told to end, 1 when another took over, 2 when the records cannot be had."""
    try:
        settings = ControllerSettings()
    except ValidationError as error:
        # Its own text would repeat the values, the database's password among them.
        for detail in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in detail["loc"]).upper()
            sys.stderr.write(f"BERTH_{name}: {detail['msg']}\n")
        return 2
    configure_logging("controller", level=settings.log_level)
    code = 0
    try:
        asyncio.run(_until_told(settings))
    except* LeadershipLost:
        log.warning("another controller has taken over; ending")
        code = 1
    except* RecordsError as group:
        for cause in group.exceptions:
            log.error("records cannot be had", error=str(cause))  # noqa: TRY400 - the message says it all
        code = 2
    return code
