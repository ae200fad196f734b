"""Who is let in, from where, and what everybody else is told."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from container.contract import ENTRY_SECONDS, EntryUse
from container.entry.guard import OPEN_PATHS
from container.entry.policy import PARTS, Part
from container.entry.tokens import LEEWAY
from tests.container.entry.world import BROWSER, CONSOLE, HOST, KEY, OWN, SESSION, Gate

COOKIE_LIFE = ENTRY_SECONDS[EntryUse.COOKIE]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
OF_OUR_PAGE = {"Origin": OWN, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
OF_A_SANDBOX = {"Origin": "null", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# -- strangers


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["/", "/api/overview", "/static/workbench.css", "/healthz/", "/readyz/x", "//healthz"]
)
async def test_a_stranger_gets_nowhere(gate, method, path):
    answer = await gate.ask(method, path)
    assert answer.status_code == 401
    assert gate.done == []
    assert answer.headers["www-authenticate"] == 'Bearer realm="berth session"'


async def test_a_stranger_gets_to_what_is_open(gate):
    for path in sorted(OPEN_PATHS - {"/enter"}):
        assert (await gate.ask("GET", path)).text == "inside"
    assert (await gate.ask("GET", "/enter")).status_code == 401


async def test_a_person_gets_a_page_and_a_program_a_problem(gate):
    page = await gate.ask("GET", "/api/overview", **BROWSER)
    assert page.status_code == 401
    assert page.headers["content-type"].startswith("text/html")
    assert f'href="{CONSOLE}/"' in page.text
    assert page.headers["vary"] == "Accept, Cookie"
    problem = await gate.ask("GET", "/api/overview", Accept="application/json")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["reason"] == "NotEntered"
    posted = await gate.ask("POST", "/", **BROWSER)
    assert posted.headers["content-type"] == "application/problem+json"


async def test_the_page_tells_a_stranger_nothing_of_the_session(gate):
    text = (await gate.ask("GET", "/", **BROWSER)).text
    assert SESSION not in text
    assert "alice" not in text


# -- the token, and the cookie for it


async def test_a_token_is_exchanged_for_a_cookie_that_opens_everything(gate):
    async with gate.client() as client:
        answer = await client.post("/enter", json={"token": gate.token()})
        assert (answer.status_code, answer.content) == (204, b"")
        name, _, rest = answer.headers["set-cookie"].partition("=")
        assert name.startswith("__Host-berth-")
        assert rest.partition("; ")[2] == (
            f"Path=/; Max-Age={COOKIE_LIFE}; HttpOnly; Secure; SameSite=None; Partitioned"
        )
        assert "domain" not in rest.lower()
        cookie = answer.headers["set-cookie"].partition(";")[0]
    assert (await gate.ask("GET", "/", Cookie=cookie)).text == "inside"
    assert (await gate.ask("POST", "/api/x", Cookie=cookie, **OF_OUR_PAGE)).text == "inside"
    assert (await gate.ask("GET", "/enter", Cookie=cookie)).status_code == 204
    said = [event.message for event in gate.journal.events]
    assert said == ["entered for alice"]


async def test_a_form_serves_too_and_a_page_follows_where_one_is_awaited(gate):
    async with gate.client() as client:
        quiet = await client.post("/enter", data={"token": gate.token()})
        assert quiet.status_code == 204
        shown = await client.post(
            "/enter", data={"token": gate.token()}, headers={"Sec-Fetch-Mode": "navigate", "Origin": CONSOLE}
        )
        assert (shown.status_code, shown.headers["location"]) == (303, "/")
        assert "set-cookie" in shown.headers


async def test_a_token_serves_once(gate):
    token = gate.token()
    async with gate.client() as client:
        answers = await asyncio.gather(*(client.post("/enter", json={"token": token}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [204] + [401] * 9
    assert {answer.json()["reason"] for answer in answers if answer.status_code == 401} == {"TokenUsed"}


async def test_a_restart_does_not_forget_that_a_token_was_used(gate, make_gate):
    token = gate.token()
    async with gate.client() as client:
        assert (await client.post("/enter", json={"token": token})).status_code == 204
    # No orderly end: what was used is on disk when the answer is given.
    async with make_gate().client() as client:
        answer = await client.post("/enter", json={"token": token})
    assert answer.json()["reason"] == "TokenUsed"


async def test_used_tokens_are_forgotten_when_they_have_expired_anyway(gate):
    for _ in range(50):
        await gate.cookie()
    gate.now += ENTRY_SECONDS[EntryUse.ENTER] + LEEWAY
    await gate.cookie()
    with sqlite3.connect(gate.path) as database:
        assert database.execute("SELECT count(*) FROM entry_used").fetchone() == (1,)
    database.close()
    assert len(gate.entry._used._until) == 1


async def test_an_owner_enters_although_the_disk_takes_nothing(gate):
    with sqlite3.connect(gate.path) as database:
        database.execute("DROP TABLE entry_used")
    database.close()
    token = gate.token()
    async with gate.client() as client:
        assert (await client.post("/enter", json={"token": token})).status_code == 204
        assert (await client.post("/enter", json={"token": token})).status_code == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"token": 7}', "application/json"),
        (b"\xff", "application/x-www-form-urlencoded"),
        (b"other=1", "application/x-www-form-urlencoded"),
        (b"[" * 5000, "application/json"),
        (json.dumps({"token": "x" * 10_000}).encode(), "application/json"),
    ],
)
async def test_what_is_no_token_is_refused_and_no_mistake_of_ours(gate, body, kind):
    async with gate.client() as client:
        answer = await client.post("/enter", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["reason"]) == (401, "TokenInvalid")


@pytest.mark.parametrize("use", [EntryUse.COOKIE, EntryUse.TOOL])
async def test_nothing_but_a_one_time_token_is_exchanged(gate, use):
    async with gate.client() as client:
        answer = await client.post("/enter", json={"token": gate.token(use)})
    assert answer.json()["reason"] == "TokenInvalid"


async def test_the_cookie_is_renewed_after_half_its_life_and_does_not_die_in_use(gate):
    """The seed's ancestor gave a token for seven days, and no other after it."""
    cookie, renewed = await gate.cookie(), 0
    for _ in range(30):  # a week and more, five hours at a time
        gate.now += 5 * 3600
        answer = await gate.ask("GET", "/api/overview", Cookie=cookie)
        assert answer.status_code == 200
        if "set-cookie" in answer.headers:
            cookie = answer.headers["set-cookie"].partition(";")[0]
            renewed += 1
    assert renewed == 15
    gate.now += COOKIE_LIFE + LEEWAY
    lapsed = await gate.ask("GET", "/api/overview", Cookie=cookie)
    assert (lapsed.status_code, lapsed.json()["reason"]) == (401, "TokenExpired")


