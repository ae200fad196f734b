"""A line of the table of performance: what was measured beside what it would ideally be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Bound = Literal["exact"] | float | None
"""``exact``: ours is the ideal; a number: the most that the ratio may be; None: printed only."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number of a law."""

    law: str
    name: str
    ours: float
    ideal: float
    unit: str = ""
    bound: Bound = None

    @property
    def ratio(self) -> float:
        """Ours over the ideal; 1 where both are nothing."""
        if self.ours == self.ideal:
            return 1.0
        return self.ours / self.ideal if self.ideal else math.inf

    @property
    def holds(self) -> bool:
        """Whether the law's bound is kept; what is printed only always is."""
        if self.bound is None:
            return True
        return self.ours == self.ideal if self.bound == "exact" else self.ratio <= self.bound

    def cells(self) -> tuple[str, str, str, str, str]:
        """Name, ours, ideal, ratio and bound as the table shows them."""
        return (
            f"{self.law} {self.name}",
            self._shown(self.ours),
            self._shown(self.ideal),
            f"{self.ratio:.2f}",
            self._bound(),
        )

    def _shown(self, value: float) -> str:
        return (f"{value:,.0f}" if value >= 1000 else f"{value:.4g}") + f" {self.unit}".rstrip()

    def _bound(self) -> str:
        match self.bound:
            case None:
                return "printed"
            case "exact":
                return "exact"
            case most:
                return f"≤ {most:g}"


def broken(rows: Iterable[Row]) -> list[Row]:
    """The rows whose bound is not kept."""
    return [row for row in rows if not row.holds]
