"""The health check as an image's shell runs it: what a person's variables say changes nothing of it."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.desired import HTTP_CHECK

NOWHERE = "http://127.0.0.1:9"
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WAYS = ("bash", "curl", "wget", "python3")


class Answer(http.server.BaseHTTPRequestHandler):
    def __init__(self, *arguments: object, status: int) -> None:
        self.status = status
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/fit" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answering() -> Iterator[functools.partial]:
    """Starts a server that answers with a status; returns its port."""
    servers = []

    def start(status: int) -> int:
        server = http.server.HTTPServer(("127.0.0.1", 0), functools.partial(Answer, status=status))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=WAYS)
def check(request, tmp_path) -> str:
    """The text of the check in an image that has one way alone to ask."""
    way = request.param
    found = {"env": shutil.which("env"), way: sys.executable if way == "python3" else shutil.which(way)}
    if None in found.values():
        pytest.skip(f"there is no {way} here")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, program in found.items():
        (programs / name).symlink_to(program)
    text = HTTP_CHECK.format(path="/fit", port=1, seconds=20)
    assert SYSTEM in text
    text = text.replace(SYSTEM, str(programs)).replace(":$PATH", "")
    if way == "bash":
        text = text.replace("/opt/berth-probe/bash", str(programs / "bash"))
    return text


def outcome(text: str, **environ: str) -> int:
    done = subprocess.run(
        ["/bin/sh", "-c", text],
        env={"PATH": os.defpath, **environ},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (204, True), (404, False), (503, False)])
def test_it_tells_whether_the_program_is_fit(check, answering, status, healthy):
    assert (outcome(check, PORT=str(answering(status))) == 0) is healthy


def test_nobody_listens(check):
    assert outcome(check, PORT="1") != 0


def hostile(home: Path) -> dict[str, str]:
    """What a person may declare for the programs of a session, all at once."""
    home.mkdir()
    (home / ".curlrc").write_text(f"proxy = {NOWHERE}\nfail\n")
    (home / ".wgetrc").write_text(f"use_proxy = on\nhttp_proxy = {NOWHERE}\n")
    (home / "ends").write_text("exit 7\n")
    proxies = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    return {
        **dict.fromkeys(proxies, NOWHERE),
        "no_proxy": "",
        "HOME": str(home),
        "CURL_HOME": str(home),
        "WGETRC": str(home / ".wgetrc"),
        "PYTHONHOME": str(home),
        "PYTHONPATH": str(home),
        "PYTHONSTARTUP": str(home / "ends"),
        "BASH_ENV": str(home / "ends"),
        "ENV": str(home / "ends"),
        "LD_LIBRARY_PATH": str(home),
        "OPENSSL_CONF": str(home / "ends"),
        "PATH": str(home),
    }


def test_variables_for_a_persons_programs_do_not_reach_it(check, answering, tmp_path):
    environ = hostile(tmp_path / "home")
    assert outcome(check, PORT=str(answering(200)), **environ) == 0
    assert outcome(check, PORT=str(answering(503)), **environ) != 0


def test_it_finds_its_program_whatever_path_is_declared(answering, tmp_path):
    text = HTTP_CHECK.format(path="/fit", port=1, seconds=20)
    assert outcome(text, PORT=str(answering(200)), PATH=str(tmp_path)) == 0


def test_the_declared_port_is_asked_where_the_container_has_none(check, answering):
    port = answering(200)
    assert outcome(check.replace(":-1}", f":-{port}}}")) == 0


def test_a_check_is_one_process(check):
    """Nothing but the program that asks: the shell's own process becomes it."""
    assert 'e="exec env -i ' in check
    assert check.count("$e ") == 4
