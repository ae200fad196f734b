"""``berth wait``: stay until a record is as wished for, or say how it stands instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from cli.client import Client
from cli.failures import ExitCode, Failure, Failures
from cli.jsonpath import Template, printed
from cli.kinds import Reference, references
from cli.options import Namespace, Server, Timeout, seconds
from cli.output import say
from cli.progress import Progress
from cli.record import Record, metadata
from cli.standing import Predicate, gone, holds
from cli.surroundings import Call
from cli.waiting import Deadline, until

EXAMPLES = """
  berth wait session/fix-login --for=condition=Ready --timeout=60s
  berth wait session/fix-login --for=condition=Ready=False
  berth wait session/fix-login --for=jsonpath='{.status.phase}'=Stopped
  berth wait session/a session/b --for=delete
"""

# The quotes are the shell's business; one that keeps them, as on Windows, is forgiven.
_JSONPATH = re.compile(r"'?(?P<path>\{.*\})'?(?:=(?P<wanted>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is waited for, and the condition whose reason tells why it is not there yet."""

    predicate: Predicate | None
    """None: that the record which is there now is gone."""
    words: str
    about: str = "Ready"


def wait(
    ctx: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="WHAT", help="KIND/NAME…, or KIND NAME….")],
    *,
    wished: Annotated[
        str,
        typer.Option(
            "--for", metavar="WISH", help="condition=TYPE[=STATUS], delete, or jsonpath='{PATH}'[=VALUE]."
        ),
    ] = "condition=Ready",
    timeout: Timeout = "30s",
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Wait until a record is as wished for.

    The time-out is for all that are named together. When it has run out, the state and its reason
    are told, and the exit code is 1.
    """
    call = Call.of(ctx, server=server, namespace=namespace)
    named = references(what, namespace=call.namespace)
    if not named:
        raise Failure("no record is named", code=ExitCode.USAGE, remedy="berth wait session/NAME")
    call.run(partial(_wait, named, wish(wished), seconds(timeout)))


def wish(text: str) -> Wish:
    """What ``--for`` asks for.

    Raises:
        Failure: it cannot be read.
    """
    word, _, rest = text.partition("=")
    if word == "delete" and not rest:
        return Wish(None, "deleted")
    if word == "condition" and rest:
        kind, _, wanted = rest.partition("=")
        return Wish(holds(kind, wanted or "True"), f"{kind}={wanted or 'True'}", about=kind)
    if word == "jsonpath" and rest:
        match = _JSONPATH.fullmatch(rest)
        return _path(match["path"], match["wanted"]) if match else _path(rest, None)
    raise Failure(
        f"--for {text!r} is not a wish",
        code=ExitCode.USAGE,
        remedy="--for=condition=Ready, --for=delete or --for=jsonpath='{.status.phase}'=Running",
    )


def _path(path: str, wanted: str | None) -> Wish:
    template = Template(path)
    value = None if wanted is None else wanted.strip("'\"")

    def predicate(record: Record | None) -> bool:
        found = [] if record is None else [each for each in template.values(record) if each is not None]
        return bool(found) if value is None else any(printed(each) == value for each in found)

    return Wish(predicate, path if value is None else f"{path}={value}")


async def _wait(named: Sequence[Reference], wish: Wish, limit: float, client: Client) -> None:
    deadline, failures = Deadline(limit), Failures()
    with Progress() as progress:
        for reference in named:
            with failures.collected():
                predicate = wish.predicate or await _going(client, reference)
                if predicate is not None:
                    await until(
                        client,
                        reference,
                        predicate,
                        deadline=deadline,
                        progress=progress,
                        wish=wish.words,
                        about=wish.about,
                    )
                say(f"{reference} {'deleted' if wish.predicate is None else 'condition met'}")
    failures.raise_found()


async def _going(client: Client, reference: Reference) -> Predicate | None:
    """That the record which is there now is gone; one made anew under its name does not count."""
    try:
        found = await client.get(reference)
    except Failure as failure:
        if failure.code is ExitCode.NOT_FOUND:
            return None
        raise
    return gone(metadata(found).get("uid"))
