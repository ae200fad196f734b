"""What can go wrong with one outbound call, and what it may cost (LAWS, "The fault model")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What sort of call it is; it decides what can go wrong with it."""

    LISTING = "listing"
    READING = "reading"
    CHANGE = "change"
    ECHO = "echo"
    RECORD_READ = "record read"
    RECORD_WRITE = "record write"


@dataclass(frozen=True, slots=True)
class Call:
    """One outbound call of the controller, by its number since the injector was armed."""

    number: int
    kind: Kind
    name: str
    subject: str = ""
    """The application, session or record that it is about."""

    def __str__(self) -> str:
        return f"{self.number} {self.name} {self.subject}".rstrip()


class Fault(Enum):
    """One kind of accident."""

    CRASH_BEFORE = "the controller dies before the call"
    CRASH_AFTER = "the controller dies after the call took effect"
    REFUSED = "500 before any effect"
    FAILED_AFTER = "500 after it took effect"
    UNREACHABLE = "the connection is refused"
    LOST = "it takes effect, and the connection is cut before the answer"
    SLOW = "the time-out comes first, the effect two seconds later"
    PROMPT = "the time-out comes first, the effect in the same moment"
    LATE = "the time-out comes first, the effect 15 seconds later"
    LATEST = "the time-out comes first, the effect two minutes later"
    THROTTLED = "401, as of a rate limited key"
    REVOKED = "401 for 40 seconds, as of a revoked key"
    PROXY_404 = "404 of a proxy in front of Dokploy"
    CONFLICT = "409"
    TOO_LARGE = "413"
    GARBLED = "it takes effect, and the answer is no JSON"
    EMPTY = "it takes effect, and the answer has no body"
    STALE_VIEW = "the listing shows what the one before it showed"
    PARTIAL_VIEW = "the listing lacks every second row"
    EMPTY_VIEW = "the listing shows nothing"
    SILENT = "the container does not answer"
    FOREIGN = "something other than a session's container answers"
    HANGS = "no answer ever comes, and nothing is done"
    FAILED = "the store fails before any effect"
    LOST_WRITE = "the store takes the write, and fails before it says so"
    STALE_RECORD = "the store shows the record as it was before"


class Tamper(Enum):
    """One deed of an outsider."""

    DELETES = "deletes our application"
    STOPS = "stops it in Dokploy's page"
    STARTS = "starts it in Dokploy's page"
    EDITS = "edits its environment and deploys it"
    SCALES_DOWN = "sets its replicas to 0 and reloads it"
    RENAMES = "renames it"
    UNMOUNTS = "detaches its volumes"
    REMOUNTS = "mounts its volumes a second time"
    UNROUTES = "removes its route"
    DOUBLES = "makes another application of the same base name"
    IMITATES = "makes applications whose names nearly are ours"
    CRASHES = "kills its container"
    RESTARTS = "restarts Dokploy"
    RESTORES = "restores Dokploy's database of a while ago"


EFFECT_AFTER = {Fault.SLOW: 2.0, Fault.PROMPT: 0.0, Fault.LATE: 15.0, Fault.LATEST: 120.0}
"""Seconds from a time-out to the effect of the call. That may come after all that is waited for: what
is made twice then is found and removed."""
LATE_EFFECTS = (Fault.PROMPT, Fault.LATE, Fault.LATEST)

CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
_HTTP = (
    Fault.REFUSED,
    Fault.UNREACHABLE,
    Fault.THROTTLED,
    Fault.REVOKED,
    Fault.PROXY_404,
    Fault.GARBLED,
    Fault.EMPTY,
)

APPLICABLE: dict[Kind, tuple[Fault, ...]] = {
    Kind.CHANGE: (
        *CRASHES,
        *_HTTP,
        Fault.FAILED_AFTER,
        Fault.LOST,
        Fault.SLOW,
        Fault.CONFLICT,
        Fault.TOO_LARGE,
    ),
    # A reading has no effect: to lose it is to be refused, and dying before or after it is one.
    Kind.READING: (Fault.CRASH_BEFORE, *_HTTP),
    Kind.LISTING: (
        Fault.CRASH_BEFORE,
        *_HTTP,
        Fault.STALE_VIEW,
        Fault.PARTIAL_VIEW,
        Fault.EMPTY_VIEW,
    ),
    Kind.ECHO: (Fault.CRASH_BEFORE, Fault.SILENT, Fault.FOREIGN),
    Kind.RECORD_READ: (Fault.FAILED, Fault.STALE_RECORD),
    Kind.RECORD_WRITE: (*CRASHES, Fault.FAILED, Fault.LOST_WRITE),
}
"""All faults of each kind of call: every single one is tried at every call."""

