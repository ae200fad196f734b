"""The agent through the container's HTTP routes, in a container that is a process."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.container.agent.conftest import command, is_running
from tests.container.conftest import encoded, entered, until

CANARY = "canary-5d20-secret"


class Api:
    """What a page does."""

    def __init__(self, container):
        self.container = container
        self.container.serving()

    def __call__(self, method, path="", body=None, **headers):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.container.port}/api/agent{path}",
            method=method,
            data=None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **entered(), **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
                return answer.status, json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    @property
    def view(self):
        return self("GET")[1]

    @property
    def items(self):
        return [item["body"] for item in self("GET", "/transcript")[1]["items"]]

    @property
    def said(self):
        return "".join(body["text"] for body in self.items if body["kind"] == "message")

    def ask(self, text, **body):
        status, prompt = self("POST", "/prompts", {"text": text, **body})
        assert status == 201, prompt
        return prompt["id"]

    def ended(self, prompt):
        def outcome():
            return [b["outcome"] for b in self.items if b["kind"] == "prompt" and b["prompt"] == prompt]

        until(lambda: outcome() not in ([], ["Working"]), f"the end of {prompt}", 30)
        return outcome()[0]


@pytest.fixture
def api(start):
    def _api(*flags, **variables):
        named = {"BERTH_AGENT_PROVIDER": "scripted", "BERTH_AGENT_COMMAND": command(*flags)}
        return Api(start(**{**named, **variables}))

    return _api


class Events:
    """A reader of the stream."""

    def __init__(self, api, path="/events", **headers):
        request = urllib.request.Request(
            f"http://127.0.0.1:{api.container.port}/api/agent{path}", headers={**entered(), **headers}
        )
        self.answer = urllib.request.urlopen(request, timeout=60)

    def next(self):
        """The id and the data of the next event; None at the end."""
        fields = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\r\n").partition(":")
            if not line.strip() and "data" in fields:
                return int(fields["id"]), json.loads(fields["data"])
            if name:
                fields[name] = value.strip()
        return None


def test_a_session_with_an_agent_from_start_to_end(api):
    of = api("--modes")
    until(lambda: of.container.health()["attention"] == "Idle", "the records are read")
    assert of.container.health()["agent"] == {
        "state": "NotStarted",
        "message": "scripted starts with the first prompt",
    }
    assert of("POST", "/start")[0] == 204
    until(lambda: of.container.health()["agent"]["state"] == "Ready", "ready", 30)
    assert of.view["announced"]["mode"] == "ask"

    with contextlib.closing(Events(of).answer):
        prompt = of.ask("ask Do it\nsay <done> & é")
        until(lambda: of.container.health()["attention"] == "NeedsApproval", "it asks")
        [request] = of.view["permissions"]
        assert of("POST", f"/permissions/{request}", {"option": "maybe"})[0] == 400
        assert of("POST", f"/permissions/{request}", {"option": "no"})[0] == 204
        assert of("POST", f"/permissions/{request}", {"option": "no"})[0] == 404
        assert of.ended(prompt) == "Completed"
    assert of.said == "answer: no<done> & é"
    health = of.container.health()
    assert health["attention"] == "NeedsInput"
    assert health["activity"]["source"] in {"agent", "person"}
    assert of("POST", "/seen", {"revision": of.view["revision"]})[0] == 204
    assert of.container.health()["attention"] == "Idle"

    assert of("PUT", "/mode", {"mode": "code"})[1]["announced"]["mode"] == "code"
    assert of("PUT", "/options/model", {"value": "large"})[1]["announced"]["options"][0]["value"] == "large"
    status, headers, text = of.container.request("/api/agent/transcript.md")
    assert (status, headers["content-disposition"]) == (200, 'attachment; filename="transcript.md"')
    assert "answer: no<done> & é" in text.decode()
    exported = json.loads(of.container.request("/api/agent/transcript.json")[2])
    assert [item["body"]["kind"] for item in exported] == ["prompt", "tool", "permission", "message"]

    assert of.container.end() == 0
    log = of.container.output
    assert "agent: Scripted 1.0 is ready" in log
    assert "done" not in log


def test_a_page_that_comes_back_gets_what_it_missed_and_what_comes(api):
    of = api("--resume")
    first = Events(of)
    position, data = first.next()
    assert data["page"]["items"] == []
    assert data["agent"]["state"] == "NotStarted"
    prompt = of.ask("say one")
    while not any(i["body"].get("outcome") == "Completed" for i in data["page"]["items"]):
        number, data = first.next()
        assert number > position
        position = number
    first.answer.close()
    assert of.ended(of.ask("say two")) == "Completed"
    assert of.ended(prompt) == "Completed"

    with contextlib.closing(Events(of, **{"Last-Event-ID": str(position)}).answer) as answer:
        again = Events.__new__(Events)
        again.answer = answer
        _, data = again.next()
        assert [item["body"]["text"] for item in data["page"]["items"]] == ["say two", "two"]
    # And by asking, after a restart, too.
    assert of.container.end() == 0


def test_a_stream_ends_with_the_container_and_not_after_it(api):
    of = api()
    events = Events(of)
    events.next()
    assert of.container.end() == 0
    assert "graceful shutdown exceeded" not in of.container.output, "the server had to cut it off"
    while events.next() is not None:
        pass  # it was told before the end
    events.answer.close()


def test_prompts_that_wait(api, tmp_path):
    of = api()
    first = of.ask(f"wait {tmp_path / 'go'}")
    until(lambda: of.view["turn"] is not None, "the turn", 30)
    second, third = of.ask("say second"), of.ask("say third")
    assert of("PATCH", f"/prompts/{third}", {"text": "say changed", "place": "next"})[0] == 200
    assert of("DELETE", f"/prompts/{second}")[0] == 204
    assert of("DELETE", f"/prompts/{second}")[0] == 404
    assert of("DELETE", f"/prompts/{first}")[0] == 404
    assert [waiting["text"] for waiting in of.view["waiting"]] == ["say changed"]
    assert of("POST", "/cancel")[0] == 204
    assert of.ended(first) == "Cancelled"
    assert of("POST", "/cancel")[0] == 409
    assert of.view["held"]
    assert of("POST", "/proceed")[0] == 204
    assert of.ended(third) == "Completed"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field", "words"),
    [
        ("POST", "/prompts", {}, 400, "text", "Field required"),
        ("POST", "/prompts", {"text": " "}, 400, "text", "write what the agent should do"),
        ("POST", "/prompts", {"text": "x", "more": 1}, 400, "more", "not permitted"),
        ("POST", "/prompts", {"text": 1}, 400, "text", "string"),
        ("POST", "/prompts", {"text": "x", "place": "first"}, 400, "place", "last"),
        ("POST", "/prompts", {"text": "x" * 100_001}, 413, "text", "attach it as a file"),
        ("POST", "/prompts", b"{", 400, "", "JSON"),
        ("POST", "/prompts", b'{"text": "\\ud800"}', 400, "", "JSON"),
        ("POST", "/prompts", {"text": "x", "attachments": [{}]}, 400, "attachments.0", "either path"),
        (
            "POST",
            "/prompts",
            {"text": "x", "attachments": [{"name": "a", "data": "?"}]},
            400,
            "attachments.data",
            "",
        ),
        (
            "POST",
            "/prompts",
            {"text": "x", "attachments": [{"path": "/etc"}]},
            400,
            "attachments",
            "workspace",
        ),
        (
            "POST",
            "/prompts",
            {"text": "x", "attachments": [{"path": "a", "name": "b"}]},
            400,
            "attachments.0",
            "",
        ),
        ("PATCH", "/prompts/1", {}, 400, "", "changes nothing"),
        ("PATCH", "/prompts/1", {"text": "x"}, 404, "id", "given to the agent"),
        ("POST", "/permissions/1", {"option": "y"}, 404, "request", "lapsed"),
        ("POST", "/seen", {"revision": -1}, 400, "revision", ""),
        ("PUT", "/provider", {"provider": "x"}, 400, "provider", "scripted, codex, claude"),
        ("PUT", "/provider", {"provider": "claude"}, 409, "provider", "not installed"),
        ("PUT", "/mode", {"mode": "x"}, 409, "", "start it first"),
        ("PUT", "/options/model", {"value": 1.5}, 400, "value", ""),
        ("GET", "/transcript?after=-1", None, 400, "after", "whole number"),
        ("GET", "/transcript?before=x", None, 400, "before", "whole number"),
        ("GET", "/attachments/a/b", None, 404, "name", ""),
    ],
)
def test_bad_requests_name_the_field_and_the_remedy(shared, method, path, body, status, field, words):
    answered, error = shared(method, path, body)
    assert answered == status, error
    assert list(error) == ["error"]
    told = error["error"]["field"]
    assert told == field or (field and told.startswith(field))
    assert words in error["error"]["message"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from tests.container.conftest import Container  # noqa: PLC0415

    container = Container(
        tmp_path_factory.mktemp("shared"),
        {"BERTH_AGENT_PROVIDER": "scripted", "BERTH_AGENT_COMMAND": command()},
    )
    yield Api(container)
    container.program.kill()
    container.program.wait()


def test_a_form_of_another_page_is_refused(shared):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        status, error = shared("POST", "/prompts", b'{"text": "say hello"}', **{"Content-Type": kind})
        assert (status, error["error"]["field"]) == (400, "Content-Type")
    assert shared.view["waiting"] == []


def test_a_request_without_end_is_refused(shared):
    with socket.create_connection(("127.0.0.1", shared.container.port), timeout=60) as connection:
        token = entered()["Authorization"].encode()
        connection.sendall(
            b"POST /api/agent/prompts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: " + token + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(chunk)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_reading_the_agent_changes_nothing(shared):
    before = (shared.container.health()["activity"], shared.view)
    for path in ("", "/transcript", "/transcript?after=0", "/transcript.md", "/transcript.json"):
        assert shared.container.request(f"/api/agent{path}")[0] == 200
        assert shared.container.request(f"/api/agent{path}", "POST")[0] == 405
    assert (shared.container.health()["activity"], shared.view) == before


def test_uploads_are_served_as_what_they_are_and_nothing_runs(api):
    of = api()
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    files = {"a.png": png, "b.html": b"<script>alert(1)</script>", "c.svg": b"<svg onload='x'/>"}
    given = [{"name": name, "data": base64.b64encode(data).decode()} for name, data in files.items()]
    prompt = of.ask("given-blocks", attachments=given)
    assert of.ended(prompt) == "Completed"
    for name, data in files.items():
        status, headers, content = of.container.request(f"/api/agent/attachments/{prompt}/{name}")
        assert (status, content) == (200, data)
        shown = name == "a.png"
        assert headers["content-type"] == ("image/png" if shown else "application/octet-stream")
        assert headers["content-disposition"].startswith("inline" if shown else "attachment")
        assert headers["x-content-type-options"] == "nosniff"


def test_the_agent_gets_no_secret_of_ours_and_its_end_tells_none(api):
    of = api(
        BERTH_GIT_PASSWORD=CANARY,
        CODEX_AUTH_FILE_1=encoded({"tokens": {"access_token": CANARY + "-login"}}),
        CODEX_AUTH_FILE_1_NAME="auth.json",
        MY_API_KEY=CANARY + "-key",
    )
    prompt = of.ask(
        "environment BERTH_GIT_PASSWORD\nenvironment CODEX_AUTH_FILE_1\nenvironment HOME\npid\ncrash 3"
    )
    assert of.ended(prompt) == "Interrupted"
    assert "BERTH_GIT_PASSWORD=None" in of.said
    assert "CODEX_AUTH_FILE_1=None" in of.said
    assert f"HOME={of.container.data / 'home'}" in of.said
    told = [json.dumps(of.items), json.dumps(of.view), json.dumps(of.container.health()), of.container.output]
    assert "it said: about to crash, key •••" in of.items[0]["message"]
    assert not any(CANARY in text for text in told)
    until(lambda: of.container.health()["agent"]["state"] == "Ready", "it came back", 30)


def test_a_login_that_the_agent_refuses_is_told_as_revoked(api, tmp_path):
    of = api(
        "--login",
        tmp_path / "login",
        BERTH_AGENT_PROVIDER="codex",
        CODEX_AUTH_FILE_1=encoded({"tokens": {"refresh_token": "x"}}),
        CODEX_AUTH_FILE_1_NAME="auth.json",
    )
    assert [login["state"] for login in of.container.health()["auth"]] == ["LoggedIn"]
    of("POST", "/start")
    until(lambda: of.container.health()["agent"]["state"] == "Failed", "refused", 30)
    [login] = of.container.health()["auth"]
    assert (login["provider"], login["state"]) == ("codex", "Revoked")
    assert "codex login" in of.container.health()["agent"]["message"]
    (tmp_path / "login").touch()
    of("POST", "/start")
    until(lambda: of.container.health()["auth"][0]["state"] == "LoggedIn", "taken", 30)


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_a_prompt_under_way_at_the_end_is_told_and_not_given_again(api, tmp_path, kill):
    of = api("--resume", "--sessions", tmp_path / "sessions")
    of.ask(f"pid\nwait {tmp_path / 'never'}")
    until(lambda: "pid" in of.said, "it works", 30)
    pid = int(of.said.split()[1])
    time_of_the_next_write = 3.0
    later = of.ask("say later")
    if kill == signal.SIGKILL:
        until(lambda: _is_kept(of.container.data / "container.db", later), "kept", time_of_the_next_write)
    of.container.end(kill)
    until(lambda: not is_running(pid), "the agent's program is gone")

    again = api("--resume", "--sessions", tmp_path / "sessions")
    until(lambda: again.items, "the transcript is read")
    assert again.items[0]["outcome"] == "Interrupted"
    assert [waiting["id"] for waiting in again.view["waiting"]] == [later]
    assert again.container.health()["attention"] == "NeedsInput"
    assert again("POST", "/proceed")[0] == 204
    assert again.ended(later) == "Completed"
    assert json.loads((tmp_path / "sessions").read_text())["session-1"][-1] == "say later"


def _is_kept(path: Path, text: str) -> bool:
    wal = path.with_name(path.name + "-wal")
    return any(text.encode() in file.read_bytes() for file in (path, wal) if file.exists())


def test_a_missing_agent_is_a_state_and_the_app_serves(api):
    of = api(BERTH_AGENT_COMMAND="", BERTH_AGENT_PROVIDER="codex", PATH=os.environ["PATH"])
    until(lambda: of.container.health()["agent"]["state"] == "NotInstalled", "it was looked for")
    agent = of.container.health()["agent"]
    assert "@agentclientprotocol/codex-acp" in agent["message"]
    of.ask("say hello")
    assert of.container.health()["attention"] == "NeedsInput"
    assert of.container.request("/readyz")[0] == 200
    assert of.container.end() == 0
