"""Which applications are ours: the marker, and the names made from it.

Dokploy sets ``appName`` in the very call that creates an application and lets nobody change it
afterwards (FACTS 2), so its prefix is the one mark that can be trusted. It reads::

    <instance>-<slug>-<digest>-<6 random characters of Dokploy's>
    └────────── marker: at most 56 characters ┘

*instance* is drawn once per store and holds no hyphen, so that no instance is a prefix of another.
*slug* is as much of the session's name as fits, for people. *digest* is of namespace, name and uid:
two sessions never share one, and a name that is declared again gets a new one (law S8).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from crds.session import Session
from dokploy.port import VolumeRole

MARKER_LIMIT = 56
"""Dokploy appends seven characters, and Swarm takes names of at most 63 (FACTS 2)."""

_REMEMBERED = 16_384
"""Names, and sessions, whose id is remembered: a listing has all of them, and the next one the same again."""

_DIGEST_LENGTH = 12
_SUFFIX = "-[a-z0-9]{6}"
"""What Dokploy appends to the base of an application's name (FACTS 4)."""
_INSTANCE = re.compile(r"[a-z][a-z0-9]{2,15}")


def check_instance(instance: str) -> str:
    """Return the instance's name; raise ValueError for one that would make markers ambiguous."""
    if not _INSTANCE.fullmatch(instance):
        raise ValueError(f"instance {instance!r}: 3 to 16 of a-z and 0-9, a letter first, no hyphen")
    return instance


def session_id(session: Session, *, instance: str) -> str:
    """The session's id: what follows the instance in its marker."""
    meta = session.metadata
    return _session_id(instance, meta.namespace, meta.name, meta.uid)


@lru_cache(maxsize=_REMEMBERED)
def _session_id(instance: str, namespace: str, name: str, uid: str) -> str:
    whole = hashlib.sha256(f"{namespace}\0{name}\0{uid}".encode()).digest()
    digest = base64.b32encode(whole).decode().lower()[:_DIGEST_LENGTH]
    room = MARKER_LIMIT - len(instance) - len(digest) - 2
    return f"{name[:room].rstrip('-')}-{digest}"


@dataclass(frozen=True, slots=True)
class Identity:
    """One session's names in Dokploy."""

    instance: str
    session_id: str

    @classmethod
    def of(cls, session: Session, *, instance: str) -> Identity:
        """The identity of a session under an instance."""
        return cls(instance, session_id(session, instance=instance))

    @property
    def marker(self) -> str:
        """The base of ``appName``, as sent when the application is created."""
        return f"{self.instance}-{self.session_id}"

    def volume(self, role: str) -> str:
        """The name of one of its volumes.

        Made from the session, not from the application: an application that was deleted behind
        our back is created again around the same work.
        """
        return f"{self.marker}-{role}"

    def is_container(self, name: str) -> bool:
        """Whether a container of this name is the session's: ``<appName>.<slot>.<task>``.

        Dokploy looks for a part of a name, and finds those of others, too (FACTS 4).
        """
        return re.fullmatch(rf"{re.escape(self.marker)}{_SUFFIX}\..+", name) is not None


class Markers:
    """Reads markers of one instance."""

    def __init__(self, instance: str) -> None:
        digest = f"[a-z2-7]{{{_DIGEST_LENGTH}}}"
        label = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
        ours = f"{re.escape(check_instance(instance))}-({label}-{digest})"
        self._pattern = re.compile(ours + _SUFFIX)
        self._volume = re.compile(f"{ours}-(?:{'|'.join(VolumeRole)})")

        self._session_id = lru_cache(maxsize=_REMEMBERED)(self._read)

    def session_id(self, app_name: str) -> str | None:
        """The session id that an application's or service's name bears, or None if it is foreign.

        A match is necessary and not sufficient: the id must also be known (law S1).
        """
        return self._session_id(app_name)

    def _read(self, app_name: str) -> str | None:
        match = self._pattern.fullmatch(app_name)
        return match[1] if match else None

    def session_id_of_volume(self, volume: str) -> str | None:
        """The session id that a volume's name bears, or None if it is foreign."""
        match = self._volume.fullmatch(volume)
        return match[1] if match else None
