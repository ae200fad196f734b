"""Quantities and durations: validated text that knows its value, parsed once.

Each is a ``str`` that keeps what a person wrote (so a spec reads back as it was declared) and
offers the value in the unit that the rest of Berth works in.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_CPU = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>m?)")
_MEMORY = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>|k|M|G|T|Ki|Mi|Gi|Ti)")
_DURATION = re.compile(
    r"(?=.)((?P<d>\d+)d)?((?P<h>\d+)h)?((?P<m>\d+)m(?!s))?((?P<s>\d+(\.\d+)?)s)?((?P<ms>\d+)ms)?"
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


class _Text(str):
    """Text with a rule; a subclass gives the pattern and words of help."""

    __slots__ = ()

    PATTERN: ClassVar[re.Pattern[str]]
    HELP: ClassVar[str]

    def __new__(cls, text: str) -> Self:
        if not cls.PATTERN.fullmatch(text):
            raise ValueError(f"{text!r} is not {cls.HELP}")
        return super().__new__(cls, text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(), serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string"}

    def _match(self) -> re.Match[str]:
        match = self.PATTERN.fullmatch(self)
        if match is None:
            raise ValueError(f"{self!r} is not {self.HELP}")
        return match


class CpuQuantity(_Text):
    """A CPU quantity such as ``500m`` or ``2``."""

    __slots__ = ()

    PATTERN = _CPU
    HELP = "a CPU quantity such as 500m or 2"

    @property
    def nano_cpus(self) -> int:
        """The value in billionths of a CPU, the unit Dokploy takes."""
        match = self._match()
        return int(Decimal(match["number"]) * (10**6 if match["unit"] == "m" else 10**9))


class MemoryQuantity(_Text):
    """A memory quantity such as ``2Gi`` or ``512M``."""

    __slots__ = ()

    PATTERN = _MEMORY
    HELP = "a memory quantity such as 512Mi or 2Gi"

    @property
    def bytes(self) -> int:
        """The value in bytes, the unit Dokploy takes."""
        match = self._match()
        return int(Decimal(match["number"]) * _MEMORY_UNITS[match["unit"]])


class Duration(_Text):
    """A duration such as ``30m``, ``1h30m`` or ``500ms``."""

    __slots__ = ()

    PATTERN = _DURATION
    HELP = "a duration such as 90s, 30m or 1h30m"

    @property
    def seconds(self) -> float:
        """The value in seconds."""
        parts = self._match().groupdict()
        parts_in_seconds = (Decimal(n) * _DURATION_UNITS[unit] for unit, n in parts.items() if n)
        return float(sum(parts_in_seconds, Decimal()))
