"""The kinds as people type them, and references such as ``session/hello``.

A small table of our own, so that reading the command line needs none of the models; a test holds
it equal to what ``crds`` declares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from cli.failures import ExitCode, Failure


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its name in documents, in URLs, and at the command line."""

    name: str
    plural: str
    short: tuple[str, ...] = ()
    namespaced: bool = True

    @property
    def singular(self) -> str:
        """The word before the slash in ``session/hello``."""
        return self.name.lower()


SESSION = Kind("Session", "sessions", ("sess", "se"))
SECRET = Kind("Secret", "secrets")
TARGET = Kind("Target", "targets", namespaced=False)
EVENT = Kind("Event", "events", ("ev",))
KINDS = (
    SESSION,
    Kind("SessionTemplate", "sessiontemplates", ("sesst",)),
    TARGET,
    SECRET,
    Kind("User", "users", namespaced=False),
    EVENT,
)
_BY_WORD = {word: kind for kind in KINDS for word in (kind.singular, kind.plural, *kind.short)}


_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A DNS label, as ``metadata.namespace`` of every record."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One record, as named by a person; the namespace is empty for cluster-scoped kinds."""

    kind: Kind
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind.singular}/{self.name}"


def find_kind(word: str) -> Kind | None:
    """The kind of this name: singular, plural or short, in any case."""
    return _BY_WORD.get(word.lower())


def kind_named(word: str) -> Kind:
    """The kind of this name.

    Raises:
        Failure: there is none; says which there are.
    """
    kind = find_kind(word)
    if kind is not None:
        return kind
    near = get_close_matches(word.lower(), _BY_WORD, n=1)
    remedy = f"did you mean {near[0]}?" if near else "one of " + ", ".join(kind.plural for kind in KINDS)
    raise Failure(f"there is no kind {word!r}", code=ExitCode.USAGE, remedy=remedy)


def namespace_named(name: str, *, source: str) -> str:
    """The namespace itself, if it can be one; ``source`` is the option or variable that names it.

    Raises:
        Failure: it cannot: no record is ever in it.
    """
    if _NAMESPACE.fullmatch(name):
        return name
    raise Failure(
        f"{source}: {name!r} cannot be a namespace",
        code=ExitCode.USAGE,
        remedy="at most 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit",
    )


def refer(kind: Kind, name: str, namespace: str) -> Reference:
    """A reference to one record, in its namespace if the kind has one.

    Raises:
        Failure: the name cannot be one, for instance because it is empty.
    """
    if not name or "/" in name:
        raise Failure(f"{name!r} is not a name", code=ExitCode.USAGE, remedy=f"{kind.singular}/NAME")
    return Reference(kind, name, namespace if kind.namespaced else "")


def references(words: Sequence[str], *, namespace: str) -> list[Reference]:
    """``session/a session/b`` or ``session a b`` as references; no names: none.

    Raises:
        Failure: a kind or a name is not one, or the two ways are mixed.
    """
    if any("/" in word for word in words):
        return [_slashed(word, namespace) for word in words]
    kind = kind_named(words[0])
    return [refer(kind, name, namespace) for name in words[1:]]


def sessions(words: Sequence[str], *, namespace: str) -> list[Reference]:
    """As :func:`references`, for verbs that sessions alone have; the kind may be left out.

    Raises:
        Failure: another kind is named, or no name.
    """
    if "/" not in words[0] and find_kind(words[0]) is None:
        words = [SESSION.singular, *words]
    found = references(words, namespace=namespace)
    other = next((reference for reference in found if reference.kind != SESSION), None)
    if other is not None or not found:
        raise Failure(
            f"{other} is not a session" if other else "no session is named",
            code=ExitCode.USAGE,
            remedy="session/NAME, or session NAME…",
        )
    return found


def _slashed(word: str, namespace: str) -> Reference:
    kind, slash, name = word.partition("/")
    if not slash:
        raise Failure(
            f"{word!r} has no kind, while others have",
            code=ExitCode.USAGE,
            remedy="either KIND NAME… or KIND/NAME…",
        )
    return refer(kind_named(kind), name, namespace)
