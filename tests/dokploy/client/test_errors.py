"""Every refusal and every failure becomes one error, in our own words."""

from __future__ import annotations

import ssl

import httpx
import pytest

from dokploy.errors import (
    Ambiguous,
    Effect,
    Failed,
    Invalid,
    NotFound,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from dokploy.keys import KeyHistory, KeyStanding
from dokploy.port import ApplicationRef, Domain, VolumeMount
from tests.dokploy.client.recorded import Hands, Scripted, answer, dokploy, recorded, text

_REF = ApplicationRef("a", "app-x")
_CREATE = {
    "name": "n",
    "app_name": "app",
    "environment_id": "e",
    "description": "d",
    "server_id": None,
}


def _reading(client):
    return client.list_services()


def _reload(client):
    return client.reload_application(_REF)


def _create(client):
    return client.create_application(**_CREATE)


def _attach(client):
    return client.attach_volume("a", VolumeMount("v", "/w"))


def _route(client):
    return client.create_domain("a", Domain(host="*.x", port=1, https=False))


def _delete(client):
    return client.delete_application("a")


def _deploy(client):
    return client.deploy_application("a", title="t")


_CALLS = {
    "swarm.getNodeApps": _reading,
    "application.reload": _reload,
    "application.create": _create,
    "mounts.create": _attach,
    "domain.create": _route,
    "application.delete": _delete,
    "application.deploy": _deploy,
}


@pytest.mark.parametrize(
    ("procedure", "reply", "error", "words"),
    [
        ("application.create", recorded("app_create_appname64"), Invalid, "value of appName"),
        ("domain.create", recorded("domain_create_badhost"), Invalid, "value of host"),
        ("application.create", recorded("err_malformed_json"), Invalid, "refuses the request"),
        ("application.create", recorded("err_form_body"), Invalid, "JSON"),
        ("application.create", text("Body exceeded 1mb limit", 413), Invalid, "1 MB"),
        ("application.create", recorded("app_create_unknown_server"), Unauthorized, "may not do"),
        ("swarm.getNodeApps", recorded("member_nodeApps"), Unauthorized, "owner or an admin"),
        ("swarm.getNodeApps", recorded("key_member_env_one"), Unauthorized, "may not do"),
        ("swarm.getNodeApps", recorded("err_unknown_procedure"), Unsupported, "does not know"),
        ("swarm.getNodeApps", httpx.Response(308, headers={"location": "https://x"}), Unsupported, "URL"),
        ("mounts.create", recorded("mounts_create_unknown_service"), NotFound, "no such application"),
        ("application.deploy", recorded("deploy_deleted"), NotFound, "not there"),
        ("application.reload", answer({"message": "Error reloading application"}, 500), Failed, "HTTP 500"),
        ("application.reload", text("Bad Gateway", 502), Failed, "proxy"),
        ("application.reload", text("slow down", 429), Failed, "HTTP 429"),
        ("application.reload", answer({}, 409), Failed, "HTTP 409"),
        ("application.delete", text("404 page not found", 404), Ambiguous, "other than Dokploy"),
        ("application.delete", recorded("err_unknown_procedure"), Unsupported, "does not know"),
    ],
)
async def test_a_refusal_becomes_one_error(procedure, reply, error, words):
    there = Scripted({procedure: reply})
    with pytest.raises(error, match=words) as caught:
        await _CALLS[procedure](dokploy(there))
    assert type(caught.value) is error
    assert caught.value.procedure == procedure
    assert len(there.requests) == 1


async def test_an_update_of_what_is_gone_is_told_from_other_refusals(config):
    there = Scripted(
        {
            "application.update": [
                recorded("unknown_id_application_update"),
                answer({"message": "Error updating application: x", "code": "BAD_REQUEST"}, 400),
            ]
        }
    )
    client = dokploy(there)
    with pytest.raises(NotFound):
        await client.update_application("doesnotexist", config)
    with pytest.raises(Invalid):
        await client.update_application("doesnotexist", config)


@pytest.mark.parametrize("garbled", [text("<html>hello</html>"), text(""), answer(False), answer([])])
@pytest.mark.parametrize(
    "procedure",
    ["application.reload", "application.create", "mounts.create", "domain.create", "application.delete"],
)
async def test_a_garbled_success_of_a_change_is_ambiguous(procedure, garbled):
    there = Scripted({procedure: garbled})
    with pytest.raises(Ambiguous) as caught:
        await _CALLS[procedure](dokploy(there))
    assert caught.value.effect is Effect.UNKNOWN
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    "garbled",
    [
        text("<html>"),
        text(""),
        answer(None),
        answer({}),
        answer("x"),
        answer([{"Name": "a", "Replicas": "?"}]),
    ],
)
async def test_a_garbled_listing_is_never_an_empty_one(garbled):
    with pytest.raises(Ambiguous):
        await dokploy(Scripted({"swarm.getNodeApps": garbled})).list_services()


