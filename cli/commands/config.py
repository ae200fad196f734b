"""``berth config``: which server, and how it was found; never the token."""

from __future__ import annotations

import typer

from cli import printing
from cli.connection import home
from cli.options import DataOutput, Namespace, Server
from cli.output import say
from cli.surroundings import Call

EXAMPLES = """
  berth config
  berth config -o json
"""


def config(
    ctx: typer.Context, *, output: DataOutput = None, namespace: Namespace = None, server: Server = None
) -> None:
    """Say which server is used, how it was found, and which namespace is meant.

    Looked for in this order: --server, BERTH_URL (both with BERTH_TOKEN), then api.json and token
    in BERTH_HOME.
    """
    call = Call.of(ctx, server=server, namespace=namespace)
    way = printing.output(output, allowed=("json", "yaml"))
    found = call.locate()
    told = {
        "server": found.url,
        "foundBy": found.found,
        "home": str(home(call.surroundings.environment)),
        "namespace": call.namespace,
    }
    if not way.tabular:
        printing.write(told, way)
        return
    for title, value in (
        ("server", told["server"]),
        ("found by", told["foundBy"]),
        ("home", told["home"]),
        ("namespace", told["namespace"]),
    ):
        say(f"{title + ':':<11}{value}")
