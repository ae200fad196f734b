"""What a container's program finds in its environment, worked out without touching the world.

There is no mount namespace: a path under a mount is rewritten to the volume's directory, and so is
a path that names something of the image. There is no network namespace: PORT is a port of this
machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from container.contract import PORT

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the paths of one container lie on this machine."""

    home: Path
    scratch: Path
    mounts: tuple[tuple[str, Path], ...] = ()
    """(path in the container, directory of the volume)."""
    root: Path | None = None
    """This container's own copy of what its image holds, where it holds anything."""

    def translate(self, value: str) -> str:
        """The place of a path here; anything else comes back unchanged."""
        if not value.startswith("/"):
            return value
        path = PurePosixPath(value)
        if ".." in path.parts:
            return value
        for mount, directory in sorted(self.mounts, key=lambda pair: len(pair[0]), reverse=True):
            if path.is_relative_to(mount):
                return str(directory.joinpath(path.relative_to(mount)))
        if self.root is not None and path != PurePosixPath("/"):
            inside = self.root.joinpath(path.relative_to("/"))
            if inside.exists():
                return str(inside)
        return value


def environment(
    declared: Mapping[str, str], image: Mapping[str, str], places: Places, *, port: int, path: str
) -> dict[str, str]:
    """The whole environment: a small base, the image's, the declared, and PORT; nothing else.

    ``path`` is the base's PATH. No variable of the local Dokploy's own environment is passed on.
    """
    base = {"PATH": path, "LANG": "C.UTF-8", "HOME": str(places.home), "TMPDIR": str(places.scratch)}
    written = {name: places.translate(value) for name, value in {**image, **declared}.items()}
    return {**base, **written, PORT: str(port)}


def command_line(command: tuple[str, ...], places: Places) -> list[str]:
    """The words of a command, with the paths of mounts and image put right."""
    return [places.translate(word) for word in command]
