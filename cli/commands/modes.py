"""``berth start``, ``stop`` and ``restart``: what a session shall do, and seeing it done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import typer

from cli.client import Client, Verb
from cli.failures import Failures
from cli.kinds import Reference, sessions
from cli.options import Namespace, Server, SessionNames, Timeout, Wait, seconds
from cli.output import say
from cli.progress import Progress
from cli.record import Record, metadata
from cli.standing import Predicate, holds, in_phase
from cli.surroundings import Call
from cli.waiting import Deadline, until

EXAMPLES = """
  berth stop session fix-login
  berth start session/fix-login --timeout=2m
  berth restart fix-login --no-wait
  berth restart fix-login --when-idle
"""
_DONE = {"start": "started", "stop": "stopped", "restart": "restarted"}


def start(
    ctx: typer.Context,
    what: SessionNames,
    *,
    wait: Wait = True,
    timeout: Timeout = "5m",
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Start sessions, and wait until they are Ready."""
    _run(Call.of(ctx, server=server, namespace=namespace), what, "start", timeout if wait else None)


def stop(
    ctx: typer.Context,
    what: SessionNames,
    *,
    wait: Wait = True,
    timeout: Timeout = "5m",
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Stop sessions; workspace and data stay."""
    _run(Call.of(ctx, server=server, namespace=namespace), what, "stop", timeout if wait else None)


def restart(
    ctx: typer.Context,
    what: SessionNames,
    *,
    when_idle: Annotated[
        bool,
        typer.Option(
            "--when-idle", help="At the next moment at which the agent is at rest; that is not waited for."
        ),
    ] = False,
    take_logins: Annotated[
        bool,
        typer.Option(
            "--take-logins",
            help="Take newer login files in place of those that were refreshed in the container.",
        ),
    ] = False,
    wait: Wait = True,
    timeout: Timeout = "5m",
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Restart sessions, also stopped ones, and wait until they are Ready."""
    manner = {"when": "idle"} if when_idle else {}
    if take_logins:
        manner["logins"] = "take"
    limit = timeout if wait and not when_idle else None
    _run(Call.of(ctx, server=server, namespace=namespace), what, "restart", limit, manner)


def _run(
    call: Call,
    what: Sequence[str],
    verb: Verb,
    timeout: str | None,
    manner: Mapping[str, str] | None = None,
) -> None:
    named = sessions(what, namespace=call.namespace)
    limit = None if timeout is None else seconds(timeout)
    call.run(partial(_act, named, verb, limit, manner or {}))


async def _act(
    named: Sequence[Reference], verb: Verb, limit: float | None, manner: Mapping[str, str], client: Client
) -> None:
    """Ask all before waiting for the first: they then go on side by side."""
    asked: list[tuple[Reference, Record]] = []
    failures = Failures()
    for reference in named:
        with failures.collected(str(reference) if len(named) > 1 else ""):
            asked.append((reference, await client.act(reference, verb, manner=manner)))
    if limit is None:
        for reference, _ in asked:
            idle = " once its agent is at rest" if manner.get("when") == "idle" else ""
            say(f"{reference} will be {_DONE[verb]}{idle}")
        failures.raise_found()
        return
    deadline = Deadline(limit)
    with Progress() as progress:
        for reference, record in asked:
            predicate = _same(
                metadata(record).get("uid"), in_phase("Stopped") if verb == "stop" else holds("Ready")
            )
            with failures.collected():
                await until(
                    client, reference, predicate, deadline=deadline, progress=progress, wish=_DONE[verb]
                )
                say(f"{reference} {_DONE[verb]}")
    failures.raise_found()


def _same(uid: object, predicate: Predicate) -> Predicate:
    """Of the record that was asked, not of another made under its name since."""
    return lambda record: predicate(record) and (uid is None or metadata(record or {}).get("uid") == uid)
