"""Whom a client trusts over TLS: one context for all clients of a program, loaded when first needed."""

from __future__ import annotations

import functools
import ssl


def trust(scheme: str) -> ssl.SSLContext:
    """The context for URLs of a scheme; over plain HTTP one that trusts nobody.

    The system's certificates take 2 MB for each context that loads them, and httpx loads them for
    every client that is not given one, also for one that never speaks TLS.
    """
    return _of_system() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@functools.cache
def _of_system() -> ssl.SSLContext:
    return ssl.create_default_context()
