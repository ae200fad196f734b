from __future__ import annotations

import httpx
import pytest

from cli.failures import MEANING, ExitCode, from_problem
from tests.cli.fake import TOKEN, URL
from tests.cli.samples import session


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (404, "NotFound", 4),
        (409, "AlreadyExists", 5),
        (409, "Conflict", 5),
        (409, "WorkUnsaved", 5),
        (422, "Invalid", 3),
        (400, "Invalid", 3),
        (413, "TooLarge", 3),
        (415, "UnsupportedMediaType", 3),
        (401, "Unauthorized", 6),
        (403, "Forbidden", 6),
        (503, "Unavailable", 8),
        (410, "Expired", 8),
        (500, "Internal", 8),
        (409, "SomethingNew", 5),
        (507, "", 8),
    ],
)
def test_every_reason_has_its_code(status, reason, code):
    assert from_problem(status, {"reason": reason, "detail": "said"}).code == code


def test_causes_take_the_place_of_the_detail():
    problem = {
        "detail": "both of it",
        "reason": "Invalid",
        "causes": [
            {"field": "spec.env[2].name", "message": "must be a name"},
            {"field": "", "message": "and more"},
        ],
    }
    assert from_problem(422, problem).lines() == [
        "error: spec.env[2].name: must be a name",
        "error: and more",
    ]


def test_a_body_that_is_no_problem_is_never_shown(berth, fake):
    for answer in (
        httpx.Response(502, text="<h1>canary</h1>"),
        httpx.Response(500, text="canary", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(500, text='["canary"]', headers={"Content-Type": "application/problem+json"}),
        httpx.Response(302, headers={"Location": "http://canary"}),
        httpx.Response(200, text="canary"),
        httpx.Response(200, text='["canary"]'),
    ):
        fake.answer = answer
        result = berth("get", "sessions")
        assert result.exit_code == 8
        assert "canary" not in result.output
        assert result.stderr.startswith("error: the server answered ")


def test_a_server_that_is_away(berth, fake):
    fake.down = True
    result = berth("get", "sessions")
    assert (result.exit_code, result.stderr.splitlines()) == (
        7,
        [f"error: Berth cannot be reached at {URL}", "  try: start it with: berth up"],
    )


def test_a_server_that_has_ended_since(berth, fake, tmp_path):
    fake.down = True
    (tmp_path / "api.json").write_text(f'{{"url": "{URL}", "pid": 4194304}}')
    (tmp_path / "token").write_text(TOKEN)
    result = berth("get", "sessions", BERTH_URL="", BERTH_TOKEN="")
    assert result.exit_code == 7
    assert result.stderr.startswith(f"error: Berth is not running: the one that {tmp_path}/api.json names")


def test_a_wrong_token(berth):
    result = berth("get", "sessions", BERTH_TOKEN="wrong")
    assert result.exit_code == 6
    assert "try: set BERTH_TOKEN" in result.stderr


def test_a_slow_server(berth, fake):
    def slow(request):
        raise httpx.ReadTimeout("slow", request=request)

    fake.handle_async_request = slow
    result = berth("version")
    assert result.exit_code == 7
    assert "does not answer in time" in result.stderr


def test_every_code_is_explained():
    assert set(MEANING) == set(ExitCode)


def test_a_busy_server_is_asked_again_and_the_person_told_once(berth, fake):
    fake.put(session("hello"))
    fake.busy = 3
    result = berth("get", "session/hello", "-o", "name")
    assert (result.exit_code, result.stdout) == (0, "session/hello\n")
    assert result.stderr == "the records are locked: asking again for half a minute\n"


def test_a_server_that_stays_busy_is_told(berth, fake):
    fake.busy = 1_000
    result = berth("get", "session/hello")
    assert result.exit_code == 8
    assert result.stderr.splitlines()[1:] == [
        "error: the records are locked",
        "  try: wait a moment and try again; `berth version` tells when it answers",
    ]


def test_a_create_is_not_sent_twice(berth, fake):
    fake.busy = 1
    assert berth("create", "secret", "github", "--from-literal=a=b").exit_code == 8
    assert not fake.records


@pytest.mark.parametrize("verb", ["delete", "stop", "start", "restart"])
def test_one_that_fails_does_not_end_the_rest(berth, fake, verb):
    fake.put(session("a"))
    fake.put(session("b"))
    result = berth(verb, "session", "a", "nope", "gone", "b", "--no-wait")
    assert result.exit_code == 4
    done = [line.split()[0] for line in result.stdout.splitlines()]
    assert done == ["session/a", "session/b"]
    assert result.stderr.splitlines() == [
        "error: session/nope: there is no session default/nope",
        "error: session/gone: there is no session default/gone",
    ]


def test_a_server_that_goes_away_ends_the_rest_at_once(berth, fake):
    fake.down = True
    assert len(berth("stop", "session", "a", "b", "c").stderr.splitlines()) == 2


def test_apply_goes_on_after_a_refusal(berth, fake):
    fake.refused = {"b"}
    text = "".join(f"---\nkind: Session\nmetadata: {{name: {name}}}\n" for name in "abc")
    result = berth("apply", "-f", "-", stdin=text)
    assert (result.exit_code, result.stdout.split()) == (
        3,
        ["session/a", "created", "session/c", "created"],
    )
    assert result.stderr.startswith("error: session/b (stdin:5): ")
