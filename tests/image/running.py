"""A session's container as Docker runs it, seen from outside: over HTTP, a WebSocket, and Docker."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.container.conftest import SESSION_ID, TOKEN_KEY, entered
from tests.image.engine import Docker, Failed

PATIENCE = 60.0
SCRIPTED = Path(__file__).parents[1] / "container/agent/scripted.py"
_LIMITS = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cpus=1",
    "--pids-limit=256",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)
VARIABLES = {
    "SESSION_ID": SESSION_ID,
    "BERTH_TOKEN_KEY": TOKEN_KEY,
    "BERTH_SESSION_NAME": "fix-login",
    "BERTH_SESSION_NAMESPACE": "alice",
    "BERTH_AGENT_PROVIDER": "scripted",
    "BERTH_AGENT_COMMAND": json.dumps(["/opt/berth/bin/python", "/agent/scripted.py"]),
}


def until(true: Callable[[], bool], what: Callable[[], str] | str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"never: {what if isinstance(what, str) else what()}"
        time.sleep(0.1)


class Volumes:
    """The two volumes of a session."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        name = f"berth-test-{uuid.uuid4().hex[:12]}"
        self.workspace, self.data = f"{name}-workspace", f"{name}-data"

    def remove(self) -> None:
        self._docker("volume", "rm", "--force", self.workspace, self.data)


class Running:
    """One container; a program that may enter it asks."""

    def __init__(
        self,
        docker: Docker,
        image: str,
        volumes: Volumes,
        variables: dict[str, str],
        *,
        memory: str = "512m",
    ) -> None:
        self.docker = docker
        self.volumes = volumes
        given = [f"--env={name}={value}" for name, value in {**VARIABLES, **variables}.items()]
        mounts = [f"--volume={volumes.workspace}:/workspace", f"--volume={volumes.data}:/data"]
        agent = f"--volume={SCRIPTED}:/agent/scripted.py:ro"
        self.id = docker(
            "run",
            "--detach",
            *_LIMITS,
            f"--memory={memory}",
            *mounts,
            agent,
            *given,
            "--publish=127.0.0.1::3000",
            image,
        )
        self.port = int(docker("port", self.id, "3000").splitlines()[0].rpartition(":")[2])
        until(lambda: self.request("/readyz")[0] == 200, lambda: f"ready: {self.log}")

    @property
    def log(self) -> str:
        return self.docker("logs", self.id)

    def told(self, path: str) -> str:
        """What Docker tells of it, by a template."""
        return self.docker("inspect", "--format", path, self.id)

    def run(self, *words: str) -> str:
        """A command of the host's in there, as the image's user."""
        return self.docker("exec", self.id, *words)

    def request(self, path: str, method: str = "GET", body: object = None) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **entered()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (OSError, urllib.error.URLError):
            return 0, b""  # it does not listen yet, or no longer

    def json(self, path: str, method: str = "GET", body: object = None) -> dict:
        status, content = self.request(path, method, body)
        assert status in {200, 201}, (status, content)
        return json.loads(content)

    @property
    def health(self) -> dict:
        return self.json("/healthz")

    def prepared(self) -> dict:
        """The workspace, once it was brought about."""
        until(lambda: self.health["workspace"]["state"] != "Preparing", "a workspace")
        return self.health["workspace"]

    def ask(self, text: str) -> str:
        """Give the agent a prompt, and return what it said."""
        prompt = self.json("/api/agent/prompts", "POST", {"text": text})["id"]
        until(lambda: self._outcome(prompt) not in {None, "Working"}, lambda: f"an answer: {self.log}")
        assert self._outcome(prompt) == "Completed"
        bodies = self.transcript
        at = next(n for n, body in enumerate(bodies) if body.get("prompt") == prompt)
        return "".join(body["text"] for body in bodies[at:] if body["kind"] == "message")

    @property
    def transcript(self) -> list[dict]:
        return [item["body"] for item in self.json("/api/agent/transcript")["items"]]

    def _outcome(self, prompt: str) -> str | None:
        return next((body["outcome"] for body in self.transcript if body.get("prompt") == prompt), None)

    def typed(self, line: str) -> str:
        """What a terminal shows for a line that is typed into a new one, up to its end."""
        terminal = self.json("/api/terminals", "POST", {"columns": 400, "rows": 100})["id"]
        url = f"ws://127.0.0.1:{self.port}/api/terminals/{terminal}/socket"
        shown = b""
        with connect(url, additional_headers=entered(), proxy=None) as socket:
            socket.send(f"{line}; exit\n".encode())
            try:
                while True:
                    message = socket.recv(PATIENCE)
                    shown += message if isinstance(message, bytes) else b""
            except ConnectionClosed:
                return shown.decode()

    def stop(self) -> tuple[int, float]:
        """The exit code, and how many seconds it took, of which Docker gives ten."""
        began = time.monotonic()
        self.docker("stop", self.id)
        return int(self.told("{{.State.ExitCode}}")), time.monotonic() - began

    def remove(self) -> None:
        try:
            self.docker("rm", "--force", self.id)
        except Failed as failed:
            if "No such container" not in str(failed):
                raise
