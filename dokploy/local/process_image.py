"""Carries out a Dockerfile without a container engine: all but RUN.

FROM, ARG, ENV, WORKDIR, COPY, CMD and ENTRYPOINT do what they say, on a directory that stands for
the image's file system. LABEL, EXPOSE, HEALTHCHECK, USER and VOLUME are accepted and change nothing
here. Anything else fails the build with a line that says why: half an image would be a lie.
"""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dokploy.local.catalogue import Catalogue, Image
from dokploy.local.process_dockerfile import (
    Dockerfile,
    DockerfileError,
    Instruction,
    Stage,
    expand,
    json_words,
    pairs,
    words,
)
from dokploy.local.runtime import NoSuchImage

_WITHOUT_EFFECT = frozenset({"LABEL", "EXPOSE", "HEALTHCHECK", "USER", "VOLUME", "MAINTAINER"})
_SCRATCH = "scratch"


@dataclass(slots=True)
class Layer:
    """A stage as it grows."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    workdir: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What ``$X`` stands for: ENV wins over ARG, as in Docker."""
        return {**self.args, **self.env}


class ImageBuilder:
    """One build. Blocking: it copies files, so run it in a thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        context: Path,
        place: Path,
        args: Mapping[str, str],
        log: Callable[[str], None],
    ) -> None:
        """``place`` is a directory for the roots of the stages."""
        self._catalogue = catalogue
        self._context = context.resolve()
        self._place = place
        self._args = args
        self._log = log
        self._layers: dict[str, Layer] = {}
        self._head: dict[str, str] = {}

    def build(self, dockerfile: Dockerfile, target: str | None) -> Layer:
        """Build up to the target. Raises DockerfileError, NoSuchImage, OSError."""
        stages = dockerfile.until(target)
        total = sum(1 + len(stage.body) for stage in stages) + len(dockerfile.head)
        step = 0
        for argument in dockerfile.head:
            step += 1
            self._log(f"Step {step}/{total} : {argument}")
            self._declare(argument.rest, self._head, self._head)
        layer = Layer(self._place)
        for index, stage in enumerate(stages):
            step += 1
            self._log(f"Step {step}/{total} : {stage.source}")
            layer = self._begin(index, stage)
            for instruction in stage.body:
                step += 1
                self._log(f"Step {step}/{total} : {instruction}")
                self._perform(instruction, layer)
            self._layers[str(index)] = layer
            if stage.name:
                self._layers[stage.name] = layer
        return layer

    def _begin(self, index: int, stage: Stage) -> Layer:
        root = self._place / f"stage-{index}"
        base = expand(stage.base, self._head)
        before = self._layers.get(base)
        if before is not None:
            shutil.copytree(before.root, root, symlinks=True)
            return Layer(root, dict(before.env), {}, before.command, before.entrypoint, before.workdir)
        image = Image(image=_SCRATCH) if base == _SCRATCH else self._catalogue.find(base)
        if image.root is None:
            root.mkdir()
        else:
            shutil.copytree(self._catalogue.roots / image.root, root, symlinks=True)
        return Layer(root, dict(image.env), {}, image.command, image.entrypoint, image.workdir)

    def _perform(self, instruction: Instruction, layer: Layer) -> None:
        rest = instruction.rest
        match instruction.word:
            case "ARG":
                self._declare(rest, layer.args, layer.variables)
            case "ENV":
                layer.env |= pairs(expand(rest, layer.variables))
            case "WORKDIR":
                layer.workdir = _join(layer, expand(rest, layer.variables))
                _inside(layer.root, layer.workdir).mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(rest, layer)
            case "CMD":
                layer.command = _program(rest)
            case "ENTRYPOINT":
                layer.entrypoint, layer.command = _program(rest), ()
            case "RUN":
                raise DockerfileError("RUN needs a container engine; the local Dokploy has none")
            case word if word in _WITHOUT_EFFECT:
                self._log(f" ---> {word} has no effect on the local Dokploy")
            case word:
                raise DockerfileError(
                    f"{word} is nothing the local Dokploy can do without a container engine"
                )

    def _declare(self, rest: str, into: dict[str, str], variables: Mapping[str, str]) -> None:
        for word in words(rest):
            name, equals, default = word.partition("=")
            if name in self._args:
                into[name] = self._args[name]
            elif equals:
                into[name] = expand(default, variables)
            elif name in self._head:
                into[name] = self._head[name]

    def _copy(self, rest: str, layer: Layer) -> None:
        flags, rest = _flags(rest)
        unknown = flags.keys() - {"from", "chown", "link"}
        if unknown:
            raise DockerfileError(f"COPY --{min(unknown)} is nothing the local Dokploy can do")
        *sources, target = words(expand(rest, layer.variables)) or ("",)
        if not sources:
            raise DockerfileError("COPY requires at least two arguments")
        origin = self._origin(flags.get("from"))
        found = [path for source in sources for path in _matches(origin, source)]
        path = _join(layer, target)
        into_directory = target.endswith("/") or len(found) > 1 or target in (".", "./")
        for source in found:
            _copy_one(source, _inside(layer.root, path), into_directory=into_directory)

    def _origin(self, stage: str | None) -> Path:
        if stage is None:
            return self._context
        if stage in self._layers:
            return self._layers[stage].root.resolve()
        root = self._catalogue.find(stage).root
        if root is None:
            raise NoSuchImage(f"{stage} holds no files that could be copied")
        return (self._catalogue.roots / root).resolve()


def _program(rest: str) -> tuple[str, ...]:
    listed = json_words(rest)
    return ("/bin/sh", "-c", rest) if listed is None else listed


def _flags(rest: str) -> tuple[dict[str, str], str]:
    flags: dict[str, str] = {}
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        name, _, value = flag[2:].partition("=")
        flags[name] = value
        rest = rest.lstrip()
    return flags, rest


def _join(layer: Layer, path: str) -> str:
    """An absolute path in the image that cannot climb out of it."""
    return posixpath.normpath(posixpath.join("/", layer.workdir or "/", path)).replace("//", "/")


def _inside(root: Path, path: str) -> Path:
    place = root / path.lstrip("/")
    if not place.resolve().is_relative_to(root.resolve()):
        raise DockerfileError(f"{path} leads out of the image")
    return place


def _matches(origin: Path, source: str) -> list[Path]:
    inner = posixpath.normpath(posixpath.join("/", source)).lstrip("/")
    found = sorted(origin.glob(inner)) if inner else [origin]
    if not found:
        raise DockerfileError(f"COPY failed: file not found in build context: stat {source}: does not exist")
    for path in found:
        if not path.resolve().is_relative_to(origin):
            raise DockerfileError(f"COPY failed: forbidden path outside the build context: {source}")
    return found


def _copy_one(source: Path, target: Path, *, into_directory: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        return
    place = target / source.name if into_directory or target.is_dir() else target
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, place)
