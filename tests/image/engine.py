"""A Docker to build and run with: the one that runs, or one that is started and ended by us."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_SECONDS_TO_START = 60.0


class Missing(Exception):
    """What this machine lacks; the text says what would bring it."""


class Failed(AssertionError):
    """A docker command failed; the text is what it said."""


class Docker:
    """The ``docker`` command, told which daemon to ask."""

    def __init__(self, host: str | None = None) -> None:
        named = {} if host is None else {"DOCKER_HOST": host}
        self.environ = {**os.environ, **named}

    def __call__(self, *words: object, given: str | None = None) -> str:
        """What one command printed; raises Failed."""
        done = subprocess.run(
            ["docker", *map(str, words)], env=self.environ, input=given, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Failed(f"docker {words[0]}: {done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout.strip()

    def answers(self) -> bool:
        """Whether its daemon can be asked."""
        words = ["docker", "version", "--format", "{{.Server.Version}}"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(words, env=self.environ, capture_output=True, timeout=20).returncode == 0
        return False

    def holds(self, tag: str) -> bool:
        """Whether there is an image of this name."""
        return bool(self("image", "ls", "--quiet", tag))


@contextlib.contextmanager
def engine(directory: Path) -> Iterator[Docker]:
    """The daemon that runs here; else one of our own, ended at the end. Raises Missing."""
    if shutil.which("docker") is None:
        raise Missing("there is no docker (on Debian, apt install docker.io)")
    running = Docker()
    if running.answers():
        yield running
        return
    if shutil.which("dockerd") is None:
        raise Missing(
            "no Docker daemon runs, and there is no dockerd to start (on Debian, apt install docker.io)"
        )
    if os.geteuid() != 0:
        raise Missing("no Docker daemon runs, and only root can start one")
    with _started(directory) as own:
        yield own


@contextlib.contextmanager
def _started(directory: Path) -> Iterator[Docker]:
    """Our own, where Docker usually keeps its things.

    So the next run finds the layers of this one, and the mount that a daemon leaves behind is in no
    directory that pytest would remove.
    """
    socket, log = directory / "docker.sock", directory / "dockerd.log"
    words = [
        "dockerd",
        f"--host=unix://{socket}",
        f"--pidfile={directory / 'docker.pid'}",
        "--iptables=false",  # the machine's own rules stay as they are: published ports do without
    ]
    with log.open("wb") as output:
        daemon = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        docker = Docker(f"unix://{socket}")
        deadline = time.monotonic() + _SECONDS_TO_START
        while not docker.answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise Missing(f"no Docker daemon runs, and dockerd does not start here: {' '.join(last)}")
            time.sleep(0.2)
        yield docker
    finally:
        daemon.terminate()
        try:
            daemon.wait(60)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
