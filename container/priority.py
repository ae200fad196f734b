"""What works in a container gives way to what answers.

A build or an agent takes all the processor time and memory that there is. The program that serves the
page and the health check must still answer, or its container is taken for dead, and the work in it is
lost. So every program that is started in a container runs at a lower priority (its disk accesses, too,
which follow the processor's), and is the first to be ended where memory runs out.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

NICE = 10
"""Added to our own niceness: a tenth of our processor time, where both want it."""
_LEAST = 19
_OOM_SCORE, _MOST_OOM_SCORE = 300, 1000
"""Added to our own, in thousandths: it counts as if it held so much more of all memory."""


def lower(pid: int) -> None:
    """Give a program that was just started, the leader of its process group, and what it starts less.

    Called after the start and not in the child before its exec: code between the two is unsafe in a
    program with threads. Where the system does not allow it, nothing is changed.
    """
    nice = min(_LEAST, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, nice)
    with contextlib.suppress(OSError, ValueError):
        own = int(Path("/proc/self/oom_score_adj").read_text("ascii"))
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(min(_MOST_OOM_SCORE, own + _OOM_SCORE)), "ascii")
    with contextlib.suppress(OSError):
        # Where sessions of processes share the processor as groups, niceness is that of the group.
        Path(f"/proc/{pid}/autogroup").write_text(str(nice), "ascii")
