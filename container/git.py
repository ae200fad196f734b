"""Runs git: in its own process group, with no prompt, no hook unless asked, and an end to every silence."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from container import contract
from container.addresses import server_of
from container.environment import with_system_path
from container.git_failures import GitFailure, classify
from container.given import Credentials
from container.priority import lower

_KEPT_LINES, _KEPT_CHARACTERS = 100, 1000
_MAX_OUTPUT = 32 * 1024 * 1024
_CHUNK = 64 * 1024
_GRACE = 1.0
"""Seconds that git gets to remove its lock files."""
_NOT_OURS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_TRACE",
    "GIT_CURL",
)
"""Beginnings of variables that would lead git elsewhere, or make it say too much."""

TYPED = (
    "safe.directory=*",  # volumes may belong to another user than the one we run as
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1",  # bytes per second: a server that counts sends little more
    "http.lowSpeedTime=120",
)
"""Settings for what a person asks for, as if it was typed in a terminal: the repository's hooks run."""

GUARDED = (
    # A repository comes from anywhere: none of its words may run a program here.
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.allow=never",
    "protocol.https.allow=always",
    "protocol.http.allow=always",
    "protocol.ssh.allow=always",
    "protocol.git.allow=always",
    *TYPED,
)
"""Settings for what we do by ourselves."""
ALLOW_FILE = "protocol.file.allow=always"
"""For the declared URL alone: a submodule's must not read files of the container."""

