"""Builds the image, once for the same inputs.

The Python packages are fetched outside, by a pip that is set up as this machine's is, and handed in
by the build arguments that a private index would be named with: so it matters not whether they come
from an index, a proxy or a directory.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.image.engine import Docker, Missing

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile.container"
_PORTS = range(20_000, 30_000)
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_FROM_OUTSIDE = ("http_proxy", "https_proxy", "no_proxy")
"""Known to every build, and kept in no image."""


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile, without comments, and each instruction in one line."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def copied() -> list[str]:
    """What is copied from the repository."""
    words = [rest.split() for name, rest in instructions() if name == "COPY" and "--from=" not in rest]
    return [source for sources in words for source in sources[:-1]]


def build(docker: Docker, base: str, directory: Path, *, agents: bool) -> str:
    """The image's name. Raises Missing where packages cannot be fetched."""
    name = "berth-test-session-with-agents" if agents else "berth-test-session"
    tag = f"{name}:{_digest(base, agents=agents)}"
    if docker.holds(tag):
        return tag
    python = docker("run", "--rm", "--network=none", base, "python3", "-c", _VERSION)
    wheels = _fetched(directory / "wheels", python, agents=agents)
    with _served(wheels) as links:
        arguments = {
            "BASE": base,
            "AGENTS": "1" if agents else "",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": links,
            **(_arguments_of_npm() if agents else {}),
            **{name: os.environ[name] for name in _FROM_OUTSIDE if name in os.environ},
        }
        given = [word for pair in arguments.items() for word in ("--build-arg", "=".join(pair))]
        before = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name).split()
        docker("build", "--network=host", *given, "--tag", tag, "--file", DOCKERFILE, ROOT)
    # Only now: the layers of the one before are what the new one was built with.
    for old in before:
        docker("image", "rm", "--force", old)
    return tag


def _digest(base: str, *, agents: bool) -> str:
    known = hashlib.sha256(f"{base} {agents}".encode())
    for source in ["Dockerfile.container", ".dockerignore", *sorted(copied())]:
        path = ROOT / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                known.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return known.hexdigest()[:12]


def _fetched(directory: Path, python: str, *, agents: bool) -> Path:
    """The wheels that are locked, for the image's Python."""
    locks = [ROOT / "deploy/locks/container.lock", directory / "build.lock"]
    directory.mkdir(exist_ok=True)
    server = (ROOT / "deploy/locks/server.lock").read_text("utf-8")
    tool = re.search(r"^setuptools==(.|\n)*?# via", server, re.MULTILINE)
    assert tool is not None
    locks[1].write_text(tool[0])
    if agents:
        locks.append(ROOT / "deploy/agents/node.lock")
    words = ["-m", "pip", "download", "-q", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    named = [word for lock in locks for word in ("-r", lock)]
    target = ["--python-version", python, "--dest", directory]
    done = subprocess.run([sys.executable, *words, *target, *named], capture_output=True, text=True)
    if done.returncode != 0:
        raise Missing(f"the locked packages cannot be fetched: {done.stderr[-300:]}")
    return directory


@contextlib.contextmanager
def _served(directory: Path) -> Iterator[str]:
    """The wheels over HTTP, on the same port for the same wheels: else no layer could be used again."""
    names = "\n".join(sorted(path.name for path in directory.glob("*.whl")))
    wanted = _PORTS[int(hashlib.sha256(names.encode()).hexdigest(), 16) % len(_PORTS)]
    handler = functools.partial(_Quiet, directory=str(directory))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", wanted), handler)
    except OSError:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def _arguments_of_npm() -> dict[str, str]:
    """Where npm finds packages, as it is set up here; the base trusts whom this machine trusts."""
    if shutil.which("npm") is None:
        return {}
    said = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=True)
    return {
        "NPM_CONFIG_REGISTRY": said.stdout.strip(),
        "NPM_CONFIG_CAFILE": "/etc/ssl/certs/ca-certificates.crt",
    }
