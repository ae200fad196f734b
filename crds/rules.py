"""The rules that single values keep, as types: each says what is wrong and what to write instead.

The same pattern goes into the generated schema, so that a cluster refuses what we refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"
_MAX_HOST = 253


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A check of a text, and the part of a schema that says the same."""

    check: Callable[[str], str]
    schema: Mapping[str, object]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after reading the text."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The text's schema, narrowed."""
        return {**handler(schema), **self.schema}


def _matching(pattern: str, remedy: str, *, most: int | None = None) -> Rule:
    """A pattern to be matched whole, and what to write instead."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if (most is not None and len(value) > most) or not compiled.fullmatch(value):
            raise ValueError(remedy)
        return value

    length = {} if most is None else {"maxLength": most}
    return Rule(check, {"pattern": f"^{pattern}$", **length})


def _git_url(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\s:]+", value):
        return value  # the short form of ssh
    parts = urlsplit(value)
    if parts.scheme not in {"https", "http", "ssh", "git", "file"}:
        raise ValueError("a git URL begins with https://, http://, ssh://, git://, file:// or user@host:")
    if parts.password or (parts.username and parts.scheme != "ssh"):
        raise ValueError(
            "no credentials in a URL: put them into a Secret and name it in source.credentialsSecret"
        )
    if any(character.isspace() for character in value):
        raise ValueError("a git URL has no spaces")
    if parts.scheme == "file":
        if parts.netloc or not parts.path.startswith("/"):
            raise ValueError("a file URL has three slashes and an absolute path: file:///srv/repo.git")
    elif not parts.hostname or not parts.path.strip("/"):
        raise ValueError("a git URL names a host and a path")
    return value


def _build_url(value: str) -> str:
    _git_url(value)
    if urlsplit(value).scheme not in {"https", "http"}:
        # FACTS 13: everything else is taken for ssh and wants a key that Berth does not manage.
        raise ValueError("Dokploy builds from https:// and http:// repositories only")
    return value


def _git_ref(value: str) -> str:
    bad = ("..", "@{", "//", "\\", " ", "~", "^", ":", "?", "*", "[")
    if (
        not value
        or value.startswith(("-", "/", "."))
        or value.endswith(("/", ".", ".lock"))
        or any(part in value for part in bad)
        or not value.isprintable()
    ):
        raise ValueError("not the name of a git branch, tag or commit")
    return value


def _image(value: str) -> str:
    name, _, digest = value.partition("@")
    if digest and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise ValueError("an image digest reads sha256: and 64 hexadecimal digits")
    host = r"[A-Za-z0-9.-]+(:\d{1,5})?/"
    path = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
    if not re.fullmatch(rf"({host})?{path}(/{path})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?", name):
        raise ValueError(
            "not an image: name, optionally with registry and tag, such as ghcr.io/acme/session:1"
        )
    return value


def _relative_path(value: str) -> str:
    if not value or value.startswith("/") or ".." in value.split("/") or not value.isprintable():
        raise ValueError("a path within the repository: relative, without '..'")
    return value


def _zoned(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs its zone: 2026-11-23T12:00:00Z")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError("a URL such as https://dokploy.example.com, without user or password")
    return value.rstrip("/")


LABEL = _matching(
    _LABEL, "a name has at most 63 of a-z, 0-9 and '-', and begins and ends with a letter or digit"
)
Label = Annotated[str, LABEL]
"""A DNS label: names of records and namespaces."""

HOST = _matching(_HOST, "a host has lower-case labels of a-z, 0-9 and '-', parted by dots", most=_MAX_HOST)
HostName = Annotated[str, HOST]
"""A DNS name."""

EnvName = Annotated[
    str,
    _matching(
        r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name has letters, digits and '_', no digit first", most=255
    ),
]
"""The name of an environment variable."""

SecretKey = Annotated[
    str, _matching(r"[A-Za-z0-9._-]+", "a secret's key has letters, digits, '.', '_' and '-'", most=253)
]
"""The name of an entry of a Secret."""

GitUrl = Annotated[str, Rule(_git_url, {"maxLength": 2048})]
BuildUrl = Annotated[str, Rule(_build_url, {"maxLength": 2048, "pattern": "^https?://"})]
GitRef = Annotated[str, Rule(_git_ref, {"maxLength": 255})]
ImageName = Annotated[str, Rule(_image, {"maxLength": 512})]
RelativePath = Annotated[str, Rule(_relative_path, {"maxLength": 512})]
HttpUrl = Annotated[str, Rule(_url, {"maxLength": 2048, "pattern": "^https?://"})]

Moment = Annotated[datetime, AfterValidator(_zoned)]
"""A time with its zone."""

_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
_MAX_ANNOTATIONS = 256 * 1024


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Labels as Kubernetes takes them; raises ValueError."""
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key):
            raise ValueError(f"the label {key!r}: [prefix/]name of letters, digits, '.', '_' and '-'")
        if not _LABEL_VALUE.fullmatch(value):
            raise ValueError(f"the value of label {key!r}: at most 63 letters, digits, '.', '_' and '-'")
    return labels


def check_annotations(annotations: dict[str, str]) -> dict[str, str]:
    """Annotations as Kubernetes takes them; raises ValueError."""
    for key in annotations:
        if not _LABEL_KEY.fullmatch(key):
            raise ValueError(f"the annotation {key!r}: [prefix/]name of letters, digits, '.', '_' and '-'")
    if sum(len(key) + len(value) for key, value in annotations.items()) > _MAX_ANNOTATIONS:
        raise ValueError("annotations have at most 256 KiB in all")
    return annotations


_RESERVED = frozenset({"SESSION_ID", "PORT", "WORKSPACE_PATH", "DATABASE_PATH"})
_AUTH_FILE = re.compile(r"[A-Z0-9_]+_AUTH_FILE_\d+(_NAME)?")


def check_unreserved(name: str) -> str:
    """Refuse the variables that Berth itself sets (:mod:`container.contract`); raises ValueError."""
    if name in _RESERVED or name.startswith("BERTH_"):
        raise ValueError(f"{name} is set by Berth; choose another name")
    if _AUTH_FILE.fullmatch(name):
        raise ValueError(f"{name} is set by Berth: put login files into a Secret of type berth.dev/auth-file")
    return name
