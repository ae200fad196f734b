"""A container with a repository, and its page in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from container.contract import EntryUse
from tests.chromium import chromium as chromium  # noqa: PLC0414 - a fixture of these modules too
from tests.container.conftest import Container, entry_token

PATIENCE = 15_000
"""Milliseconds in which what is expected of a page has to come about, on a machine that is busy."""


@pytest.fixture
def container(start: Callable[..., Container], bare: Path) -> Container:
    """It serves, with the repository cloned."""
    made = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
    made.workspace_state("Ready")
    return made


@pytest.fixture
def workspace(container: Container) -> Path:
    return container.workspace


@pytest.fixture
def opened(chromium: Browser, container: Container) -> Iterator[Callable[[str], Page]]:
    """Opens a page as somebody who may enter; what fails in it, or behind it, fails the test."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE)
    errors: list[str] = []

    def _opened(path: str) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://localhost:{container.port}{path}#token={entry_token(EntryUse.ENTER)}")
        return page

    yield _opened
    context.close()
    assert errors == []
    assert "Traceback" not in container.output, container.output
