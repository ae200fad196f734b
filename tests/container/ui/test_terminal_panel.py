"""Terminals in a real browser, on a real shell."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.container.conftest import Container
from tests.container.ui.conftest import Opened
from tests.container.ui.looking import keep, resident

pytestmark = pytest.mark.xdist_group("chromium-ui-terminal_panel")


@pytest.fixture(autouse=True)
def no_terminals(container: Container) -> None:
    """Those of the test before are closed."""
    for terminal in json.loads(container.request("/api/terminals")[2])["terminals"]:
        assert container.request(f"/api/terminals/{terminal['id']}", "DELETE")[0] == 204


def open_terminal(page: Page) -> None:
    page.get_by_label("Open a terminal").click()
    page.locator(".xterm-helper-textarea").last.wait_for(state="attached")
    expect(rows(page)).to_contain_text(re.compile(r"[$#%>]"))


def rows(page: Page):
    return page.locator(".xterm-rows:visible")


def type_line(page: Page, line: str) -> None:
    page.locator(".xterm:visible").click()
    page.keyboard.type(line)
    page.keyboard.press("Enter")


def test_a_shell_in_the_workspace_outlives_its_page(opened: Opened, container: Container):
    page = opened("/terminal")
    open_terminal(page)
    type_line(page, "ls; answer=4$((1+1))")
    expect(rows(page)).to_contain_text("README.md")
    page.reload()
    expect(rows(page)).to_contain_text("README.md")
    type_line(page, "echo got $answer")
    expect(rows(page)).to_contain_text("got 42")
    beside = opened("/terminal")
    expect(rows(beside)).to_contain_text("got 42")
    keep(page, "terminal")


def test_tabs_are_named_closed_and_told_to_every_page(opened: Opened, container: Container):
    beside, page = opened("/terminal"), opened("/terminal")
    open_terminal(page)
    open_terminal(page)
    tabs = page.get_by_role("tablist").last.get_by_role("tab")
    expect(tabs).to_have_text([re.compile(r"^Terminal \d+$")] * 2)
    first, second = tabs.all_inner_texts()
    expect(beside.get_by_role("tablist").last.get_by_role("tab")).to_have_text([first, second])
    page.get_by_role("tab", name=second).dblclick()
    page.get_by_label("Name").fill('<b>"build"</b>')
    page.get_by_role("button", name="Rename").click()
    expect(beside.get_by_role("tab", name='<b>"build"</b>')).to_be_visible()
    type_line(page, "exit 3")
    expect(rows(page)).to_contain_text("exit code 3")
    expect(beside.get_by_role("tab", name=re.compile("ended"))).to_be_visible()
    for label in ('Close <b>"build"</b>', f"Close {first}"):
        page.get_by_label(label).click()
    expect(beside.get_by_text("Open a terminal: a shell")).to_be_visible()


def test_it_is_as_large_as_its_place(opened: Opened, container: Container):
    page = opened("/terminal")
    open_terminal(page)
    type_line(page, "stty size")
    expect(rows(page)).to_contain_text(re.compile(r"\d\d 1[0-9]\d"))
    page.set_viewport_size({"width": 600, "height": 800})
    type_line(page, "clear; stty size")
    expect(rows(page)).to_contain_text(re.compile(r"\d\d [6-8]\d"))


def test_a_flood_holds_up_neither_page_nor_container(opened: Opened, container: Container):
    """What 100 MB do to the app is shown in tests/container/test_workbench.py."""
    page = opened("/terminal")
    open_terminal(page)
    type_line(page, "head -c 5000000 /dev/zero | tr '\\0' x; echo warm''ed")
    expect(rows(page)).to_contain_text("warmed", timeout=120_000)
    before = resident(container.program.pid)
    over = container.workspace / "over"
    type_line(page, f"yes 01234567890123456789012345678901 | head -c 20000000; touch {over}; echo the''end")
    slowest = 0.0
    while not over.exists():
        began = time.monotonic()
        assert container.request("/healthz")[0] == 200
        slowest = max(slowest, time.monotonic() - began)
    expect(rows(page)).to_contain_text("theend", timeout=120_000)
    grown = resident(container.program.pid) - before
    print(f"20 MB of output: /healthz within {slowest * 1000:.0f} ms, grown by {grown:.1f} MB")
    assert slowest < 1
    assert grown < 30
    page.get_by_role("tab", name="Chat").click()
    expect(page.get_by_label("Prompt")).to_be_visible()


def test_a_lost_connection_comes_back_with_what_was_missed(opened: Opened, container: Container):
    page = opened("/terminal")
    open_terminal(page)
    page.context.set_offline(True)
    page.evaluate("performance.now()")
    page.context.set_offline(False)
    type_line(page, "seq 1 30; echo here''again")
    expect(rows(page)).to_contain_text("hereagain")
