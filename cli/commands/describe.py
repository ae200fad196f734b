"""``berth describe``: all there is to tell about one record, for reading."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from cli import printing
from cli.ages import age, moment
from cli.client import Client
from cli.explaining import condition_lines, event_lines, plan_lines
from cli.failures import ExitCode, Failure
from cli.kinds import SESSION, TARGET, Reference, references
from cli.options import DataOutput, Namespace, Server
from cli.output import say
from cli.record import Record, conditions, metadata, one_line, spec, status
from cli.surroundings import Call
from cli.sweeping import absence_text, freeze_lines, report_lines

EXAMPLES = """
  berth describe session fix-login
  berth describe target/default
  berth describe session fix-login -o json
"""


def describe(
    ctx: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="WHAT", help="KIND NAME…, or KIND/NAME….")],
    *,
    output: DataOutput = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Tell all there is about records: spec, conditions, events, the controller's plan."""
    call = Call.of(ctx, server=server, namespace=namespace)
    way = printing.output(output, allowed=("json", "yaml"))
    named = references(what, namespace=call.namespace)
    if not named:
        raise Failure("no record is named", code=ExitCode.USAGE, remedy=f"berth describe {what[0]} NAME")
    for index, reference in enumerate(named):
        told = call.run(partial(_told, reference))
        if not way.tabular:
            printing.write(told, way)
            continue
        separator = ["", "---", ""] if index else []
        say("\n".join(separator + description(told, call.surroundings.now())))


async def _told(reference: Reference, client: Client) -> Record:
    told: Record = {"record": await client.get(reference)}
    told["events"] = await client.events(namespace=reference.namespace or None, about=reference)
    if reference.kind == SESSION:
        told["plan"] = (await client.why(reference)).get("plan") or {}
    return told


def description(told: Record, now: datetime) -> list[str]:
    """The lines of one record, its events, and its plan."""
    record: Record = told["record"]
    lines = [
        f"{title + ':':<16}{value}"
        for title, value in (*_head(record, now), *_session(record, now), *_target(record))
        if value
    ]
    sections = (
        ("Spec", _yaml(spec(record) or _secret(record))),
        ("Conditions", condition_lines(conditions(record), now)),
        ("Frozen", freeze_lines(record, now)),
        ("Last sweep", report_lines(status(record).get("sweep") or {}, now)),
        ("Last failure", _failure(status(record).get("lastFailure"), now)),
        ("Controller", plan_lines(told.get("plan") or {})),
        ("Events", event_lines(told["events"], now) or ["none"]),
    )
    for title, body in sections:
        if body:
            lines += [f"{title}:", *(f"  {line}" for line in body)]
    return lines


def _head(record: Record, now: datetime) -> list[tuple[str, str]]:
    meta = metadata(record)
    return [
        ("Name", str(meta.get("name") or "")),
        ("Namespace", str(meta.get("namespace") or "")),
        ("Kind", str(record.get("kind") or "")),
        ("Labels", _pairs(meta.get("labels"))),
        ("Annotations", _pairs(meta.get("annotations"))),
        ("Created", _when(meta.get("creationTimestamp"), now)),
        ("Deletion asked", _when(meta.get("deletionTimestamp"), now)),
        ("Finalizers", ", ".join(meta.get("finalizers") or ())),
        ("Generation", _generation(record)),
    ]


def _session(record: Record, now: datetime) -> list[tuple[str, str]]:
    if record.get("kind") != SESSION.name:
        return []
    state = status(record)
    revision, dokploy = state.get("revision") or {}, state.get("dokploy") or {}
    stopped = state.get("stoppedBy")
    return [
        ("Phase", str(state.get("phase") or "") + (f" (by {stopped})" if stopped else "")),
        ("Attention", str(state.get("attention") or "")),
        ("URL", str(state.get("url") or "")),
        ("Revision", _revision(revision)),
        ("Restarts", str(state.get("restarts") or "0")),
        (
            "Application",
            " ".join(str(dokploy[key]) for key in ("appName", "applicationId") if dokploy.get(key)),
        ),
        ("Deployed", _when(dokploy.get("deployedAt"), now)),
    ]


def _target(record: Record) -> list[tuple[str, str]]:
    if record.get("kind") != TARGET.name:
        return []
    return [("Dokploy", str(status(record).get("version") or "")), ("Missing", absence_text(record))]


def _generation(record: Record) -> str:
    declared, seen = metadata(record).get("generation"), status(record).get("observedGeneration")
    behind = f" (the controller has seen {seen})" if seen is not None and seen != declared else ""
    return f"{declared}{behind}" if declared else ""


def _revision(revision: Record) -> str:
    desired, running = revision.get("desired"), revision.get("running")
    if desired == running or not desired:
        return str(running or "")
    return f"{running or 'none'} runs, {desired} is wished for"


def _failure(failure: Any, now: datetime) -> list[str]:
    if not isinstance(failure, dict):
        return []
    message = one_line(str(failure.get("message") or ""))
    head = f"{failure.get('reason')} {_when(failure.get('at'), now)}: {message}"
    return [head, *(f"| {one_line(str(line))}" for line in failure.get("logTail") or ())]


def _secret(record: Record) -> Record:
    return {key: record[key] for key in ("type", "digests", "immutable") if record.get(key)}


def _yaml(document: Record) -> list[str]:
    return printing.yaml_of(document).splitlines() if document else []


def _pairs(mapping: Any) -> str:
    return ", ".join(f"{key}={one_line(str(value))}" for key, value in (mapping or {}).items())


def _when(value: object, now: datetime) -> str:
    return f"{value} ({age(value, now)} ago)" if moment(value) else ""
