"""``berth events``: what happened, to whom and why."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import Annotated

import typer

from cli import printing
from cli.client import Client, Listing, Query
from cli.columns import columns
from cli.failures import ExitCode, Failure
from cli.kinds import EVENT, Reference, references
from cli.options import AllNamespaces, DataOutput, Namespace, Server, Watch
from cli.output import say
from cli.printing import Output
from cli.record import Record
from cli.surroundings import Call
from cli.tables import Table
from cli.watch import follow

EXAMPLES = """
  berth events
  berth events --for session/fix-login
  berth events -A -w
"""


def events(
    ctx: typer.Context,
    *,
    about: Annotated[
        str | None, typer.Option("--for", metavar="KIND/NAME", help="Only those about this record.")
    ] = None,
    watch: Watch = False,
    all_namespaces: AllNamespaces = False,
    output: DataOutput = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Show events, the oldest first; equal ones are counted."""
    call = Call.of(ctx, server=server, namespace=namespace)
    way = printing.output(output, allowed=("json", "yaml"))
    named = references([about], namespace=call.namespace) if about else []
    if about and not named:
        raise Failure(f"--for {about!r} names no record", code=ExitCode.USAGE, remedy="--for session/NAME")
    place = None if all_namespaces else call.namespace
    call.run(partial(_show, call, way, place, named[0] if named else None, watching=watch))


async def _show(
    call: Call, way: Output, place: str | None, about: Reference | None, client: Client, *, watching: bool
) -> None:
    # When watching, one listing must be both what is shown and where the watch begins.
    query = Query(EVENT, place)
    listing = (
        await client.listing(query)
        if watching
        else Listing(await client.events(namespace=place, about=about), "")
    )
    items = [each for each in listing.items if concerns(each, about)]
    if not way.tabular:
        printing.write({"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": items}, way)
    elif not items and not watching:
        say(
            "no events" + (f" about {about}" if about else f" in namespace {place}" if place else ""),
            err=True,
        )
        return
    shown = columns(EVENT, namespaces="one" if place else "all")
    table = Table([column.title for column in shown])

    def row(record: Record) -> list[str]:
        return [column.cell(record, call.surroundings.now()) for column in shown]

    if way.tabular:
        table.write([row(record) for record in items])
    if not watching:
        return
    async with aclosing(follow(client, query, listing)) as changes:
        async for change in changes:
            if change.type == "DELETED" or not concerns(change.record, about):
                continue
            if way.tabular:
                table.write([row(change.record)])
            else:
                printing.write(change.record, way)


def concerns(event: Record, about: Reference | None) -> bool:
    """Whether an event is about this record; None: about any."""
    if about is None:
        return True
    involved = event.get("involvedObject") or {}
    return (
        involved.get("kind") == about.kind.name
        and involved.get("name") == about.name
        and (not about.namespace or involved.get("namespace") in {about.namespace, "", None})
    )