_ANSWER = (
    '!f() { test "$1" = get && '
    f'printf \'username=%s\\npassword=%s\\n\' "${contract.GIT_USERNAME}" "${contract.GIT_PASSWORD}"; }}; f'
)
"""Answers git's question for a login from the variables of that one git; no value is in its text."""


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials, and the one server that they are for."""

    server: str
    credentials: Credentials = field(repr=False)

    @classmethod
    def for_url(cls, url: str, credentials: Credentials | None) -> Login | None:
        """A login for the server of ``url``; None where git asks for none, as with ssh and files."""
        server = server_of(url)
        return None if credentials is None or server is None else cls(server, credentials)


class Git:
    """git, as it is run for one session."""

    def __init__(
        self, environ: Mapping[str, str], *, program: str = "git", settings: tuple[str, ...] = GUARDED
    ) -> None:
        self._program = program
        self._settings = settings
        self._environ = {name: value for name, value in environ.items() if not name.startswith(_NOT_OURS)}
        known_hosts = Path(environ.get("HOME", "/")) / ".ssh" / "known_hosts"
        self._environ.setdefault(
            "GIT_SSH_COMMAND",
            "ssh -oBatchMode=yes -oConnectTimeout=20 -oStrictHostKeyChecking=accept-new "
            f"-oUserKnownHostsFile={shlex.quote(str(known_hosts))}",
        )
        # By ourselves we run no git that a repository brings along.
        self._environ = with_system_path(self._environ, first=settings is GUARDED)
        self._environ |= {"LC_ALL": "C", "LANGUAGE": "C", "GIT_TERMINAL_PROMPT": "0"}

    async def run(
        self,
        *words: str,
        config: tuple[str, ...] = (),
        login: Login | None = None,
        silence: float = 60.0,
        on_progress: Callable[[str], None] = lambda _: None,
        given: bytes = b"",
        most: int | None = None,
        accepted: tuple[int, ...] = (0,),
    ) -> bytes:
        """Run one command and return its output.

        ``silence`` is how many seconds may pass without a word of it; ``on_progress`` gets each
        line of git's own progress; ``given`` is its input; once it has said ``most`` bytes it is
        ended, and they are returned; ``accepted`` are the exit codes of success. Raises GitFailure,
        also where there is no git. Cancelled, it ends git and all that git started.
        """
        environ = dict(self._environ)
        settings = [*self._settings, *config]
        if login is not None:
            # Only this server is ever told: a redirect to another gets no answer. The empty helper
            # first forgets all others, so that none of them stores the password.
            settings += ["credential.helper=", f"credential.{login.server}.helper={_ANSWER}"]
            environ[contract.GIT_USERNAME] = login.credentials.username
            environ[contract.GIT_PASSWORD] = login.credentials.password
        options = [word for setting in settings for word in ("-c", setting)]
        async with _started([self._program, "--no-optional-locks", *options, *words], environ) as git:
            output = _Output(git, on_progress, most)
            try:
                await output.drain(silence, given)
                if output.enough:
                    return bytes(output.stdout)
                code = await asyncio.wait_for(git.wait(), silence)
            except TimeoutError:
                raise GitFailure("Unreachable", f"git was silent for {silence:.0f} seconds") from None
        if code not in accepted:
            raise classify(output.stderr, login.credentials if login else None)
        return bytes(output.stdout)


@contextlib.asynccontextmanager
async def _started(words: list[str], environ: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    try:
        git = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        raise GitFailure(
            "CloneFailed",
            f"git cannot be started: {error.strerror}; is it installed, and does PATH lead to it?",
        ) from None
    lower(git.pid)
    try:
        yield git
    finally:
        await asyncio.shield(_end(git))


async def _end(git: asyncio.subprocess.Process) -> None:
    """End it and its group: TERM, then KILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if git.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(git.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(git.wait(), _GRACE)


class _Output:
    """Both outputs of one git: the first kept, the second as lines of which the last are kept."""

    def __init__(
        self, git: asyncio.subprocess.Process, on_progress: Callable[[str], None], most: int | None
    ) -> None:
        self._most = most
        # All three were asked for, so all are there.
        self._to_stdin = cast("asyncio.StreamWriter", git.stdin)
        self._from_stdout = cast("asyncio.StreamReader", git.stdout)
        self._from_stderr = cast("asyncio.StreamReader", git.stderr)
        self._on_progress = on_progress
        self._lines: list[str] = []
        self._heard = asyncio.Event()
        self.stdout = bytearray()

    @property
    def stderr(self) -> str:
        """The last lines."""
        return "\n".join(self._lines)

    @property
    def enough(self) -> bool:
        """Whether all was said that is wanted."""
        return self._most is not None and len(self.stdout) >= self._most

    async def drain(self, silence: float, given: bytes) -> None:
        """Read both to their ends; raises TimeoutError after ``silence`` seconds without a byte."""
        readers = asyncio.gather(self._read_stdout(), self._read_stderr(), self._write_stdin(given))
        try:
            while not readers.done() and not self.enough:
                self._heard.clear()
                heard = asyncio.ensure_future(self._heard.wait())
                either: set[asyncio.Future[Any]] = {readers, heard}
                done, _ = await asyncio.wait(either, timeout=silence, return_when="FIRST_COMPLETED")
                heard.cancel()
                if not done:
                    raise TimeoutError
            if readers.done():
                await readers
        finally:
            readers.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await readers

    async def _read_stdout(self) -> None:
        while chunk := await self._from_stdout.read(_CHUNK):
            self._heard.set()
            if self._most is None and len(self.stdout) + len(chunk) > _MAX_OUTPUT:
                raise GitFailure("TooMuch", "git says more than can be read")
            self.stdout += chunk
            if self.enough:
                del self.stdout[self._most :]
                return

    async def _write_stdin(self, given: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # it may not want to hear all of it
            self._to_stdin.write(given)
            await self._to_stdin.drain()
        self._to_stdin.close()

    async def _read_stderr(self) -> None:
        rest = ""
        while chunk := await self._from_stderr.read(_CHUNK):
            self._heard.set()
            *lines, rest = re.split(r"[\r\n]+", rest + chunk.decode(errors="replace"))
            for line in lines:
                self._take(line)
            rest = rest[-_CHUNK:]
        self._take(rest)

    def _take(self, line: str) -> None:
        if not line:
            return
        self._lines = [*self._lines[-_KEPT_LINES:], line[:_KEPT_CHARACTERS]]
        self._on_progress(line)
