"""How every part of Berth logs, and how secrets are kept out of what it logs (law S3).

Two guards stand one behind the other. By name: the value of a field that is called like a secret
is never written. By value: a secret that was registered is struck out of the finished line, as it
is and in the forms in which it travels (base64, URL-encoded, JSON-escaped). The second is the last
processor, so that nothing is added after it.

structlog is imported when logging is configured, and not before: the vocabulary stays light.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from structlog.typing import EventDict, ProcessorReturnValue, WrappedLogger

REDACTED = "•••"

SHORTEST_SECRET = 6
"""Characters; a shorter value is too common in ordinary text to be struck out."""

_SECRET_NAMES = frozenset(
    {
        "authorization", "cookie", "credential", "credentials", "data", "digest_key", "env",
        "headers", "key", "passwd", "password", "secret", "secrets", "string_data", "stringdata", "token",
    }
)  # fmt: skip
_SECRET_ENDINGS = (
    "_token",
    "_key",
    "_password",
    "_passwd",
    "_secret",
    "_authorization",
    "_env",
    "-key",
    "-token",
)
_TALKATIVE = (
    "aiosqlite",
    "alembic.runtime.plugins",
    "asyncio",
    "httpcore",
    "httpx",
    "sse_starlette",
    "uvicorn",
)
"""Loggers of libraries that are heard from WARNING on: they tell of each step, or of each byte."""

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret_name(name: str) -> bool:
    """Whether what is called so is taken for a secret: ``token``, ``apiKey``, ``GIT_PASSWORD``."""
    plain = _WORD_STARTS.sub("_", name).lower()
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def register_secret(value: str) -> None:
    """Strike this value out of every line that is logged from now on, in each of its forms."""
    _registered.add(value)


def redact_text(text: str) -> str:
    """The text without any registered secret."""
    return _registered.redact(text)


def configure_logging(component: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging of this program to ``stream`` (by default stderr).

    One JSON object a line, or readable lines where the stream is a terminal. What libraries log
    through the standard library takes the same way. ``level`` is DEBUG, INFO, WARNING or ERROR;
    raises ValueError for another.
    """
    import structlog  # noqa: PLC0415 - lazy on purpose, see above

    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"log level {level!r}: DEBUG, INFO, WARNING or ERROR")
    out = stream if stream is not None else sys.stderr
    terminal = out.isatty()

    def name_component(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("component", component)
        return event

    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_component,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor
    if terminal:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        before.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(default=str)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    writer = logging.StreamHandler(out)
    writer.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact_names,
                renderer,
                redact_values,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [writer]
    root.setLevel(number)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(max(number, logging.WARNING))


def redact_names(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor: hide what is called like a secret, at every depth."""
    return {name: _without_secrets(name, value) for name, value in event.items()}


def redact_values(_: WrappedLogger, __: str, line: object) -> ProcessorReturnValue:
    """The last structlog processor: strike registered secrets out of the finished line."""
    return redact_text(str(line))


def _without_secrets(name: object, value: object) -> object:
    if isinstance(name, str) and is_secret_name(name) and value not in (None, ""):
        return REDACTED
    if isinstance(value, Mapping):
        return {inner: _without_secrets(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(None, item) for item in value]
    return value


class _Registered:
    """The registered values in all their forms, as one pattern."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        forms = {form for form in _forms(value) if len(form) >= SHORTEST_SECRET}
        if len(value) >= SHORTEST_SECRET and not forms <= self._forms:
            self._forms |= forms
            self._pattern = None

    def redact(self, text: str) -> str:
        if not self._forms:
            return text
        if self._pattern is None:
            # The longest first: a form that holds another must not leave its rest behind.
            longest = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest)))
        return self._pattern.sub(REDACTED, text)


def _forms(value: str) -> set[str]:
    raw = value.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    twice = {json.dumps(form)[1:-1] for form in escaped}
    return {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        *encoded,
        *(form.rstrip("=") for form in encoded),
        *escaped,
        *twice,
    }


_registered = _Registered()
