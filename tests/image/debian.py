"""A base to build on where no registry can be reached: a small Debian, made as this machine is set up."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.image.engine import Docker, Missing

_TARGETS = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
_REACHING = re.compile(r"^Acquire::(https?::.*|Check-Valid-Until|Check-Date|Retries) ")
_ASKING = "Auto-Detect"
"""Names a program, which is not in there."""
_CERTIFICATES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/usr/local/share/ca-certificates"))
_LEFT_OUT = (
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/locale/*",
    "var/cache/apt/*",
    "var/lib/apt/lists/*",
)
"""What the slim images leave out, too."""


@dataclass(frozen=True)
class Archive:
    """One of Debian's own, as apt is told of it here."""

    uri: str
    suite: str
    component: str

    @property
    def line(self) -> str:
        return f"deb {self.uri} {self.suite} {self.component}\n"


def base(docker: Docker, directory: Path) -> str:
    """The name of the base; made once, and kept among Docker's images. Raises Missing."""
    archives, apt = _archives(), _settings_of_apt()
    made_of = [*(archive.line for archive in archives), apt, platform.machine(), Path(__file__).read_text()]
    tag = f"berth-test-debian:{hashlib.sha256(chr(0).join(made_of).encode()).hexdigest()[:12]}"
    if not docker.holds(tag):
        _make(docker, tag, directory / "debian", archives, apt)
    return tag


def _make(docker: Docker, tag: str, root: Path, archives: list[Archive], apt: str) -> None:
    if shutil.which("debootstrap") is None:
        raise Missing("there is no debootstrap to make a base image with (apt install debootstrap)")
    if os.geteuid() != 0:
        raise Missing("only root can make a base image by debootstrap")
    first = archives[0]
    words = ["debootstrap", "--variant=minbase", "--include=python3", first.suite, str(root), first.uri]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise Missing(f"debootstrap makes no base image here: {done.stdout[-300:]}")
    (root / "etc/apt/sources.list").write_text("".join(archive.line for archive in archives))
    (root / "etc/apt/apt.conf.d/90as-here").write_text(apt)
    # As in the slim images: what is installed later comes without its documentation, too, and without
    # waiting for the disk after each file.
    excluded = "".join(f"path-exclude=/{path}\n" for path in _LEFT_OUT if path.startswith("usr/"))
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(f"force-unsafe-io\n{excluded}")
    _trust_what_is_trusted_here(root)
    _import(docker, tag, root)
    shutil.rmtree(root)


def _import(docker: Docker, tag: str, root: Path) -> None:
    left_out = [f"--exclude=./{path}" for path in _LEFT_OUT]
    tar = subprocess.Popen(["tar", "-C", str(root), *left_out, "-c", "."], stdout=subprocess.PIPE)
    subprocess.run(
        ["docker", "import", "-", tag], stdin=tar.stdout, env=docker.environ, check=True, capture_output=True
    )
    assert tar.stdout is not None
    tar.stdout.close()
    assert tar.wait() == 0


def _archives() -> list[Archive]:
    """Where this Debian's packages come from, its own first."""
    release = platform.freedesktop_os_release()
    name = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or shutil.which("apt-get") is None:
        raise Missing("this machine is no Debian, after which a base image could be made")
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", _TARGETS], capture_output=True, text=True, check=True
    )
    found = set()
    for line in said.stdout.splitlines():
        creator, origin, uri, suite, component = line.split("|")
        ours = origin in {"", "Debian"} and component == "main"
        if creator == "Packages" and ours and suite in {name, f"{name}-updates", f"{name}-security"}:
            found.add(Archive(uri, suite, component))
    if name not in {archive.suite for archive in found}:
        raise Missing(f"apt knows no archive of Debian {name} here, from which a base image could be made")
    return sorted(found, key=lambda archive: archive.suite)


def _settings_of_apt() -> str:
    """How apt reaches them, such as through a proxy."""
    said = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True)
    lines = said.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if _REACHING.match(line) and _ASKING not in line)


def _trust_what_is_trusted_here(root: Path) -> None:
    for path in _CERTIFICATES:
        place = root / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, place, dirs_exist_ok=True)
        elif path.exists():
            shutil.copy(path, place)
