"""A container's answer, and whose it is: the one place where an answer becomes a report (law S16).

A route may lead to another session's container, whose words on work, agent and logins are not this
session's. What is handed on from here is the report of the session's own container, or a Silence.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from container.contract import HealthReport, WorkReport
from controller.identity import Identity
from controller.observed import Silence
from controller.probe import Probe
from dokploy.port import Domain

_QUESTION_BYTES = 12


class Answer(NamedTuple):
    """A container's report, or who answered in its place; and what it said of its work when asked.

    ``work`` is None where nothing was asked, and a Silence where the question was not answered.
    """

    report: HealthReport | Silence
    work: WorkReport | Silence | None


async def read_report(
    probe: Probe, domain: Domain | None, address: str | None, identity: Identity, *, asking: bool
) -> Answer:
    """Read the report of the session's own container.

    ``asking`` has it read its work anew, and waits for that (law S9a). The question is drawn here, so
    that an answer from a cache, or to somebody else, shows as such.
    """
    question = secrets.token_urlsafe(_QUESTION_BYTES) if asking else None
    report: HealthReport | Silence = Silence.NO_ANSWER
    if domain is not None:
        report = _own(await probe.echo(domain, address, question=question), identity)
    return Answer(report, None if question is None else _answered(report, question))


def _answered(report: HealthReport | Silence, question: str) -> WorkReport | Silence:
    if isinstance(report, Silence):
        return report
    work = report["work"]
    if work.get("question") == question:
        return work
    return Silence.TOO_LATE if "readAt" in work else Silence.OLD_IMAGE


def _own(answer: HealthReport | Silence, identity: Identity) -> HealthReport | Silence:
    if isinstance(answer, Silence) or answer["session"] == identity.session_id:
        return answer
    return Silence.ANOTHER if answer["session"] else Silence.NAMELESS
