"""The laws that tests call by their number; they are stated here and nowhere else.

Each function takes what has to be looked at, and raises AssertionError where its law is broken.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from container.contract import REVISION
from controller.identity import Identity, Markers
from crds.base import Condition
from crds.conditions import CONDITIONS
from crds.session import OperatingMode, Session
from crds.vocabulary import ConditionType, Reason

if TYPE_CHECKING:
    from tests.controller.world import World

INSTANCE = "b0123456"
COUNTED = frozenset(
    {
        *(f"application.{name}" for name in ("create", "update", "reload", "deploy", "delete")),
        "dockerVolume.removeVolume",
    }
)
"""What the differential law counts."""
MARKERS = Markers(INSTANCE)
CANARIES = ("canary-7f3b-never-seen", "the-owners-key")
"""Secret values of the tests' worlds."""
_TOLD_FORMS = frozenset(
    form
    for canary in CANARIES
    for form in (
        canary,
        base64.b64encode(canary.encode()).decode().rstrip("="),
        quote(canary, safe=""),
        json.dumps(canary)[1:-1],
    )
)
"""How each of them may look in a text."""


FOREIGN = "foreign-words-5f1d"
"""What those say whose words are nobody's of ours: Dokploy's errors, and another session's container."""
_TICK = timedelta(seconds=1)
"""Two passes may change a condition within it, and it then keeps the time of the first."""


class Keeper:
    """Calls laws in the midst of things, and remembers which were broken.

    A controller survives any error of a pass, so a law that raised there would be logged and lost:
    who keeps one looks at ``broken`` in the end.
    """

    def __init__(self) -> None:
        self.broken: list[str] = []

    def hold(self, law: Callable[..., None], *given: Any, **named: Any) -> None:
        """Call a law."""
        try:
            law(*given, **named)
        except AssertionError as error:
            said = str(error).partition("\n")[0] or law.__name__
            if said not in self.broken:
                self.broken.append(said)


def s1(app_name: str | None, claims: Mapping[str, object]) -> None:
    """No call changes, stops or deletes an application that is not ours: its marker parses, the
    instance matches, the session is known or tombstoned. One that is gone (None) cannot be hurt."""
    if app_name is None:
        return
    _is_claimed(app_name, MARKERS.session_id(app_name), claims)


def s1_volume(volume: str, claims: Mapping[str, object]) -> None:
    """S1, of a volume that is about to be removed."""
    _is_claimed(volume, MARKERS.session_id_of_volume(volume), claims)


def _is_claimed(name: str, session_id: str | None, claims: Mapping[str, object]) -> None:
    assert session_id is not None, f"S1: {name} is a foreigner's"
    assert session_id in claims, f"S1: {name} was never claimed"


def s2(applications: Counter[str], overlaps: Collection[str], *, spare: int) -> None:
    """At most one application of ours per session runs; at most one exists, except inside a
    declared ambiguous-create window: ``spare`` is how many creates got no certain answer."""
    assert not overlaps, f"S2: two containers on one volume: {overlaps}"
    extra = sum(number - 1 for number in applications.values())
    assert extra <= spare, f"S2: {applications} with {spare} uncertain creates"


def s3(texts: Iterable[str]) -> None:
    """No canary secret appears in what anybody is told: raw, base64, URL-encoded, JSON-escaped."""
    for text in texts:
        for form in _TOLD_FORMS:
            assert form not in text, f"S3: a secret is told in {text[:200]}"


def s4(before: Session, after: Session, *, now: datetime) -> None:
    """observedGeneration never decreases and never exceeds generation, nor does a condition's;
    lastTransitionTime changes iff the condition's status changes. ``now`` is the time of the write."""
    old, new = before.status, after.status
    assert old.observed_generation <= new.observed_generation <= after.metadata.generation, "S4"
    conditions = {condition.type: condition for condition in old.conditions}
    for condition in new.conditions:
        assert condition.observed_generation <= after.metadata.generation, f"S4: {condition}"
        earlier = conditions.get(condition.type)
        if earlier is None:
            continue
        assert earlier.observed_generation <= condition.observed_generation, f"S4: {condition}"
        if earlier.status is condition.status:
            assert earlier.last_transition_time == condition.last_transition_time, f"S4: {condition}"
        elif earlier.last_transition_time is not None and now - earlier.last_transition_time > _TICK:
            assert condition.last_transition_time is not None, f"S4: {condition}"
            assert earlier.last_transition_time < condition.last_transition_time <= now, f"S4: {condition}"
    gone = conditions.keys() - {condition.type for condition in new.conditions}
    assert not gone, f"S4: {gone} are gone"


