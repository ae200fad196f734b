"""The page while its container begins, fails, and ends: each test has one of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from container.contract import EntryUse
from tests.container.conftest import Container, entry_token
from tests.container.ui.looking import resident
from tests.container.ui.test_terminal_panel import open_terminal

pytestmark = pytest.mark.xdist_group("chromium-ui-page")

Opened = Callable[[str], Page]


@pytest.fixture
def container(start: Callable[..., Container], bare: Path) -> Container:
    made = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
    made.workspace_state("Ready")
    return made


def test_it_is_loaded_when_somebody_comes_and_is_light_until_then(container: Container, opened: Opened):
    for _ in range(5):
        assert container.request("/healthz")[0] == 200
    before = resident(container.program.pid)
    page = opened("/")
    expect(page.get_by_label("Prompt")).to_be_visible()
    loaded = resident(container.program.pid)
    print(f"{before:.0f} MB before the page was loaded, {loaded:.0f} MB after")
    assert before < 110
    assert loaded < 200
    assert loaded - before > 15, "the page was loaded before anybody came"


def test_the_container_answers_while_the_page_is_loaded(container: Container, opened: Opened):
    page = opened("/files")
    slowest = 0.0
    while not page.get_by_role("tab", name="Files").is_visible():
        began = time.monotonic()
        assert container.request("/readyz")[0] == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1


def test_a_workspace_that_failed_is_told_above_everything(chromium, start):
    container = start(BERTH_REPOSITORY_URL="file:///nowhere/app.git").serving()
    container.workspace_state("Failed")
    page = chromium.new_page()
    page.goto(f"http://localhost:{container.port}/files#token={entry_token(EntryUse.ENTER)}")
    expect(page.locator(".notice").first).to_contain_text("The workspace is failed: ")
    expect(page.locator(".notice").first).to_contain_text("there is no such repository")
    page.close()


def test_an_end_of_the_container_is_not_held_up_by_open_pages(container: Container, opened: Opened):
    page = opened("/terminal")
    open_terminal(page)
    began = time.monotonic()
    assert container.end() == 0
    assert time.monotonic() - began < 8
