"""Which images the machine has: the difference between one to be pulled and one built here."""

from __future__ import annotations

from dokploy.local.runtime import NoSuchImage, Runtime


class Images:
    """The runtime's images, and the built ones that the nightly clean-up took away (FACTS 7.7)."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.built: set[str] = set()
        self.pruned: set[str] = set()

    async def pull(self, image: str) -> None:
        """Make the image available; raises NoSuchImage."""
        if image in self.pruned:
            raise NoSuchImage(image)
        await self._runtime.pull(image)

    async def fetch(self, image: str) -> None:
        """``docker pull``, as a deploy does it: an image that is only here is in no registry.

        Raises NoSuchImage. Swarm itself starts such an image all the same: see :meth:`pull`.
        """
        if image in self.built:
            raise NoSuchImage(image)
        await self.pull(image)

    def add_built(self, image: str) -> None:
        """A build has made it."""
        self.built.add(image)
        self.pruned.discard(image)

    def prune(self, in_use: set[str]) -> tuple[str, ...]:
        """Remove built images that nothing runs: they cannot be pulled again. Returns their names."""
        gone = sorted(self.built - in_use)
        self.built.difference_update(gone)
        self.pruned.update(gone)
        return tuple(gone)
