"""What surrounds the panels: their addresses, the state of the session, previews."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from container.ui.panels import PANELS
from tests.container.conftest import Container, entered, until
from tests.container.ui.looking import keep
from tests.container.ui.test_terminal_panel import open_terminal, type_line

pytestmark = pytest.mark.xdist_group("chromium-ui-page")

Opened = Callable[[str], Page]


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
