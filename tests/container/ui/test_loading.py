"""What becomes of a request for the page, without a page."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from starlette.types import Message, Receive, Scope, Send

from container.ui.loading import Page
from tests.container.conftest import ROOT

SCOPE = {"type": "http", "path": "/"}


LOADED = """
import sys
from container.ui import loading
assert "acp" not in sys.modules and "nicegui" not in sys.modules, "the start is light"
page = loading.load()
assert list(sys.modules).index("acp.schema") < list(sys.modules).index("nicegui")
print(page.__name__)
"""


def test_what_agents_speak_is_loaded_before_a_page_can_be_drawn():
    """Both parse texts as Python, which CPython fails in two threads at once; each has one of its own."""
    words = [sys.executable, "-c", LOADED]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("container.ui.pages\n", "")


async def unanswering(scope: Scope, receive: Receive, send: Send) -> None:
    """As NiceGUI's middlewares do where nobody is left to be answered, or by mistake."""
    await receive()
    raise RuntimeError("No response returned.")


def page_of(app) -> Page:
    page = Page(session=None)
    page._loading = asyncio.get_running_loop().create_task(asyncio.sleep(0, app))
    return page


def saying(kind: str) -> Receive:
    async def receive() -> Message:
        return {"type": kind}

    return receive


async def send(_: Message) -> None:
    """Nobody listens."""


async def test_who_leaves_before_the_answer_is_no_defect():
    await page_of(unanswering)(SCOPE, saying("http.disconnect"), send)


async def test_a_request_without_an_answer_is_one():
    with pytest.raises(RuntimeError, match="No response"):
        await page_of(unanswering)(SCOPE, saying("http.request"), send)
