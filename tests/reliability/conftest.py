"""Tells at the end of a run what the search was: its runs by kind, and which law each mutant died of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

Counted = Callable[[str, int], None]


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Adds to what is told: a kind of run, and how many of them there were."""

    def count(kind: str, number: int) -> None:
        record_property(f"runs: {kind}", number)

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Properties come back from every worker with its reports."""
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
