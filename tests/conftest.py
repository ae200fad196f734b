"""What every test stands on."""

from __future__ import annotations

import asyncio
import inspect

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave no event loop to be made in passing.

    looptime asks the policy for its loop before each test, and a policy that never had one makes
    one that nobody closes; a policy whose loop was once set, to none, does not.
    """
    if not inspect.iscoroutinefunction(getattr(item, "function", None)):
        asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def no_leftover_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Berth that runs on the developer's machine is not the one under test."""
    for name in ("BERTH_HOME", "BERTH_URL", "BERTH_TOKEN", "BERTH_NAMESPACE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
