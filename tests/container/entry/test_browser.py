"""Entry and bridge in a real browser: a console's page around a container that runs as a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import BrowserContext, Frame, Page, expect
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from container.app import build_app
from container.bridge import script
from container.contract import EntryUse
from container.environment import read_settings
from container.given import Secrets
from container.session import open_session
from tests.chromium import chromium as chromium  # noqa: PLC0414 - fixtures of this module too
from tests.chromium import emptied
from tests.chromium import window as window  # noqa: PLC0414
from tests.container.conftest import SESSION_ID, TOKEN_KEY, Container, containers, entry_token

pytestmark = pytest.mark.xdist_group("chromium-entry-browser")

SESSION, ELSEWHERE = "fix-login.alice.localhost", "fix-login.alice.test"
CONSOLE = """<!doctype html><title>console</title><script type="module">
import { Bridge } from "/bridge.js";
window.heard = [];
addEventListener("message", (event) => heard.push({ origin: event.origin, data: event.data }));
window.show = (address, origin, token) => {
  const frame = document.createElement("iframe");
  frame.id = "session";
  window.bridge = new Bridge("console", () => frame.contentWindow, origin);
  bridge.on("ready", (said) => { if (said.entry === "wanted" && token) bridge.send("auth", { token }); });
  frame.src = address;
  document.body.append(frame);
};
window.loaded = true;
</script><body></body>"""
LISTENER = """<!doctype html><title>listener</title><script type="module">
import { Bridge } from "/bridge.js";
window.taken = [];
const bridge = new Bridge("session", () => window.parent, new URL(location).searchParams.get("console"));
for (const type of ["auth", "navigate", "title"]) bridge.on(type, (said) => taken.push([type, said]));
bridge.send("title", { title: "canary" });
window.loaded = true;
</script>"""
FRAMES = """<!doctype html><title>frames</title><script>
window.heard = [];
addEventListener("message", (event) => heard.push(event.data));
window.loaded = true;
</script><body></body>"""
PAGES = {"/": CONSOLE, "/listener": LISTENER, "/frames": FRAMES}


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """Serves the pages above on every name; its port."""

    class Answer(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            text = script() if path == "/bridge.js" else PAGES.get(path)
            kind = "text/javascript" if path == "/bridge.js" else "text/html"
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write((text or "").encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def console(site: int) -> str:
    return f"http://console.localhost:{site}"


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory, console: str) -> Iterator[Container]:
    """For all tests: each enters it anew."""
    with containers(tmp_path_factory.mktemp("container")) as start:
        yield start(BERTH_CONSOLE_ORIGIN=console).serving()


@pytest.fixture
def context(window: BrowserContext) -> Iterator[BrowserContext]:
    with emptied(window):
        yield window


async def small_page(scope: Scope, receive: Receive, send: Send) -> None:
    """In place of the page, of which a process has one."""
    await HTMLResponse('<h1>in</h1><script type="module" src="/static/enter.js"></script>')(
        scope, receive, send
    )


@dataclass
class Recorded:
    """A container in this process: method, origin, whether there was a cookie, and status of each answer."""

    port: int = 0
    answers: list[tuple[str, str | None, bool, int]] = field(default_factory=list)

    def around(self, app: ASGIApp) -> ASGIApp:
        async def record(scope: Scope, receive: Receive, send: Send) -> None:
            headers = Headers(scope=scope)

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start" and scope["query_string"] == b"sandbox":
                    origin, cookie = headers.get("origin"), "__Host-berth-" in headers.get("cookie", "")
                    self.answers.append((scope["method"], origin, cookie, message["status"]))
                await send(message)

            await app(scope, receive, note)

        return record


@contextmanager
def recorded(root: Path, console: str) -> Iterator[Recorded]:
    """The container's app, with a look at what it answers that a browser does not give."""
    variables = {
        "SESSION_ID": SESSION_ID,
        "BERTH_SESSION_TITLE": "Fix the <login> bug",
        "BERTH_CONSOLE_ORIGIN": console,
        "WORKSPACE_PATH": str(root / "workspace"),
        "DATABASE_PATH": str(root / "data" / "container.db"),
    }
    made, ended, listener = Recorded(), threading.Event(), socket.create_server(("127.0.0.1", 0))
    made.port = listener.getsockname()[1]

    async def run() -> None:
        session = open_session(read_settings(variables, first=False), Secrets(token_key=TOKEN_KEY))
        app = made.around(build_app(session, small_page))
        server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None))
        server.capture_signals = contextlib.nullcontext
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.to_thread(ended.wait)
        server.should_exit = True
        await serving
        await session.aclose()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    yield made
    ended.set()
    thread.join()
    listener.close()


