"""The one way out to Dokploy: a call waits its turn, is sent, and its answer is understood once."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import TypeVar

import httpx

from dokploy.answers import Shape
from dokploy.errors import Ambiguous, DokployError, Unauthorized, Unreachable
from dokploy.keys import KeyHistory
from dokploy.limiter import Limiter
from dokploy.procedures import Procedure
from dokploy.retry import Repeater
from dokploy.sender import Sender
from dokploy.translation import Answer, error_of

_T = TypeVar("_T")

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class Unshown(dict[str, object]):
    """Values with secrets among them: they do not show where an error's frames are printed."""

    def __repr__(self) -> str:
        return "{…}"


class Calls:
    """Calls one Dokploy with one key."""

    def __init__(
        self,
        sender: Sender,
        *,
        limiter: Limiter,
        repeater: Repeater,
        history: KeyHistory,
    ) -> None:
        self._sender = sender
        self._limiter = limiter
        self._repeater = repeater
        self._history = history

    async def call(self, procedure: Procedure, values: Mapping[str, object], shape: Shape[_T]) -> _T:
        """Call, repeated as its class allows; each try waits its turn anew. Raises DokployError."""

        async def attempt() -> _T:
            async with self._limiter:
                after_refusal = self._history.is_refused
                answer = await self._exchange(procedure, values)
            return self._understand(procedure, answer, values, shape, after_refusal=after_refusal)

        return await self._repeater.run(procedure, attempt)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sender.aclose()

    async def _exchange(self, procedure: Procedure, values: Mapping[str, object]) -> Answer:
        if not self._sender.has_sendable_key:
            message = "the API key is empty or holds characters that no key has"
            raise Unauthorized(procedure.name, message, throttled=False)
        error: DokployError
        try:
            async with asyncio.timeout(procedure.seconds):
                return await self._send(procedure, values)
        except (httpx.RequestError, TimeoutError) as cause:
            error = _no_answer(procedure, cause)
        # Raised outside of the handler: the cause holds the request, and that the key and the body.
        raise error

    async def _send(self, procedure: Procedure, values: Mapping[str, object]) -> Answer:
        if procedure.is_reading:
            return await self._sender.get(procedure.name, values)
        return await self._sender.post(procedure.name, values)

    def _understand(
        self,
        procedure: Procedure,
        answer: Answer,
        values: Mapping[str, object],
        shape: Shape[_T],
        *,
        after_refusal: bool,
    ) -> _T:
        if answer.status != httpx.codes.OK:
            raise error_of(
                procedure, answer, sent=values.keys(), history=self._history, after_refusal=after_refusal
            )
        try:
            value = shape(answer.body)
        except ValueError:
            pass
        else:
            self._history.accepted(after_refusal=after_refusal)
            return value
        # Raised outside of the handler: the cause quotes the answer.
        raise Ambiguous(procedure.name, "Berth cannot read the answer")


def _no_answer(procedure: Procedure, cause: Exception) -> DokployError:
    if isinstance(cause, _NOTHING_SENT):
        if _is_any(cause, ssl.SSLError):
            return Unreachable(
                procedure.name, "the certificate or the TLS of Dokploy's address is not accepted"
            )
        return Unreachable(procedure.name, "no connection: Dokploy is down, or the target's URL is wrong")
    if isinstance(cause, (httpx.TimeoutException, TimeoutError)):
        return Ambiguous(procedure.name, f"no answer within {procedure.seconds:.0f} s")
    return Ambiguous(procedure.name, "the connection was cut before the answer")


def _is_any(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether the error or what led to it is of this kind."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
