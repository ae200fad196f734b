"""What is logged holds no secret, by name or by value (law S3)."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog

from crds.logs import REDACTED, configure_logging, is_secret_name, redact_text, register_secret

VALUE = 'ünder "wraps" / 42'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logging("test", level="info", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "apiKey",
        "api_key",
        "GIT_PASSWORD",
        "x-api-key",
        "Authorization",
        "client_secret",
        "env",
        "data",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["session", "tokens_used", "monkey", "keyboard", "environment", "event", "LOG"]
)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


def test_what_is_named_like_a_secret_is_hidden_at_every_depth(stream: io.StringIO) -> None:
    structlog.get_logger("x").info(
        "calling", token="t", target={"apiKey": "k", "url": "u"}, calls=[{"password": "p", "n": 1}], key=None
    )
    (line,) = lines(stream)
    assert line["token"] == REDACTED
    assert line["target"] == {"apiKey": REDACTED, "url": "u"}
    assert line["calls"] == [{"password": REDACTED, "n": 1}]
    assert line["key"] is None
    assert (line["component"], line["level"], line["event"]) == ("test", "info", "calling")


def test_a_registered_value_is_struck_out_in_each_of_its_forms(stream: io.StringIO) -> None:
    register_secret(VALUE)
    encoded = base64.b64encode(VALUE.encode()).decode()
    log = structlog.get_logger("x")
    log.info(VALUE, encoded=f"Basic {encoded}", url=f"http://h/?q={quote(VALUE)}")
    log.info("nested", body=json.dumps({"v": VALUE}))
    logging.getLogger("library").warning("from elsewhere: %s", VALUE)
    try:
        int(VALUE)
    except ValueError:
        log.exception("failed")
    assert len(lines(stream)) == 4
    text = stream.getvalue()
    for form in (VALUE, encoded, quote(VALUE), json.dumps(VALUE)[1:-1], json.dumps(json.dumps(VALUE))[3:-3]):
        assert form not in text
    assert text.count(REDACTED) >= 6


def test_a_short_value_would_strike_out_ordinary_words() -> None:
    register_secret("er")
    register_secret("")
    assert redact_text("the other letter") == "the other letter"


def test_one_value_within_another_leaves_no_rest() -> None:
    register_secret("abcdefgh")
    register_secret("abcdefghijkl")
    assert redact_text("<abcdefghijkl>") == f"<{REDACTED}>"


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="DEBUG, INFO, WARNING or ERROR"):
        configure_logging("test", level="loud")


def test_details_are_not_logged_unless_asked_for(stream: io.StringIO) -> None:
    structlog.get_logger("x").debug("detail")
    logging.getLogger("httpx").info("each call")
    assert stream.getvalue() == ""
