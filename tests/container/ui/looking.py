"""What the tests of the page look with."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

ARTEFACTS = Path(__file__).parents[2] / "artefacts"


def keep(page: Page, name: str) -> None:
    """A picture for people to look at: tests/artefacts/NAME.png."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def resident(pid: int) -> float:
    """MB of a program's memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def prompt(page: Page, *lines: str) -> None:
    """Write to the agent, send it by Enter, and see it taken."""
    box = page.get_by_label("Prompt")
    box.wait_for()  # the page of those who are not let in evaluates nothing
    page.wait_for_function("window.socket?.connected")  # it is drawn before it is alive
    box.fill("\n".join(lines))
    box.press("Enter")
    expect(box).to_have_value("")
