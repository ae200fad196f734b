"""Signals as they should be when a program begins, whoever started it.

``nohup``, a shell's background job or a careless supervisor leave signals ignored or blocked, and both
are inherited by every program that is started further down: a terminal that is closed then leaves its
programs running, and Ctrl-C ends none. Python's ``restore_signals`` mends only those that Python itself
ignores, and a function between fork and exec is unsafe in a program with threads. So each of our programs
calls :func:`begin` first: what was ignored gets a handler that does nothing. The program goes on as before,
and the kernel gives its children the default, since no handler outlives an exec.
"""

from __future__ import annotations

import signal
from types import FrameType

_PYTHONS = frozenset({signal.SIGPIPE, signal.SIGXFSZ})
"""Ignored by Python itself, which restores them in every child."""
_DEFAULT = frozenset({signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU})
"""Never handled: a child's end would be lost, and a read of a terminal be begun again for ever."""


def begin() -> frozenset[signal.Signals]:
    """Unblock all signals and ignore none; return those that were ignored.

    A program that ends on a signal leaves out those: ``nohup`` means that the end of a terminal is not
    the program's. Called in the main thread, before any other is started.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    ignored = {number for number in signal.Signals if signal.getsignal(number) is signal.SIG_IGN} - _PYTHONS
    for number in ignored:
        signal.signal(number, signal.SIG_DFL if number in _DEFAULT else _pass)
    return frozenset(ignored)


def _pass(_number: int, _frame: FrameType | None) -> None:
    """Do nothing."""
