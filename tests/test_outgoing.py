"""Berth's own requests take nothing from the environment, and one module makes every client."""

from __future__ import annotations

import ast
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from container import outgoing

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("api", "cli", "container", "controller", "crds", "dokploy", "records")
THE_ONE = "container/outgoing.py"
MAKERS = {
    "AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "Proxy",
    "get", "post", "put", "patch", "delete", "head", "options", "request", "stream",
}  # fmt: skip
"""What of httpx opens a way to somewhere."""
OTHERS = ("aiohttp", "requests", "urllib3", "urllib.request", "http.client", "pycurl")
"""Other ways to send a request; each reads the environment in a manner of its own."""


def modules() -> list[Path]:
    return [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]


def ways(tree: ast.AST) -> Iterator[str]:
    """What a module holds that sends requests, each with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="httpx"), attr=attr)) if attr in MAKERS:
                yield f"{node.lineno}: httpx.{attr}"
            case ast.ImportFrom(module="httpx", names=names):
                yield from (f"{node.lineno}: httpx.{one.name}" for one in names if one.name in MAKERS)
            case ast.Import(names=names):
                yield from (f"{node.lineno}: {one.name}" for one in names if one.name.startswith(OTHERS))
            case ast.ImportFrom(module=str(module), names=names):
                named = [module, *(f"{module}.{one.name}" for one in names)]
                yield from (f"{node.lineno}: {one}" for one in named if one.startswith(OTHERS))
            case ast.Call(func=ast.Name(id="connect")) if _speaks_websocket(tree):
                if not any(
                    word.arg == "proxy" and getattr(word.value, "value", "") is None for word in node.keywords
                ):
                    yield f"{node.lineno}: a WebSocket without proxy=None"


def _speaks_websocket(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith("websockets")
        for node in ast.walk(tree)
    )


def test_no_other_module_makes_a_client():
    found = {
        str(path.relative_to(ROOT)): made
        for path in modules()
        if (made := list(ways(ast.parse(path.read_text("utf-8")))))
    }
    assert set(found) == {THE_ONE}, found


@pytest.mark.parametrize(
    "text",
    [
        "import httpx\nhttpx.AsyncClient()",
        "import httpx\nhttpx.get('http://x')",
        "from httpx import Client",
        "import urllib.request",
        "from urllib import request",
        "import http.client as c",
        "from websockets.asyncio.client import connect\nconnect('ws://x')",
    ],
)
def test_each_other_way_would_be_found(text):
    assert list(ways(ast.parse(text)))


class Proxy(socketserver.ThreadingTCPServer):
    """Answers whatever it is asked, and keeps what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Asked(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        self.server.asked.append(self.rfile.readline().decode().split(" HTTP/")[0])
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment as on a machine in an office, where the proxy is down."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("office")
async def test_the_environments_proxies_are_not_asked(proxy):
    async with outgoing.client(timeout=httpx.Timeout(10), verify=False) as client:
        answer = await client.get(f"{proxy.url}/readyz")
    assert answer.status_code == 200
    assert proxy.asked == ["GET /readyz"]


@pytest.mark.usefixtures("office")
async def test_a_proxy_of_our_own_leads_elsewhere_and_never_here(proxy):
    async with outgoing.client(timeout=httpx.Timeout(10), verify=False, proxy=proxy.url) as client:
        await client.get("http://berth.invalid/a")
        await client.get(f"http://localhost:{proxy.server_address[1]}/b")
        await client.get(f"{proxy.url}/c")
    assert proxy.asked == ["GET http://berth.invalid/a", "GET /b", "GET /c"]


@pytest.mark.parametrize("url", ["socks4://me:canary@x", "http://[bad", "proxy:3128"])
def test_what_is_no_proxy_is_refused(url):
    with pytest.raises(ValueError, match="proxy"):
        outgoing.client(timeout=httpx.Timeout(1), verify=False, proxy=url)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("hello.default.LOCALHOST", True), ("localhost.", True), ("10.0.0.1", False),
        ("localhost.example.com", False), ("berth.example.com", False), ("", False),
    ],
)  # fmt: skip
def test_whether_a_host_is_this_machine(host, here):
    assert outgoing.is_here(host) is here
