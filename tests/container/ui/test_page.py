"""What surrounds the panels: loading, their addresses, the state of the session, previews, and the end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from container.ui.panels import PANELS
from tests.container.conftest import Container, entered, until
from tests.container.ui.conftest import Opened
from tests.container.ui.looking import keep, resident
from tests.container.ui.test_terminal_panel import open_terminal, type_line

pytestmark = pytest.mark.xdist_group("chromium-ui-page")


def test_every_panel_has_an_address_and_a_reload_comes_back_to_it(opened: Opened, container: Container):
    page = opened("/")
    for panel in PANELS:
        page.get_by_role("tab", name=panel.heading, exact=True).first.click()
        expect(page).to_have_url(f"http://localhost:{container.port}{panel.path}")
    page.reload()
    expect(page.get_by_role("tab", name="Session")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("cloned").first).to_be_visible()
    keep(page, "session")


@pytest.mark.parametrize("width", [600, 1200])
def test_no_panel_is_wider_than_its_window(opened: Opened, width: int):
    page = opened("/")
    page.set_viewport_size({"width": width, "height": 760})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for panel in PANELS:
            page.get_by_role("tab", name=panel.heading, exact=True).first.click()
            expect(page.locator(f"section.{panel.value}")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            keep(page, f"{panel.value}-{width}-{scheme}")


def test_how_the_session_is_stands_on_every_panel(opened: Opened, container: Container):
    page = opened("/session")
    work = page.locator("header .states .pill").last
    expect(work).to_have_text("clean")
    headers = {**entered(), "If-None-Match": "*"}
    assert container.request("/api/tree/file?path=new.txt", "PUT", headers, b"new\n")[0] < 300
    expect(work).to_have_text("unsaved")
    expect(page.get_by_text("1 change not committed").last).to_be_visible()


def test_a_preview_is_a_frame_without_a_part_in_the_page(opened: Opened, container: Container):
    page = opened("/terminal")
    open_terminal(page)
    type_line(page, "python3 -u -m http.server 0 --bind 127.0.0.1")
    page.get_by_role("tab", name="Preview").click()
    page.get_by_role("button", name="python3").click()
    frame = page.frame_locator("iframe[title=Preview]")
    expect(frame.get_by_role("link", name="README.md")).to_be_visible()
    inner = page.locator("iframe[title=Preview]").element_handle().content_frame()
    assert inner.evaluate("origin") == "null"
    assert page.get_by_role("link", name="Open in a tab").get_attribute("href").startswith("/preview/")
    keep(page, "preview")


def test_what_is_not_the_pages_is_not_there(container: Container, opened: Opened):
    for path in ("/nowhere", "/chat/more", "/_nicegui", "/files.html"):
        assert container.request(path)[0] == 404
    assert container.request("/_nicegui/3.18.0/static/../../pages.py")[0] == 404


def test_strangers_get_nothing_of_it(container: Container):
    for path in ("/chat", "/_nicegui/x/static/nicegui.js", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"):
        assert container.request(path, headers={})[0] == 401
    until(lambda: container.health()["workspace"]["state"] == "Ready", "ready")


# -- while its container begins, fails and ends


def test_it_is_loaded_when_somebody_comes_and_is_light_until_then(own: Container, opened: Opened):
    for _ in range(5):
        assert own.request("/healthz")[0] == 200
    before = resident(own.program.pid)
    page = opened("/", own)
    expect(page.get_by_label("Prompt")).to_be_visible()
    loaded = resident(own.program.pid)
    print(f"{before:.0f} MB before the page was loaded, {loaded:.0f} MB after")
    assert before < 110
    assert loaded < 200
    assert loaded - before > 15, "the page was loaded before anybody came"


def test_the_container_answers_while_the_page_is_loaded(own: Container, opened: Opened):
    page = opened("/files", own)
    slowest = 0.0
    while not page.get_by_role("tab", name="Files").is_visible():
        began = time.monotonic()
        assert own.request("/readyz")[0] == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1


def test_a_workspace_that_failed_is_told_above_everything(opened: Opened, start: Callable[..., Container]):
    container = start(BERTH_REPOSITORY_URL="file:///nowhere/app.git").serving()
    container.workspace_state("Failed")
    page = opened("/files", container)
    expect(page.locator(".notice").first).to_contain_text("The workspace is failed: ")
    expect(page.locator(".notice").first).to_contain_text("there is no such repository")


def test_an_end_of_the_container_is_not_held_up_by_open_pages(own: Container, opened: Opened):
    page = opened("/terminal", own)
    open_terminal(page)
    began = time.monotonic()
    assert own.end() == 0
    assert time.monotonic() - began < 60
