"""Records as they are shown: secrets by their digests alone. The only way out for a record."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping

from pydantic_core import to_json
from starlette.responses import Response

from crds.base import Model, Resource
from crds.event import Event
from crds.kinds import dump
from crds.secret import Secret

_DIGITS = 8


class _Digests:
    """The key of the digests that are shown. Without one a weak secret could be guessed by its digest."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(32)
        """The process's own until :func:`show_with` gives the store's, which outlasts a restart."""


_digests = _Digests()


def show_with(store_key: bytes) -> None:
    """Make the digests of this process with the store's key, as every other process of it does."""
    # A key of its own, so that no digest shown is one that the controller makes with the store's key.
    _digests.key = hmac.new(store_key, b"berth shown digests", hashlib.sha256).digest()


def digest_of(value: bytes) -> str:
    """What is shown in place of a secret: enough to see that it changed, and no help in guessing it."""
    return f"hmac:{hmac.new(_digests.key, value, hashlib.sha256).hexdigest()[:_DIGITS]}"


def document_of(resource: Resource) -> dict[str, object]:
    """A record as a document: as declared, its status whole; a Secret's data as digests."""
    document = _whole(resource) if isinstance(resource, Event) else dump(resource)
    status = getattr(resource, "status", None)
    if status is not None:
        document["status"] = _whole(status)
    if isinstance(resource, Secret):
        for name in ("data", "stringData"):
            document.pop(name, None)
        document["digests"] = digests_of(resource)
    return document


def _whole(model: Model) -> dict[str, object]:
    """What Berth itself writes is shown whole: no default is left for the reader to know."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def digests_of(secret: Secret) -> dict[str, str]:
    """The digest of every entry, by its key."""
    digests = {}
    for key, encoded in secret.data.items():
        try:
            digests[key] = digest_of(base64.b64decode(encoded, validate=True))
        except binascii.Error:
            digests[key] = digest_of(encoded.encode())
    digests.update({key: digest_of(text.encode()) for key, text in secret.string_data.items()})
    return dict(sorted(digests.items()))


def json_response(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of JSON."""
    return Response(to_json(content), status, headers=headers, media_type="application/json")


def record_response(resource: Resource, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A record as an answer, with its resourceVersion as ETag."""
    tag = {"ETag": f'"{resource.metadata.resource_version}"'}
    return json_response(document_of(resource), status, tag | (headers or {}))


class ListBody:
    """A list as an answer, written record by record: a long one is held once, as its text."""

    def __init__(self, kind: type[Resource]) -> None:
        head = {"apiVersion": kind.model_fields["api_version"].default, "kind": f"{kind.KIND}List"}
        self._text = bytearray(to_json(head)[:-1] + b',"items":[')
        self._count = 0

    def add(self, items: Iterable[Resource]) -> None:
        """Write these behind those that are there."""
        for item in items:
            if self._count:
                self._text += b","
            self._text += to_json(document_of(item))
            self._count += 1

    def response(self, metadata: Mapping[str, object]) -> Response:
        """The answer; its metadata come last, since what is left over is known at the end."""
        self._text += b'],"metadata":' + to_json(metadata) + b"}"
        return Response(bytes(self._text), media_type="application/json")
