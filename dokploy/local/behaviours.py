"""Every quirk of Dokploy that Berth must live with, by name, each to be switched on or off.

The default set, :data:`REAL`, is Dokploy v0.30.2 as it was measured. A test that wants a kinder
world takes one away; a test of one quirk leaves it alone. Each docstring names its row in FACTS.
"""

from __future__ import annotations

from enum import Enum, auto


class Behaviour(Enum):
    """One quirk."""

    SUFFIXED_NAMES = auto()
    """``-`` and six random characters are appended to every appName (FACTS 2, FACTS 4 row 1)."""

    CREATE_REPEATS = auto()
    """The same ``application.create`` twice makes two applications (FACTS 4 row 2)."""

    MOUNT_REPEATS = auto()
    """The same ``mounts.create`` twice makes two mounts (FACTS 4, "dup mounts"; FACTS 7.4)."""

    DOMAIN_REPEATS = auto()
    """The same host and path twice makes two routers (FACTS 4, "dup domain host"; FACTS-2 3)."""

    QUEUE_IS_LOST = auto()
    """A restart forgets waiting jobs and cancels the running one (FACTS 4, FACTS 7.6, FACTS-2 7)."""

    DEPLOY_UNDOES_STOP = auto()
    """A deploy that is running when ``application.stop`` is called starts it again (FACTS 4)."""

    DELETE_LEAVES_ORPHAN = auto()
    """A deploy that is running when its application is deleted still creates the service, which no
    call of the API can remove (FACTS 4, FACTS 13)."""

    DONE_MEANS_ACCEPTED = auto()
    """``done`` although the container crashes; without it a crash turns the status to ``error``
    (FACTS 4, FACTS 7.3)."""

    SWARM_ROLLS_BACK = auto()
    """Without ``updateConfigSwarm`` an update that fails is silently rolled back (FACTS 4, 7.9)."""

    RELOADS_RACE = auto()
    """Two reloads of one application at once: one may answer 500 and leave status ``error``
    (FACTS 4, FACTS 7.10)."""

    START_NEVER_RETURNS = auto()
    """``application.start`` of a container that keeps crashing never answers (FACTS 4, FACTS 7.5)."""

    SEARCH_LOSES = auto()
    """Concurrent creates lose entries of ``application.search`` (FACTS 4, FACTS 7.1)."""

    KEYS_ARE_LIMITED = auto()
    """A key made without rate-limit fields has 10 units a day, and a call costs 2 (FACTS 6)."""

    VOLUMES_STAY = auto()
    """``application.delete`` keeps the named volumes (FACTS 4, FACTS 10)."""

    ENVIRONMENT_IS_PARSED = auto()
    """``env`` goes through dotenv, ``${{...}}`` and Swarm's templates; without it every ``A=b`` line
    is taken literally (FACTS 4, FACTS 11)."""

    IMAGES_ARE_PRUNED = auto()
    """:meth:`~dokploy.local.dokploy.LocalDokploy.prune_images` removes the images of stopped
    applications, built ones for good (FACTS 7.7)."""

    START_OVERLAPS_STOP = auto()
    """``replicas`` 0 then 1 while the old container is still stopping starts the new one beside it,
    on the same volumes (FACTS-2 8)."""


REAL: frozenset[Behaviour] = frozenset(Behaviour)
"""Dokploy v0.30.2 as measured."""
