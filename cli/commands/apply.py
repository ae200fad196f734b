"""``berth apply``: records as files declare them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

import typer

from cli import printing
from cli.client import Applied, Client
from cli.connection import home
from cli.documents import Declared, declared
from cli.failures import ExitCode, Failure, Failures
from cli.options import Files, Namespace, Server
from cli.output import say
from cli.printing import Output
from cli.surroundings import Call

EXAMPLES = """
  berth apply -f session.yaml
  berth apply -f examples/ -f more.yaml -n alice
  cat session.yaml | berth apply -f -
  berth apply -f session.yaml --dry-run=server -o yaml
"""


def apply(
    ctx: typer.Context,
    *,
    files: Files = None,
    dry_run: Annotated[
        str,
        typer.Option(
            "--dry-run", metavar="HOW", help="server: let the server check it, and store nothing; none."
        ),
    ] = "none",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FORMAT", help="name, json or yaml.")
    ] = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Make records as files declare them: create what is absent, change what differs.

    All documents of all files are checked before the first is sent.
    """
    call = Call.of(ctx, server=server, namespace=namespace)
    way = printing.output(output, allowed=("name", "json", "yaml"))
    mode = _mode(dry_run)
    if not files:
        raise Failure("no file is named", code=ExitCode.USAGE, remedy="berth apply -f FILE")
    documents = declared(files, namespace=call.namespace, home=home(call.surroundings.environment))
    call.run(partial(_apply, documents, mode, way))


def _mode(dry_run: str) -> Literal["server", "none"]:
    if dry_run == "server":
        return "server"
    if dry_run == "none":
        return "none"
    raise Failure(f"--dry-run={dry_run} is not known", code=ExitCode.USAGE, remedy="--dry-run=server")


async def _apply(
    documents: Sequence[Declared], mode: Literal["server", "none"], way: Output, client: Client
) -> None:
    suffix = " (server dry run)" if mode == "server" else ""
    done: list[Applied] = []
    failures = Failures()
    for document in documents:
        with failures.collected(f"{document.reference} ({document.origin})"):
            applied = await client.apply(document.reference, document.record, dry_run=mode)
            done.append(applied)
            if way.tabular:
                # One line at a time: what was done is on the screen, whatever comes of the others.
                say(f"{document.reference} {applied.result}{suffix}")
            elif way.shape == "name":
                say(str(document.reference))
            if applied.remark:
                say(applied.remark, err=True)
    if way.shape in {"json", "yaml"}:
        records = [applied.record for applied in done]
        several = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": records}
        if len(documents) > 1:
            printing.write(several, way)
        elif records:
            printing.write(records[0], way)
    failures.raise_found()
