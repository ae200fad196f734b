"""Quantities and durations: validated text that knows its value, parsed once."""

from __future__ import annotations


class CpuQuantity(str):
    """A CPU quantity such as ``500m`` or ``2``."""

    @property
    def nano_cpus(self) -> int:
        """The value in billionths of a CPU, the unit Dokploy takes."""
        return int(float(self[:-1]) * 1_000_000) if self.endswith("m") else int(float(self) * 1_000_000_000)


class MemoryQuantity(str):
    """A memory quantity such as ``2Gi`` or ``512M``."""

    @property
    def bytes(self) -> int:
        """The value in bytes, the unit Dokploy takes."""
        raise NotImplementedError


class Duration(str):
    """A duration such as ``30m`` or ``1h30m``."""

    @property
    def seconds(self) -> float:
        """The value in seconds."""
        raise NotImplementedError
