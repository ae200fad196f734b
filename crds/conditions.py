"""What each condition says, and by which rule it is True, False or Unknown.

Terms: a session is *running* when a task of its service is healthy; it is *ready* when, besides,
that container is of the declared revision and its route leads to it. ``phase`` is a word for
people derived from these; programs read conditions.

Unknown is never a guess: a reading failed, or the only one who could tell has not. A condition
keeps its last value where it cannot have changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from crds.meanings import TROUBLE
from crds.vocabulary import ConditionType, Reason


class Polarity(StrEnum):
    """Which status is the good news."""

    POSITIVE = "Positive"
    """True is: how every step and Ready are to be read."""
    NEGATIVE = "Negative"
    """False is."""
    NEUTRAL = "Neutral"
    """Neither is: it says how things stand."""


class ConditionRule(NamedTuple):
    """One condition: its question, the rule for each status, and the reasons it may give."""

    question: str
    true: str
    false: str
    unknown: str
    polarity: Polarity
    reasons: frozenset[Reason]


_UNSEEN = "The target cannot be read, and there is no earlier value that still holds."
_SILENT = "The container has not reported, or is stopped."

_MOTION = frozenset(
    {
        Reason.PENDING,
        Reason.CREATING,
        Reason.STARTING,
        Reason.RESTARTING,
        Reason.STOPPING,
        Reason.APPLYING,
        Reason.BUILDING,
        Reason.REVISION_PENDING,
        Reason.ROUTE_FAILING,
        Reason.DELETING,
        Reason.WORKSPACE_PREPARING,
    }
)
_FAULTS_REPORTED = frozenset(
    {
        Reason.CLONE_FAILED,
        Reason.WORKSPACE_INCOMPLETE,
        Reason.WORKSPACE_DIFFERS,
        Reason.CONTAINER_NOTICE,
        Reason.AGENT_FAILED,
        Reason.LOGIN_EXPIRED,
        Reason.LOGIN_REVOKED,
        Reason.LOGIN_INVALID,
    }
)

CONDITIONS: Mapping[ConditionType, ConditionRule] = MappingProxyType(
    {
        ConditionType.READY: ConditionRule(
            question="Can its owner work in it?",
            true="A healthy container of the applied revision runs, its route, if any, leads to it, and its "
            "workspace did not fail.",
            false="It is on its way, stopped, failing or being deleted; the reason says which.",
            unknown=_UNSEEN,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE
            | _MOTION
            | {Reason.RUNNING, Reason.STOPPED, Reason.LEGACY, Reason.FAILING, Reason.CLONE_FAILED},
        ),
        ConditionType.PROGRESSING: ConditionRule(
            question="Is the controller still at work, without anybody's help?",
            true="A step is left and will be taken or awaited.",
            false="All is as declared (Settled), what is left waits for an idle moment (RestartNeeded), or "
            "nothing more happens until a person acts.",
            unknown=_UNSEEN,
            polarity=Polarity.NEGATIVE,
            reasons=TROUBLE
            | _MOTION
            | {Reason.SETTLED, Reason.RESTART_NEEDED, Reason.FAILING, Reason.CLONE_FAILED},
        ),
        ConditionType.DEGRADED: ConditionRule(
            question="Does something fail?",
            true="A step, the container, its workspace, its agent or a login fails, or is not as declared.",
            false="Nothing does; waiting is no failure.",
            unknown=_UNSEEN,
            polarity=Polarity.NEGATIVE,
            reasons=TROUBLE | _FAULTS_REPORTED | {Reason.HEALTHY, Reason.FAILING},
        ),
        ConditionType.ADMITTED: ConditionRule(
            question="Is all that it refers to there, and is there room for it?",
            true="Template, target, secrets and host are to be had, within the target's limits.",
            false="One is not, or the spec cannot work; it is looked at again when that changes.",
            unknown=_UNSEEN,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE | {Reason.ADMITTED},
        ),
        ConditionType.PROVISIONED: ConditionRule(
            question="Does it have its one application in Dokploy?",
            true="One application bears its marker.",
            false="None does yet, or more than one does.",
            unknown=_UNSEEN,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE | {Reason.PROVISIONED, Reason.PENDING, Reason.NOT_REPORTED},
        ),
        ConditionType.AUTH_READY: ConditionRule(
            question="Are the agents logged in?",
            true="At least one provider's login was given, and all that were given are good.",
            false="None was given, or one has expired, was revoked or cannot be read.",
            unknown=_SILENT,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE
            | _FAULTS_REPORTED
            | {Reason.LOGGED_IN, Reason.NO_LOGIN, Reason.NOT_REQUIRED, Reason.NOT_REPORTED},
        ),
        ConditionType.CONFIG_APPLIED: ConditionRule(
            question="Was the declared configuration applied?",
            true="The last apply that Dokploy accepted had the digest of what is declared now.",
            false="It had another one, which runs on until its agent is at rest (RestartNeeded), or Swarm "
            "rolled it back.",
            unknown=_UNSEEN,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE | _MOTION | {Reason.APPLIED, Reason.RESTART_NEEDED, Reason.NOT_REPORTED},
        ),
        ConditionType.ROUTE_READY: ConditionRule(
            question="Does its host lead to it?",
            true="Its own container answers at its host, or it has no route (NotRequired).",
            false="Nobody or another session answers there, or it is stopped.",
            unknown=_UNSEEN,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE
            | {
                Reason.ROUTE_READY,
                Reason.ROUTE_FAILING,
                Reason.NOT_REQUIRED,
                Reason.STOPPED,
                Reason.NOT_REPORTED,
            },
        ),
        ConditionType.WORKSPACE_READY: ConditionRule(
            question="Is the repository there?",
            true="It is cloned, or none is declared; the reason says if it is not wholly as declared.",
            false="It is being cloned, or could not be.",
            unknown=_SILENT,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE
            | {
                Reason.WORKSPACE_READY,
                Reason.WORKSPACE_PREPARING,
                Reason.WORKSPACE_INCOMPLETE,
                Reason.WORKSPACE_DIFFERS,
                Reason.CLONE_FAILED,
                Reason.NOT_REPORTED,
            },
        ),
        ConditionType.AGENT_READY: ConditionRule(
            question="Does the agent take work?",
            true="It runs and answers.",
            false="It is starting, has failed, or the image does not have it.",
            unknown=_SILENT,
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE
            | {
                Reason.AGENT_READY,
                Reason.AGENT_STARTING,
                Reason.AGENT_FAILED,
                Reason.AGENT_NOT_INSTALLED,
                Reason.NOT_REQUIRED,
                Reason.NOT_REPORTED,
            },
        ),
        ConditionType.WORK_SAVED: ConditionRule(
            question="Is the work safe if the volumes go?",
            true="All of it is committed and pushed.",
            false="Some is not. Kept while the container is silent, since a deletion asks for it.",
            unknown="No container ever reported, git gives no answer, there is no remote to push to, or the "
            "session was stopped before its container could be asked.",
            polarity=Polarity.POSITIVE,
            reasons=TROUBLE | {Reason.SAVED, Reason.UNSAVED, Reason.NO_REMOTE, Reason.NOT_REPORTED},
        ),
        ConditionType.SUSPENDED: ConditionRule(
            question="Does it cost no computing?",
            true="It is stopped, and no task of it runs.",
            false="A container runs or shall run.",
            unknown=_UNSEEN,
            polarity=Polarity.NEUTRAL,
            reasons=TROUBLE | {Reason.SUSPENDED, Reason.NOT_SUSPENDED, Reason.NOT_REPORTED},
        ),
    }
)
"""The rule of every condition type, in the order in which they are shown."""


def polarity_of(condition: str) -> Polarity:
    """Which status of a condition of this type is good; an unknown type is read as the others are."""
    rule = next((rule for kind, rule in CONDITIONS.items() if kind == condition), None)
    return rule.polarity if rule else Polarity.POSITIVE
