"""What a page of a preview can do in a real browser, and what it cannot."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from container.entry.entry import Admission
from container.entry.guard import Guard
from container.entry.head import Head
from container.entry.refusal import Refused, Why
from container.preview.addresses import Passing
from container.preview.previews import Previews
from container.preview.routes import keyed_routes, routes
from tests.container.serving import serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PAGE = """<!doctype html><title>x</title>
<link rel=stylesheet href=style.css>
<script src=plain.js></script>
<script type=module src=module.js></script>
"""
MODULE = """
import {word} from "./other.js";
const told = {word, plain: window.plain, origin: self.origin};
const attempt = async (name, doing) => {
  try { told[name] = await doing(); } catch (error) { told[name] = "refused: " + error.name; }
};
const socket = address => new Promise((resolve, reject) => {
  const ws = new WebSocket(address);
  ws.onmessage = event => resolve(event.data);
  ws.onerror = () => reject(new Error("closed"));
});
const app = location.origin, ws = app.replace("http", "ws");
await attempt("fetched", async () => (await fetch("data.json")).json());
const put = {method: "PUT", headers: {"X-A": "1"}, body: "x"};
const change = {method: "POST", credentials: "include", mode: "no-cors"};
await attempt("put", async () => (await fetch("data.json", put)).text());
await attempt("credentials", async () => (await fetch("data.json", {credentials: "include"})).json());
await attempt("socket", () => socket(location.href.replace("http", "ws") + "ws"));
await attempt("cookie", () => document.cookie);
await attempt("storage", () => localStorage.length);
await attempt("read", async () => (await fetch(app + "/secret", {credentials: "include"})).text());
await attempt("changed", async () => (await fetch(app + "/change", change)).type);
await attempt("terminal", () => socket(ws + "/terminal"));
await attempt("worker", () => navigator.serviceWorker.register("module.js"));
await attempt("top", () => { top.location = "about:blank"; return "tried"; });
await attempt("parent", () => parent.document.title);
await fetch("report", {method: "POST", body: JSON.stringify(told)});
"""


class Door:
    """Lets in whoever has the cookie, and nobody from a page that is not ours."""

    console_origin = None

    async def admit(self, head: Head) -> Admission:
        if head.headers.get("cookie") != "berth=entered":
            raise Refused(Why.NOT_ENTERED, "who are you?")
        if not head.is_of_own_page():
            raise Refused(Why.FOREIGN, "not from there")
        return Admission("alice")


class World:
    """An app that a cookie lets in, and a program whose page tries everything."""

    def __init__(self):
        self.told: asyncio.Future = asyncio.get_running_loop().create_future()
        self.changed = 0
        self.typed = 0
        self.cookies_seen = []
        self.previews = Previews({}, console_origin=None)
        inside = [
            Route("/frame", self.frame),
            Route("/secret", lambda _: PlainTextResponse("the secret")),
            Route("/change", self.change, methods=["POST"]),
            WebSocketRoute("/terminal", self.terminal),
            *routes(self.previews),
        ]
        app = Starlette(routes=[Route("/enter", self.enter), *inside])
        self.app = Guard(app, Door(), outside=keyed_routes(self.previews))
        self.program = Starlette(
            routes=[
                Route("/{base:path}report", self.report, methods=["POST"]),
                WebSocketRoute("/{base:path}ws", self.greet),
                Route("/{path:path}", self.serve, methods=["GET", "PUT"]),
            ]
        )

    def enter(self, request: Request) -> Response:
        answer = RedirectResponse(f"/frame?to={request.query_params['to']}")
        answer.set_cookie("berth", "entered", httponly=True)
        return answer

    def frame(self, request: Request) -> Response:
        page = f"<!doctype html><title>app</title><iframe src='{request.query_params['to']}'></iframe>"
        return HTMLResponse(page, headers={"content-security-policy": "frame-src 'self'"})

    async def change(self, _: Request) -> Response:
        self.changed += 1
        return PlainTextResponse("changed")

    async def terminal(self, websocket) -> None:
        self.typed += 1
        await websocket.accept()
        await websocket.send_text("a shell")

    async def greet(self, websocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    async def report(self, request: Request) -> Response:
        self.told.set_result(json.loads(await request.body()))
        return PlainTextResponse("thanks")

    async def serve(self, request: Request) -> Response:
        self.cookies_seen += [request.headers["cookie"]] if "cookie" in request.headers else []
        if request.method == "PUT":
            return PlainTextResponse("put")
        name = request.url.path.rpartition("/")[2]
        kind = "text/javascript" if name.endswith(".js") else "text/css"
        match name:
            case "":
                return HTMLResponse(PAGE, headers={"set-cookie": "berth=stolen", "x-frame-options": "DENY"})
            case "data.json":
                return JSONResponse({"data": 1})
            case "module.js":
                return Response(MODULE, media_type=kind)
            case "other.js":
                return Response('export const word = "imported"', media_type=kind)
            case "plain.js":
                return Response("window.plain = 'ran'", media_type=kind)
        return Response("", media_type=kind)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("passing", Passing)
async def test_a_previewed_page_works_and_is_a_stranger_to_the_app(tmp_path, passing):
    world = World()
    async with serving(world.program) as program, serving(world.app) as app:
        address = world.previews.address(program.port, passing)
        browser = await asyncio.create_subprocess_exec(
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path}",
            "--remote-debugging-port=0",
            f"http://127.0.0.1:{app.port}/enter?to={address}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(60):
                told = await world.told
        finally:
            browser.kill()
            await browser.wait()
        await world.previews.aclose()
    assert told == {
        "word": "imported",
        "plain": "ran",
        "origin": "null",
        "fetched": {"data": 1},
        "put": "put",
        "credentials": {"data": 1},
        "socket": "hello",
        "cookie": "refused: SecurityError",
        "storage": "refused: SecurityError",
        "read": "refused: TypeError",
        "changed": told["changed"],
        "terminal": "refused: Error",
        "worker": told["worker"],
        "top": "refused: SecurityError",
        "parent": "refused: SecurityError",
    }
    assert told["worker"].startswith("refused")
    assert (world.changed, world.typed) == (0, 0)
    assert world.cookies_seen == []
