"""The options that several commands share, each written once."""

from __future__ import annotations

from typing import Annotated

import typer

Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="The owner's space; BERTH_NAMESPACE, or else default.",
        show_default=False,
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="Berth's URL in place of BERTH_URL; the token is in BERTH_TOKEN."
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Those of all namespaces.")]
Selector = Annotated[
    str | None,
    typer.Option("--selector", "-l", metavar="LABELS", help="Only those with these labels: a=b,c!=d."),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Stay, and show each change as it happens.")]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="DURATION", help="How long to wait: 90s, 5m, 1h30m; 0 looks once.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done, or only ask for it.")]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--filename",
        "-f",
        metavar="PATH",
        help="A file, a directory (not the folders in it), or - for stdin; may be repeated.",
    ),
]
SessionNames = Annotated[
    list[str], typer.Argument(metavar="SESSION", help="session NAME…, session/NAME…, or NAME….")
]
SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="The session's name, or session/NAME.")]
DataOutput = Annotated[str | None, typer.Option("--output", "-o", metavar="FORMAT", help="json or yaml.")]


def seconds(duration: str) -> float:
    """A duration of the command line in seconds; ``0`` is one, too.

    Raises:
        Failure: it is not one.
    """
    from cli.failures import ExitCode, Failure  # noqa: PLC0415 - keeps this module a list of options
    from crds.quantity import Duration  # noqa: PLC0415 - brings the models' library with it

    if duration == "0":
        return 0.0
    try:
        return Duration(duration).seconds
    except ValueError as error:
        raise Failure(str(error), code=ExitCode.USAGE, remedy="90s, 5m or 1h30m") from error
