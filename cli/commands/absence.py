"""``berth accept-absence``: end a freeze by saying that what is missing is truly gone."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.failures import ExitCode, Failure
from cli.kinds import TARGET, refer
from cli.options import Server
from cli.output import say
from cli.record import Record, status
from cli.surroundings import Call
from cli.sweeping import absence_text, freeze_lines, missing

EXAMPLES = """
  berth describe target/default
  berth accept-absence default
  berth accept-absence default --yes
"""


def accept_absence(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TARGET", help="The target's name.")],
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; for scripts that have looked.")
    ] = False,
    server: Server = None,
) -> None:
    """Say that what a target lacks is truly gone: sessions are then created anew.

    For when Dokploy was reset, or restored from before they were made. It counts for ten minutes,
    and for as many missing things as are shown. On a false alarm, every session would get a second
    container on its volumes; so look at Dokploy first.
    """
    call = Call.of(ctx, server=server)
    reference = refer(TARGET, name.removeprefix("target/"), "")
    record: Record = call.run(lambda client: client.get(reference))
    count = missing(record)
    if not count or not status(record).get("freeze"):
        raise Failure(
            f"{reference} is not frozen for what is missing",
            code=ExitCode.CONFLICT,
            remedy=f"berth describe {reference}",
        )
    if not yes:
        for line in freeze_lines(record, call.surroundings.now()):
            say(line, err=True)
        question = f"Missing on {reference}: {absence_text(record)}. Are they truly gone, to be created anew?"
        typer.confirm(question, abort=True, err=True)
    call.run(lambda client: client.accept_absence(reference, missing=count))
    say(f"{reference}: absence of {absence_text(record)} accepted for 10 minutes")