PAIRED: dict[Kind, tuple[Fault, ...]] = {
    # Left out of pairs: what a controller cannot tell from a fault that is in. Dying before a call
    # is dying after the one before it; a cut, garbled or empty answer are one error of the client's
    # (`Ambiguous`); a refused connection, a 401, a proxy's 404 and a 409 change nothing, as a 500 does.
    Kind.CHANGE: (
        Fault.CRASH_AFTER,
        Fault.REFUSED,
        Fault.LOST,
        Fault.SLOW,
        Fault.TOO_LARGE,
    ),
    Kind.READING: (Fault.REFUSED, Fault.GARBLED),
    Kind.LISTING: (Fault.REFUSED, Fault.STALE_VIEW, Fault.PARTIAL_VIEW, Fault.EMPTY_VIEW),
    Kind.ECHO: (Fault.SILENT, Fault.FOREIGN),
    Kind.RECORD_READ: (Fault.FAILED, Fault.STALE_RECORD),
    Kind.RECORD_WRITE: (Fault.CRASH_AFTER, Fault.FAILED, Fault.LOST_WRITE),
}
"""Those that are combined with each other; the rest are twins of one of these to the controller."""

UNCERTAIN = frozenset(
    {
        Fault.CRASH_AFTER,
        Fault.FAILED_AFTER,
        Fault.LOST,
        *EFFECT_AFTER,
        Fault.GARBLED,
        Fault.EMPTY,
        Fault.LOST_WRITE,
    }
)
"""After these the controller cannot know whether the call took effect."""


@dataclass(frozen=True, slots=True)
class Injection:
    """A fault at a call, or an outsider's deed before it, by the call's number."""

    number: int
    fault: Fault | Tamper

    def __str__(self) -> str:
        return f"{self.fault.name} at call {self.number}"


OUTAGES = (Fault.REFUSED, Fault.UNREACHABLE, Fault.HANGS, Fault.THROTTLED, Fault.PROXY_404, Fault.GARBLED)
"""What every call of an outage of Dokploy may get for an answer."""


@dataclass(frozen=True, slots=True)
class Outage:
    """From one call on, for a while, all calls of these names and kinds go wrong in the same way.

    The client tries a reading three times: what befalls one try reaches no plan.
    """

    fault: Fault
    seconds: float
    names: frozenset[str] = frozenset()
    """Procedures, or calls of the store; none for all of the kinds."""
    kinds: frozenset[Kind] = frozenset({Kind.LISTING, Kind.READING, Kind.CHANGE})
    number: int = 0
    """Of the call with which it begins."""

    def befalls(self, kind: Kind, name: str) -> bool:
        """Whether a call is one of those."""
        return name in self.names if self.names else kind in self.kinds

    def __str__(self) -> str:
        what = ", ".join(sorted(self.names) or sorted(kind.value for kind in self.kinds))
        return f"{self.fault.name} of {what} for {self.seconds:.0f} s from call {self.number}"


def seconds_lost(fault: Fault | Tamper) -> float:
    """How much longer than undisturbed the way may take for one such fault (law L4).

    A dead controller's lease has to end (3 s here) and the next one to look; a create that got no
    answer is given ten seconds to show; a refusal that only a change of the spec would mend is
    looked at again by the audit, once a minute here; everything else costs its backoff.
    """
    match fault:
        case Tamper():
            return 200.0  # an audit shows what the listing does not, and two sweeps what is left over
        case Fault.TOO_LARGE:
            return 130.0
        case Fault.LATE | Fault.LATEST:
            return 200.0 + EFFECT_AFTER[fault]
        case Fault.REVOKED:
            return 110.0
        case Fault.THROTTLED:
            return 70.0
        case _:
            return 45.0


FALSE_VIEWS = frozenset({Fault.STALE_VIEW, Fault.PARTIAL_VIEW, Fault.EMPTY_VIEW})


def spare_creates(injected: Sequence[tuple[Call, Fault | Tamper]]) -> int:
    """In how many ambiguous-create windows (law S2) these faults put us: a create that got no
    certain answer, and then a listing that does not show what it made."""
    uncertain = sum(
        call.name in {"application.create", "update_status", "record_event"} and fault in UNCERTAIN
        for call, fault in injected
    )
    late = sum(
        call.name == "application.create" and fault in {Fault.LATE, Fault.LATEST} for call, fault in injected
    )
    return late + min(uncertain, sum(fault in FALSE_VIEWS for _, fault in injected))
