"""``berth open``: the session's page."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from cli.client import Client
from cli.failures import ExitCode, Failure
from cli.kinds import Reference, sessions
from cli.options import Namespace, Server, SessionName
from cli.record import status
from cli.standing import holds, in_words
from cli.surroundings import Call

EXAMPLES = """
  berth open fix-login
  berth open fix-login --url-only
"""


def open_(
    ctx: typer.Context,
    session: SessionName,
    *,
    url_only: Annotated[bool, typer.Option("--url-only", help="Print the URL, and open nothing.")] = False,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Print a session's URL and open it in the browser."""
    call = Call.of(ctx, server=server, namespace=namespace)
    reference = sessions([session], namespace=call.namespace)[0]
    url = call.run(partial(_url, reference))
    typer.echo(url)
    if not url_only:
        call.surroundings.browse(url)


async def _url(reference: Reference, client: Client) -> str:
    record = await client.get(reference)
    url = str(status(record).get("url") or "")
    # The URL is data from elsewhere, about to be given to a program that opens much else.
    if not url.startswith(("http://", "https://")):
        raise Failure(
            f"{reference} has no URL yet: {in_words(record)}",
            code=ExitCode.NOT_MET,
            remedy=f"berth why {reference.name}",
        )
    if not holds("Ready")(record):
        typer.echo(f"{reference} is not Ready: {in_words(record)}", err=True)
    return url
