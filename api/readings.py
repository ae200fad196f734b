"""The readings the API makes of a Dokploy: a session's output, and the log of its build.

One client per target, shared by all who read, so that the target's limits hold for all of them
together. A client whose target or key has changed is replaced, and closed when its last reader is
done.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import SecretStr

from api.ports import Connect
from api.problems import Problem, Reason
from container.contract import without_line_end
from crds.base import Key
from crds.logs import register_secret
from crds.secret import Secret
from crds.target import Target
from dokploy.port import Dokploy
from records.errors import NotFound
from records.port import Records

SYSTEM_NAMESPACE = "berth-system"
"""Where the API keys of targets live."""


@dataclass(slots=True)
class _Client:
    dokploy: Dokploy
    made_from: tuple[str, int, str]
    readers: int = 0
    retired: bool = False


class Readings:
    """Clients of targets, for reading."""

    def __init__(self, records: Records, connect: Connect) -> None:
        self._records = records
        self._connect = connect
        self._clients: dict[str, _Client] = {}

    @contextlib.asynccontextmanager
    async def of_target(self, name: str) -> AsyncIterator[Dokploy]:
        """The client of a target; raises Problem where the target or its key is missing."""
        client = await self._client(name)
        client.readers += 1
        try:
            yield client.dokploy
        finally:
            client.readers -= 1
            if client.retired and client.readers == 0:
                await client.dokploy.aclose()

    async def aclose(self) -> None:
        """Close every client."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.dokploy.aclose()

    async def _client(self, name: str) -> _Client:
        target = await self._target(name)
        secret = await self._secret(target)
        made_from = (target.metadata.uid, target.metadata.generation, secret.metadata.resource_version)
        client = self._clients.get(name)
        if client is not None and client.made_from == made_from:
            return client
        fresh = _Client(self._connect(target, _key_in(secret, target)), made_from)
        self._clients[name] = fresh
        if client is not None:
            client.retired = True
            if client.readers == 0:
                await client.dokploy.aclose()
        return fresh

    async def _target(self, name: str) -> Target:
        try:
            return await self._records.get(Target, Key("", name))
        except NotFound:
            detail = f"the session's target {name!r} does not exist; declare it again"
            raise Problem(Reason.NOT_FOUND, detail) from None

    async def _secret(self, target: Target) -> Secret:
        key = Key(SYSTEM_NAMESPACE, target.spec.api_key.name)
        try:
            return await self._records.get(Secret, key)
        except NotFound:
            detail = f"the API key of target {target.metadata.name!r} is missing: there is no Secret {key}"
            raise Problem(Reason.UNAVAILABLE, detail) from None


def _key_in(secret: Secret, target: Target) -> SecretStr:
    entry = target.spec.api_key.key
    try:
        text = without_line_end(base64.b64decode(secret.data[entry], validate=True).decode())
    except KeyError:
        detail = f"the Secret {secret.key} has no entry {entry!r}, where the target's API key should be"
        raise Problem(Reason.UNAVAILABLE, detail) from None
    except (binascii.Error, UnicodeDecodeError):
        detail = f"the Secret {secret.key}: entry {entry!r} is not text"
        raise Problem(Reason.UNAVAILABLE, detail) from None
    register_secret(text)
    return SecretStr(text)
