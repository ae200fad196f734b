"""The rules that single values keep, as types: each says what is wrong and what to write instead.

The same pattern goes into the generated schema, so that a cluster refuses what we refuse. Rules of
git URLs are in :mod:`crds.git`, those of variables' names in :mod:`crds.environment`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MISPLACED = "misplaced"
"""The type of an error that tells the field it is about by itself."""


def misplaced(field: str, message: str) -> PydanticCustomError:
    """The error of a rule over several fields, to be told at the one to change.

    ``field`` is its path from the model whose rule it is: ``env[2].name``.
    """
    return PydanticCustomError(MISPLACED, "{message}", {"field": field, "message": message})


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A check of a text, and the part of a schema that says the same."""

    check: Callable[[str], str]
    """Returns the text as it is kept; raises ValueError with the remedy."""
    schema: Mapping[str, object]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after reading the text."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The text's schema, narrowed."""
        return {**handler(schema), **self.schema}


def matching(pattern: str, remedy: str, *, most: int | None = None) -> Rule:
    """A pattern to be matched whole by at most ``most`` characters, and what to write instead.

    The pattern is one that Go's regular expressions know too: no look-around.
    """
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if (most is not None and len(value) > most) or not compiled.fullmatch(value):
            raise ValueError(remedy)
        return value

    length = {} if most is None else {"maxLength": most}
    return Rule(check, {"pattern": f"^{pattern}$", **length})


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_MAX_LABEL = 63

LABEL = matching(
    _LABEL,
    "a name has at most 63 of a-z, 0-9 and '-', and begins and ends with a letter or digit",
    most=_MAX_LABEL,
)
Label = Annotated[str, LABEL]
"""A DNS label: names of records and namespaces."""

HOST = matching(
    rf"{_LABEL}(\.{_LABEL})*", "a host has lower-case labels of a-z, 0-9 and '-', parted by dots", most=253
)
HostName = Annotated[str, HOST]
"""A DNS name."""

SecretKey = Annotated[
    str, matching(r"[A-Za-z0-9._-]+", "a secret's key has letters, digits, '.', '_' and '-'", most=253)
]
"""The name of an entry of a Secret."""

Title = Annotated[
    str, matching(r"[^\x00-\x1f\x7f]*", "one line of at most 200 characters, for people", most=200)
]
"""A line for people."""

_IMAGE_REMEDY = "not an image: name, optionally with registry and tag, such as ghcr.io/acme/session:1"
_IMAGE_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
ImageName = Annotated[
    str,
    matching(
        r"([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/)?"
        rf"{_IMAGE_PART}(/{_IMAGE_PART})*"
        r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?",
        _IMAGE_REMEDY,
        most=512,
    ),
]
"""A prebuilt image, as docker writes it."""

# Dokploy's builds are run by a shell on the host (FACTS-2 1), hence the few characters.
_PATH = re.compile(r"[A-Za-z0-9._+@][A-Za-z0-9._+@/-]*")
_MAX_PATH = 512


def _check_relative_path(value: str) -> str:
    if len(value) > _MAX_PATH or not _PATH.fullmatch(value) or ".." in value.split("/"):
        raise ValueError(
            "a path within the repository: relative, without '..', of letters, digits and . _ + @ / -"
        )
    return value


RelativePath = Annotated[
    str, Rule(_check_relative_path, {"maxLength": _MAX_PATH, "pattern": f"^{_PATH.pattern}$"})
]
"""A path within a repository."""

_MAX_URL = 2048


def _check_url(value: str) -> str:
    remedy = "a URL such as https://dokploy.example.com, without user, password, query or fragment"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        # "from None": the library's words would show the URL and what is in it.
        raise ValueError(remedy) from None
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or port == 0
        or parts.username is not None
        or parts.query
        or parts.fragment
        or len(value) > _MAX_URL
        or not value.isprintable()
        or " " in value
    ):
        raise ValueError(remedy)
    return value.rstrip("/")


HttpUrl = Annotated[str, Rule(_check_url, {"maxLength": _MAX_URL, "pattern": r"^https?://[^\s@?#]+$"})]
"""Where a server is reached."""

Origin = Annotated[
    str,
    matching(
        r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?",
        "an origin such as https://berth.example.com: scheme, host in lower-case letters, port; no path",
        most=255,
    ),
]
"""What browsers call the pages of one server."""

_TIME_REMEDY = "a time with its zone, such as 2026-11-23T12:00:00Z"


def _check_time(value: object) -> object:
    # A bare number would be taken for seconds since 1970; a cluster refuses it.
    if isinstance(value, (str, datetime)):
        return value
    raise ValueError(_TIME_REMEDY)


def _check_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(_TIME_REMEDY)
    return value


Moment = Annotated[datetime, BeforeValidator(_check_time), AfterValidator(_check_zone)]
"""A time with its zone."""

_KEY_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_MAX_ANNOTATIONS = 256 * 1024


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if slash:
        try:
            HOST.check(prefix)
        except ValueError:
            raise ValueError(f"{key!r}: the part before the slash is a DNS name in lower case") from None
    if not _KEY_NAME.fullmatch(name):
        raise ValueError(
            f"{key!r}: a key is [prefix/]name, the name at most 63 letters, digits, '.', '_' and '-'"
        )


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Labels as Kubernetes takes them; raises ValueError."""
    for key, value in labels.items():
        _check_key(key)
        if value and not _KEY_NAME.fullmatch(value):
            raise ValueError(f"the value of {key!r}: at most 63 letters, digits, '.', '_' and '-'")
    return labels


def check_annotations(annotations: dict[str, str]) -> dict[str, str]:
    """Annotations as Kubernetes takes them; raises ValueError."""
    for key in annotations:
        _check_key(key)
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _MAX_ANNOTATIONS:
        raise ValueError("annotations have at most 256 KiB in all")
    return annotations
