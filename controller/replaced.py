"""Replacements that nobody asked for: how many, and why, as far as the task history shows. Pure.

A container ends by itself (its program ended, or Docker killed it: no memory, no answer to its health
check) and Swarm puts another in its place, or somebody restarts it behind our back. Each one counts once:
the newest that was counted is remembered, since the history keeps five tasks, and several may have come
and gone between two looks.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.conditions import Pass
from controller.planned import replace_known
from crds.session import DokployStatus
from dokploy.port import TaskRow

_BY_ITSELF = frozenset({"Failed", "Complete"})
"""States of a task that ended without being told to; one that was told to is Shutdown."""

_ROUNDING = 2.0
"""Seconds by which Docker's words for an age may be off near the moment of a write."""

_UNSAID = "its program ended with exit code 0, which may be how it ends when its health check fails"
_FOREIGN = "it was restarted in Dokploy"


@dataclass(frozen=True, slots=True)
class Replaced:
    """Since the pass before. ``why`` is Docker's own reason, the newest first."""

    count: int
    why: str
    known: DokployStatus
    """What is known, with the newest that is counted."""


def replaced(step: Pass) -> Replaced:
    """Count what ended by itself since our last apply and was not counted before."""
    known, rows = step.plan.known, step.observed.tasks
    if rows is None:
        return Replaced(0, "", known)
    ended = _uncounted(step, rows)
    if ended:
        known = replace_known(known, counted=ended[0].task_id)
        return Replaced(len(ended), "; ".join(dict.fromkeys(row.error or _UNSAID for row in ended)), known)
    if _was_restarted(step, rows):
        return Replaced(1, _FOREIGN, known)
    return Replaced(0, "", known)


def _uncounted(step: Pass, rows: tuple[TaskRow, ...]) -> list[TaskRow]:
    known, names = step.plan.known, [row.task_id for row in rows]
    before = step.session.status.dokploy.counted
    newer = rows[: names.index(before)] if before in names else rows
    ended = [row for row in newer if row.state in _BY_ITSELF]
    if before is not None:
        return ended
    # Nothing was counted yet: what ended before our last apply may have been somebody else's.
    since = (step.now - known.deployed_at).total_seconds() if known.deployed_at else -_ROUNDING
    return [row for row in ended if row.age is None or row.age <= since + _ROUNDING]


def _was_restarted(step: Pass, rows: tuple[TaskRow, ...]) -> bool:
    """Whether another task than before runs, though none ended by itself and we applied nothing."""
    earlier, after = step.session.status.dokploy, step.plan.known.task
    if earlier.task is None or after in {None, earlier.task}:
        return False
    left = next((row for row in rows if row.task_id == earlier.task), None)
    # One that the history has lost ended so many tasks ago, and those that followed it were counted.
    return earlier.counted is None if left is None else left.state not in _BY_ITSELF
