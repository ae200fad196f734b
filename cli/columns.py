"""The columns of each kind: what ``berth get`` shows of a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cli.ages import age
from cli.kinds import Kind
from cli.record import Record, condition, metadata, one_line, spec, status
from cli.sweeping import absence_text

NONE = "<none>"
Cell = Callable[[Record, datetime], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``wide`` ones are shown with ``-o wide`` alone."""

    title: str
    cell: Cell
    wide: bool = False


def columns(kind: Kind, *, width: str = "narrow", namespaces: str = "one") -> list[Column]:
    """The columns of a kind, with ``width`` ``wide`` and ``namespaces`` ``all`` adding some."""
    chosen = [column for column in _COLUMNS[kind.name] if width == "wide" or not column.wide]
    return [_NAMESPACE, *chosen] if namespaces == "all" and kind.namespaced else chosen


def repository(record: Record) -> str:
    """The cloned repository without scheme and suffix: ``github.com/acme/app``."""
    url = str((spec(record).get("source") or {}).get("url") or "")
    if not url:
        return NONE
    parts = urlsplit(url)
    place = f"{parts.hostname or ''}{parts.path}" if parts.scheme else url
    return place.removesuffix("/").removesuffix(".git") or url


def _name(record: Record, _: datetime) -> str:
    return str(metadata(record).get("name") or NONE)


def _age(record: Record, now: datetime) -> str:
    return age(metadata(record).get("creationTimestamp"), now)


def _phase(record: Record, _: datetime) -> str:
    if metadata(record).get("deletionTimestamp"):
        return "Deleting"
    return str(status(record).get("phase") or "Pending")


def _ready(record: Record, _: datetime) -> str:
    return str((condition(record, "Ready") or {}).get("status") or "Unknown")


def _reason(record: Record, _: datetime) -> str:
    return str((condition(record, "Ready") or {}).get("reason") or NONE)


def _image(record: Record, _: datetime) -> str:
    build = spec(record).get("build") or {}
    return str(spec(record).get("image") or build.get("repository") or "<target's>")


def _revision(record: Record, _: datetime) -> str:
    revision = status(record).get("revision") or {}
    desired, running = (str(revision.get(key) or "")[:8] for key in ("desired", "running"))
    if desired and running and desired != running:
        return f"{running}->{desired}"
    return running or (f"->{desired}" if desired else NONE)


def _target(record: Record, _: datetime) -> str:
    return str((spec(record).get("target") or {}).get("name") or "default")


def _object(record: Record, _: datetime) -> str:
    about = record.get("involvedObject") or {}
    return f"{str(about.get('kind') or '?').lower()}/{about.get('name') or '?'}"


def _seen(record: Record, now: datetime) -> str:
    last = age(record.get("lastTimestamp"), now)
    count = int(record.get("count") or 1)
    return last if count == 1 else f"{last} (x{count} over {age(record.get('firstTimestamp'), now)})"


def _secret_keys(record: Record, _: datetime) -> str:
    return str(len(record.get("digests") or ()))


def _frozen(record: Record, _: datetime) -> str:
    return str((status(record).get("freeze") or {}).get("reason") or "no")


def _findings(record: Record, _: datetime) -> str:
    report = status(record).get("sweep")
    return NONE if report is None else str(sum((report.get("counts") or {}).values()))


def _swept(record: Record, now: datetime) -> str:
    return age((status(record).get("sweep") or {}).get("at"), now)


def _in(part: Callable[[Record], Record], field: str, absent: str = NONE) -> Cell:
    def cell(record: Record, _: datetime) -> str:
        found = part(record).get(field)
        return absent if found is None or found == "" else one_line(str(found))

    return cell


def _top(record: Record) -> Record:
    return record


_NAMESPACE = Column("NAMESPACE", _in(metadata, "namespace"))
_NAME, _AGE = Column("NAME", _name), Column("AGE", _age)
_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "Session": (
        _NAME,
        Column("PHASE", _phase),
        Column("READY", _ready),
        Column("ATTENTION", _in(status, "attention", "Unknown")),
        Column("REPO", lambda record, _: repository(record)),
        _AGE,
        Column("URL", _in(status, "url"), wide=True),
        Column("IMAGE", _image, wide=True),
        Column("REVISION", _revision, wide=True),
        Column("TARGET", _target, wide=True),
        Column("RESTARTS", _in(status, "restarts", "0"), wide=True),
        Column("REASON", _reason, wide=True),
    ),
    "SessionTemplate": (
        _NAME,
        Column("TITLE", _in(spec, "title")),
        Column("REPO", lambda record, _: repository(record)),
        _AGE,
        Column("IMAGE", _image, wide=True),
    ),
    "Target": (
        _NAME,
        Column("READY", _ready),
        Column("FROZEN", _frozen),
        Column("FINDINGS", _findings),
        Column("VERSION", _in(status, "version")),
        _AGE,
        Column("SWEPT", _swept, wide=True),
        Column("MISSING", lambda record, _: absence_text(record) or NONE, wide=True),
        Column("URL", _in(spec, "url"), wide=True),
        Column("REASON", _reason, wide=True),
    ),
    "Secret": (_NAME, Column("TYPE", _in(_top, "type", "Opaque")), Column("DATA", _secret_keys), _AGE),
    "User": (_NAME, Column("ROLE", _in(spec, "role", "member")), _AGE),
    "Event": (
        Column("LAST SEEN", _seen),
        Column("TYPE", _in(_top, "type", "Normal")),
        Column("REASON", _in(_top, "reason")),
        Column("OBJECT", _object),
        Column("MESSAGE", _in(_top, "message")),
        Column("BY", _in(_top, "reportingComponent"), wide=True),
    ),
}