def s5(before: Session, after: Session) -> None:
    """The controller never writes a spec."""
    assert before.spec == after.spec, "S5"


def s6_rate(within_a_second: int, *, rate: float) -> None:
    """Never more than R calls in any second."""
    assert within_a_second <= rate, f"S6: {within_a_second} calls within a second, of {rate:.0f}"


def s6(changing: int, in_flight: int, *, limit: int) -> None:
    """Per session no two changing calls overlap; in all, never more than the limit in flight."""
    assert changing <= 1, "S6: two changes of one session at once"
    assert in_flight <= limit, f"S6: {in_flight} changes in flight"


def s7(written: float, listed: float) -> None:
    """No changing call comes from a view older than our last write to that session. Loop times of
    the end of that write and of the start of the listing by which a pass decided."""
    assert listed >= written, f"S7: decided by a view of {listed:.3f}, older than the write at {written:.3f}"


def s8(app_name: str, sessions: Iterable[Session]) -> None:
    """Nothing is created for a deleted session: the base of the name sent is a live one's marker."""
    alive = {
        Identity.of(session, instance=INSTANCE).marker
        for session in sessions
        if session.metadata.deletion_timestamp is None
    }
    assert app_name in alive, f"S8: {app_name} is created for no live session"


def s8_end(session: Session, app_names: Iterable[str]) -> None:
    """A deletion that began is finished: the record goes only after its application."""
    mine = Identity.of(session, instance=INSTANCE).session_id
    left = [name for name in app_names if MARKERS.session_id(name) == mine]
    assert not left, f"S8: the record goes before {left}"


def s9(removed: Collection[str], retained: Collection[str]) -> None:
    """A volume is removed only by a deletion whose policy says Delete."""
    assert not set(removed) & set(retained), f"S9: {set(removed) & set(retained)} was to stay"


def s9_work(lost: Collection[str]) -> None:
    """... and never while the work in it is known to be unsaved, or not known to be saved when asked
    last, and the deletion was not forced. ``lost`` are volumes that went with work in them."""
    assert not lost, f"S9: {sorted(lost)} went with work that is saved nowhere else"


def s9a(name: str, asked: float, since: float) -> None:
    """A deletion without force goes on only after a reading of the work in the container that is
    younger than the deletion. Loop times of the newest such reading, and of the deletion."""
    assert asked >= since, f"S9a: {name} is deleted, and its container was not asked since"


def s9_order(volume: str, app_names: Iterable[str], holders: Collection[str]) -> None:
    """A volume goes after its application and after its containers, never before: they may still
    write to it. ``holders`` are the containers that have it."""
    mine = [name for name in app_names if volume.startswith(name[:-7] + "-")]
    assert not mine, f"S9: {volume} is removed while {mine} are there"
    assert not holders, f"S9: {volume} is removed while containers have it"


def s11(name: str, seconds: float, *, within: float) -> None:
    """A session whose declared mode is Stopped never runs longer than one tick after we can see it
    running. ``seconds`` since a listing first showed that it runs; ``within`` is a tick and its stop."""
    assert seconds <= within, f"S11: {name} is declared Stopped, and runs for {seconds:.1f} s"


def s16(session: Session) -> None:
    """Nothing is believed of a container before its session id was compared, and no foreign words are
    repeated: a failed reading is told in our own."""
    status = session.status
    words = [condition.message for condition in status.conditions]
    words += [status.attention.value, status.revision.running or "", status.dokploy.boot or ""]
    if status.last_failure is not None:
        words.append(status.last_failure.message)
    own_words(words)


FOREIGN_ATTENTION = "NeedsApproval"
"""What no simulated container of ours ever wants."""


