"""Records to write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crds.base import ObjectMeta
from crds.container import SecretKeyReference
from crds.event import Event, ObjectReference
from crds.secret import Secret
from crds.session import Phase, Session, SessionSpec, SessionStatus
from crds.target import Target, TargetSpec

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def meta(name: str, namespace: str = "alice", **fields: Any) -> ObjectMeta:
    return ObjectMeta(name=name, namespace=namespace, **fields)


def session(name: str = "fix-login", namespace: str = "alice", **spec: Any) -> Session:
    return Session(metadata=meta(name, namespace), spec=SessionSpec(**spec))


def labelled(name: str, **labels: str) -> Session:
    return Session(metadata=meta(name, labels=labels))


def secret(name: str = "tokens", **values: str) -> Secret:
    return Secret(metadata=meta(name), string_data=values)


def target(name: str = "default", **spec: Any) -> Target:
    reference = SecretKeyReference(name="dokploy", key="token")
    given = {"url": "https://dokploy.example.com", "api_key": reference} | spec
    return Target(metadata=ObjectMeta(name=name), spec=TargetSpec(**given))


def running(**fields: Any) -> SessionStatus:
    return SessionStatus(phase=Phase.RUNNING, **fields)


def event(about: str = "fix-login", *, reason: str = "Created", at: datetime = NOON, **fields: Any) -> Event:
    reference = ObjectReference(kind="Session", namespace="alice", name=about, uid="u-1")
    return Event(
        metadata=meta("any"),
        involved_object=reference,
        reason=reason,
        message=fields.pop("message", "created an application"),
        first_timestamp=at,
        last_timestamp=at,
        **fields,
    )


def with_spec(record: Session, **spec: Any) -> Session:
    """The same, declared otherwise."""
    return record.model_copy(update={"spec": record.spec.model_copy(update=spec)})


def with_meta(record: Any, **fields: Any) -> Any:
    return record.model_copy(update={"metadata": record.metadata.model_copy(update=fields)})
