"""The closed list of condition types and reasons.

What they mean, by which rule they hold and what a person can do is data, too: see
:mod:`crds.conditions` and :mod:`crds.meanings`.
"""

from __future__ import annotations

from enum import StrEnum


class ConditionType(StrEnum):
    """What is asked of a record; every one is present from the first visit."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    ADMITTED = "Admitted"
    PROVISIONED = "Provisioned"
    AUTH_READY = "AuthReady"
    CONFIG_APPLIED = "ConfigApplied"
    ROUTE_READY = "RouteReady"
    WORKSPACE_READY = "WorkspaceReady"
    AGENT_READY = "AgentReady"
    WORK_SAVED = "WorkSaved"
    SUSPENDED = "Suspended"


class Reason(StrEnum):
    """Why a condition has its status, in one word that programs may rely on."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    LEGACY = "Legacy"
    DELETING = "Deleting"
    PENDING = "Pending"
    CREATING = "Creating"
    STARTING = "Starting"
    RESTARTING = "Restarting"
    STOPPING = "Stopping"
    APPLYING = "Applying"
    BUILDING = "Building"
    BUILD_FAILED = "BuildFailed"
    BUILD_DEADLINE_EXCEEDED = "BuildDeadlineExceeded"
    IMAGE_NOT_FOUND = "ImageNotFound"
    CONTAINER_FAILING = "ContainerFailing"
    START_DEADLINE_EXCEEDED = "StartDeadlineExceeded"
    OUT_OF_MEMORY = "OutOfMemory"
    REVISION_PENDING = "RevisionPending"
    ROLLED_BACK = "RolledBack"
    NOT_OBSERVED = "NotObserved"
    TARGET_UNREACHABLE = "TargetUnreachable"
    TARGET_UNAUTHORIZED = "TargetUnauthorized"
    TARGET_THROTTLED = "TargetThrottled"
    TARGET_UNSUPPORTED = "TargetUnsupported"
    TARGET_NOT_FOUND = "TargetNotFound"
    TEMPLATE_NOT_FOUND = "TemplateNotFound"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret
    SECRET_KEY_NOT_FOUND = "SecretKeyNotFound"  # noqa: S105 - a reason, not a secret
    LOGIN_AMBIGUOUS = "LoginAmbiguous"
    QUOTA_EXCEEDED = "QuotaExceeded"
    INVALID_SPEC = "InvalidSpec"
    HOST_TAKEN = "HostTaken"
    AMBIGUOUS_CREATE = "AmbiguousCreate"
    TWINS = "Twins"
    MASS_ABSENCE = "MassAbsence"
    ORPHAN_SERVICE = "OrphanService"
    WORK_UNSAVED = "WorkUnsaved"
    WORKSPACE_PREPARING = "WorkspacePreparing"
    WORKSPACE_READY = "WorkspaceReady"
    CLONE_FAILED = "CloneFailed"
    NOT_REPORTED = "NotReported"
    NOT_REQUIRED = "NotRequired"
    ROUTE_FAILING = "RouteFailing"
    ROUTE_READY = "RouteReady"
    PROVISIONED = "Provisioned"
    APPLIED = "Applied"
    ADMITTED = "Admitted"
    SETTLED = "Settled"
    FAILING = "Failing"
    HEALTHY = "Healthy"
    AGENT_READY = "AgentReady"
    AGENT_STARTING = "AgentStarting"
    AGENT_FAILED = "AgentFailed"
    AGENT_NOT_INSTALLED = "AgentNotInstalled"
    LOGGED_IN = "LoggedIn"
    LOGIN_EXPIRED = "LoginExpired"
    LOGIN_REVOKED = "LoginRevoked"
    LOGIN_INVALID = "LoginInvalid"
    NO_LOGIN = "NoLogin"
    SAVED = "Saved"
    UNSAVED = "Unsaved"
    NO_REMOTE = "NoRemote"
    NOT_SUSPENDED = "NotSuspended"
    SUSPENDED = "Suspended"
    STORAGE_IN_USE = "StorageInUse"
    CONTROLLER_ERROR = "ControllerError"


class Finding(StrEnum):
    """What a sweep finds that no record accounts for, in one word that programs may rely on."""

    ORPHAN_APPLICATION = "OrphanApplication"
    """An application whose session was ours and is gone: the sweep deletes it."""
    ORPHAN_SERVICE = "OrphanService"
    """A container service that Dokploy no longer knows: no call removes it, a person does."""
    ORPHAN_VOLUME = "OrphanVolume"
    """A volume whose session is gone and did not ask to keep it: reported, never removed."""
    RETAINED_VOLUME = "RetainedVolume"
    """A volume whose session is gone and asked to keep it."""
    TWIN = "Twin"
    """A surplus application of a session: the session's own passes delete it."""
    LOOK_ALIKE = "LookAlike"
    """It bears our marker, and nothing of ours ever claimed it: left alone."""
