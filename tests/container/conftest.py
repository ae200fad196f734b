"""A bare repository, a container as a real process, and a git server that asks for a login."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from container.contract import EntryUse
from container.entry.tokens import Tokens

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
SESSION_ID = "s-1"
TOKEN_KEY = "key-of-the-tests-" + "k" * 26
GIT_ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def entry_token(use: EntryUse = EntryUse.TOOL) -> str:
    """A token as Berth makes it for the containers of these tests."""
    return Tokens(TOKEN_KEY.encode(), SESSION_ID).make(use, owner="alice", now=int(time.time()))


def entered() -> dict[str, str]:
    """The headers of a program that may enter them."""
    return {"Authorization": f"Bearer {entry_token()}"}


def git(*words: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *words],
        cwd=cwd,
        env=GIT_ENV,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def until(true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline, pause = time.monotonic() + patience, 0.005
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)  # who looks without rest holds up what they wait for


@functools.cache
def repositories(root: Path) -> tuple[Path, Path]:
    """A working copy with two commits on main, a branch and a tag, and its bare repository.

    They are made once below a root, and for copying: a dozen gits take longer than most tests.
    """
    source, bare = root / "repositories" / "source", root / "repositories" / "app.git"
    (source / "lib").mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=source)
    (source / "README.md").write_text("one\n")
    (source / "lib" / "a.py").write_text("a = 1\n")
    git("add", "-A", cwd=source)
    git("commit", "-q", "-m", "one", cwd=source)
    git("tag", "v1", cwd=source)
    git("branch", "side", cwd=source)
    (source / "README.md").write_text("two\n")
    git("commit", "-q", "-a", "-m", "two", cwd=source)
    git("clone", "-q", "--bare", str(source), str(bare))
    return source, bare


@pytest.fixture
def source(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working copy, for one test."""
    made, _ = repositories(tmp_path_factory.getbasetemp())
    return shutil.copytree(made, tmp_path / "source")


@pytest.fixture
def bare(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bare repository of it, for one test."""
    _, made = repositories(tmp_path_factory.getbasetemp())
    return shutil.copytree(made, tmp_path / "served" / "app.git")


class Container:
    """``python -m container`` as a process."""

    def __init__(self, root: Path, variables: dict[str, str], module: str = "container") -> None:
        self.workspace = root / "workspace"
        self.data = root / "data"
        self.log = root / "log"
        self.variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SESSION_ID": SESSION_ID,
            "BERTH_TOKEN_KEY": TOKEN_KEY,
            "BERTH_SESSION_NAME": "fix-login",
            "BERTH_SESSION_NAMESPACE": "alice",
            "BERTH_SESSION_TITLE": "Fix the <login> bug",
            "BERTH_REVISION": "abc123",
            "WORKSPACE_PATH": str(self.workspace),
            "DATABASE_PATH": str(self.data / "container.db"),
            "PORT": "0",
            **variables,
        }
        with self.log.open("wb") as log:
            self.program = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", module],
                env=self.variables,
                cwd=root,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.port = 0
        self._read = 0

    @property
    def output(self) -> str:
        return self.log.read_text()

    def news(self) -> str:
        """What it said since this was last asked."""
        before, output = self._read, self.output
        self._read = len(output)
        return output[before:]

    def serving(self) -> Container:
        until(lambda: "serving on port" in self.output or self.program.poll() is not None, "serving")
        assert self.program.poll() is None, self.output
        self.port = int(self.output.split("serving on port ")[1].split()[0])
        return self

    def request(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: without headers of its own, by a program that may enter."""
        url = f"http://127.0.0.1:{self.port}{path}"
        given = entered() if headers is None else headers
        request = urllib.request.Request(url, body, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def health(self) -> dict:
        return json.loads(self.request("/healthz")[2])

    def workspace_state(self, *states: str) -> dict:
        until(lambda: self.health()["workspace"]["state"] in states, f"workspace {states}")
        return self.health()["workspace"]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.program.send_signal(number)
        return self.program.wait(PATIENCE)


@contextlib.contextmanager
def containers(root: Path) -> Iterator[Callable[..., Container]]:
    """Starts containers on one workspace and one data volume; none of them stays."""
    started: list[Container] = []

    def start(module: str = "container", **variables: str) -> Container:
        container = Container(root, variables, module)
        started.append(container)
        return container

    try:
        yield start
    finally:
        for container in started:
            if container.program.poll() is None:
                container.program.kill()
            container.program.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Container]]:
    """Starts containers for one test."""
    with containers(tmp_path) as starting:
        yield starting


def encoded(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.b64encode(text.encode()).decode()


class GitServer:
    """git over HTTP, with a login; ``asked`` holds (host, authorization) of each request."""

    def __init__(self, root: Path, username: str, password: str, host: str = "127.0.0.1") -> None:
        self.asked: list[tuple[str, str]] = []
        self.redirect: str | None = None
        expected = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        server = self

        class Answer(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_GET(self) -> None:
                given = self.headers.get("Authorization", "")
                server.asked.append((self.headers["Host"], given))
                if server.redirect is not None:
                    self.send_response(302)
                    self.send_header("Location", server.redirect + self.path)
                    self.end_headers()
                    return
                if password and given != expected:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.end_headers()
                    return
                self.run_backend()

            do_POST = do_GET  # noqa: N815 - the library's name

            def run_backend(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                done = subprocess.run(
                    ["git", "http-backend"],
                    input=body,
                    capture_output=True,
                    check=True,
                    env={
                        **GIT_ENV,
                        "GIT_PROJECT_ROOT": str(root),
                        "GIT_HTTP_EXPORT_ALL": "1",
                        "PATH_INFO": path,
                        "QUERY_STRING": query,
                        "REQUEST_METHOD": self.command,
                        "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                        "CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                        "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                        "REMOTE_USER": username,
                        "GIT_CONFIG_COUNT": "1",
                        "GIT_CONFIG_KEY_0": "safe.directory",
                        "GIT_CONFIG_VALUE_0": "*",
                    },
                )
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
                self.send_response(int(headers.pop("Status", "200").split()[0]))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer((host, 0), Answer)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def git_server(bare: Path) -> Iterator[Callable[..., GitServer]]:
    """Serves the bare repository as ``/app.git``."""
    backend = Path(git("--exec-path")) / "git-http-backend"
    if not backend.exists():
        pytest.skip("this git has no http-backend")
    with contextlib.ExitStack() as stack:

        def _serve(username: str = "ann", password: str = "pa ss:w%rd") -> GitServer:
            server = GitServer(bare.parent, username, password)
            stack.callback(server.close)
            return server

        yield _serve
