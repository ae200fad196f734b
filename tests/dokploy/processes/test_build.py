"""Builds from a real git server, without a container engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from dokploy.local.processes import ProcessRuntime
from dokploy.local.runtime import BuildFailed, BuildSpec, NoSuchImage

from .conftest import a_spec

_DOCKERFILE = """\
# a comment
ARG BASE=scratch
FROM ${BASE} AS base
ARG REV=none
ENV BUILT_REV=$REV \\
    GREETING="two words"
WORKDIR /app
COPY main.sh data/ ./
LABEL a=b
EXPOSE 3000
USER nobody
FROM base AS debug
ENV STAGE=debug
FROM base AS final
ENV STAGE=final
COPY --from=debug /app/main.sh /copied/
ENTRYPOINT ["/bin/sh"]
CMD ["/app/main.sh", "word"]
"""
_FILES = {
    "Dockerfile": _DOCKERFILE,
    "main.sh": 'pwd; ls; echo "$BUILT_REV $GREETING $STAGE $1"; cat one.txt; ls ../copied; echo > new\n',
    "data/one.txt": "first\n",
    "svc/two/Other.Dockerfile": "FROM scratch\nCOPY here.txt /\nCMD cat here.txt\n",
    "svc/two/here.txt": "two here\n",
    "run/Dockerfile": "FROM scratch\nRUN true\n",
    "unknown/Dockerfile": "FROM python:3.12\n",
    "outside/Dockerfile": "FROM scratch\nCOPY ../../../../etc/hostname link /\n",
    "missing/Dockerfile": "FROM scratch\nCOPY nothing /\n",
    "add/Dockerfile": "FROM scratch\nADD https://example.com/x /\n",
}


def _git(directory: Path, *words: str) -> None:
    author = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **author, "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run(["git", *words], cwd=directory, env=env, check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_listening(port: int) -> None:
    deadline = time.monotonic() + 5
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a repository on a git server."""
    base = tmp_path_factory.mktemp("git")
    repository = base / "agent.git"
    for name, text in _FILES.items():
        file = repository / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (repository / "outside/link").symlink_to("/etc/hostname")
    _git(repository, "init", "-q", "-b", "main")
    _git(repository, "add", "-A")
    _git(repository, "commit", "-q", "-m", "first commit\n\nwith a body")
    port = _free_port()
    with subprocess.Popen(
        [
            "git",
            "daemon",
            "--export-all",
            f"--base-path={base}",
            "--listen=127.0.0.1",
            f"--port={port}",
            str(base),
        ],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as daemon:
        _await_listening(port)
        yield f"git://127.0.0.1:{port}/agent.git"
        os.killpg(daemon.pid, 15)


@pytest.fixture
async def runtime(home: Path) -> AsyncIterator[ProcessRuntime]:
    made = ProcessRuntime(home)
    yield made
    await made.aclose()
    assert list((home / "builds").iterdir()) == []


@dataclass
class Build:
    """One build and its log."""

    runtime: ProcessRuntime
    url: str
    lines: list[str] = field(default_factory=list)

    async def __call__(self, **fields: object) -> None:
        given = {
            "url": self.url,
            "branch": "main",
            "build_path": "/",
            "dockerfile": "Dockerfile",
            "context": "",
            "stage": None,
            "args": {},
            "image": "bld-abc123:latest",
        } | fields
        commit = await self.runtime.build(BuildSpec(**given), self.lines.append)  # type: ignore[arg-type]
        assert commit.message == "first commit\n\nwith a body"
        assert len(commit.name) == 40

    async def fails(self, **fields: object) -> str:
        """The last line of the log."""
        with pytest.raises(BuildFailed):
            await self(**fields)
        return self.lines[-1].strip()


@pytest.fixture
def build(runtime: ProcessRuntime, server: str) -> Build:
    return Build(runtime, server)


async def _output(runtime: ProcessRuntime, image: str = "bld-abc123:latest") -> list[str]:
    container = await runtime.start(a_spec(image))
    await container.wait()
    return [line.text for line in container.logs()]


async def test_a_built_image_runs_and_is_not_changed_by_it(
    runtime: ProcessRuntime, build: Build, home: Path
) -> None:
    await build(args={"REV": "r1"})
    assert build.lines[-1] == "Successfully tagged bld-abc123:latest"
    assert "Step 1/16 : ARG BASE=scratch" in build.lines
    for _ in range(2):
        said = await _output(runtime, "bld-abc123")
        assert Path(said[0]).name == "app", "the Dockerfile's WORKDIR"
        assert said[1:] == ["main.sh", "one.txt", "r1 two words final word", "first", "main.sh"]
    await build(args={"REV": "r2"}, stage="final")
    assert "r2 two words final word" in await _output(runtime)
    assert len(list((home / "images/roots").iterdir())) == 1


async def test_a_built_image_outlives_the_runtime(home: Path, server: str) -> None:
    runtime = ProcessRuntime(home)
    await Build(runtime, server)()
    await runtime.aclose()
    runtime = ProcessRuntime(home)
    assert "none two words final word" in await _output(runtime)
    await runtime.aclose()


async def test_build_path_context_and_dockerfile(runtime: ProcessRuntime, build: Build) -> None:
    await build(build_path="svc/two", dockerfile="Other.Dockerfile")
    assert await _output(runtime) == ["two here"]
    await build(build_path="/svc/two", dockerfile="Other.Dockerfile", context="svc/two")
    assert "COPY failed" in await build.fails(
        build_path="svc/two", dockerfile="Other.Dockerfile", context="data"
    )


async def test_what_goes_wrong_is_the_last_line(build: Build, server: str) -> None:
    assert await build.fails(branch="nope") == "fatal: Remote branch nope not found in upstream origin"
    assert "file" in await build.fails(url="file:///etc")
    assert await build.fails(build_path="nodir") == "❌ The path code/nodir does not exist"
    assert await build.fails(context="../..") == "❌ The path code/../.. does not exist"
    assert "no such file" in await build.fails(dockerfile="None")
    assert await build.fails(stage="prod") == "failed to reach build target prod in Dockerfile"
    assert await build.fails(build_path="run") == "RUN needs a container engine; the local Dokploy has none"
    assert "no container engine" in await build.fails(build_path="unknown")
    assert "COPY failed" in await build.fails(build_path="outside")
    assert "COPY failed" in await build.fails(build_path="missing")
    assert await build.fails(build_path="add", image="other:latest") != ""
    with pytest.raises(NoSuchImage):
        await build.runtime.pull("other:latest")


async def test_a_token_in_the_url_is_neither_an_argument_nor_logged(build: Build) -> None:
    started = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head.append(await reader.readuntil(b"\r\n\r\n"))
        started.set()
        await reader.read()
        writer.close()

    head: list[bytes] = []
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    building = asyncio.create_task(build(url=f"http://bob:T0PSECRET@127.0.0.1:{port}/agent.git"))
    await asyncio.wait_for(started.wait(), 120)
    running = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    server.close()
    assert b"Authorization: Basic Ym9iOlQwUFNFQ1JFVA==" in head[0]
    assert any(f"127.0.0.1:{port}/agent.git" in line for line in running)
    assert not any("T0PSECRET" in line for line in (*running, *build.lines))
    left = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not any(f"127.0.0.1:{port}/agent.git" in line for line in left)  # cancelled: no git stays