def at(container: Container | Recorded, host: str = SESSION) -> str:
    return f"http://{host}:{container.port}"


def link(container: Container, token: str, host: str = SESSION) -> str:
    return f"{at(container, host)}/#token={token}"


def shown(page: Page, path: str) -> Page:
    page.goto(path)
    page.wait_for_function("window.loaded === true")
    return page


def framed(
    page: Page, console: str, container: Container | Recorded, token: str, host: str = SESSION
) -> Frame:
    """The session in the console's page; the frame is returned once it loaded something."""
    shown(page, f"{console}/")
    page.evaluate(
        "([address, origin, token]) => show(address, origin, token)",
        [f"{at(container, host)}/", at(container, host), token],
    )
    element = page.wait_for_selector("#session")
    frame = element.content_frame()
    assert frame is not None
    return frame


def opens(frame: Frame | Page) -> None:
    expect(frame.locator("h1")).to_have_text("Fix the <login> bug")
    expect(frame.get_by_role("tab", name="Chat")).to_be_visible()
    frame.wait_for_function("window.socket?.connected")  # it is drawn before it is alive


# -- entry


def test_a_link_lets_in_once_and_its_token_stays_nowhere(context: BrowserContext, container: Container):
    page, token = context.new_page(), entry_token(EntryUse.ENTER)
    container.news()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(link(container, token))
    opens(page)
    assert page.url == f"{at(container)}/chat"
    page.go_back()
    assert token not in page.evaluate("location.href")
    assert all(token not in url for url in asked)
    said = container.news()
    assert token not in said
    assert "entry: entered for alice" in said

    stranger = context.browser.new_context().new_page()
    stranger.goto(link(container, token))
    expect(stranger.locator("#said")).to_contain_text("used already")
    assert "token" not in stranger.url
    stranger.context.close()


def test_chromium_keeps_the_cookie_for_frames_on_this_machine_without_tls(
    context: BrowserContext, container: Container
):
    page = context.new_page()
    page.goto(link(container, entry_token(EntryUse.ENTER)))
    opens(page)
    [cookie] = context.cookies()
    assert cookie["name"].startswith("__Host-berth-")
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        True,
        True,
        "None",
        "/",
    )
    assert cookie["partitionKey"] == "http://alice.localhost"
    assert page.evaluate("document.cookie") == ""


def test_a_frame_gets_its_token_from_the_console_and_tells_it_how_things_are(
    context: BrowserContext, container: Container, console: str
):
    page = context.new_page()
    opens(framed(page, console, container, entry_token(EntryUse.ENTER)))
    page.wait_for_function("heard.some((each) => each.data.type === 'attention')")
    heard = page.evaluate("heard")
    assert {each["origin"] for each in heard} == {at(container)}
    assert {each["data"]["berth"] for each in heard} == {1}
    said = [(each["data"]["type"], each["data"].get("entry") or each["data"].get("title")) for each in heard]
    assert said[:3] == [("ready", "wanted"), ("ready", "open"), ("title", "Fix the <login> bug")]
    [cookie] = context.cookies()
    assert cookie["partitionKey"] == "http://console.localhost"


