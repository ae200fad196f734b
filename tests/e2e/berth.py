"""A Berth of real processes, and what a person does to it at the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

BERTH = (sys.executable, "-m", "cli")
ROOT = Path(__file__).resolve().parents[2]
_PLAIN: Any = {"trust_env": False, "verify": False}
"""All is plain HTTP on this machine: no proxy, and no certificates to be read for each request."""
PATIENCE = 300.0
"""Seconds, the least for whatever is waited for: on a busy machine a test is slow, and not red."""
_UP = re.compile(r"up after ([0-9.]+) s")


@dataclass
class Stream:
    """The output of a command that stays, line by line."""

    process: subprocess.Popen[str]

    def until(self, part: str, *, within: float = 40.0) -> str:
        """The next line that holds a part."""
        too_late = threading.Timer(max(within, PATIENCE), self.process.terminate)
        too_late.start()
        seen = []
        try:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                seen.append(line)
                if part in line:
                    return line
        finally:
            too_late.cancel()
        raise AssertionError(f"{part!r} was not said within {within} s: {seen}")


@dataclass
class Berth:
    """One ``berth up`` and its home."""

    home: Path
    options: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """More of its environment."""
    starter: tuple[str, ...] = ()
    """A program that becomes `berth up`: it is given the words to start."""
    directory: Path = ROOT
    """Where it is started."""
    process: subprocess.Popen[str] | None = None
    output: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BERTH_")}
        return {**kept, "BERTH_HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "200", **self.settings}

    def up(self, *, within: float = 60.0) -> Berth:
        """Start, and wait until it says that it is up."""
        self.process = subprocess.Popen(
            [*self.starter, *BERTH, "up", "--api-port", "0", "--router-port", "0", *self.options],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = []
        assert self.process.stdout is not None
        too_late = threading.Timer(max(within, PATIENCE), self.process.terminate)
        too_late.start()
        try:
            for line in self.process.stdout:
                self.output.append(line.rstrip())
                found = _UP.search(line)
                if found:
                    self.seconds = float(found[1])
                    return self
        finally:
            too_late.cancel()
        raise AssertionError(f"berth up ended, or was not up within {within} s:\n{self.said()}")

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.down()

    def said(self) -> str:
        logs = "".join(
            f"\n--- {log.name}\n{log.read_text(errors='replace')[-3000:]}"
            for log in sorted((self.home / "logs").glob("*.log"))
        )
        return "\n".join(self.output) + logs

    def down(self, number: int = signal.SIGINT, *, within: float = 40.0) -> int:
        """End it as Ctrl-C does; returns the exit code. Nothing of it may be left."""
        assert self.process is not None
        tree = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=max(within, PATIENCE))
        self.output += out.splitlines()
        _, alive = psutil.wait_procs(tree, timeout=60)
        assert not alive, f"left running: {alive}"
        code = self.process.returncode
        self.process = None
        return code

    def run(self, *arguments: str, given: str | None = None, code: int | None = 0) -> str:
        """One command; its output, stderr after stdout."""
        done = subprocess.run(
            [*BERTH, *arguments],
            cwd=ROOT,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
        )
        both = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"{arguments} gave {done.returncode}:\n{both}"
        return both

    def json(self, *arguments: str) -> Any:
        done = subprocess.run(
            [*BERTH, *arguments, "-o", "json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return json.loads(done.stdout)

    @contextmanager
    def streaming(self, *arguments: str) -> Iterator[Stream]:
        """A command that stays; it is ended as Ctrl-C does."""
        process = subprocess.Popen(
            [*BERTH, *arguments],
            cwd=ROOT,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield Stream(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """One request to the API, wherever it listens now; raises httpx.HTTPError, OSError."""
        url = json.loads((self.home / "api.json").read_text())["url"]
        token = (self.home / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, f"{url}{path}", json=body, headers=headers, timeout=60, **_PLAIN)

    def session(self, name: str = "hello") -> dict[str, Any]:
        """Its record, from the API: a test looks often, and a command costs a third of a second."""
        return dict(self.ask("GET", f"/api/namespaces/default/sessions/{name}").raise_for_status().json())

    def condition(self, kind: str, name: str = "hello") -> dict[str, Any]:
        return condition(self.session(name), kind)

    def until(self, what: str, true: Callable[[], object], *, within: float = 30.0) -> float:
        """Wait for the world to be so; returns the seconds it took. Until then asking may fail."""
        started = time.monotonic()
        while time.monotonic() - started < max(within, PATIENCE):
            with suppress(httpx.HTTPError, OSError, psutil.Error, AssertionError):
                if true():
                    return time.monotonic() - started
            time.sleep(0.1)
        raise AssertionError(f"{what} did not come about within {within} s\n{self.said()}")

    def healthz(self, name: str = "hello") -> dict[str, Any]:
        """What the session's container says through its route."""
        url = httpx.URL(self.session(name)["status"]["url"])
        answer = httpx.get(f"http://127.0.0.1:{url.port}/healthz", headers={"Host": url.host}, **_PLAIN)
        return dict(answer.raise_for_status().json())

    def containers(self) -> list[psutil.Process]:
        """The processes of session containers below this Berth."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            words = process.info["cmdline"] or []
            is_shim = any("process_shim" in word for word in words)
            if (
                " ".join(words).partition(" --handover ")[0].endswith(" -m container")
                and not is_shim
                and str(self.home) in " ".join((process.info["environ"] or {}).values())
            ):
                found.append(process)
        return found

    def program(self, module: str) -> psutil.Process:
        """The process of ``python -m module`` below this Berth."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it ended just now
                if f"-m {module}" in " ".join(child.cmdline()):
                    return child
        raise AssertionError(f"no {module} runs")

    def dokploy_announcement(self) -> dict[str, Any]:
        """What the local Dokploy says of where it listens."""
        return dict(json.loads((self.home / "dokploy" / "dokploy.json").read_text()))

    def dokploy(self, procedure: str, **body: object) -> httpx.Response:
        """A call to the local Dokploy behind Berth's back."""
        url = self.dokploy_announcement()["url"]
        key = (self.home / "dokploy" / "key").read_text().strip()
        headers = {"x-api-key": key}
        with httpx.Client(base_url=url, headers=headers, **_PLAIN) as client:
            if body:
                return client.post(f"/api/{procedure}", json=body)
            return client.get(f"/api/{procedure}")


def condition(record: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """One condition of a record; empty while there is none."""
    conditions = record.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), {})
