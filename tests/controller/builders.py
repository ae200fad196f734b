"""Small true values for tests of the controller's pure core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from controller.desired import Desired
from controller.identity import Identity
from controller.observed import Observed
from controller.plan import plan
from controller.planned import Deadlines, Plan
from crds.base import Condition, ConditionStatus, ObjectMeta
from crds.session import DokployStatus, OperatingMode, Session, SessionSpec, SessionStatus
from dokploy.port import (
    ApplicationConfig,
    ApplicationDetail,
    ApplicationRef,
    ApplicationRow,
    DockerSource,
    Domain,
    GitSource,
    Health,
    ServiceRow,
    TaskRow,
    VolumeMount,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
INSTANCE = "b0123456"
KEY = b"k" * 32
DEADLINES = Deadlines()
REF = ApplicationRef("app-1", "")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def session(
    name: str = "fix-login",
    namespace: str = "alice",
    *,
    uid: str = "uid-1",
    mode: OperatingMode = OperatingMode.RUNNING,
    known: DokployStatus | None = None,
    deleting: bool = False,
    restarted_at: datetime | None = None,
    annotations: dict[str, str] | None = None,
    **spec: object,
) -> Session:
    return Session(
        metadata=ObjectMeta(
            name=name,
            namespace=namespace,
            uid=uid,
            generation=1,
            finalizers=("berth.dev/session",),
            annotations=annotations or {},
            creation_timestamp=NOW - seconds(60),
            deletion_timestamp=NOW if deleting else None,
        ),
        spec=SessionSpec(image="berth/session:1", operating_mode=mode, restarted_at=restarted_at, **spec),
        status=SessionStatus(dokploy=known or DokployStatus()),
    )


def identity(of: Session) -> Identity:
    return Identity.of(of, instance=INSTANCE)


def config(
    *, replicas: int = 1, env: str = "A='1'", git: bool = False, name: str = "alice/fix-login"
) -> ApplicationConfig:
    source: DockerSource | GitSource = DockerSource("berth/session:1")
    if git:
        source = GitSource("https://g/x", "main", "/", "Dockerfile", ".", SecretStr(""))
    return ApplicationConfig(
        name=name,
        description="Fix the login bug",
        source=source,
        env=SecretStr(env),
        replicas=replicas,
        health=Health(("CMD-SHELL", "true"), 1, 1, 1, 3),
        cpu_limit=None,
        cpu_reservation=None,
        memory_limit=None,
        memory_reservation=None,
        stop_grace=1,
        restart_delay=1,
    )


def desired(of: Session, *, digest: str = "d1", git: bool = False, routed: bool = True) -> Desired:
    ours = identity(of)
    replicas = 1 if of.spec.operating_mode is OperatingMode.RUNNING else 0
    return Desired(
        identity=ours,
        mode=of.spec.operating_mode,
        config=config(replicas=replicas, git=git, name=str(of.key)),
        digest=digest if replicas else f"{digest}-stopped",
        described="p1",
        revision="r1",
        build_inputs="b1" if git else None,
        volumes=(
            VolumeMount(ours.volume("workspace"), "/workspace"),
            VolumeMount(ours.volume("data"), "/data"),
        ),
        domain=Domain("fix-login.example.com", 3000, https=True) if routed else None,
        url="https://fix-login.example.com/" if routed else None,
    )


def application(
    of: Session, number: int = 1, *, status: str = "done", created: datetime = NOW
) -> ApplicationRow:
    ref = ApplicationRef(f"app-{number}", f"{identity(of).marker}-{number:06d}")
    return ApplicationRow(ref, str(of.key), status, "env-1", created, None)


def service(of: Session, number: int = 1, *, running: int = 1, wanted: int = 1) -> ServiceRow:
    return ServiceRow(f"{identity(of).marker}-{number:06d}", running, wanted, "berth/session:1")


def settled(of: Session, want: Desired, **changes: object) -> DokployStatus:
    """Our record of a session that runs as declared."""
    row = application(of)
    known = DokployStatus(
        application_id=row.ref.application_id,
        app_name=row.ref.app_name,
        configured=want.digest,
        described=want.described,
        applied=want.digest,
        storage=tuple(mount.volume for mount in want.volumes),
        route="https://fix-login.example.com:3000" if want.domain else None,
        task="task-1" if want.config.replicas else None,
        deployed_at=NOW - seconds(30),
        restarted=of.spec.restarted_at,
    )
    return known.model_copy(update=changes)


def with_known(of: Session, known: DokployStatus) -> Session:
    """The session with our record of it, Ready where that names a running task."""
    status = ConditionStatus.TRUE if known.task else ConditionStatus.FALSE
    ready = Condition(type="Ready", status=status, reason="Running", last_transition_time=NOW)
    return of.model_copy(
        update={"status": of.status.model_copy(update={"dokploy": known, "conditions": (ready,)})}
    )


def detail(of: Session, want: Desired, **changes: object) -> ApplicationDetail:
    values: dict[str, object] = {
        "ref": application(of).ref,
        "config": want.config,
        "mounts": want.volumes,
        "domains": (want.domain,) if want.domain else (),
        **changes,
    }
    return ApplicationDetail(**values)  # type: ignore[arg-type]


def task(
    name: str = "task-1",
    state: str = "Running",
    *,
    wanted: str = "running",
    age: float = 1.0,
    error: str = "",
) -> TaskRow:
    return TaskRow(name, wanted, state, age, error)


def report(
    of: Session, *, session: str | None = None, revision: str = "r1", workspace: str = "Ready"
) -> dict[str, object]:
    return {
        "session": identity(of).session_id if session is None else session,
        "revision": revision,
        "boot": "boot-1",
        "status": "ok",
        "workspace": {"state": workspace, "reason": "", "message": ""},
        "agent": {"state": "NotStarted", "message": ""},
        "auth": [],
        "attention": "Idle",
        "activity": None,
        "work": {"state": "Clean", "uncommitted": 0, "unpushed": 0},
        "version": "1",
    }


def seen(of: Session, **changes: object) -> Observed:
    """A listing that shows the session's application and its running service."""
    values: dict[str, object] = {
        "applications": (application(of),),
        "services": (service(of),),
        **changes,
    }
    return Observed(**values)  # type: ignore[arg-type]


def nothing(**changes: object) -> Observed:
    return Observed(applications=(), services=(), **changes)  # type: ignore[arg-type]


def planned(of: Session, observed: Observed, **changes: object) -> Plan:
    want = desired(of, **changes)  # type: ignore[arg-type]
    return plan(of, want, observed, now=NOW, deadlines=DEADLINES)


def kinds(of: Plan) -> list[type]:
    return [type(action) for action in of.actions]


def running(**changes: object) -> tuple[Session, DokployStatus]:
    of = session()
    known = settled(of, desired(of), **changes)
    return with_known(of, known), known