def test_the_console_leads_the_page_from_panel_to_panel_and_hears_where_it_is(
    context: BrowserContext, container: Container, console: str
):
    page = context.new_page()
    frame = framed(page, console, container, entry_token(EntryUse.ENTER))
    opens(frame)

    def lead(path: str, to: str) -> None:
        page.evaluate("(path) => bridge.send('navigate', { path })", path)
        page.wait_for_function("(path) => heard.some((each) => each.data.path === path)", arg=to)

    lead("/files", "/files")
    page.evaluate("(path) => bridge.send('navigate', { path })", "/nowhere")
    lead("/session?at=a#b", "/session")
    expect(frame.get_by_role("tab", name="Session")).to_have_attribute("aria-selected", "true")
    places = page.evaluate("heard.map((each) => each.data).filter((said) => said.type === 'navigate')")
    assert [said["path"] for said in places] == ["/chat", "/files", "/session"]


def test_a_bad_token_is_told_in_the_frame_and_to_the_console(
    context: BrowserContext, container: Container, console: str
):
    page = context.new_page()
    frame = framed(page, console, container, "rubbish")
    expect(frame.locator("#said")).to_contain_text("The token is none of this session's")
    [error] = page.evaluate("heard.map((each) => each.data).filter((said) => said.type === 'error')")
    assert error["reason"] == "TokenInvalid"
    assert frame.locator("a").get_attribute("href") == f"{console}/"


def test_without_tls_elsewhere_a_tab_serves_and_a_frame_says_why_it_does_not(
    context: BrowserContext, container: Container, console: str
):
    tab = context.new_page()
    tab.goto(link(container, entry_token(EntryUse.ENTER), ELSEWHERE))
    opens(tab)
    [cookie] = context.cookies()
    assert (cookie["secure"], cookie["sameSite"]) == (False, "Lax")
    page = context.new_page()
    frame = framed(page, console, container, entry_token(EntryUse.ENTER), ELSEWHERE)
    expect(frame.locator("#said")).to_contain_text("keeps no cookie")
    errors = page.evaluate("heard.map((each) => each.data).filter((said) => said.type === 'error')")
    assert [error["reason"] for error in errors] == ["CookieBlocked"]


def test_no_page_but_the_consoles_can_frame_the_session(
    context: BrowserContext, container: Container, site: int
):
    page = context.new_page()
    frame = framed(page, f"http://evil.localhost:{site}", container, entry_token(EntryUse.ENTER))
    page.wait_for_timeout(300)
    assert frame.locator("#said").count() == 0
    assert page.evaluate("heard") == []


def test_a_sandboxed_page_beside_the_session_gets_nothing_with_its_cookie(
    context: BrowserContext, console: str, tmp_path: Path
):
    page = context.new_page()
    with recorded(tmp_path, console) as container:
        frame = framed(page, console, container, entry_token(EntryUse.ENTER))
        expect(frame.locator("h1")).to_have_text("in")
        page.evaluate(
            """(session) => {
              const frame = document.createElement("iframe");
              frame.sandbox = "allow-scripts";
              frame.srcdoc = `<script>
                const ask = (mode, method) =>
                  fetch("${session}/api/overview?sandbox", {mode, method, credentials: "include"})
                    .catch(() => {});
                Promise.all([ask("cors", "GET"), ask("no-cors", "GET"), ask("no-cors", "POST")])
                  .then(() => parent.postMessage("done", "*"));
              <\\/script>`;
              document.body.append(frame);
            }""",
            at(container),
        )
        page.wait_for_function("heard.some((each) => each.data === 'done')")
    # The browser does send the cookie along: it is the guard that keeps the page out.
    assert sorted(container.answers, key=str) == [
        ("GET", "null", True, 403),
        ("GET", None, True, 403),
        ("POST", "null", True, 403),
    ]


# -- the bridge


