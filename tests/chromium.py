"""A real Chromium, driven by Playwright, for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

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


# What comes about at all comes soon; a machine with other work gets its time.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window; every test takes a context of its own."""
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