async def test_deploy_answers_with_nothing_and_with_nothing_garbled():
    await dokploy(Scripted({"application.deploy": text("")})).deploy_application("a", title="t")
    with pytest.raises(Ambiguous):
        await dokploy(Scripted({"application.deploy": text("<html>")})).deploy_application("a", title="t")


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (httpx.ConnectError("refused"), Unreachable),
        (httpx.ConnectTimeout("slow"), Unreachable),
        (httpx.ReadError("reset"), Ambiguous),
        (httpx.WriteError("reset"), Ambiguous),
        (httpx.ReadTimeout("slow"), Ambiguous),
        (httpx.RemoteProtocolError("cut"), Ambiguous),
    ],
)
@pytest.mark.parametrize("call", [_reading, _reload, _create])
async def test_a_failure_of_the_network_tells_whether_anything_was_sent(cause, error, call):
    there = Scripted(dict.fromkeys(_CALLS, cause))
    with pytest.raises(error) as caught:
        await call(dokploy(there))
    assert caught.value.effect is (Effect.NONE if error is Unreachable else Effect.UNKNOWN)


async def test_a_certificate_that_is_not_trusted_is_told_apart():
    cause = httpx.ConnectError("certificate verify failed")
    cause.__cause__ = ssl.SSLCertVerificationError()
    with pytest.raises(Unreachable, match="certificate"):
        await dokploy(Scripted({"application.reload": cause})).reload_application(_REF)


FINE, BARE = "size_swarm_getNodeApps", "err_wrong_key"
AT_EDGE = {
    "message": "UNAUTHORIZED",
    "code": "UNAUTHORIZED",
    "data": {"code": "UNAUTHORIZED", "httpStatus": 401, "path": "swarm.getNodeApps"},
}
"""The first refusal of a key at the edge of its limit (FACTS-2 8)."""


async def refusals(*answers: httpx.Response, pause: float = 60.0) -> list[Unauthorized | None]:
    """What becomes of one reading after the other, each with its answer."""
    clock, told = Hands(), []
    client = dokploy(Scripted({"swarm.getNodeApps": list(answers)}), clock=clock)
    for _ in answers:
        try:
            await client.list_services()
            told.append(None)
        except Unauthorized as error:
            told.append(error)
        clock.now += pause
    return told


async def test_a_key_that_comes_back_is_called_rate_limited():
    told = await refusals(recorded(FINE), recorded(BARE), recorded(FINE), recorded(BARE), pause=3600)
    assert [error and error.throttled for error in told] == [None, False, None, True]
    assert "rate limiting off" in told[3].message


async def test_a_key_that_was_accepted_and_is_refused_is_told_with_all_its_causes():
    """It may be revoked or limited: to be told of one cause alone would lead astray."""
    _, first, later = await refusals(recorded(FINE), recorded(BARE), recorded(BARE))
    assert not first.throttled
    for word in ("accepted before", "revoked", "expired", "rate limited", "Settings, API keys"):
        assert word in first.message
    assert later.message == first.message, "a message that counts would be written at every tick"


async def test_a_key_whose_limit_was_not_seen_for_a_day_may_be_revoked():
    told = await refusals(recorded(FINE), recorded(BARE), recorded(FINE), *[recorded(BARE)] * 3, pause=50_000)
    assert [error and error.throttled for error in told] == [None, False, None, True, False, False]


async def test_a_key_never_accepted_is_not_called_limited():
    (told,) = await refusals(recorded(BARE))
    assert (told.throttled, told.of_key) == (False, True)
    assert "not accepted" in told.message


async def test_the_edge_of_a_limit_is_no_missing_permission():
    _, edge, after = await refusals(recorded(FINE), answer(AT_EDGE, 401), recorded(BARE))
    assert (edge.throttled, edge.of_key) == (False, True)
    assert "edge of its rate limit" in edge.message
    assert "owner or admin" in edge.message
    assert after.throttled, "a revoked key is never let in first"


async def test_the_edge_is_forgotten_when_the_key_is_accepted_again():
    told = await refusals(recorded(FINE), answer(AT_EDGE, 401), recorded(FINE), recorded(BARE))
    assert [error and error.throttled for error in told] == [None, False, None, False]


async def test_a_missing_permission_is_not_taken_for_a_limit():
    _, missing, after = await refusals(recorded(FINE), recorded("member_nodeApps"), recorded(BARE))
    assert (missing.throttled, missing.of_key) == (False, False)
    assert "may not do this" in missing.message
    assert not after.throttled


async def test_an_answer_that_was_under_way_when_the_key_was_revoked_proves_no_limit():
    history = KeyHistory(Hands())
    history.accepted(after_refusal=False)
    assert history.refused() is KeyStanding.NO_LONGER_ACCEPTED
    history.accepted(after_refusal=False)
    assert history.refused() is KeyStanding.NO_LONGER_ACCEPTED
    history.accepted(after_refusal=True)
    assert history.refused() is KeyStanding.LIMITED
