"""A runtime on a home of its own, with images that are small Python programs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from dokploy.local.processes import ProcessRuntime
from dokploy.local.runtime import Container, ContainerSpec

WEB = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ.get("ANSWER", "hello").encode()
        self.send_response(200 if self.path != "/missing" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
print("listening", flush=True)
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Images:
    """Registers programs as images."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def python(self, name: str, program: str) -> str:
        return self.command(name, sys.executable, "-c", program)

    def shell(self, name: str, text: str) -> str:
        return self.command(name, "/bin/sh", "-c", text)

    def command(self, name: str, *words: str) -> str:
        directory = self._home / "images"
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"image": name, "command": words})
        (directory / f"{name.replace('/', '-')}.json").write_text(text, "utf-8")
        return name


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def images(home: Path) -> Images:
    return Images(home)


@pytest.fixture
async def runtime(home: Path) -> AsyncIterator[ProcessRuntime]:
    made = ProcessRuntime(home, watch_interval=0.1)
    yield made
    await made.aclose()


def a_spec(image: str, *, env: dict[str, str] | None = None, **fields: object) -> ContainerSpec:
    return ContainerSpec(service="svc", image=image, env=env or {}, **fields)  # type: ignore[arg-type]


async def until(true: Callable[[], object], *, seconds: float = 120.0) -> None:
    """Wait for a state of the real world."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be"
        await asyncio.sleep(0.01)


async def until_it_says(container: Container, text: str) -> str:
    await until(lambda: any(text in line.text for line in container.logs()))
    return next(line.text for line in container.logs() if text in line.text)


def scratches(home: Path) -> list[str]:
    return [entry.name for entry in (home / "containers").iterdir()]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
