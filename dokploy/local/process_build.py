"""A build on the local Dokploy: a real clone, then the Dockerfile as far as it goes without RUN.

Log lines and the order of the checks are those measured (FACTS-2 1); paths in the log are relative to
the clone. A user and password in the URL reach git by its environment, never its command line.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import structlog

from container.priority import lower
from dokploy.local.catalogue import Catalogue, Image
from dokploy.local.process_dockerfile import DockerfileError, read
from dokploy.local.process_env import DEFAULT_PATH
from dokploy.local.process_image import ImageBuilder, Layer
from dokploy.local.process_launch import launch
from dokploy.local.runtime import BuildFailed, BuildSpec, Commit, NoSuchImage

_log = structlog.get_logger(__name__)
_CLONE = "code"
_TRANSPORTS = "http:https:git:ssh"
"""What git may speak: file:// and plain paths fail, as on a real Dokploy (FACTS 13)."""
_NO_KEY = "ssh -F none -oBatchMode=yes -oIdentitiesOnly=yes -oIdentityFile=none"
"""ssh wants a key that was given to Dokploy; the keys of whoever runs this are not lent."""
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Of our own environment, what a clone needs to get through."""


async def build_image(
    spec: BuildSpec, place: Path, catalogue: Catalogue, log: Callable[[str], None]
) -> tuple[Commit, Image]:
    """Clone and build in ``place``, an empty directory; the image's ``root`` is a directory in it.

    Raises BuildFailed after logging why. Cancelled, it leaves no git behind.
    """
    commit = await _clone(spec, place, log)
    log(f"Building {spec.image.rpartition(':')[0] or spec.image}")
    try:
        dockerfile, context = _locate(spec, (place / _CLONE).resolve())
        parsed = read(dockerfile.read_text("utf-8"))
        builder = ImageBuilder(catalogue, context, place, spec.args, log)
        layer = await asyncio.to_thread(builder.build, parsed, spec.stage)
    except (DockerfileError, NoSuchImage) as error:
        reason = str(error)
    except UnicodeDecodeError:
        reason = f"{spec.dockerfile} is not UTF-8 text"
    except (OSError, shutil.Error) as error:
        # Its text names paths of this machine, which are no business of the session's owner.
        _log.warning("a build failed for want of files", image=spec.image, error=str(error))
        reason = f"the files could not be copied: {getattr(error, 'strerror', None) or 'several errors'}"
    else:
        log(f"Successfully tagged {spec.image}")
        return commit, _image(spec, layer)
    log(reason)
    raise BuildFailed(reason, commit=commit)


def _image(spec: BuildSpec, layer: Layer) -> Image:
    root = secrets.token_hex(8)
    layer.root.rename(layer.root.with_name(root))
    return Image(
        image=spec.image,
        command=layer.command,
        entrypoint=layer.entrypoint,
        env=layer.env,
        workdir=layer.workdir,
        root=root,
    )


def _locate(spec: BuildSpec, code: Path) -> tuple[Path, Path]:
    """The Dockerfile lies under the build path, the context under the repository (FACTS-2 1)."""
    directory = _directory(code, spec.build_path)
    name = spec.dockerfile or "Dockerfile"
    dockerfile = (directory / name.lstrip("/")).resolve()
    context = _directory(code, spec.context) if spec.context.strip() else dockerfile.parent
    if not dockerfile.is_file() or not dockerfile.is_relative_to(code):
        raise DockerfileError(
            "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
            f"lstat {Path(_CLONE, spec.build_path.strip('/'), name)}: no such file or directory"
        )
    return dockerfile, context


def _directory(code: Path, path: str) -> Path:
    directory = (code / path.strip().lstrip("/")).resolve()
    if directory.is_dir() and directory.is_relative_to(code):
        return directory
    raise DockerfileError(f"❌ The path {Path(_CLONE, path.lstrip('/'))} does not exist")


async def _clone(spec: BuildSpec, place: Path, log: Callable[[str], None]) -> Commit:
    url, config = _without_credentials(spec.url)
    branch = [f"--branch={spec.branch}"] if spec.branch else []
    command = ("git", "clone", "--depth", "1", *branch, "--", url, _CLONE)
    lines = _Lines(log)
    if await _git(command, place, _git_environment(place) | config, lines.feed) != 0:
        lines.close()
        raise BuildFailed(f"Fail to clone the repository {url}")
    lines.close()
    shown: list[bytes] = []
    question = ("git", "-C", _CLONE, "log", "-1", "--format=%H%n%B")
    await _git(question, place, _git_environment(place), shown.append)
    name, _, message = b"".join(shown).decode(errors="replace").partition("\n")
    return Commit(message.rstrip("\n"), name)


async def _git(
    command: tuple[str, ...], place: Path, env: dict[str, str], output: Callable[[bytes], None]
) -> int:
    program = await launch(command, env=env, cwd=place, output=output)
    lower(program.pid)  # a build gives way to the containers that run
    try:
        return await program.wait()
    except asyncio.CancelledError:
        program.kill()
        await program.wait()
        raise


def _git_environment(place: Path) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _NETWORK if name in os.environ}
    passed |= {name.lower(): os.environ[name.lower()] for name in _NETWORK if name.lower() in os.environ}
    return passed | {
        "PATH": os.environ.get("PATH", DEFAULT_PATH),
        "HOME": str(place),
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": _TRANSPORTS,
        "GIT_SSH_COMMAND": _NO_KEY,
    }


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """The URL for the command line, and the rest for git's environment, which others cannot list."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return url, {}
    user, _, host = parts.netloc.rpartition("@")
    token = base64.b64encode(unquote(user).encode()).decode("ascii")
    if ":" not in user:
        token = base64.b64encode(f"{unquote(user)}:".encode()).decode("ascii")
    return urlunsplit(parts._replace(netloc=host)), {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{host}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {token}",
    }


class _Lines:
    """Cuts git's output into lines for the log."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log, self._rest = log, b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._log(line.decode(errors="replace"))

    def close(self) -> None:
        if self._rest:
            self._log(self._rest.decode(errors="replace"))
