"""Neither the key nor an environment shows in an error, a log record or a repr (law S3)."""

from __future__ import annotations

import base64
import logging
import traceback
from urllib.parse import quote

import httpx
import pytest
import structlog
from pydantic import SecretStr

from dokploy.client import HttpDokploy
from dokploy.errors import DokployError
from tests.dokploy.client.conftest import ENV_CANARY
from tests.dokploy.client.recorded import KEY, Scripted, answer, dokploy, recorded

_ECHO = "canary-echo-77"
_SECRETS = (KEY, ENV_CANARY, _ECHO, "canary-password-11")

_echoed = answer(
    {"message": f"Failed query: params: {ENV_CANARY},{_ECHO}", "code": "X", "data": {"path": _ECHO}}, 500
)
_FAILURES = [
    *(
        answer(
            {
                "message": f"{_ECHO} volume is in use {ENV_CANARY}",
                "code": _ECHO,
                "data": {"path": _ECHO, "zodError": {"fieldErrors": {_ECHO: [_ECHO], "env": [ENV_CANARY]}}},
            },
            status,
        )
        for status in (301, 400, 401, 403, 404, 409, 413, 415, 429, 500, 502)
    ),
    _echoed,
    httpx.Response(200, text=f"<{_ECHO}>"),
    answer({"env": [_ECHO], "applicationId": 3, "appName": ENV_CANARY}),
    answer([{"Name": _ECHO, "Replicas": _ECHO}]),
    httpx.ConnectError(_ECHO),
    httpx.ReadError(f"{KEY} {_ECHO}"),
    recorded("err_wrong_key"),
]


def _shown(error: BaseException) -> str:
    """All that a log could make of an error, the variables of our frames included."""
    shown = []
    seen: BaseException | None = error
    while seen is not None:
        whole = traceback.TracebackException.from_exception(seen, capture_locals=True)
        frames = [frame for frame in whole.stack if "/tests/" not in frame.filename]
        shown += [repr([frame.locals for frame in frames]), f"{seen!s} {seen!r} {seen.args!r} {vars(seen)!r}"]
        seen = seen.__cause__ or seen.__context__
    assert len(shown[0]) > 100
    return "".join(shown)


def _clean(shown: str) -> bool:
    return not any(
        form in shown
        for secret in _SECRETS
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("="), quote(secret))
    )


@pytest.mark.parametrize("failure", _FAILURES)
async def test_no_error_shows_what_was_sent_or_answered(failure, config, caplog):
    caplog.set_level(logging.DEBUG)
    procedures = (
        "application.update",
        "application.create",
        "mounts.create",
        "dockerVolume.removeVolume",
        "swarm.getNodeApps",
        "application.one",
        "application.readLogs",
        "settings.getDokployVersion",
    )
    client = dokploy(Scripted(dict.fromkeys(procedures, failure)))
    calls = (
        lambda: client.update_application("a", config),
        lambda: client.create_application(
            name="n", app_name="a", environment_id="e", description="", server_id=None
        ),
        client.list_services,
        client.connect,
        lambda: client.read_application("a"),
        lambda: client.remove_volume("v"),
        lambda: client.read_logs("a", tail=1, since=None),
    )
    errors = []
    with structlog.testing.capture_logs() as logged:
        for call in calls:
            try:
                await call()
            except DokployError as error:
                errors.append(error)
    assert errors
    for error in errors:
        assert _clean(_shown(error)), _shown(error)
    assert _clean(repr(logged))
    assert _clean(caplog.text)
    assert _clean(repr(client) + repr(vars(client)))


async def test_no_repr_shows_a_configuration(config):
    assert _clean(repr(config))


@pytest.mark.parametrize("key", ["", " ", "k\u00e9y-canary-echo-77", "canary-echo-77\nx: y"])
async def test_a_key_that_cannot_be_sent_is_said_so_without_it(key):
    there = Scripted({"swarm.getNodeApps": recorded("size_swarm_getNodeApps")})
    client = HttpDokploy("http://dokploy.test", SecretStr(key), transport=httpx.MockTransport(there))
    with pytest.raises(DokployError, match="API key") as caught:
        await client.list_services()
    assert _clean(_shown(caught.value))
    assert not there.requests


async def test_a_key_read_from_a_file_may_end_with_a_line():
    there = Scripted({"swarm.getNodeApps": recorded("size_swarm_getNodeApps")})
    client = HttpDokploy("http://dokploy.test", SecretStr(f"{KEY}\n"), transport=httpx.MockTransport(there))
    await client.list_services()
    assert there.requests[0].headers["x-api-key"] == KEY
