"""``berth version``: this command's, and the server's."""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Annotated

import typer

from cli import printing
from cli.options import DataOutput, Server
from cli.output import say
from cli.record import Record
from cli.surroundings import Call

EXAMPLES = """
  berth version
  berth version --client
  berth version -o json
"""


def version(
    ctx: typer.Context,
    *,
    client: Annotated[bool, typer.Option("--client", help="This command's alone; asks no server.")] = False,
    output: DataOutput = None,
    server: Server = None,
) -> None:
    """Show the versions of this command and of the server."""
    way = printing.output(output, allowed=("json", "yaml"))
    told: Record = {"client": {"version": installed("berth")}}
    if way.tabular:
        say(f"client: {told['client']['version']}")
    if not client:
        call = Call.of(ctx, server=server)
        told["server"] = {**call.run(lambda berth: berth.version()), "url": call.locate().url}
    if not way.tabular:
        printing.write(told, way)
    elif not client:
        here = told["server"]
        role = (here.get("identity") or {}).get("name", "unknown")
        say(f"server: {here.get('version')} at {here['url']}")
        say(f"        instance {here.get('instance')}, records in {here.get('records')}, you are {role}")
