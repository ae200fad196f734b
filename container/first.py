"""The first program of a container (PID 1): it starts the app, passes signals on, and reaps.

The kernel gives every orphan of a container to its first program, which must wait for them or
they stay as zombies. Waiting for *any* child would take the end of a git or an agent away from
the app that waits for it, so the two are apart: this one forks, and does nothing else.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable

_PASSED_ON = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_WATCHED = (*_PASSED_ON, signal.SIGCHLD)


def is_first() -> bool:
    """Whether this program is the first of its process namespace."""
    return os.getpid() == 1


def divide(private: Iterable[int]) -> None:
    """Fork. The child returns and goes on; the parent never does, and ends as the child ends.

    ``private`` descriptors are the child's alone.
    """
    # Blocked, not caught: a signal that comes between two lines waits until it is asked for.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    for descriptor in private:
        os.close(descriptor)
    code = _see_out(child)
    sys.stdout.flush()
    os._exit(code)


def _see_out(child: int) -> int:
    """Pass signals on and reap until ``child`` has ended; return its exit code, 128 + n for a signal."""
    while True:
        number = signal.sigwait(_WATCHED)
        if number != signal.SIGCHLD:
            os.kill(child, number)  # not yet reaped, so the number is still its own
            continue
        for pid, code in _ended():
            if pid == child:
                return code if code >= 0 else 128 - code


def _ended() -> Iterable[tuple[int, int]]:
    """Reap everything that has ended; one signal may stand for several."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)