async def test_a_websocket_renews_the_cookie_too(gate):
    cookie = await gate.cookie()
    gate.now += COOKIE_LIFE // 2 + 1
    accepted, *_ = await gate.open_socket(Cookie=cookie, Origin=OWN)
    assert accepted["type"] == "websocket.accept"
    assert any(name.lower() == b"set-cookie" for name, _ in accepted["headers"])


async def test_of_two_cookies_the_good_one_counts(gate):
    cookie = await gate.cookie()
    name = cookie.partition("=")[0]
    assert (await gate.ask("GET", "/", Cookie=f"a=b; {name}=old; {cookie}; {name}")).status_code == 200


async def test_the_cookie_of_another_session_is_worth_nothing(gate, tmp_path):
    other = Gate(tmp_path / "other.db", session="another")
    cookie = await other.cookie()
    other.close()
    mine = (await gate.cookie()).partition("=")[0]
    for given in (cookie, f"{mine}={cookie.partition('=')[2]}"):
        assert (await gate.ask("GET", "/", Cookie=given)).status_code == 401


# -- programs


async def test_a_tool_enters_with_its_token_as_often_as_it_likes_until_it_expires(gate):
    token = gate.token(EntryUse.TOOL)
    for method in ("GET", "POST", "DELETE"):
        answer = await gate.ask(method, "/api/x", **bearer(token))
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    gate.now += ENTRY_SECONDS[EntryUse.TOOL] + LEEWAY
    late = await gate.ask("GET", "/api/x", **bearer(token))
    assert (late.status_code, late.json()["reason"]) == (401, "TokenExpired")
    assert late.headers["www-authenticate"].endswith('error="invalid_token"')


async def test_a_one_time_token_is_good_for_one_request(gate):
    token = gate.token()
    assert (await gate.ask("GET", "/api/x", **bearer(token))).status_code == 200
    assert (await gate.ask("GET", "/api/x", **bearer(token))).json()["reason"] == "TokenUsed"
    async with gate.client() as client:
        assert (await client.post("/enter", json={"token": token})).json()["reason"] == "TokenUsed"


