"""``berth create secret``: a secret from files, from stdin, or from the command line."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import printing
from cli.client import Applied, Client
from cli.failures import ExitCode, Failure
from cli.kinds import SECRET, Reference, kind_named, refer
from cli.options import Namespace, Server
from cli.output import say
from cli.printing import Output
from cli.record import Record
from cli.surroundings import Call

EXAMPLES = """
  berth create secret github --from-file=password=token.txt --from-literal=username=alice
  pass show github | berth create secret github --from-file=password=-
  berth create secret codex --type=berth.dev/auth-file --from-file=auth.json=$HOME/.codex/auth.json
"""
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def create(  # noqa: PLR0913 - one argument per option
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="secret", help="What to create: a secret.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The secret's name.")],
    *,
    from_file: Annotated[
        list[str] | None,
        typer.Option("--from-file", metavar="[KEY=]PATH", help="A value from a file, or with - from stdin."),
    ] = None,
    from_literal: Annotated[
        list[str] | None,
        typer.Option(
            "--from-literal",
            metavar="KEY=VALUE",
            help="A value from the command line: the shell's history and the list of processes show it; "
            "take --from-file for what is really secret.",
        ),
    ] = None,
    type_: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="Opaque, berth.dev/auth-file or berth.dev/api-key.")
    ] = "Opaque",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the secret if there is one.")] = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FORMAT", help="name, json or yaml.")
    ] = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Create a secret from values; they are encrypted at rest and never shown again."""
    call = Call.of(ctx, server=server, namespace=namespace)
    way = printing.output(output, allowed=("name", "json", "yaml"))
    if kind_named(kind) != SECRET:
        raise Failure(
            f"a {kind} is not made from values",
            code=ExitCode.USAGE,
            remedy="declare it in a file: berth apply -f FILE",
        )
    reference = refer(SECRET, name, call.namespace)
    record = {
        "apiVersion": "v1",
        "kind": SECRET.name,
        "metadata": {"name": name, "namespace": reference.namespace},
        "type": type_,
        "data": collect(from_file or [], from_literal or []),
    }
    call.run(partial(_create, reference, record, way, existing="replace" if replace else "refuse"))


def collect(files: Sequence[str], literals: Sequence[str]) -> dict[str, str]:
    """The secret's entries, as base64 of their bytes.

    Raises:
        Failure: there are none, a key is wrong or there twice, or a file cannot be read. No value
            is part of the message.
    """
    entries: dict[str, str] = {}
    for key, value in [*map(_file, files), *map(_literal, literals)]:
        if not _KEY.fullmatch(key):
            raise Failure(
                f"{key!r} is not a key",
                code=ExitCode.USAGE,
                remedy="letters, digits, '-', '_' and '.' make a key",
            )
        if key in entries:
            raise Failure(f"the key {key!r} is there twice", code=ExitCode.USAGE)
        entries[key] = base64.b64encode(value).decode("ascii")
    if not entries:
        raise Failure("no values are given", code=ExitCode.USAGE, remedy="--from-file=KEY=PATH")
    return entries


def _file(argument: str) -> tuple[str, bytes]:
    key, equals, path = argument.partition("=")
    if not equals:
        key, path = Path(argument).name, argument
    if path == "-":
        if not equals:
            raise Failure("a value from stdin needs a key", code=ExitCode.USAGE, remedy="--from-file=KEY=-")
        return key, sys.stdin.buffer.read()
    try:
        return key, Path(path).expanduser().read_bytes()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", code=ExitCode.INVALID) from error


def _literal(argument: str) -> tuple[str, bytes]:
    key, equals, value = argument.partition("=")
    if not equals:
        # What stands there may be the secret itself, so it is not repeated.
        raise Failure("--from-literal needs KEY=VALUE", code=ExitCode.USAGE)
    return key, value.encode()


async def _new(reference: Reference, record: Record, client: Client) -> Applied:
    try:
        return await client.create(reference, record)
    except Failure as failure:
        if failure.reason == "AlreadyExists":
            failure.remedy = "the same with --replace puts this one in its place"
        raise


async def _create(
    reference: Reference,
    record: Record,
    way: Output,
    client: Client,
    *,
    existing: Literal["refuse", "replace"],
) -> None:
    if existing == "replace":
        applied = await client.apply(reference, record, dry_run="none")
    else:
        applied = await _new(reference, record, client)
    if way.tabular:
        say(f"{reference} {applied.result}")
    else:
        printing.write(applied.record, way)
    if applied.remark:
        say(applied.remark, err=True)
