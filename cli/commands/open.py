"""``berth open``: into the session's page."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from cli import printing
from cli.client import Client, Use
from cli.connection import home
from cli.failures import ExitCode, Failure
from cli.kinds import Reference, sessions
from cli.options import DataOutput, Namespace, Server, SessionName
from cli.output import say
from cli.record import Record, status
from cli.redirect import page_leading_to
from cli.standing import holds, in_words
from cli.surroundings import Call

EXAMPLES = """
  berth open fix-login
  berth open fix-login --print
  berth open fix-login --url-only
  berth open fix-login --tool -o json
"""


def open_(
    ctx: typer.Context,
    session: SessionName,
    *,
    link: Annotated[
        bool,
        typer.Option("--print", help="Print a link that lets in once, within a minute; open nothing."),
    ] = False,
    url_only: Annotated[
        bool, typer.Option("--url-only", help="Print the URL, which lets nobody in; open nothing.")
    ] = False,
    tool: Annotated[
        bool,
        typer.Option("--tool", help="Print a token for the requests of a program, good for an hour."),
    ] = False,
    output: DataOutput = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Open a session in the browser, and print its URL; without a browser, print a link to open by hand.

    A session opens only for whoever comes from Berth: the browser is given a token that lets in
    once. A program sends one of --tool in the header "Authorization: Bearer TOKEN".
    """
    way = printing.output(output, allowed=("json", "yaml"))
    if link + url_only + tool > 1 or (url_only and not way.tabular):
        raise Failure("--print, --url-only and --tool exclude each other", code=ExitCode.USAGE)
    call = Call.of(ctx, server=server, namespace=namespace)
    reference = sessions([session], namespace=call.namespace)[0]
    if url_only:
        say(call.run(partial(_url, reference)))
        return
    given = call.run(partial(_entry, reference, "tool" if tool else "enter"))
    if not way.tabular:
        printing.write(given, way)
    elif tool:
        say(given["token"])
    elif link:
        say(_link(given))
    else:
        _show(call, given)


def _show(call: Call, given: Record) -> None:
    """Open the page and print its URL; where there is no browser, print the link that one can open."""
    page = page_leading_to(_link(given), home(call.surroundings.environment) / "open")
    if call.surroundings.browse(page):
        say(given["url"])
        return
    say("no browser can be started here; this link lets in once, within a minute:", err=True)
    say(_link(given))


def _link(given: Record) -> str:
    # After the #, which a browser keeps to itself: it is in no request and no server's log.
    return f"{given['url']}#token={given['token']}"


async def _entry(reference: Reference, use: Use, client: Client) -> Record:
    """The URL and a token for it."""
    url = await _url(reference, client)
    given = await client.entry(reference, use=use)
    return {**given, "url": url}


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
        say(f"{reference} is not Ready: {in_words(record)}", err=True)
    return url
