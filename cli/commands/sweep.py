"""``berth sweep``: what targets hold that no record accounts for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from cli import printing
from cli.client import Client, Query
from cli.failures import ExitCode, Failure
from cli.kinds import TARGET, Reference, refer
from cli.options import Server, Timeout, Wait, seconds
from cli.output import say
from cli.progress import Progress
from cli.record import Record, metadata, one_line, status
from cli.standing import Predicate
from cli.surroundings import Call
from cli.sweeping import TITLES, command_lines, counted, finding_rows
from cli.tables import Table
from cli.waiting import Deadline, until

EXAMPLES = """
  berth sweep --dry-run
  berth sweep --dry-run --target=default -o wide
  berth sweep --target=default --timeout=2m
  berth sweep --no-wait
"""
_ASKED = "berth.dev/sweep"


def sweep(
    ctx: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look once, and only show what a sweep would find and do.")
    ] = False,
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Only this target; left out, all.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FORMAT", help="wide, json or yaml.")
    ] = None,
    wait: Wait = True,
    timeout: Timeout = "2m",
    server: Server = None,
) -> None:
    """Find what no record accounts for; the controller deletes orphan applications, after two looks.

    Services and volumes are never removed: those that need a person are shown with the command to
    run on the Dokploy host. The controller sweeps from time to time by itself; this asks it to do so now.
    """
    way = printing.output(output, allowed=("wide", "json", "yaml"))
    call = Call.of(ctx, server=server)
    named = [refer(TARGET, target, "")] if target is not None else None
    if dry_run:
        shown = call.run(partial(_previews, named))
    else:
        reports = call.run(partial(_sweep, named, seconds(timeout) if wait else None))
        if not wait:
            return
        shown = reports
    _write(shown, way, call)
    unfinished = [each for each in shown if each.get("unfinished")]
    if unfinished:
        first = unfinished[0]
        raise Failure(
            f"target/{first['target']} could not be swept: {one_line(str(first['unfinished']))}",
            code=ExitCode.NOT_MET,
            remedy=f"berth describe target/{first['target']}",
        )


async def _previews(named: Sequence[Reference] | None, client: Client) -> list[Record]:
    return [await client.sweep_preview(reference) for reference in named or await _targets(client)]


async def _sweep(named: Sequence[Reference] | None, limit: float | None, client: Client) -> list[Record]:
    """Ask for all before waiting for the first: they then go on side by side."""
    asked = [(each, await client.ask_sweep(each)) for each in named or await _targets(client)]
    if limit is None:
        for reference, _ in asked:
            say(f"{reference} will be swept")
        return []
    reports: list[Record] = []
    deadline = Deadline(limit)
    with Progress() as progress:
        for reference, record in asked:
            progress.show(f"sweeping {reference}: two looks, some seconds apart")
            wished = _answers(str((metadata(record).get("annotations") or {}).get(_ASKED)))
            found = await until(client, reference, wished, deadline=deadline, progress=progress, wish="swept")
            reports.append({"target": reference.name, **(status(found or {}).get("sweep") or {})})
    return reports


def _answers(asked: str) -> Predicate:
    """That a target's report answers this request, or a later one."""
    from cli.ages import moment  # noqa: PLC0415 - only where there is something to wait for

    wanted = moment(asked)

    def predicate(record: Record | None) -> bool:
        answered = moment((status(record or {}).get("sweep") or {}).get("asked"))
        return answered is not None and wanted is not None and answered >= wanted

    return predicate


async def _targets(client: Client) -> list[Reference]:
    listing = await client.listing(Query(TARGET))
    if not listing.items:
        raise Failure("no target is declared", code=ExitCode.NOT_FOUND, remedy="berth apply -f target.yaml")
    return [refer(TARGET, str(metadata(record).get("name")), "") for record in listing.items]


def _write(shown: Sequence[Record], way: printing.Output, call: Call) -> None:
    if not way.tabular:
        printing.write({"items": list(shown)}, way)
        return
    now, wide = call.surroundings.now(), way.shape == "wide"
    findings = [(str(each["target"]), item) for each in shown for item in each.get("findings") or ()]
    if findings:
        rows = [
            (*((name,) if wide else ()), *row)
            for (name, _), row in zip(
                findings, finding_rows([item for _, item in findings], now), strict=True
            )
        ]
        Table([*(("TARGET",) if wide else ()), *TITLES]).write(rows)
    for each in shown:
        if each.get("unfinished"):
            continue
        deleted = f", {each['deleted']} deleted" if "deleted" in each else ""
        if not each.get("findings") or deleted:
            say(f"target/{each['target']}: {counted(each.get('counts') or {})}{deleted}")
    commands = command_lines([item for _, item in findings])
    if commands:
        say("No call of Dokploy's removes these; on its host, once you have looked:")
        for command in commands:
            say(f"  {command}")
