"""The talk with a real agent process, in a real browser."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from container.agent.codec import encode
from container.agent.items import Item, Message, Outcome, Prompt
from container.agent.store import Batch, Store
from container.database import open_database
from container.moments import now
from container.ui.chat.entries import FIRST
from tests.container.agent.conftest import command
from tests.container.conftest import Container
from tests.container.ui.conftest import Opened
from tests.container.ui.looking import keep, prompt, resident

pytestmark = pytest.mark.xdist_group("chromium-ui-chat_panel")

Entries = Callable[[Page, str], Locator]


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    return {"BERTH_AGENT_PROVIDER": "scripted", "BERTH_AGENT_COMMAND": command("--modes")}


@pytest.fixture
def entries(container: Container) -> Entries:
    """Those of one kind that the test brought about: the talk goes on from the test before."""
    before = len(json.loads(container.request("/api/agent/transcript")[2])["items"])
    assert before < FIRST * 2 / 3, "a page that is opened shows the newest, and not all that is counted here"

    def _entries(page: Page, kind: str) -> Locator:
        return page.locator(f"article.{kind}:nth-child(n + {before + 1})")

    return _entries


def all_entries(page: Page, kind: str) -> Locator:
    return page.locator(f"article.{kind}")


def test_a_turn_is_shown_as_it_goes_and_asks_leave_by_buttons(opened: Opened, entries: Entries):
    page = opened("/")
    prompt(
        page,
        "think hm",
        "plan read|edit!",
        "say The **bug** is here",
        "edit lib/a.py",
        "ask Run it?",
        "say end",
    )
    expect(page.locator(".states .pill").first).to_have_text("agent: needs approval")
    expect(entries(page, "message").locator("strong")).to_have_text("bug")
    expect(entries(page, "plan").locator(".completed")).to_contain_text("edit")
    edit = entries(page, "tool").first
    edit.get_by_text("Edit lib/a.py").click()
    expect(edit.locator('[data-line="removed"]')).to_have_text("-old")
    expect(edit.locator('[data-line="added"]')).to_have_text("+new")
    entries(page, "thought").get_by_text("Thought").click()
    expect(entries(page, "thought")).to_contain_text("hm")
    keep(page, "chat-asks-leave")
    entries(page, "permission").get_by_role("button", name="Yes").click()
    expect(entries(page, "message").last).to_have_text("answer: yesend")
    expect(entries(page, "permission")).to_contain_text("Yes (by person)")
    expect(page.locator(".states .pill").first).to_have_text("agent: idle")  # somebody looks at it


def test_two_pages_show_one_talk_and_a_reload_misses_nothing(
    opened: Opened, container: Container, entries: Entries
):
    second, first = opened("/chat"), opened("/")
    prompt(first, "say hello", "stream 200")
    for page in (first, second):
        expect(entries(page, "message")).to_contain_text("199")
    second.reload()
    expect(entries(second, "message")).to_contain_text("hello0 1 2")
    assert container.health()["attention"] == "Idle"


def test_what_waits_can_be_changed_and_a_stop_holds_it(opened: Opened, entries: Entries):
    page = opened("/")
    prompt(page, "wait /nowhere")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    for text in ("say one", "say two", "say three"):
        prompt(page, text)
    waiting = page.locator(".waiting")
    expect(waiting).to_have_count(3)
    waiting.nth(2).get_by_label("Next").click()
    expect(waiting.first).to_contain_text("say three")
    waiting.nth(2).get_by_label("Withdraw").click()
    expect(waiting).to_have_count(2)
    waiting.nth(1).get_by_label("Change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Prompt").fill("say changed")
    dialog.get_by_role("button", name="Change").click()
    expect(waiting.nth(1)).to_contain_text("say changed")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".held")).to_contain_text("Held")
    expect(entries(page, "prompt").first).to_contain_text("cancelled")
    keep(page, "chat-held")
    page.get_by_role("button", name="Go on").click()
    expect(entries(page, "message").last).to_have_text("changed")
    expect(entries(page, "message").first).to_have_text("three")


def test_nothing_that_an_agent_says_acts_in_the_page(opened: Opened, entries: Entries):
    page = opened("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    hostile = '<img src=x onerror="document.title=1">'
    prompt(
        page,
        f"say {hostile} <script>document.title=2</script> [a](javascript:document.title=3) ![b](http://elsewhere.test/c)",
        f"ask {hostile}",
        "say [a link](http://nowhere.test:1/)",
    )
    entries(page, "permission").get_by_role("button", name="No").click()
    link = page.get_by_role("link", name="a link")
    with page.expect_popup() as popup:
        link.click()
    assert popup.value.evaluate("window.opener") is None
    assert page.url.endswith("/chat"), "the page stays where it is"
    expect(entries(page, "message").first).to_contain_text("onerror=")
    expect(all_entries(page, "tool").filter(has_text="onerror=")).to_be_visible()
    assert page.title() == "Fix the <login> bug"
    assert page.locator("article img, article script, article a[href^=javascript]").count() == 0
    assert not [url for url in asked if "elsewhere" in url]


def test_files_are_given_with_a_prompt(opened: Opened, container: Container, entries: Entries):
    page = opened("/")
    with page.expect_file_chooser() as chooser:
        page.get_by_label("Attach a file of yours").click()
    chooser.value.set_files([{"name": 'a "b".txt', "mimeType": "text/plain", "buffer": b"content"}])
    expect(page.locator(".given .q-chip")).to_contain_text('a "b".txt')
    page.get_by_label("Attach a file of the workspace").click()
    page.get_by_label("Path in the workspace").fill("README.md")
    page.get_by_role("button", name="Attach", exact=True).click()
    expect(page.locator(".given .q-chip")).to_have_count(2)
    prompt(page, "given_blocks")
    expect(entries(page, "message")).to_contain_text("README.md")
    link = entries(page, "prompt").get_by_role("link")
    expect(link).to_contain_text('a "b".txt')
    assert (
        page.request.get(f"http://localhost:{container.port}{link.get_attribute('href')}").text() == "content"
    )


def test_a_refusal_is_said_and_what_was_written_is_kept(opened: Opened):
    page = opened("/")
    page.get_by_label("Prompt").fill("x" * 100_001)
    page.wait_for_function("window.socket?.connected")
    page.get_by_label("Prompt").press("Enter")
    expect(page.get_by_text("100,000").or_(page.get_by_text("100000"))).to_be_visible()
    expect(page.get_by_label("Prompt")).to_have_value("x" * 100_001)


def test_what_is_being_written_outlives_a_reload_until_it_is_sent(opened: Opened, entries: Entries):
    page = opened("/")
    page.get_by_label("Prompt").press_sequentially("say hel")
    page.reload()
    expect(page.get_by_label("Prompt")).to_have_value("say hel")
    page.get_by_label("Prompt").press_sequentially("lo")
    page.get_by_label("Prompt").press("Enter")
    expect(entries(page, "message")).to_have_text("hello")
    page.reload()
    expect(entries(page, "message")).to_have_text("hello")
    page.wait_for_function("window.socket?.connected")
    expect(page.get_by_label("Prompt")).to_have_value("")


def test_what_is_typed_before_the_prompt_is_accepted_is_kept(opened: Opened, entries: Entries):
    page = opened("/")
    field = page.get_by_label("Prompt")
    field.fill("say hello")
    page.wait_for_function("window.socket?.connected")
    # Within the round trip: before anything can have come back from the container.
    page.evaluate(
        """() => {
          const field = document.querySelector('.composer textarea');
          field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
          field.value += ' and what comes next';
          field.dispatchEvent(new Event('input', { bubbles: true }));
        }"""
    )
    expect(entries(page, "message")).to_have_text("hello")
    expect(field).to_have_value(" and what comes next")
    field.fill("say once")
    page.evaluate(
        """() => {
          const field = document.querySelector('.composer textarea');
          for (const more of ['', '\\nsay twice']) {
            field.value += more;
            field.dispatchEvent(new Event('input', { bubbles: true }));
            field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
          }
        }"""
    )
    expect(entries(page, "prompt").nth(2)).to_have_text("say twice")
    expect(entries(page, "prompt")).to_have_count(3)
    expect(field).to_have_value("")


def test_what_is_being_written_is_there_in_another_window_and_gone_once_it_is_sent(
    opened: Opened, entries: Entries, container: Container
):
    first, second = opened("/"), opened("/")
    first.get_by_label("Prompt").press_sequentially("say hello")
    expect(second.get_by_label("Prompt")).to_have_value("say hello")
    third = opened("/")
    expect(third.get_by_label("Prompt")).to_have_value("say hello")
    second.get_by_label("Prompt").press("Enter")
    for page in (first, second, third):
        expect(entries(page, "message")).to_have_text("hello")
        expect(page.get_by_label("Prompt")).to_have_value("")
    third.reload()
    third.wait_for_function("window.socket?.connected")
    expect(third.get_by_label("Prompt")).to_have_value("")
    first.get_by_label("Prompt").press_sequentially("canary-unsent")
    expect(second.get_by_label("Prompt")).to_have_value("canary-unsent")
    for path in (
        "/healthz",
        "/api/agent",
        "/api/agent/transcript",
        "/api/agent/transcript.md",
        "/api/overview",
    ):
        assert b"canary-unsent" not in container.request(path)[2]
    assert "canary-unsent" not in container.output
    first.get_by_label("Prompt").fill("")
    expect(second.get_by_label("Prompt")).to_have_value("")


def test_modes_and_options_of_the_agent_can_be_chosen(opened: Opened, entries: Entries):
    page = opened("/")
    prompt(page, "say hello", "commands review|init")
    expect(entries(page, "message")).to_have_text("hello")
    page.locator(".standing .q-select").filter(has_text="Model").click()
    page.get_by_role("option", name="large", exact=False).click()
    expect(page.locator(".standing .q-select").filter(has_text="Model")).to_contain_text(
        re.compile("large", re.IGNORECASE)
    )
    page.get_by_role("button").filter(has_text="bolt").click()
    page.get_by_text("/review").click()
    expect(page.get_by_label("Prompt")).to_have_value("/review ")


# -- over starts of the container, and over thousands of entries


def test_the_talk_is_there_after_a_restart_of_the_container(
    opened: Opened, own: Container, start: Callable[..., Container], variables: dict[str, str]
):
    page = opened("/", own)
    prompt(page, "say before", "wait /nowhere")
    expect(all_entries(page, "message")).to_contain_text("before")
    page.evaluate("window.before = true")
    assert own.end() == 0
    again = start(PORT=str(own.port), **variables).serving()
    # The page comes back by itself, as a new one: its cookie still serves.
    page.wait_for_function("!window.before && window.socket?.connected", timeout=120_000)
    expect(all_entries(page, "prompt")).to_contain_text("interrupted")
    prompt(page, "say after")
    expect(all_entries(page, "message").last).to_have_text("after")
    assert "Traceback" not in again.output


def test_what_is_being_written_outlives_a_kill_of_the_container(
    opened: Opened, own: Container, start: Callable[..., Container], variables: dict[str, str]
):
    page, other = opened("/", own), opened("/", own)
    page.get_by_label("Prompt").press_sequentially("say what")
    expect(other.get_by_label("Prompt")).to_have_value("say what")
    page.evaluate("window.before = true")
    own.end(signal.SIGKILL)
    page.get_by_label("Prompt").press_sequentially(" was typed while it was away")
    start(PORT=str(own.port), **variables).serving()
    # The page comes back by itself, as a new one.
    page.wait_for_function("!window.before && window.socket?.connected", timeout=120_000)
    expect(page.get_by_label("Prompt")).to_have_value("say what was typed while it was away")
    expect(other.get_by_label("Prompt")).to_have_value("say what was typed while it was away")
    page.get_by_label("Prompt").press("Enter")
    expect(all_entries(page, "message")).to_have_text("what was typed while it was away")
    expect(other.get_by_label("Prompt")).to_have_value("")


def test_an_agent_that_is_not_there_is_told_with_what_to_do(opened: Opened, start: Callable[..., Container]):
    variables = {"BERTH_AGENT_PROVIDER": "mine", "BERTH_AGENT_COMMAND": '["no-such-agent"]'}
    page = opened("/", start(**variables).serving())
    prompt(page, "say hello")
    expect(page.locator(".trouble")).to_contain_text("no-such-agent")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator(".waiting")).to_contain_text("say hello")


def fill(container: Container, count: int) -> None:
    """A transcript of so many messages, as an earlier start left it."""
    database, _ = open_database(container.data / "container.db", now())
    items = {}
    for number in range(1, count + 1):
        body = (
            Prompt(f"p{number}", f"question {number}", outcome=Outcome.COMPLETED)
            if number % 2
            else Message(f"Answer {number}\n\nWith `code` and\n\n```python\nprint({number})\n```\n")
        )
        items[number] = (number, encode(Item(number, "2026-01-01T00:00:00Z", body, number)))
    Store(database).write(Batch(items=items))
    database.connection.close()


def open_seconds(page: Page, text: str) -> float:
    began = time.monotonic()
    page.reload()
    page.get_by_text(text, exact=True).first.wait_for()
    return time.monotonic() - began


def test_a_transcript_of_2000_messages_opens_as_fast_as_a_short_one(
    opened: Opened, own: Container, start: Callable[..., Container], variables: dict[str, str]
):
    page = opened("/", own)
    prompt(page, "say short")
    all_entries(page, "message").get_by_text("short", exact=True).wait_for()
    short = min(open_seconds(page, "short") for _ in range(3))
    own.end()
    fill(own, 2000)
    start(PORT=str(own.port), **variables).serving()
    expect(page.get_by_text("Answer 2000")).to_be_visible(timeout=120_000)
    long = min(open_seconds(page, "Answer 2000") for _ in range(3))
    print(f"a transcript of 2,000 messages opens in {long:.2f} s, one of 2 in {short:.2f} s")
    assert long < 2.5 * short + 0.5, "under a second, where a short one takes a fifth"
    page.get_by_role("button", name="Earlier").click()
    expect(page.get_by_text("question 1883", exact=True)).to_be_visible()
    assert all_entries(page, "message").count() + all_entries(page, "prompt").count() == 120


def test_a_page_left_open_grows_neither_in_the_browser_nor_in_the_container(opened: Opened, own: Container):
    page = opened("/", own)

    def turns(*numbers: int) -> None:
        for number in numbers:
            prompt(page, "tools 800", f"say done {number}")
            expect(all_entries(page, "message").last).to_have_text(f"done {number}", timeout=120_000)

    turns(1, 2, 3)  # until every part has been in use
    before = resident(own.program.pid)
    turns(4, 5, 6)
    grown = resident(own.program.pid) - before
    print(f"grown by {grown:.1f} MB over 2,400 entries, to {before + grown:.0f} MB")
    assert page.locator("article").count() <= 600
    assert grown < 25
