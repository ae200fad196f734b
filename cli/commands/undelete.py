"""``berth undelete``: keep what is being deleted, as long as nothing of it was removed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from cli.client import Client
from cli.failures import ExitCode, Failure, Failures
from cli.kinds import Reference, references
from cli.options import Namespace, Server
from cli.output import say
from cli.surroundings import Call

EXAMPLES = """
  berth undelete session fix-login
  berth undelete session/a session/b
"""


def undelete(
    ctx: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="WHAT", help="KIND NAME…, or KIND/NAME….")],
    *,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Take back the deletion of records.

    A session whose deletion waits for unsaved work, for a build or for its target goes on as it was:
    its container was not touched. Once something of it was removed, this is refused.
    """
    call = Call.of(ctx, server=server, namespace=namespace)
    named = references(what, namespace=call.namespace)
    if not named:
        raise Failure("nothing is named", code=ExitCode.USAGE, remedy="berth undelete session NAME")
    call.run(partial(_undelete, named))


async def _undelete(named: Sequence[Reference], client: Client) -> None:
    failures = Failures()
    for reference in named:
        with failures.collected(str(reference) if len(named) > 1 else ""):
            await client.undelete(reference)
            say(f"{reference} is kept")
    failures.raise_found()
