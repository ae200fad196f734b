"""A real Chromium, driven by Playwright, for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--no-sandbox",  # as root it does not start otherwise; it shows nothing but our own pages
    "--disable-dev-shm-usage",
    # Names of the tests, all on this machine: one that browsers trust without TLS, and one that not.
    "--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP *.test 127.0.0.1",
)


def find_chromium() -> str | None:
    """The program: that of BERTH_CHROMIUM, or the system's."""
    named = os.environ.get("BERTH_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


PATIENCE = 120_000
"""Milliseconds that a page gets for what is done to it, on a machine that is busy."""

# What comes about at all comes soon; a machine with other work gets its time.
expect.set_options(timeout=120_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser that nobody sees."""
    program = find_chromium()
    if program is None:
        pytest.skip(
            "the tests in a real browser are left out: there is no Chromium here (on Debian, apt install "
            "chromium; or name one in BERTH_CHROMIUM)"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_OPTIONS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """One for all pages of a module: it costs more than a page in it, and is closed with its last page.

    So it keeps an empty one; :func:`emptied` makes it as new for a test.
    """
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE)
    context.new_page()
    yield context
    context.close()


@contextmanager
def emptied(window: BrowserContext) -> Iterator[BrowserContext]:
    """The window without a cookie, for a while; pages that are opened meanwhile are closed with it."""
    window.clear_cookies()
    try:
        yield window
    finally:
        for page in window.pages[1:]:
            page.close()
