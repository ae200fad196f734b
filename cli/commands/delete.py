"""``berth delete``: ask for deletion, and see it done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

import typer

from cli.client import Client
from cli.connection import home
from cli.failures import ExitCode, Failure, Failures
from cli.kinds import Reference, references
from cli.options import Files, Namespace, Server, Timeout, Wait, seconds
from cli.output import say
from cli.progress import Progress
from cli.record import Record, condition, metadata, one_line
from cli.standing import gone
from cli.surroundings import Call
from cli.waiting import Deadline, until

Manner = Literal["safe", "force", "orphan"]

EXAMPLES = """
  berth delete session fix-login
  berth delete session/a session/b --no-wait
  berth delete -f examples/
  berth delete session fix-login --force
  berth delete session fix-login --orphan
"""


def delete(  # noqa: PLR0913 - one argument per option
    ctx: typer.Context,
    what: Annotated[
        list[str] | None, typer.Argument(metavar="WHAT", help="KIND NAME…, or KIND/NAME….")
    ] = None,
    *,
    files: Files = None,
    wait: Wait = True,
    timeout: Timeout = "10m",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Delete a session though work in it is saved nowhere else, a target though sessions use it.",
        ),
    ] = False,
    orphan: Annotated[
        bool,
        typer.Option(
            "--orphan",
            help="Give up a session whose target cannot be reached: what it has there is named, and left.",
        ),
    ] = False,
    ignore_not_found: Annotated[
        bool, typer.Option("--ignore-not-found", help="Count what is not there as deleted.")
    ] = False,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Delete records: those named, or those that files declare.

    A session's container is asked first: one whose work is not saved elsewhere, or that does not
    answer, is refused without --force, and so is a target that sessions use. Interrupting the wait
    does not take the deletion back; as long as nothing was removed, berth undelete does.
    """
    call = Call.of(ctx, server=server, namespace=namespace)
    named = references(what, namespace=call.namespace) if what else []
    if files:
        from cli.documents import declared  # noqa: PLC0415 - brings the models with it

        named += [
            document.reference
            for document in declared(
                files, namespace=call.namespace, home=home(call.surroundings.environment)
            )
        ]
    if orphan and force:
        raise Failure(
            "--force and --orphan exclude each other",
            code=ExitCode.USAGE,
            remedy="--orphan alone: the volumes stay, so no work is lost",
        )
    if not named:
        raise Failure("nothing is named", code=ExitCode.USAGE, remedy="berth delete session NAME, or -f FILE")
    call.run(
        partial(
            _delete,
            named,
            limit=seconds(timeout) if wait else None,
            manner="orphan" if orphan else "force" if force else "safe",
            absent="ignore" if ignore_not_found else "refuse",
        )
    )


async def _delete(
    named: Sequence[Reference],
    client: Client,
    *,
    limit: float | None,
    manner: Manner,
    absent: Literal["ignore", "refuse"],
) -> None:
    """Ask for all before waiting for the first: they then go on side by side."""
    going: list[tuple[Reference, str | None]] = []
    failures = Failures()
    for reference in named:
        record: Record | None = None
        with failures.collected(str(reference) if len(named) > 1 else ""):
            record = await _asked(client, reference, manner=manner, absent=absent)
        if record is None:
            continue
        # Without finalizers it is gone with the answer.
        going.append((reference, metadata(record).get("uid") if metadata(record).get("finalizers") else None))
    deadline = Deadline(limit)
    with Progress() as progress:
        for reference, uid in going:
            if uid is not None and limit is None:
                say(f"{reference} will be deleted")
                continue
            with failures.collected():
                if uid is not None:
                    await until(
                        client,
                        reference,
                        gone(uid),
                        deadline=deadline,
                        progress=progress,
                        wish="deleted",
                        hopeless=partial(_held_up, reference),
                    )
                say(f"{reference} deleted")
    failures.raise_found()


def _held_up(reference: Reference, record: Record) -> Failure | None:
    """Why the deletion waits for a person: work that was not there when it was accepted."""
    ready = condition(record, "Ready") or {}
    if ready.get("reason") != "WorkUnsaved" or not metadata(record).get("deletionTimestamp"):
        return None
    return Failure(
        f"{reference} is not deleted: {one_line(str(ready.get('message') or 'its work is not saved'))}",
        code=ExitCode.CONFLICT,
        remedy=f"berth undelete {reference} keeps it; berth delete {reference} --force loses the work",
    )


async def _asked(
    client: Client,
    reference: Reference,
    *,
    manner: Manner,
    absent: Literal["ignore", "refuse"],
) -> Record | None:
    """The record as the deletion left it; None where it is not there, and need not be."""
    try:
        if manner == "orphan":
            record, left = await client.give_up(reference)
            say(f"{reference}: {left}")
            return record
        record, remark = await client.delete(reference, unsaved="discard" if manner == "force" else "keep")
    except Failure as failure:
        if failure.code is ExitCode.NOT_FOUND and absent == "ignore":
            return None
        raise
    if remark:
        say(remark, err=True)
    return record
