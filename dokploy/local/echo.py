"""The ``/healthz`` body of a simulated session: what a healthy container of ours would say."""

from __future__ import annotations

from collections.abc import Mapping

from container import contract
from container.contract import HealthReport, WorkReport, WorkspaceState


def report(env: Mapping[str, str], boot: str, work: WorkReport) -> HealthReport:
    """The report of a container that has all it needs and nothing to do."""
    declared = bool(env.get(contract.REPOSITORY_URL))
    workspace = WorkspaceState.READY if declared else WorkspaceState.EMPTY
    return HealthReport(
        session=env.get(contract.SESSION_ID, ""),
        revision=env.get(contract.REVISION, ""),
        boot=boot,
        status="ok",
        workspace={"state": workspace, "reason": "Ready", "message": ""},
        agent={"state": "Ready", "message": ""},
        auth=[],
        attention="Idle",
        activity=None,
        work=work,
        version="simulated",
    )
