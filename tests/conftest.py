"""What every test stands on."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections import Counter

import pytest
from hypothesis import settings

from container import signals

# What tests start begins as it does from a program of ours, also under nohup or as a background job.
signals.begin()

# How long an example takes is the machine's doing: what must be quick is measured by name.
settings.register_profile("berth", deadline=None)
settings.load_profile("berth")


def pytest_collection_finish() -> None:
    """Let the garbage collector look no more through all that was loaded: it stays to the end."""
    gc.collect()
    gc.freeze()


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what the search of tests/reliability was: its runs by kind, and the law each mutant died of.

    Here and not beside the search: where workers collect, the one who tells reads no other conftest.
    """
    runs: Counter[str] = Counter()
    killed: list[str] = []
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith("runs: "):
                runs[name.removeprefix("runs: ")] += int(str(value))
            elif name == "killed":
                killed.append(str(value))
    if runs or killed:
        terminalreporter.section("reliability")
    for kind, number in runs.items():
        terminalreporter.line(f"{number:>7,} {kind}")
    for line in sorted(killed):
        terminalreporter.line(f"mutant {line}")
