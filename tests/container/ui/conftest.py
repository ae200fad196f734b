"""A container with a repository, and its page in a real browser."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from container.contract import EntryUse
from tests.chromium import chromium as chromium  # noqa: PLC0414 - a fixture of these modules too
from tests.container.conftest import Container, containers, entry_token, repositories

PATIENCE = 15_000
"""Milliseconds in which what is expected of a page has to come about, on a machine that is busy."""


class Shared:
    """A container for all tests of a module: each finds workspace and remote as they were cloned."""

    def __init__(self, container: Container, bare: Path, kept: Path) -> None:
        self.container = container
        self.bare = bare
        places = (container.workspace, bare)
        self._kept = {place: shutil.copytree(place, kept / place.name) for place in places}

    def renew(self) -> None:
        """Put back what was kept; at once, so that a git that still looks there comes not in between."""
        for place, kept in self._kept.items():
            with tempfile.TemporaryDirectory(dir=place.parent, ignore_cleanup_errors=True) as beside:
                fresh = shutil.copytree(kept, Path(beside) / "fresh")
                place.rename(Path(beside) / "used")
                fresh.rename(place)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """It serves, with the repository cloned; to start one and to load its page costs as much as a test."""
    root = tmp_path_factory.mktemp("shared")
    _, made = repositories(tmp_path_factory.getbasetemp())
    bare = shutil.copytree(made, root / "served" / "app.git")
    with containers(root) as start:
        container = start(BERTH_REPOSITORY_URL=f"file://{bare}").serving()
        container.workspace_state("Ready")
        yield Shared(container, bare, root / "kept")
        assert container.end() == 0
        assert "Traceback" not in container.news(), container.output


@pytest.fixture
def container(shared: Shared) -> Container:
    """The shared one; a module whose tests end theirs, or leave in it what stays, has another for each."""
    shared.renew()
    return shared.container


@pytest.fixture
def workspace(container: Container) -> Path:
    return container.workspace


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """For the pages of a module's tests: a window costs more than a page in it, and ends with its last."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE)
    context.new_page()
    yield context
    context.close()


@pytest.fixture
def opened(window: BrowserContext, container: Container) -> Iterator[Callable[[str], Page]]:
    """Opens a page as somebody who may enter; what fails in it, or behind it, fails the test."""
    window.clear_cookies()
    errors: list[str] = []

    def _opened(path: str) -> Page:
        page = window.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"http://localhost:{container.port}{path}#token={entry_token(EntryUse.ENTER)}")
        return page

    yield _opened
    for page in window.pages[1:]:
        page.close()
    assert errors == []
    assert "Traceback" not in container.news(), container.output