def s16_attention(session: Session) -> None:
    """S16: an owner is not called to another session's question."""
    assert session.status.attention != FOREIGN_ATTENTION, "S16: a stranger's attention is told"


def own_words(texts: Iterable[str]) -> None:
    """No foreign body in what anybody is told."""
    for text in texts:
        assert FOREIGN not in text, f"S16: foreign words in {text[:200]}"


def status_laws(session: Session, *, read: int) -> None:
    """Every condition is present from the first visit; reasons come from the closed list of their
    condition; Stalled and Progressing exclude each other; Ready is False or Unknown while a
    generation is unobserved; no reading of Dokploy's is repeated in foreign words.

    ``read`` is the generation that the pass had before it. One that a person declares while the
    pass is under way is nothing that it could know of: its status speaks of observedGeneration,
    and who reads it compares the two, as with every Kubernetes controller."""
    conditions = {condition.type: condition for condition in session.status.conditions}
    assert set(conditions) == set(ConditionType), "status: a condition is missing"
    for kind in ConditionType:
        _reason_is_listed(kind, conditions[kind])
    if session.status.observed_generation < read:
        assert conditions[ConditionType.READY].status != "True", "status: Ready before it was observed"
    ready, progressing = conditions[ConditionType.READY], conditions[ConditionType.PROGRESSING]
    if ready.status == "True":
        assert progressing.status == "False", "status: Ready and Progressing"
        assert conditions[ConditionType.SUSPENDED].status == "False", "status: Ready and Suspended"
        assert session.status.phase in {"Running", "Deleting"}, f"status: Ready and {session.status.phase}"
    if session.metadata.generation == read:
        going = session.metadata.deletion_timestamp is not None
        assert (session.status.phase == "Deleting") == going, f"status: {session.status.phase} and {going=}"
    if ready.reason in _STALLED:
        assert progressing.status != "True", f"status: stalled by {ready.reason}, and Progressing"
    if ready.status == "False":
        assert ready.message, f"status: not Ready for {ready.reason}, without a word"
        assert session.status.phase != "Running", f"status: Running, and not Ready for {ready.reason}"
    s16(session)


_STALLED = frozenset({Reason.INVALID_SPEC, Reason.BUILD_FAILED})
"""What only a person's change mends: nothing is being done about it."""


def _reason_is_listed(kind: ConditionType, condition: Condition) -> None:
    reason = Reason(condition.reason)
    allowed = CONDITIONS[kind].reasons
    assert reason in allowed, f"status: {kind}={condition.status} for {reason}, which is not in its list"


# -- at rest ------------------------------------------------------------------------------------


def l1(of: World, sessions: Iterable[Session], *, retained: Collection[str] = ()) -> None:
    """The world equals the declared state: exactly one application per live session with its
    volumes and its route, none for a deleted one, no orphan service, no orphan volume; the
    container runs what is declared, or there is none."""
    sessions = tuple(sessions)
    tables = of.dokploy.database.tables
    rows = {
        row["appName"]: row for row in tables["application"].values() if MARKERS.session_id(row["appName"])
    }
    _services_are_known(of, sessions, set(rows))
    orphaned = [session for session in sessions if ready_reason(session) == Reason.ORPHAN_SERVICE]
    sound = [session for session in sessions if session not in orphaned and _has_application(session)]
    assert len(rows) == len(sound), f"L1: {sorted(rows)} for {[str(s.key) for s in sound]}"
    for session in sound:
        _is_as_declared(of, session, rows)
    if not orphaned:
        volumes = {volume for session in sessions for volume in session.status.dokploy.storage}
        assert set(of.simulation.volumes()) <= volumes | set(retained), "L1: an orphan volume"


def _has_application(session: Session) -> bool:
    return session.spec.operating_mode is not OperatingMode.LEGACY


def _services_are_known(of: World, sessions: tuple[Session, ...], names: set[str]) -> None:
    """A service without an application is one that Dokploy itself left behind when an outsider
    deleted its application in the middle of a deploy: no call removes it, and its session says so."""
    left = {name for name in of.dokploy.swarm.services if MARKERS.session_id(name)} - names
    told = {
        Identity.of(session, instance=INSTANCE).session_id
        for session in sessions
        if ready_reason(session) == Reason.ORPHAN_SERVICE
    }
    unknown = {name for name in left if MARKERS.session_id(name) not in told}
    assert not unknown, f"L1: orphan services {unknown}"