def test_the_bridge_never_posts_to_a_star_and_ignores_foreign_origins(context: BrowserContext, site: int):
    """The seed's ancestor posted to ``*``, with the check of the origin commented out."""
    console, evil = f"http://console.localhost:{site}", f"http://evil.localhost:{site}"
    page = context.new_page()
    address = f"http://session.localhost:{site}/listener?console={console}"

    # Framed by a foreign page it says nothing to it, and takes nothing from it.
    listener = _framed_listener(shown(page, f"{evil}/frames"), address)
    _say(page, "listener", {"berth": 1, "type": "auth", "token": "evil"})
    page.wait_for_timeout(200)
    assert page.evaluate("heard") == []
    assert listener.evaluate("taken") == []

    # Framed by the console it speaks to it, and hears it alone.
    listener = _framed_listener(shown(page, f"{console}/frames"), address)
    page.wait_for_function("heard.length > 0")
    assert page.evaluate("heard") == [{"berth": 1, "type": "title", "title": "canary"}]
    for origin in (evil, console):  # a frame of the console's own origin is not the console either
        beside = _frame(page, f"{origin}/frames", "beside")
        beside.evaluate("parent.frames[0].postMessage({berth: 1, type: 'auth', token: 'beside'}, '*')")
    for ignored in (
        {"berth": 2, "type": "auth", "token": "t"},
        {"type": "auth", "token": "t"},
        {"berth": "1", "type": "auth", "token": "t"},
        {"berth": 1, "type": "auth"},
        {"berth": 1, "type": "auth", "token": 7},
        {"berth": 1, "type": "auth", "token": "t" * 2001},
        {"berth": 1, "type": "title", "title": "of the wrong side"},
        {"berth": 1, "type": "unknown"},
        {"berth": 1, "type": "toString"},
        {"berth": 1, "type": "__proto__"},
        {"berth": 1, "type": "navigate", "path": "//evil.example/"},
        {"berth": 1, "type": "navigate", "path": "/\\evil.example/"},
        {"berth": 1, "type": "navigate", "path": "javascript:alert(1)"},
        "auth",
        None,
        [1],
    ):
        _say(page, "listener", ignored)
    _say(page, "listener", {"berth": 1, "type": "auth", "token": "good", "more": "is left out"})
    _say(page, "listener", {"berth": 1, "type": "navigate", "path": "/files?at=a#b"})
    listener.wait_for_function("taken.length >= 2")
    assert listener.evaluate("taken") == [
        ["auth", {"token": "good"}],
        ["navigate", {"path": "/files?at=a#b"}],
    ]


@pytest.mark.parametrize("origin", ["*", "null", "", "https://a.example/", "https://*.example", "file://"])
def test_a_bridge_is_made_to_one_origin_alone(context: BrowserContext, site: int, origin: str):
    page = shown(context.new_page(), f"http://console.localhost:{site}/frames")
    said = page.evaluate(
        """async (origin) => {
          const { Bridge } = await import("/bridge.js");
          try { new Bridge("console", () => window, origin); } catch (error) { return error.message; }
        }""",
        origin,
    )
    assert "one origin" in (said or "")


def test_what_the_vocabulary_does_not_have_cannot_be_said(context: BrowserContext, site: int):
    page = shown(context.new_page(), f"http://console.localhost:{site}/frames")
    said = page.evaluate(
        """async (messages) => {
          const { Bridge } = await import("/bridge.js");
          const bridge = new Bridge("session", () => window, location.origin);
          return messages.map(([type, fields]) => {
            try { bridge.send(type, fields); return "sent"; } catch (error) { return error.name; }
          });
        }""",
        [["auth", {"token": "t"}], ["attention", {"attention": "Bored"}], ["ready", {"entry": "open"}]],
    )
    assert said == ["TypeError", "TypeError", "sent"]


def test_no_script_of_the_container_holds_a_star_for_an_origin(container: Container):
    for name in ("bridge.js", "enter.js"):
        text = container.request(f"/static/{name}")[2].decode()
        assert '"*"' not in text
        assert "'*'" not in text


def _frame(page: Page, address: str, name: str) -> Frame:
    page.evaluate(
        """([address, name]) => {
          const frame = document.createElement("iframe");
          frame.id = frame.name = name;
          frame.src = address;
          document.body.append(frame);
        }""",
        [address, name],
    )
    frame = page.wait_for_selector(f"#{name} >> nth=-1").content_frame()
    assert frame is not None
    frame.wait_for_function("window.loaded === true")
    return frame


def _framed_listener(page: Page, address: str) -> Frame:
    return _frame(page, address, "listener")


def _say(page: Page, name: str, message: object) -> None:
    page.evaluate(f"frames[{json.dumps(name)}].postMessage({json.dumps(message)}, '*')")
