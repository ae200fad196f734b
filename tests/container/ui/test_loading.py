"""What becomes of a request for the page, without a page."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from container.ui.loading import Page

SCOPE = {"type": "http", "path": "/"}


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
