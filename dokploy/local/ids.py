"""Identifiers as Dokploy and Docker draw them, from one seeded source."""

from __future__ import annotations

from random import Random
from typing import Final

_NANOID: Final = "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict"
_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_ALNUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_VERBS: Final = ("parse", "generate", "calculate", "compress", "index", "navigate", "override", "transmit")
_ADJECTIVES: Final = ("redundant", "online", "wireless", "virtual", "primary", "optical", "digital", "solid")
_NOUNS: Final = ("application", "port", "firewall", "panel", "monitor", "protocol", "alarm", "sensor")


class Ids:
    """One instance's identifiers; the same seed draws the same ones in the same order."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - identifiers of a model, no secrets

    def restart(self, times: int) -> None:
        """Draw others than before: the ids of the earlier starts are in the state file."""
        self._random = Random(f"{self._seed}/{times}")  # noqa: S311 - as above

    def _draw(self, alphabet: str, length: int) -> str:
        return "".join(self._random.choices(alphabet, k=length))

    def row(self) -> str:
        """A database id: a nanoid of 21 characters."""
        return self._draw(_NANOID, 21)

    def suffix(self) -> str:
        """What is appended to an appName."""
        return self._draw(_BASE36, 6)

    def app_name(self) -> str:
        """The base of an appName that was left out."""
        words = (self._random.choice(words) for words in (_VERBS, _ADJECTIVES, _NOUNS))
        return "app-" + "-".join(words)

    def task(self) -> str:
        """A Swarm task's id."""
        return self._draw(_BASE36, 25)

    def service(self) -> str:
        """A Swarm service's id, as short as listings show it."""
        return self._draw(_BASE36, 12)

    def account(self) -> str:
        """A user's or a key's id."""
        return self._draw(_ALNUM, 32)

    def container(self) -> str:
        """A container's id, in full length."""
        return self._draw("0123456789abcdef", 64)

    def commit(self) -> str:
        """A git object's name, for builds that have none of their own."""
        return self._draw("0123456789abcdef", 40)
