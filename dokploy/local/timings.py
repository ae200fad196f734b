"""How long the parts of Dokploy and Swarm take, in seconds, as measured (FACTS-2 1 and 2).

What a container itself takes to start, to answer and to stop is the runtime's business.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """The defaults are those of a real v0.30.2; :meth:`prompt` is for people who wait."""

    engine: float = 0.02
    """From reading a service's version to writing it: the window in which two reloads race."""
    assign: float = 0.2
    """From the creation of a task to the pull of its image."""
    scale: float = 5.0
    """What the docker CLI waits to see a service stable: why ``stop`` and ``start`` are slow."""
    reap: float = 2.0
    """From the end of a removed task to the removal of its container and its row."""
    job: float = 0.06
    """The part of a deploy that is neither pull nor build."""

    @classmethod
    def prompt(cls) -> Timings:
        """No wait that nothing depends on: what ``berth up`` uses."""
        return cls(engine=0.0, assign=0.0, scale=1.0, reap=0.2, job=0.0)
