"""``berth diff``: what apply would change, and what the controller would do then."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import typer

from api.changes import differences
from cli import printing
from cli.client import Client
from cli.connection import home
from cli.documents import Declared, declared
from cli.explaining import change_lines, plan_lines
from cli.failures import ExitCode, Failure
from cli.kinds import SESSION
from cli.options import DataOutput, Files, Namespace, Server
from cli.output import say
from cli.record import Record
from cli.surroundings import Call

EXAMPLES = """
  berth diff -f session.yaml
  berth diff -f examples/ -o json
  berth diff -f session.yaml || berth apply -f session.yaml
"""


def diff(
    ctx: typer.Context,
    *,
    files: Files = None,
    output: DataOutput = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Show what apply would change, and what the controller would do then; nothing is stored.

    The exit code is 0 without differences and 1 with some. Values that are secret appear as hashes.
    """
    call = Call.of(ctx, server=server, namespace=namespace)
    way = printing.output(output, allowed=("json", "yaml"))
    if not files:
        raise Failure("no file is named", code=ExitCode.USAGE, remedy="berth diff -f FILE")
    documents = declared(files, namespace=call.namespace, home=home(call.surroundings.environment))
    found = call.run(partial(_compare, documents))
    if way.tabular:
        lines = [line for each in found for line in _lines(each)]
        if lines:
            say("\n".join(lines))
    else:
        printing.write(found, way)
    if any(each["result"] != "unchanged" for each in found):
        raise typer.Exit(ExitCode.NOT_MET)


async def _compare(documents: Sequence[Declared], client: Client) -> list[Record]:
    found: list[Record] = []
    for document in documents:
        try:
            told = await (_planned if document.reference.kind == SESSION else _compared)(document, client)
        except Failure as failure:
            failure.about(f"{document.reference} ({document.origin})")
            raise
        found.append({"record": str(document.reference), **told})
    return found


async def _planned(document: Declared, client: Client) -> Record:
    return await client.plan(document.record)


async def _compared(document: Declared, client: Client) -> Record:
    """For kinds that nothing is planned for: what is there, against what the server would store."""
    try:
        before: Record | None = await client.get(document.reference)
    except Failure as failure:
        if failure.code is not ExitCode.NOT_FOUND:
            raise
        before = None
    applied = await client.apply(document.reference, document.record, dry_run="server")
    changes = [
        {"field": change.field, "before": change.before, "after": change.after}
        for change in differences(before, applied.record)
    ]
    return {"result": applied.result, "changes": changes}


def _lines(told: Record) -> list[str]:
    if told["result"] == "unchanged":
        return []
    plan = plan_lines(told.get("plan") or {})
    return [
        f"{told['record']} would be {told['result']}",
        *(f"  {line}" for line in change_lines(told.get("changes") or [])),
        *(["  then the controller would:"] if plan else []),
        *(f"    {line}" for line in plan),
    ]
