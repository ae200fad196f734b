"""Which images the local Dokploy can run, although it has no container engine.

An image here is a command of this machine, with an environment and, where it was built, the files
that its Dockerfile copied. Three sources:

* ``berth/session``, whatever its registry and tag: ``python -m container`` of this installation;
* what was built here (:mod:`dokploy.local.process_build`);
* whatever a person registers as ``home/images/NAME.json``::

    {"image": "example/hello:1", "command": ["python3", "-m", "http.server"], "env": {}, "workdir": null}
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import secrets
import sys
import sysconfig
from importlib.metadata import Distribution
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dokploy.local.runtime import NoSuchImage

SESSION_IMAGE = "berth/session"
_ROOTS = "roots"
_log = structlog.get_logger(__name__)


class Image(BaseModel):
    """One image; also the shape of a file under ``home/images``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str = Field(min_length=1)
    command: tuple[str, ...] = ()
    """The words to run; a path that the image holds is found in its files."""
    entrypoint: tuple[str, ...] = ()
    """Put before ``command``, and inherited apart from it by an image built on this one."""
    env: dict[str, str] = Field(default_factory=dict)
    workdir: str | None = None
    """Within the image; without one the container starts in its own empty home."""
    root: str | None = None
    """The directory under ``home/images/roots`` with the image's files."""


def canonical(image: str) -> str:
    """``name:tag`` of a reference: the tag is ``latest`` where none is given, a digest is dropped."""
    name = image.partition("@")[0]
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def session_image() -> Image:
    """Berth's own: the container package of this very installation.

    It is started isolated (-I), as the image starts it: no ``PYTHONHOME``, ``PYTHONPATH`` or package in
    the workspace that is meant for a person's programs reaches the program that serves the session.
    """
    package_home = Path(__file__).resolve().parents[2]
    start = ("-m", "container") if _is_installed(package_home) else ("-c", _FROM.format(str(package_home)))
    return Image(image=SESSION_IMAGE, command=(sys.executable, "-I", *start))


_FROM = """import runpy, sys
sys.path.insert(0, {!r})
runpy.run_module("container", run_name="__main__", alter_sys=True)"""
"""Starts the package from a checkout that is not installed, where an isolated Python would not find it."""


@functools.cache
def _is_installed(package_home: Path) -> bool:
    """Whether an isolated Python finds the packages of this directory."""
    site = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if str(package_home) in site:
        return True
    for found in Distribution.discover(name="berth", path=site):
        origin = json.loads(found.read_text("direct_url.json") or "{}")
        if origin.get("url") == package_home.as_uri():
            return True
    return False


def _is_session(name: str) -> bool:
    path = name.rpartition(":")[0]
    return path == SESSION_IMAGE or path.endswith(f"/{SESSION_IMAGE}")


class Catalogue:
    """The images of one home. ``directory`` is its ``images``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[Path, tuple[tuple[int, int], Image | None]] = {}

    @property
    def roots(self) -> Path:
        """Where the files of built images lie."""
        return self._directory / _ROOTS

    def find(self, image: str) -> Image:
        """The image of that name; raises NoSuchImage with what there is."""
        wanted = canonical(image)
        registered = self._registered()
        if wanted in registered:
            return registered[wanted]
        if _is_session(wanted):
            return session_image()
        raise NoSuchImage(
            f"No such image: {image}. The local Dokploy has no container engine and pulls nothing; "
            f"it knows {', '.join(self.names())}"
        )

    def names(self) -> tuple[str, ...]:
        """Every image it knows, sorted, Berth's own first."""
        return (SESSION_IMAGE, *sorted(self._registered()))

    def add(self, image: Image) -> None:
        """Keep a built image under its name, in place of the one before it."""
        name = canonical(image.image)
        target = self._directory / f"built-{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"
        draft = target.with_suffix(f".{secrets.token_hex(4)}.draft")
        draft.write_text(image.model_dump_json(), "utf-8")
        os.replace(draft, target)  # noqa: PTH105 - said so: it replaces
        self._read.pop(target, None)

    def unused_roots(self) -> list[Path]:
        """The files of images that are no more."""
        used = {image.root for image in self._registered().values()}
        return [entry for entry in self.roots.glob("*") if entry.name not in used]

    def _registered(self) -> dict[str, Image]:
        found: dict[str, Image] = {}
        for path in sorted(self._directory.glob("*.json")):
            image = self._load(path)
            if image is not None:
                found[canonical(image.image)] = image
        return found

    def _load(self, path: Path) -> Image | None:
        try:
            status = path.stat()
            version = (status.st_mtime_ns, status.st_size)
            known = self._read.get(path)
            if known is None or known[0] != version:
                known = self._read[path] = (version, _parse(path))
        except FileNotFoundError:
            return None
        return known[1]


def _parse(path: Path) -> Image | None:
    try:
        return Image.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fields = [".".join(map(str, one["loc"])) or one["type"] for one in error.errors()]
        _log.warning("an image file is wrong and is left out", file=path.name, fields=fields)
        return None
