"""A container with a repository, and its page in a real browser."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from container.contract import EntryUse
from tests.chromium import chromium as chromium  # noqa: PLC0414 - fixtures of these modules too
from tests.chromium import emptied
from tests.chromium import window as window  # noqa: PLC0414
from tests.container.conftest import Container, containers, entry_token, repositories


class Shared:
    """A container for all tests of a module: each finds workspace and remote as they were cloned."""

    def __init__(self, root: Path, made: Path, variables: dict[str, str]) -> None:
        self.bare = shutil.copytree(made, root / "served" / "app.git")
        with contextlib.ExitStack() as stack:
            start = stack.enter_context(containers(root))
            self.container = start(BERTH_REPOSITORY_URL=f"file://{self.bare}", **variables).serving()
            self.container.workspace_state("Ready")
            places = (self.container.workspace, self.bare)
            self._kept = {place: shutil.copytree(place, root / "kept" / place.name) for place in places}
            self._running = stack.pop_all()

    def renew(self) -> None:
        """Put back what was kept; at once, so that a git that still looks there comes not in between."""
        for place, kept in self._kept.items():
            with tempfile.TemporaryDirectory(dir=place.parent, ignore_cleanup_errors=True) as beside:
                fresh = shutil.copytree(kept, Path(beside) / "fresh")
                place.rename(Path(beside) / "used")
                fresh.rename(place)

    def end(self) -> None:
        """It ends as it should."""
        with self._running:
            assert self.container.end() == 0
            assert "Traceback" not in self.container.news(), self.container.output

    def kill(self) -> None:
        """However it is by now."""
        self._running.close()


class Sharing:
    """The container that is shared by now: after a test that failed another one, whatever it left behind."""

    def __init__(self, begin: Callable[[], Shared]) -> None:
        self._begin = begin
        self._shared: Shared | None = None
        self._failures = 0

    def get(self, failures: int) -> Shared:
        """As a test finds it, before which so many have failed."""
        if self._shared is not None and failures != self._failures:
            self._shared.kill()
            self._shared = None
        self._failures = failures
        self._shared = self._shared or self._begin()
        self._shared.renew()
        return self._shared

    def end(self) -> None:
        if self._shared is not None:
            self._shared.end()


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """What the containers of a module are given beside their repository."""
    return {}


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Iterator[Sharing]:
    """To start a container and to load its page costs as much as a test."""
    _, made = repositories(tmp_path_factory.getbasetemp())
    found = Sharing(lambda: Shared(tmp_path_factory.mktemp("shared"), made, variables))
    yield found
    found.end()


@pytest.fixture
def shared(sharing: Sharing, request: pytest.FixtureRequest) -> Shared:
    """It serves, with the repository cloned."""
    return sharing.get(request.session.testsfailed)


@pytest.fixture
def container(shared: Shared) -> Container:
    """The shared one."""
    return shared.container


@pytest.fixture
def own(start: Callable[..., Container], bare: Path, variables: dict[str, str]) -> Container:
    """One for the test alone, which looks at its beginning, ends it, or leaves in it what stays."""
    made = start(BERTH_REPOSITORY_URL=f"file://{bare}", **variables).serving()
    made.workspace_state("Ready")
    return made


@pytest.fixture
def workspace(container: Container) -> Path:
    return container.workspace


class Opened:
    """Opens pages as somebody who may enter; what fails in one, or behind it, fails the test."""

    def __init__(self, window: BrowserContext, container: Container) -> None:
        self._window = window
        self._containers = [container]
        self._errors: list[str] = []

    def __call__(self, path: str, container: Container | None = None) -> Page:
        """A page of the shared container, or of another one."""
        container = container or self._containers[0]
        self._containers.append(container)
        page = self._window.new_page()
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.goto(f"http://localhost:{container.port}{path}#token={entry_token(EntryUse.ENTER)}")
        return page

    def check(self) -> None:
        assert self._errors == []
        for container in self._containers:
            assert "Traceback" not in container.news(), container.output


@pytest.fixture
def opened(window: BrowserContext, container: Container) -> Iterator[Opened]:
    with emptied(window):
        made = Opened(window, container)
        yield made
    made.check()
