"""Fetches the submodules of a clone: all at once, and where that fails, each that can be had.

Submodules that are named by ssh on the declared repository's server are fetched by https with the
same login: a container has no key for ssh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from container.addresses import address_of, before_path, server_of
from container.brought import note_clone
from container.directories import own_directory
from container.git import Git, Login
from container.git_failures import GitFailure

_SILENCE = 300.0
_PAUSE = 2.0
"""Seconds before a server that did not answer is asked once more."""
_MOST_LEVELS = 10
_GITLINK = b"160000 "


@dataclass(frozen=True, slots=True)
class Submodules:
    """How submodules are fetched: for the repository at ``url``, with its login, so many commits deep."""

    git: Git
    url: str
    login: Login | None
    depth: int | None = None
    config: tuple[str, ...] = ()
    on_progress: Callable[[str], None] = field(default=lambda _: None)

    async def fetch(self, tree: Path) -> dict[str, str]:
        """Fetch all below a working tree; those that could not be, by their paths, each with why."""
        if not (tree / ".gitmodules").is_file():
            return {}
        try:
            await self._update(tree, "--recursive", settings=await self._settings(tree))
        except GitFailure:
            return await self._each(tree, "", _MOST_LEVELS)
        await self._note(tree)
        return {}

    async def fetch_one(self, tree: Path, path: str) -> dict[str, str]:
        """Fetch one by its path and all below it, if its place is empty; what could not be, with why."""
        parent, name = await asyncio.to_thread(_place, tree, path)
        if parent is None or ((parent / name).is_dir() and any((parent / name).iterdir())):
            return {}
        within = path.removesuffix(name)
        return await self._one(parent, within, name, _MOST_LEVELS)

    async def _each(self, tree: Path, within: str, levels: int) -> dict[str, str]:
        missing: dict[str, str] = {}
        for name in await self._names(tree):
            missing |= await self._one(tree, within, name, levels)
        return missing

    async def _one(self, tree: Path, within: str, name: str, levels: int) -> dict[str, str]:
        """Fetch one submodule of a working tree, and those below it."""
        settings = await self._settings(tree)
        for attempt in (1, 2):
            try:
                # By force, since all at once may have left it cloned and with no file checked out. There
                # is nothing of anybody's in it yet.
                await self._update(tree, "--force", "--", name, settings=settings)
            except GitFailure as failure:
                if failure.reason != "Unreachable" or attempt > 1:
                    return {within + name: failure.message}
                await asyncio.sleep(_PAUSE)
            else:
                break
        below = tree / name
        await self._note_one(below)
        if levels == 0 or not (below / ".gitmodules").is_file():
            return {}
        return await self._each(below, f"{within}{name}/", levels - 1)

    async def _update(self, tree: Path, *words: str, settings: tuple[str, ...]) -> None:
        depth = [f"--depth={self.depth}"] if self.depth else []
        await self.git.run(
            *("-C", str(tree), "submodule", "update", "--init", "--progress", *depth, *words),
            config=settings,
            login=self.login,
            silence=_SILENCE,
            on_progress=self.on_progress,
        )

    async def _settings(self, tree: Path) -> tuple[str, ...]:
        """The settings that lead from ssh to the declared server, for what ``.gitmodules`` names."""
        urls = [value for _, value in await self._modules(tree, "url")]
        return (*self.config, *by_https(self.url, urls))

    async def _names(self, tree: Path) -> list[str]:
        """The paths of the submodules that the commit has."""
        paths = [value for _, value in await self._modules(tree, "path")]
        words = ("-C", str(tree), "--literal-pathspecs", "ls-files", "-z", "--stage", "--", *paths)
        try:
            output = await self.git.run(*words) if paths else b""
        except GitFailure:
            return paths
        entries = [entry.partition(b"\t") for entry in output.split(b"\0")]
        return [path.decode(errors="replace") for head, _, path in entries if head.startswith(_GITLINK)]

    async def _modules(self, tree: Path, what: str) -> list[tuple[str, str]]:
        words = ("config", "-z", "-f", ".gitmodules", "--get-regexp", rf"^submodule\..*\.{what}$")
        try:
            output = await self.git.run("-C", str(tree), *words, accepted=(0, 1))
        except GitFailure:
            return []
        pairs = [pair.partition("\n") for pair in output.decode(errors="replace").split("\0") if pair]
        return [(name, value) for name, _, value in pairs]

    async def _note(self, tree: Path) -> None:
        for name in await self._names(tree):
            below = tree / name
            await self._note_one(below)
            if (below / ".gitmodules").is_file():
                await self._note(below)

    async def _note_one(self, below: Path) -> None:
        """Note what the clone of a submodule brought; without it some of that would count as work."""
        try:
            await note_clone(self.git, await asyncio.to_thread(own_directory, below))
        except (GitFailure, OSError):
            return


def by_https(declared: str, urls: list[str]) -> tuple[str, ...]:
    """Settings of git that read ssh URLs of the declared server as its https ones.

    None where the declared URL is not one of http. The general forms serve submodules of submodules,
    whose URLs are not known yet; those in ``urls`` may have any user and port.
    """
    address, server = address_of(declared), server_of(declared)
    if address is None or server is None:
        return ()
    host = f"[{address.host}]" if ":" in address.host else address.host
    prefixes = {f"git@{host}:", f"git@{host}:/"}
    prefixes |= {f"{scheme}{host}/" for scheme in ("ssh://git@", "ssh://", "git+ssh://git@")}
    for url in urls:
        other = address_of(url)
        if other is not None and (other.family, other.host) == ("ssh", address.host):
            prefixes.add(before_path(url))
    return tuple(f"url.{server}/.insteadOf={prefix}" for prefix in sorted(prefixes))


def _place(tree: Path, path: str) -> tuple[Path | None, str]:
    """The working tree that a submodule is one of, and its path there: the longest that is a repository."""
    parts = path.split("/")
    for count in range(len(parts) - 1, -1, -1):
        parent = tree.joinpath(*parts[:count])
        if (parent / ".git").exists():
            return parent, "/".join(parts[count:])
    return None, path
