"""``berth logs``: what a session's container, or its build, writes."""

from __future__ import annotations

import sys
from contextlib import aclosing
from functools import partial
from typing import Annotated

import typer

from cli.client import Client
from cli.kinds import Reference, sessions
from cli.options import Namespace, Server, SessionName, seconds
from cli.output import say_log
from cli.surroundings import Call

EXAMPLES = """
  berth logs fix-login
  berth logs fix-login -f --tail 20
  berth logs fix-login --since 10m
  berth logs fix-login --build
"""


def logs(
    ctx: typer.Context,
    session: SessionName,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Stay, and show lines as they come.")
    ] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", metavar="N", min=0, help="Only the last N lines there are.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DURATION", help="Only lines younger than this: 10s, 5m.")
    ] = None,
    build: Annotated[
        bool, typer.Option("--build", help="The log of the image's build, not of the container.")
    ] = False,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Show the log of a session."""
    call = Call.of(ctx, server=server, namespace=namespace)
    parameters: dict[str, str] = {}
    if tail is not None:
        parameters["tail"] = str(tail)
    if since is not None:
        seconds(since)
        parameters["since"] = since
    if build:
        parameters["build"] = "true"
    if follow:
        parameters["follow"] = "true"
    call.run(partial(_show, sessions([session], namespace=call.namespace)[0], parameters))


async def _show(reference: Reference, parameters: dict[str, str], client: Client) -> None:
    async with aclosing(client.logs(reference, parameters)) as lines:
        async for line in lines:
            say_log(line)
            sys.stdout.flush()