async def test_a_cookie_is_no_bearer_token_and_a_bad_bearer_is_not_saved_by_a_cookie(gate):
    cookie = await gate.cookie()
    assert (await gate.ask("GET", "/", **bearer(cookie.partition("=")[2]))).status_code == 401
    assert (await gate.ask("GET", "/", Cookie=cookie, **bearer("bad"))).status_code == 401


# -- from where: what the cookie may be used for


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://other.sessions.example.com", "Sec-Fetch-Site": "same-site"},
        {"Origin": CONSOLE},
        {"Origin": f"http://{HOST}"},
        {"Origin": f"{OWN}.evil.example"},
        {"Origin": f"{OWN}:8443"},
        {"Origin": OWN, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {},
        OF_A_SANDBOX,
        {"Origin": "null"},
    ],
    ids=str,
)
async def test_no_page_of_another_origin_can_change_anything_with_the_cookie(gate, method, headers):
    answer = await gate.ask(method, "/api/x", Cookie=await gate.cookie(), **headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "ForeignOrigin")
    assert gate.done == []


@pytest.mark.parametrize(
    "headers", [OF_OUR_PAGE, {"Origin": OWN}, {"Sec-Fetch-Site": "same-origin"}], ids=str
)
async def test_our_own_page_can(gate, headers):
    answer = await gate.ask("POST", "/api/x", Cookie=await gate.cookie(), **headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/overview", "/static/workbench.css", "/"])
@pytest.mark.parametrize(
    "headers",
    [
        OF_A_SANDBOX,
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"},
    ],
    ids=str,
)
async def test_a_sandboxed_page_such_as_a_preview_cannot_even_read_with_the_cookie(gate, path, headers):
    answer = await gate.ask("GET", path, Cookie=await gate.cookie(), **headers)
    assert answer.status_code == 403
    assert gate.done == []


@pytest.mark.parametrize("destination", ["document", "iframe"])
async def test_the_console_may_show_the_page_and_a_link_may_lead_to_it(gate, destination):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": destination}
    assert (await gate.ask("GET", "/", Cookie=await gate.cookie(), **headers)).status_code == 200
    typed = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert (await gate.ask("GET", "/", Cookie=await gate.cookie(), **typed)).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"http://{HOST}"])
async def test_a_token_is_taken_from_no_foreign_page(gate, origin):
    async with gate.client(Origin=origin) as client:
        answer = await client.post("/enter", json={"token": gate.token()})
    assert (answer.status_code, answer.json()["reason"]) == (403, "ForeignOrigin")


async def test_websockets_open_for_our_own_page_and_for_tools_alone(gate):
    cookie, tool = {"Cookie": await gate.cookie()}, bearer(gate.token(EntryUse.TOOL))
    refused = [
        {},
        {"Origin": OWN},
        cookie,
        {**cookie, "Origin": "null"},
        {**cookie, "Origin": "https://evil.example"},
        {**cookie, "Origin": CONSOLE},
        {**cookie, "Origin": OWN, "Sec-Fetch-Site": "same-site"},
        {**tool, "Origin": "https://evil.example"},
        bearer("bad"),
    ]
    for headers in refused:
        [closed] = await gate.open_socket(**headers)
        assert closed["type"] == "websocket.close", headers
    assert gate.done == []
    for headers in ({**cookie, "Origin": OWN}, tool, {**tool, "Origin": OWN}):
        accepted, _ = await gate.open_socket(**headers)
        assert accepted["type"] == "websocket.accept"
    [closed] = await gate.open_socket("/healthz")
    assert closed["type"] == "websocket.close", "what is open to all is open over HTTP alone"


# -- the connection


@pytest.mark.parametrize(
    ("host", "forwarded", "kept"),
    [
        ("berth.lan:7432", None, False),
        ("berth.lan:7432", "https", True),
        ("berth.lan", "https, http", True),
        ("hello.default.localhost:7432", "http", True),
        ("localhost", None, True),
        ("127.0.0.1:3000", None, True),
        ("[::1]:3000", None, True),
        ("localhost.evil.example", None, False),
        ("evil-localhost", None, False),
        ("192.168.0.7", None, False),
    ],
)
async def test_the_cookie_is_for_frames_where_a_browser_would_keep_it(gate, host, forwarded, kept):
    headers = {"Host": host} | ({"X-Forwarded-Proto": forwarded} if forwarded else {})
    async with gate.client() as client:
        del client.headers["X-Forwarded-Proto"]
        client.base_url = f"http://{host}"
        answer = await client.post("/enter", json={"token": gate.token()}, headers=headers)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-") is kept
        assert ("; Secure; SameSite=None; Partitioned" in cookie) is kept
        assert ("; SameSite=Lax" in cookie) is not kept
        headers["Cookie"] = cookie.partition(";")[0]
        assert (await client.get("/", headers=headers)).status_code == 200


