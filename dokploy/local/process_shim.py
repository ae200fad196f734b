"""The parent of every container: a tiny program that sees to it that nothing of one outlives it.

It stands between the local Dokploy and one program, as containerd's shim does, and is run by path
(``python -I -S process_shim.py COMMAND...``), with the standard library alone, so that it starts in
a few milliseconds. Its standard input is a socket to the local Dokploy:

* it writes ``pid N``, and ``exit CODE`` once the program has ended and nothing of it is left;
* a ``T`` passes SIGTERM to the program's group;
* a ``K``, or the end of the socket, kills all at once. The socket ends with the local Dokploy
  whatever ends that (a ``kill -9`` too), so a crash leaves no orphans.

On Linux it is a subreaper: a descendant that made a session of its own (a terminal does) and lost
its parent becomes its child, and is found. Should the shim itself be killed, the kernel kills the
program (PR_SET_PDEATHSIG). Other systems have neither: there the program's group is killed, and a
descendant that left the group survives.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from typing import NoReturn

_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CONTROL = 0
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
"""The shell's exit codes for a program that cannot be run."""
_KILL_PATIENCE = 10.0
"""Seconds to wait for what was killed and does not end, stuck in the kernel as it must be."""


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _become(command: list[str], shim: int) -> NoReturn:
    """In the child: turn into the program."""
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != shim:  # it died before the line above: nobody would kill us
            os._exit(1)
        # What is ignored stays so after exec, whether Python ignores it or whoever started Berth.
        for number in signal.Signals:
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, _CONTROL)
        os.execvp(command[0], command)  # noqa: S606 - running a program is its purpose
    except OSError as error:
        os.write(2, f"exec {command[0]!r}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)
    os._exit(_NOT_EXECUTABLE)


def _children() -> list[int]:
    """Our direct children. Until we reap them their numbers cannot be anyone else's."""
    mine, found = os.getpid(), []
    for name in os.listdir("/proc") if _LINUX else ():  # noqa: PTH208 - the same
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 - pathlib is slow to import
                parent = int(stat.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == mine:
            found.append(int(name))
    return found


def _signal_group(program: int, number: int) -> None:
    try:
        os.killpg(program, number)
    except (ProcessLookupError, PermissionError):
        return


class _Shim:
    """One program and all that it starts."""

    def __init__(self, program: int) -> None:
        self.program = program
        self.code: int | None = None

    def reap(self) -> bool:
        """Collect what has ended; False when no child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.program:
                code = os.waitstatus_to_exitcode(status)
                self.code = code if code >= 0 else 128 - code

    def kill_all(self) -> None:
        """Kill until nothing is left: the children of what dies become ours, and are next."""
        deadline = time.monotonic() + _KILL_PATIENCE
        if self.code is None or not _LINUX:  # elsewhere the group is all that can be found
            _signal_group(self.program, signal.SIGKILL)
        pause = 0.001
        while self.reap() and time.monotonic() < deadline:
            for pid in _children():
                os.kill(pid, signal.SIGKILL)
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def run(self, wake: int) -> None:
        """Wait for the program's end, or for the word to end it."""
        while self.code is None:
            ready, _, _ = select.select([_CONTROL, wake], [], [])
            if wake in ready and signal.SIGTERM in os.read(wake, 64):
                _signal_group(self.program, signal.SIGTERM)
            if _CONTROL in ready and not self._obey():
                break
            self.reap()
        self.kill_all()

    def _obey(self) -> bool:
        """Do as the local Dokploy says; False when all shall end now."""
        if _read_control() != b"T":
            return False
        _signal_group(self.program, signal.SIGTERM)
        return True


def _read_control() -> bytes:
    try:
        return os.read(_CONTROL, 1)
    except OSError:  # the other end was cut off rather than closed
        return b""


def _tell(line: str) -> None:
    try:
        os.write(_CONTROL, line.encode())
    except OSError:
        return  # nobody is left to be told


def main(command: list[str]) -> None:
    """Run ``command`` and report its end."""
    shim = os.getpid()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake, awaken = os.pipe()
    os.set_blocking(awaken, False)
    signal.set_wakeup_fd(awaken, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    started, starting = os.pipe()
    program = os.fork()
    if program == 0:
        _become(command, shim)
    # Ends at the exec: before it there is no group yet to pass a SIGTERM to, and it would be lost.
    os.close(starting)
    os.read(started, 1)
    os.close(started)
    _tell(f"pid {program}\n")
    supervised = _Shim(program)
    supervised.run(wake)
    code = 128 + signal.SIGKILL if supervised.code is None else supervised.code
    _tell(f"exit {code}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
