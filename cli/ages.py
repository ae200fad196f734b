"""Times as kubectl says them: ``5s``, ``3m``, ``2d``."""

from __future__ import annotations

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_YEAR = 365 * _DAY

# Up to this many seconds: the units told, the larger first. The thresholds are kubectl's, whose
# users know the look: seconds below two minutes, two units where one alone would say too little.
_STEPS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (2 * _MINUTE, (1,)),
    (10 * _MINUTE, (_MINUTE, 1)),
    (3 * _HOUR, (_MINUTE,)),
    (8 * _HOUR, (_HOUR, _MINUTE)),
    (2 * _DAY, (_HOUR,)),
    (8 * _DAY, (_DAY, _HOUR)),
    (2 * _YEAR, (_DAY,)),
    (8 * _YEAR, (_YEAR, _DAY)),
)
_LETTER = {1: "s", _MINUTE: "m", _HOUR: "h", _DAY: "d", _YEAR: "y"}


def moment(value: object) -> datetime | None:
    """An RFC 3339 time, or None for what is not one."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None


def age(value: object, now: datetime) -> str:
    """How long ago a time was; a future one counts as now, since clocks differ."""
    found = moment(value)
    return "<unknown>" if found is None else spoken(int((now - found).total_seconds()))


def spoken(seconds: int) -> str:
    """A duration in the one or two units that matter."""
    rest = max(seconds, 0)
    units = next((units for limit, units in _STEPS if rest < limit), (_YEAR,))
    parts = []
    for unit in units:
        count, rest = divmod(rest, unit)
        if count or unit == units[0]:
            parts.append(f"{count}{_LETTER[unit]}")
    return "".join(parts)
