"""``berth why``: one answer to "why is my session not what I asked for?"."""

from __future__ import annotations

from functools import partial

import typer

from cli import printing
from cli.client import Client
from cli.explaining import event_lines, plan_lines, unmet_lines
from cli.kinds import Reference, sessions
from cli.options import DataOutput, Namespace, Server, SessionName
from cli.output import say
from cli.printing import Output
from cli.record import one_line
from cli.surroundings import Call

EXAMPLES = """
  berth why fix-login
  berth why session/fix-login -o json
"""


def why(
    ctx: typer.Context,
    session: SessionName,
    *,
    output: DataOutput = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """Say why a session stands as it does, and what the controller will do next."""
    call = Call.of(ctx, server=server, namespace=namespace)
    way = printing.output(output, allowed=("json", "yaml"))
    reference = sessions([session], namespace=call.namespace)[0]
    call.run(partial(_why, call, way, reference))


async def _why(call: Call, way: Output, reference: Reference, client: Client) -> None:
    answer = await client.why(reference)
    if not way.tabular:
        printing.write(answer, way)
        return
    now = call.surroundings.now()
    summary = one_line(str(answer.get("summary") or answer.get("phase") or "nothing is known yet"))
    say(f"{reference}: {summary}")
    sections = (
        ("Conditions not met", unmet_lines(answer.get("conditions") or [], now, said=summary)),
        ("Next", plan_lines(answer.get("plan") or {}, said=summary)),
        ("What happened", event_lines(answer.get("events") or [], now)),
    )
    for title, lines in sections:
        if lines:
            say("\n".join([f"\n{title}:", *(f"  {line}" for line in lines)]))
