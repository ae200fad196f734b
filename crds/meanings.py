"""What each reason means and what a person can do about it: the troubleshooting page, as data.

Every reason of :mod:`crds.vocabulary` has one row. A remedy is written for the session's owner, or
for whoever looks after the target where only they can help.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from crds.vocabulary import Reason


class Meaning(NamedTuple):
    """One sentence of what is the case, and one of what to do."""

    meaning: str
    remedy: str


_NOTHING = "Nothing to do."
_WAIT = "Nothing to do: it passes by itself."

_WELL = {
    Reason.RUNNING: Meaning("It runs as declared.", _NOTHING),
    Reason.STOPPED: Meaning(
        "It is stopped as declared; its volumes are kept.", "Start it when it is wanted: berth start."
    ),
    Reason.LEGACY: Meaning(
        "It is declared without a container.", "Set spec.operatingMode to Running to give it one."
    ),
    Reason.PROVISIONED: Meaning("It has its application in Dokploy.", _NOTHING),
    Reason.APPLIED: Meaning("Dokploy holds the whole declared configuration, and has applied it.", _NOTHING),
    Reason.ADMITTED: Meaning("All that it refers to is there, and there is room for it.", _NOTHING),
    Reason.SETTLED: Meaning("No step is left to take.", _NOTHING),
    Reason.HEALTHY: Meaning("Nothing fails.", _NOTHING),
    Reason.ROUTE_READY: Meaning("Its host leads to its container.", _NOTHING),
    Reason.WORKSPACE_READY: Meaning("The repository is cloned, or none is declared.", _NOTHING),
    Reason.AGENT_READY: Meaning("The agent takes work.", _NOTHING),
    Reason.LOGGED_IN: Meaning("The agents' login files are there and were accepted.", _NOTHING),
    Reason.SAVED: Meaning("All work is committed and pushed.", _NOTHING),
    Reason.NOT_REQUIRED: Meaning("It is not asked for, so there is nothing to wait for.", _NOTHING),
    Reason.SUSPENDED: Meaning("No container runs; the volumes are kept.", "Start it: berth start."),
    Reason.NOT_SUSPENDED: Meaning("A container runs or shall run.", _NOTHING),
}

_MOVING = {
    Reason.DELETING: Meaning(
        "It is being deleted; the message says which step it is at.",
        "Wait; if the message names an obstacle, remove it.",
    ),
    Reason.PENDING: Meaning("Nothing has been made for it yet.", _WAIT),
    Reason.CREATING: Meaning("Its application is being made in Dokploy.", _WAIT),
    Reason.STARTING: Meaning("Its container is starting and not yet healthy.", _WAIT),
    Reason.RESTARTING: Meaning(
        "Its container ended and is started again.", "Wait; if it repeats, read berth logs."
    ),
    Reason.STOPPING: Meaning("Its container is ending.", _WAIT),
    Reason.APPLYING: Meaning("A changed configuration is being applied.", _WAIT),
    Reason.BUILDING: Meaning("Dokploy builds its image.", "Wait, or follow it: berth logs --build -f."),
    Reason.REVISION_PENDING: Meaning("The container of the former revision still answers.", _WAIT),
    Reason.RESTART_NEEDED: Meaning(
        "It runs; a change that nobody asked of this session waits until its agent is at rest.",
        "Nothing to do, or take it up now: berth restart.",
    ),
    Reason.WORKSPACE_PREPARING: Meaning("The repository is being cloned.", _WAIT),
    Reason.AGENT_STARTING: Meaning("The agent is starting.", _WAIT),
    Reason.NOT_REPORTED: Meaning(
        "Only the container can tell, and it has not.", "Wait; a stopped session reports nothing."
    ),
    Reason.NOT_OBSERVED: Meaning("What Dokploy holds could not be read this time.", _WAIT),
}

_DECLARED = {
    Reason.INVALID_SPEC: Meaning(
        "What is declared cannot work; the message names the field.", "Mend that field and apply it again."
    ),
    Reason.SECRET_NOT_FOUND: Meaning(
        "It refers to a Secret that is not in its namespace.",
        "Create the Secret, or correct its name; the session then goes on by itself.",
    ),
    Reason.SECRET_KEY_NOT_FOUND: Meaning(
        "A Secret that it refers to lacks the named key.",
        "Add the key to the Secret; the session then goes on by itself.",
    ),
    Reason.LOGIN_AMBIGUOUS: Meaning(
        "Two Secrets of its namespace hold the same login file of one provider.",
        "Name the one to take in spec.authFiles.secrets, or delete the other; it then goes on by itself.",
    ),
    Reason.TEMPLATE_NOT_FOUND: Meaning(
        "Its SessionTemplate is neither in its namespace nor in berth-shared.",
        "Create the template, or correct spec.template.",
    ),
    Reason.TARGET_NOT_FOUND: Meaning(
        "Its Target does not exist, or the Target's API key does not.",
        "Correct spec.target.name, or create the Target and its Secret in berth-system. A session that is "
        "being deleted can be given up: berth delete session NAME --orphan.",
    ),
    Reason.TARGET_CHANGE_REFUSED: Meaning(
        "It names another Target than the one on which its application and volumes are.",
        "Set spec.target.name back. To move it, save its work, delete it, and declare it again.",
    ),
    Reason.TARGET_REPLACED: Meaning(
        "Its Target leads to another Dokploy than the one on which its application and volumes are.",
        "Set spec.url or the API key of the Target back; or give it up: berth delete session NAME --orphan.",
    ),
    Reason.QUOTA_EXCEEDED: Meaning(
        "The target runs as many sessions as its limits allow.",
        "Stop or delete another session, or raise spec.limits of the Target.",
    ),
    Reason.HOST_TAKEN: Meaning(
        "Its host belongs to, or leads to, another session.",
        "Set another spec.route.host, or leave it out for one made from the target's pattern.",
    ),
}

_CONTAINER = {
    Reason.BUILD_FAILED: Meaning(
        "Dokploy could not build its image.",
        "Read berth logs --build, mend the repository or spec.build, then berth restart.",
    ),
    Reason.BUILD_DEADLINE_EXCEEDED: Meaning(
        "The build takes longer than the target's deadlines.build.",
        "Read berth logs --build; raise the deadline if it is merely slow.",
    ),
    Reason.IMAGE_NOT_FOUND: Meaning(
        "The image does not exist, or the node may not pull it.",
        "Correct spec.image, or give the target's nodes access to the registry.",
    ),
    Reason.CONTAINER_FAILING: Meaning(
        "The container ends or fails its health check again and again.",
        "Read berth logs and the end of the log in status.lastFailure.",
    ),
    Reason.OUT_OF_MEMORY: Meaning(
        "The container is killed at its memory limit.",
        "Raise spec.resources.memory, or do less at once in the session.",
    ),
    Reason.START_DEADLINE_EXCEEDED: Meaning(
        "The container did not become healthy within the target's deadlines.start.",
        "Read berth logs; the health check may ask for a port or path that is not served.",
    ),
    Reason.ROLLED_BACK: Meaning(
        "The container runs another revision than the declared one.",
        "Read berth logs for why the new one failed, mend the spec, or berth restart.",
    ),
    Reason.FAILING: Meaning("A step fails; the message says which.", "Do what the message says."),
    Reason.CLONE_FAILED: Meaning(
        "The repository could not be cloned.",
        "Correct spec.source.url, its ref, or the Secret in spec.source.credentialsSecret.",
    ),
    Reason.WORKSPACE_INCOMPLETE: Meaning(
        "The repository is there, but not all of its submodules or large files; the message names them.",
        "Do what the message says, then berth restart: it is tried again at each start.",
    ),
    Reason.WORKSPACE_DIFFERS: Meaning(
        "The workspace holds another repository than the declared one, or none, and is left as it is.",
        "Declare the repository that is there in spec.source.url, or delete the session and declare it anew.",
    ),
    Reason.CONTAINER_NOTICE: Meaning(
        "Something that the container was given cannot be used, or a part of it does not work; it runs on.",
        "Do what the message says.",
    ),
    Reason.ROUTE_FAILING: Meaning(
        "The container is healthy, but its host does not lead to it.",
        "See that the host's DNS name leads to the target, and that the target's router runs.",
    ),
    Reason.AGENT_FAILED: Meaning(
        "The agent ended unexpectedly, or does not do what is declared; the message says which.",
        "Do what the message says, or read berth logs, then berth restart.",
    ),
    Reason.AGENT_NOT_INSTALLED: Meaning(
        "The image does not have the declared agent.",
        "Take an image that has it, or correct spec.agent.provider or spec.agent.command.",
    ),
    Reason.NO_LOGIN: Meaning(
        "No login file of any provider was given.",
        "Create a Secret of type berth.dev/auth-file, or log in inside the session.",
    ),
    Reason.LOGIN_EXPIRED: Meaning(
        "A provider's login has expired.", "Log in anew and renew the Secret of type berth.dev/auth-file."
    ),
    Reason.LOGIN_REVOKED: Meaning(
        "The provider has withdrawn a login.", "Log in anew and renew the Secret of type berth.dev/auth-file."
    ),
    Reason.LOGIN_INVALID: Meaning(
        "A login file cannot be read by its tool.", "Replace its content in the Secret by an unbroken copy."
    ),
    Reason.UNSAVED: Meaning(
        "The workspace holds work that is pushed nowhere.", "Commit and push it before the session goes."
    ),
    Reason.NO_REMOTE: Meaning(
        "The workspace has no remote, so work in it cannot be saved by a push; False if there is work.",
        "Add a remote and push, or copy the files out.",
    ),
}

_TARGET = {
    Reason.TARGET_UNREACHABLE: Meaning(
        "Dokploy does not answer; running containers are not touched by that.",
        "See that Dokploy runs and that spec.url of the Target leads to it.",
    ),
    Reason.TARGET_UNAUTHORIZED: Meaning(
        "Dokploy refuses the API key: it is wrong, revoked or expired, or rate-limited without having "
        "shown it.",
        "Look at the key in Dokploy; put one of an owner or admin, made with rate limiting off, into the "
        "Secret "
        "named by spec.apiKey of the Target.",
    ),
    Reason.TARGET_THROTTLED: Meaning(
        "Dokploy takes the key at times and refuses it at others: the key is rate-limited.",
        "Make an API key without rate limiting, or lower spec.limits.callsPerSecond of the Target.",
    ),
    Reason.TARGET_UNSUPPORTED: Meaning(
        "Dokploy is of a version with which Berth does not work.",
        "Upgrade Dokploy; the message says to what.",
    ),
    Reason.MASS_ABSENCE: Meaning(
        "Most of what Berth owns on the target vanished at once, so nothing is changed there.",
        "Find out whether Dokploy was restored or reset; if all is truly gone, say so: berth accept-absence.",
    ),
    Reason.AMBIGUOUS_CREATE: Meaning(
        "A creation was cut off, and it is not yet known whether it took effect.", _WAIT
    ),
    Reason.TWINS: Meaning("The session has more than one application; the surplus is deleted.", _WAIT),
    Reason.ORPHAN_SERVICE: Meaning(
        "A container service is left that Dokploy no longer knows and cannot remove.",
        "Remove it on the node as the message says: docker service rm.",
    ),
    Reason.STORAGE_IN_USE: Meaning(
        "A volume cannot be removed while a container still uses it.",
        "Wait; if it lasts, see on the node which container uses it.",
    ),
    Reason.WORK_UNSAVED: Meaning(
        "The deletion waits, since the workspace holds work that is pushed nowhere.",
        "Push it (berth open), keep the session (berth undelete), or lose it (berth delete --force).",
    ),
    Reason.WORK_UNKNOWN: Meaning(
        "Whether the work in the workspace is saved could not be read when it was asked for.",
        "Have its container answer, keep the session (berth undelete), or lose it (berth delete --force).",
    ),
    Reason.CONTROLLER_ERROR: Meaning(
        "The controller met an error of its own; it tries again.",
        "Report it with the controller's log of that time.",
    ),
}

MEANINGS: Mapping[Reason, Meaning] = MappingProxyType(
    {**_WELL, **_MOVING, **_DECLARED, **_CONTAINER, **_TARGET}
)
"""The row of every reason."""

FAILURES: frozenset[Reason] = frozenset(
    {
        Reason.BUILD_FAILED,
        Reason.BUILD_DEADLINE_EXCEEDED,
        Reason.IMAGE_NOT_FOUND,
        Reason.CONTAINER_FAILING,
        Reason.OUT_OF_MEMORY,
        Reason.START_DEADLINE_EXCEEDED,
        Reason.ROLLED_BACK,
    }
)
"""Those of the container or its build, kept in ``lastFailure``."""

TROUBLE: frozenset[Reason] = frozenset({*_DECLARED, *_TARGET, Reason.NOT_OBSERVED, *FAILURES})
"""What may keep any condition from being known, or from holding."""