def _is_as_declared(of: World, session: Session, rows: Mapping[str, Mapping[str, object]]) -> None:
    status, tables = session.status, of.dokploy.database.tables
    row = rows.get(str(status.dokploy.app_name))
    assert row is not None, f"L1: {session.key} has another application than it says"
    assert row["name"] == str(session.key), f"L1: it is called {row['name']} in Dokploy"
    identity = Identity.of(session, instance=INSTANCE)
    volumes = [identity.volume("data"), identity.volume("workspace")]
    mine = [m for m in tables["mount"].values() if m["applicationId"] == row["applicationId"]]
    assert sorted(m["volumeName"] for m in mine) == volumes, "L1: mounts"
    hosts = [d["host"] for d in tables["domain"].values() if d["applicationId"] == row["applicationId"]]
    assert hosts == ([urlsplit(status.url).hostname] if status.url else []), f"L1: routes {hosts}"
    assert f"{REVISION}='{status.revision.desired}'" in str(row["env"]), (
        "L1: Dokploy holds another configuration"
    )
    replicas = 1 if session.spec.operating_mode is OperatingMode.RUNNING else 0
    assert row["replicas"] == replicas, "L1: Dokploy holds another number of replicas"
    containers = of.simulation.running(str(row["appName"]))
    if session.spec.operating_mode is OperatingMode.RUNNING:
        revisions = [c.spec.env.get(REVISION) for c in containers]
        assert revisions == [_applied_revision(session)], f"L1: runs {revisions}"
        mounted = [sorted(name for name, _ in container.spec.mounts) for container in containers]
        assert mounted == [volumes], f"L1: it runs on {mounted}"
    else:
        assert containers == [], "L1, S11: a stopped session runs"


def _applied_revision(session: Session) -> str | None:
    """The declared one; while a change that nobody asked of the session waits for an idle moment, and
    its condition says so, the one before."""
    reasons = {c.type: c.reason for c in session.status.conditions}
    origin = session.status.dokploy.applied_from
    if reasons.get(ConditionType.CONFIG_APPLIED) == Reason.RESTART_NEEDED and origin is not None:
        return origin.revision
    return session.status.revision.desired


def l3(session: Session) -> None:
    """Ready=True with observedGeneration = generation, or a reason that names what a person must
    change; never both, never neither. In worlds where nothing is wrong with what is declared, that
    is Ready for a running session and Stopped for another."""
    status = session.status
    assert status.observed_generation == session.metadata.generation, "L3: a generation is unobserved"
    if session.spec.operating_mode is OperatingMode.RUNNING:
        assert status.is_ready, f"L3: {session.key} is not Ready: {ready_reason(session)}"
        assert status.phase == "Running", "L3"
    elif session.spec.operating_mode is OperatingMode.STOPPED:
        assert status.phase == "Stopped", f"L3: {session.key} is {status.phase}"


def written_by_passes(writes: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Writes of records without a target's: a sweep comes by the clock, and its report is the target's."""
    return [(what, key) for what, key in writes if not key.startswith("Target ")]


def l2(changes: Collection[str], writes: Collection[object]) -> None:
    """A further pass makes zero changing calls and zero status writes."""
    assert not changes, f"L2: {changes}"
    assert not writes, f"L2: {writes}"


def differential(made: Counter[str], undisturbed: Counter[str], allowed: Counter[str]) -> None:
    """Creates, configures, applies, deploys, deletes and removals of volumes stay within the
    undisturbed run and what the faults allow."""
    extra = Counter({name: n for name, n in (made - undisturbed - allowed).items() if name in COUNTED})
    assert not extra, f"differential: {dict(extra)} beyond {dict(undisturbed)} and {dict(allowed)}"


def ready_reason(session: Session) -> str:
    """The reason of Ready."""
    return next((c.reason for c in session.status.conditions if c.type == ConditionType.READY), "")
