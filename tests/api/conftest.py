"""An API over real records in a file of their own, with a Dokploy that only has logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from api.settings import ApiSettings
from controller.identity import session_id
from crds.base import Condition, ConditionStatus, Key, ObjectMeta, Resource
from crds.secret import Secret
from crds.session import DokployStatus, Phase, Session, SessionSpec, SessionStatus
from crds.target import Target
from crds.target_status import FoundItem
from crds.vocabulary import Finding
from dokploy.errors import DokployError
from records.keys import KeyRing
from records.port import Records
from records.sql import SqlRecords, migrate, open_records

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class LogsOnly:
    """A Dokploy that gives logs; ``output`` and ``build`` are what its containers have written."""

    output: str = ""
    build: str = ""
    failure: DokployError | None = None
    readings: list[tuple[str, int, str | None]] = field(default_factory=list)
    closed: bool = False

    async def read_logs(self, application_id: str, *, tail: int, since: str | None) -> str:
        self.readings.append((application_id, tail, since))
        if self.failure is not None:
            raise self.failure
        return "".join(self.output.splitlines(keepends=True)[-tail:])

    async def read_build_log(self, deployment_id: str, *, tail: int) -> str:
        return "".join(self.build.splitlines(keepends=True)[-tail:])

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Connections:
    """Remembers with which key which target was connected to."""

    dokploy: LogsOnly = field(default_factory=LogsOnly)
    made: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, target: Target, key: SecretStr) -> LogsOnly:
        self.made.append((target.spec.url, key.get_secret_value()))
        self.dokploy.closed = False
        return self.dokploy


@dataclass(frozen=True)
class Told:
    why: str
    actions: tuple[str, ...] = ()
    wait_seconds: float | None = None


async def affects(records: Records, changed: Resource, *, gone: bool = False) -> str:
    """A word on each Secret."""
    return f"it concerns {changed.key}" if isinstance(changed, Secret) else ""


async def explain(records: Records, session: Session) -> Told:
    """An explanation made of the session, so that a test sees which one was explained."""
    uid = "with a uid" if session.metadata.uid else "without a uid"
    return Told(f"generation {session.metadata.generation} {uid}", (f"Run {session.spec.image}",), 2.5)


@dataclass(frozen=True)
class Seen:
    items: tuple[FoundItem, ...] = ()
    unfinished: str | None = None


async def preview(records: Records, dokploy: LogsOnly, target: Target) -> Seen:
    """A preview made of the target, so that a test sees which one was looked at."""
    name = f"b-{target.metadata.name}-service"
    command = f"docker service rm {name}"
    return Seen((FoundItem(finding=Finding.ORPHAN_SERVICE, name=name, outcome="left", command=command),))


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    return ApiSettings(
        database_url=SecretStr(f"sqlite:///{tmp_path}/berth.db"),
        key_file=tmp_path / "keys",
        token_file=tmp_path / "token",
        api_log_poll_seconds=0.05,
        api_request_timeout_seconds=5,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def records(settings: ApiSettings) -> AsyncIterator[SqlRecords]:
    url = settings.database_url.get_secret_value()
    await migrate(url)  # here, which is quicker than in a program of its own
    opened = await open_records(url, key=KeyRing.drawn(), poll_seconds=0.02)
    yield opened
    await opened.aclose()


@pytest.fixture
def connections() -> Connections:
    return Connections()


@dataclass(frozen=True)
class Lost:
    reason: str
    what: str


@dataclass
class Work:
    """Answers for every session's container; ``loss`` is what a deletion would lose."""

    loss: Lost | None = None
    asked: list[str] = field(default_factory=list)

    async def __call__(self, records: Records, session: Session) -> Lost | None:
        self.asked.append(str(session.key))
        return self.loss


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def app(
    settings: ApiSettings, records: SqlRecords, connections: Connections, clock: Clock, work: Work
) -> FastAPI:
    return create_app(
        settings, records, explain, preview, connections, session_id, work, affects=affects, now=clock
    )


@pytest.fixture
def token(app: FastAPI, settings: ApiSettings) -> str:
    return settings.token_file.read_text().strip()


Client = httpx.AsyncClient


@pytest.fixture
async def client(app: FastAPI, token: str) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://berth",
        headers={"Authorization": f"Bearer {token}"},
    ) as made:
        yield made


def session_body(name: str = "hello", **spec: object) -> dict[str, object]:
    """A session as a person declares it."""
    return {
        "apiVersion": "berth.dev/v1alpha1",
        "kind": "Session",
        "metadata": {"name": name, "namespace": "alice"},
        "spec": {"image": "example/session:1", **spec},
    }


HELLO = "/api/namespaces/alice/sessions/hello"


@pytest.fixture
def stand(records: SqlRecords) -> Callable[..., object]:
    """Write a session's status, as the controller would."""

    async def write(name: str = "hello", **fields: object) -> Session:
        session = await records.get(Session, Key("alice", name))
        status = SessionStatus.model_validate({"observed_generation": 1, **fields})
        return await records.update_status(Session, session.key, uid=session.metadata.uid, status=status)

    return write


def running(**fields: object) -> dict[str, object]:
    """The status of a session whose container runs."""
    return {
        "phase": Phase.RUNNING,
        "dokploy": DokployStatus(
            application_id="app-1", app_name="b-hello-abc-x1y2z3", applied="r1", **fields
        ),
    }


def condition(kind: str, status: ConditionStatus, reason: str, message: str = "") -> Condition:
    return Condition(type=kind, status=status, reason=reason, message=message, last_transition_time=START)


async def declare_target(records: Records, *, key: str = "key-of-dokploy-1") -> None:
    """The default target and its key."""
    await records.create(
        Secret(
            metadata=ObjectMeta(name="dokploy", namespace="berth-system"),
            string_data={"token": key},
        )
    )
    spec = {"url": "http://dokploy", "api_key": {"name": "dokploy", "key": "token"}}
    await records.create(
        Target.model_validate({"kind": "Target", "metadata": {"name": "default"}, "spec": spec})
    )


def a_session(name: str = "hello", **status: object) -> Session:
    """A session as the store would give it."""
    return Session(
        metadata=ObjectMeta(name=name, namespace="alice", uid="u-1", generation=1, resource_version="7"),
        spec=SessionSpec(image="example/session:1"),
        status=SessionStatus.model_validate({"observed_generation": 1, **running(), **status}),
    )
