"""How a target stands: reached or not, frozen or not, and what the last sweep found on it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from crds.base import Condition, Model
from crds.vocabulary import Finding, Reason

FINDINGS_SHOWN = 50
"""So many findings are told one by one; a status is read whole by every watch."""


class Absence(Model):
    """Things of ours that the newest listing lacks."""

    applications: int = Field(default=0, ge=0)
    """How many applications are missing."""
    applications_expected: int = Field(default=0, ge=0)
    """Of how many."""
    services: int = Field(default=0, ge=0)
    """How many services are missing whose application is there."""
    services_expected: int = Field(default=0, ge=0)
    """Of how many."""
    accepted_until: datetime | None = None
    """Until then a person's word holds that what is missing is gone; absent: nobody said so."""

    @property
    def missing(self) -> int:
        """How much is missing in all."""
        return self.applications + self.services


class Freeze(Model):
    """Why nothing is created, stopped or deleted on the target."""

    reason: Reason
    """Why, in one word."""
    message: str
    """Why, for people."""
    since: datetime
    """Since when, for this reason."""
    release: str
    """What ends it."""


class FoundItem(Model):
    """One thing that no record accounts for."""

    finding: Finding
    """What it is."""
    name: str
    """Its name in Dokploy or Docker."""
    session: str | None = None
    """The session that it is or was of, as namespace/name; absent where no claim tells."""
    created_at: datetime | None = None
    """When it was made, where Dokploy tells; of services and volumes it does not."""
    outcome: str
    """What Berth does about it."""
    command: str | None = None
    """What to run on the Dokploy host where no call of Dokploy's would do."""


class SweepReport(Model):
    """What the last sweep found and did."""

    at: datetime
    """When it ended. While nothing changes it is renewed once an hour, not at every sweep."""
    asked: datetime | None = None
    """The newest request that it answers, as in the annotation berth.dev/sweep."""
    unfinished: str | None = None
    """Why it could not be done; what follows is then of the sweep before."""
    counts: dict[str, int] = Field(default_factory=dict)
    """How many there are of each finding."""
    deleted: int = Field(default=0, ge=0)
    """How many applications it deleted."""
    findings: tuple[FoundItem, ...] = ()
    """The findings, those that need a person first; at most 50."""


class TargetStatus(Model):
    """How the target stands."""

    version: str | None = None
    """Dokploy's version."""
    project_id: str | None = None
    """Dokploy's id of the project."""
    environment_id: str | None = None
    """Dokploy's id of the environment."""
    conditions: tuple[Condition, ...] = ()
    """Ready: whether it can be listed, and what to mend if not."""
    freeze: Freeze | None = None
    """Why nothing is done on it; absent while work goes on."""
    absence: Absence | None = None
    """What of ours is missing; absent while nothing is."""
    sweep: SweepReport | None = None
    """What the last sweep found; absent before the first."""
    observed_generation: int = 0
    """The newest generation that these speak of."""
