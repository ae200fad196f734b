"""Quantities and durations: validated text that knows its value, parsed once.

Each is a ``str`` that keeps what a person wrote (so a spec reads back as it was declared) and
offers the value in the unit that the rest of Berth works in.
"""

from __future__ import annotations

import re
import reprlib
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_CPU = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>m?)")
_MEMORY = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>|k|M|G|T|Ki|Mi|Gi|Ti)")
_DURATION = re.compile(
    r"(?=.)((?P<d>[0-9]+)d)?((?P<h>[0-9]+)h)?((?P<m>[0-9]+)m(?!s))?((?P<s>[0-9]+(\.[0-9]+)?)s)?((?P<ms>[0-9]+)ms)?"
)

_MEMORY_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_DURATION_UNITS = {
    "d": Decimal(86_400),
    "h": Decimal(3_600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}


WORD = "x-berth-word"
"""Key in a schema of what a reference calls such a text."""

_MOST_CHARACTERS = 32
_MOST_CPUS = 10**6
_MOST_BYTES = 2**50
_MOST_SECONDS = 3_650 * 86_400
"""Ten years: far above any true wish, and far below where dates end."""


class _Text(str):
    """Text with a rule; a subclass gives the pattern and words of help."""

    __slots__ = ()

    PATTERN: ClassVar[re.Pattern[str]]
    SCHEMA: ClassVar[str]
    """The same pattern for a schema, where look-around is not known."""
    HELP: ClassVar[str]
    EXAMPLE: ClassVar[str]
    WORD_OF_KIND: ClassVar[str]
    """What a reference calls it."""

    def __new__(cls, text: str) -> Self:
        if len(text) > _MOST_CHARACTERS or not cls.PATTERN.fullmatch(text):
            raise ValueError(f"{reprlib.repr(text)} is not {cls.HELP}")
        made = super().__new__(cls, text)
        made.check_bounds()
        return made

    def check_bounds(self) -> None:
        """Refuse what no machine could take; raises ValueError."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": _MOST_CHARACTERS,
            "pattern": f"^{cls.SCHEMA}$",
            "examples": [cls.EXAMPLE],
            WORD: cls.WORD_OF_KIND,
        }

    def _match(self) -> re.Match[str]:
        match = self.PATTERN.fullmatch(self)
        if match is None:
            raise ValueError(f"{self!r} is not {self.HELP}")
        return match


@lru_cache(maxsize=256)
def _seconds_in(text: str) -> float:
    """Of a duration; asked for at every tick and every pass, and of a few only."""
    match = _DURATION.fullmatch(text)
    parts = match.groupdict() if match else {}
    return float(sum((Decimal(n) * _DURATION_UNITS[unit] for unit, n in parts.items() if n), Decimal()))


class CpuQuantity(_Text):
    """A CPU quantity such as ``500m`` or ``2``."""

    __slots__ = ()

    PATTERN = _CPU
    SCHEMA = r"[0-9]+(\.[0-9]+)?m?"
    HELP = "a CPU quantity such as 500m or 2"
    EXAMPLE = "500m"
    WORD_OF_KIND = "CPU quantity"

    def check_bounds(self) -> None:
        """Refuse more than any node has; raises ValueError."""
        if self.nano_cpus > _MOST_CPUS * 10**9:
            raise ValueError(f"at most {_MOST_CPUS} CPUs")

    @property
    def nano_cpus(self) -> int:
        """The value in billionths of a CPU, the unit Dokploy takes."""
        match = self._match()
        return int(Decimal(match["number"]) * (10**6 if match["unit"] == "m" else 10**9))


class MemoryQuantity(_Text):
    """A memory quantity such as ``2Gi`` or ``512M``."""

    __slots__ = ()

    PATTERN = _MEMORY
    SCHEMA = r"[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?"
    HELP = "a memory quantity such as 512Mi or 2Gi"
    EXAMPLE = "2Gi"
    WORD_OF_KIND = "memory quantity"

    def check_bounds(self) -> None:
        """Refuse more than any node has; raises ValueError."""
        if self.bytes > _MOST_BYTES:
            raise ValueError("at most 1024Ti")

    @property
    def bytes(self) -> int:
        """The value in bytes, the unit Dokploy takes."""
        match = self._match()
        return int(Decimal(match["number"]) * _MEMORY_UNITS[match["unit"]])


class Duration(_Text):
    """A duration such as ``30m``, ``1h30m`` or ``500ms``."""

    __slots__ = ()

    PATTERN = _DURATION
    SCHEMA = r"([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+(\.[0-9]+)?s)?([0-9]+ms)?"
    HELP = "a duration such as 90s, 30m or 1h30m"
    EXAMPLE = "30m"
    WORD_OF_KIND = "duration"

    def check_bounds(self) -> None:
        """Refuse what leads out of the calendar; raises ValueError."""
        if self.seconds > _MOST_SECONDS:
            raise ValueError("at most 3650d")

    @property
    def seconds(self) -> float:
        """The value in seconds."""
        return _seconds_in(str(self))


class PositiveDuration(Duration):
    """A duration of at least a millisecond, the shortest that Docker knows."""

    __slots__ = ()

    def check_bounds(self) -> None:
        """Refuse none at all; raises ValueError."""
        super().check_bounds()
        if self.seconds < _LEAST_SECONDS:
            raise ValueError("at least 1ms")


class PollPeriod(Duration):
    """A duration of at least a tenth of a second: polling more often would be a load of its own."""

    __slots__ = ()

    def check_bounds(self) -> None:
        """Refuse what would be a load; raises ValueError."""
        super().check_bounds()
        if self.seconds < _LEAST_POLL:
            raise ValueError("at least 100ms")


_LEAST_SECONDS = 0.001
_LEAST_POLL = 0.1