async def test_a_cookie_of_plain_http_is_not_believed_by_https(gate):
    async with gate.client() as client:
        del client.headers["X-Forwarded-Proto"]
        client.base_url = f"http://{HOST}"
        answer = await client.post("/enter", json={"token": gate.token()})
    assert (
        await gate.ask("GET", "/", Cookie=answer.headers["set-cookie"].partition(";")[0])
    ).status_code == 401


# -- without a key


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key": None}, "BERTH_TOKEN_KEY is not set"),
        ({"key": ""}, "BERTH_TOKEN_KEY is not set"),
        ({"key": "short"}, "BERTH_TOKEN_KEY must have at least 32 characters"),
        ({"session": ""}, "SESSION_ID is not set"),
    ],
)
async def test_without_a_key_nobody_enters_and_the_page_says_why(make_gate, options, said):
    gate = make_gate(**options)
    assert said in f"{gate.entry.problems[0].variable} {gate.entry.problems[0].message}"
    answer = await gate.ask("GET", "/", **BROWSER)
    assert answer.status_code == 401
    assert said in answer.text
    for token in (gate.token(), gate.token(EntryUse.TOOL), ""):
        assert (await gate.ask("GET", "/", **bearer(token))).json()["reason"] == "NoKey"
        async with gate.client() as client:
            assert (await client.post("/enter", json={"token": token})).status_code == 401
    assert (await gate.ask("GET", "/healthz")).text == "inside"


# -- what browsers are told


async def test_every_answer_says_who_may_frame_it(gate):
    cookie = await gate.cookie()
    for path in ("/", "/api/x", "/healthz", "/enter", "/own-policy"):
        for headers in ({}, {"Cookie": cookie}, BROWSER):
            answer = await gate.ask("GET", path, **headers)
            policies = answer.headers.get_list("content-security-policy")
            assert policies[-1].endswith(f"frame-ancestors {CONSOLE}"), (path, policies)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"


async def test_a_part_has_its_own_policy_and_one_that_was_said_stays(make_gate):
    wide = Part("/workbench/", "default-src 'self'; script-src 'self' 'unsafe-eval'")
    gate = make_gate(parts=(*PARTS, wide))
    cookie = await gate.cookie()

    async def policies(path: str) -> list[str]:
        return (await gate.ask("GET", path, Cookie=cookie)).headers.get_list("content-security-policy")

    assert (await policies("/workbench/x"))[0].startswith(wide.policy)
    assert (await policies("/"))[0].startswith("default-src 'none'; script-src 'self'")
    assert (await policies("/api/file"))[0].startswith("default-src 'none'; sandbox")
    assert await policies("/preview/own-policy") == ["sandbox", f"frame-ancestors {CONSOLE}"]


async def test_routes_outside_know_their_callers_by_themselves(make_gate):
    async def outside(_):
        return PlainTextResponse("outside", headers={"Content-Security-Policy": "sandbox"})

    gate = make_gate(outside=(Route("/preview/key/{path:path}", outside),))
    answer = await gate.ask("GET", "/preview/key/x", **OF_A_SANDBOX)
    assert answer.text == "outside"
    assert answer.headers.get_list("content-security-policy") == ["sandbox"]
    assert (await gate.ask("GET", "/preview/other/x")).status_code == 401


async def test_no_answer_and_no_event_holds_a_token_or_the_key(gate):
    token, tool = gate.token(), gate.token(EntryUse.TOOL)
    async with gate.client() as client:
        answers = [await client.post("/enter", json={"token": token}) for _ in range(2)]
        answers += [await client.get("/", headers=bearer(t)) for t in (token, tool, token + "x")]
    seen = [answer.text for answer in answers] + [event.message for event in gate.journal.events]
    for hidden in (token, tool, KEY):
        assert all(hidden not in text for text in seen)
    assert gate.journal.events[-1].level == "Warning"
