"""Takes the secrets out of the environment.

A program's first environment stays readable in ``/proc/<pid>/environ`` for as long as it runs,
whatever it unsets. So the secrets are written to a nameless file in memory, and the program is
replaced by itself with a clean environment and that file as an inherited descriptor.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import NoReturn

from container.given import is_secret

FLAG = "--handover"
"""Followed by the number of the inherited descriptor."""


def holds_secrets(environ: Mapping[str, str]) -> bool:
    """Whether an environment has to be left behind."""
    return any(is_secret(name) for name in environ)


def start_anew(environ: Mapping[str, str]) -> NoReturn:
    """Replace this program by itself without secrets in its environment."""
    secret = {name: value for name, value in environ.items() if is_secret(name)}
    clean = {name: value for name, value in environ.items() if not is_secret(name)}
    descriptor = _nameless()
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(json.dumps(secret).encode("utf-8", "surrogateescape"))
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - the library's signature
    # orig_argv keeps what the interpreter itself was told, such as -I or -X.
    words = [sys.executable, *sys.orig_argv[1:], FLAG, str(descriptor)]
    os.execve(sys.executable, words, clean)  # noqa: S606 - ourselves


def receive(descriptor: int) -> dict[str, str]:
    """Read the secrets and close the descriptor, so that no child inherits it.

    Raises ValueError for a descriptor that :func:`start_anew` did not leave.
    """
    try:
        with os.fdopen(descriptor, "rb") as file:
            values = json.loads(file.read().decode("utf-8", "surrogateescape"))
    except OSError as error:
        raise ValueError(f"{FLAG} {descriptor}: {error.strerror}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{FLAG} {descriptor}: not what was handed over")  # noqa: TRY004 - one error for both
    return values


def _nameless() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("handover", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
