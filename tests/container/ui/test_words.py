"""What the page makes of words, without a page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from container.contract import AgentState, Attention
from container.ui.chat.markdown import to_html
from container.ui.panels import PANELS, Panel, panel_of
from container.ui.words import ago, plain, size, standing, tone, uploaded_name, work


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[a](javascript:alert(1))",
        "[a](data:text/html;base64,AAAA)",
        "![a](https://elsewhere.example/b.png)",
        "```<b>\n</code><script>alert(1)</script>\n```",
        '```python\nx = "</code><script>"\n```',
        '<a href="https://a.example" onclick="alert(1)">a</a>',
    ],
)
def test_nothing_in_markdown_acts(text: str):
    html = to_html(text).lower()
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert '<a href="https://a.example" onclick' not in html


def test_markdown_is_shown_as_such():
    table, code = "| a | b |\n|---|---|\n| 1 | 2 |", "```python\ndef f(): pass\n```"
    html = to_html(f"# Title\n\n- *one* ~~two~~\n\n{table}\n\n{code}")
    for part in ("<h1>Title</h1>", "<em>one</em>", "<s>two</s>", "<td>1</td>", 'class="code-k"'):
        assert part in html


def test_states_are_words():
    assert plain("NeedsApproval") == "needs approval"
    told = {word: tone(word) for word in ("Ready", "Failed", "NeedsInput", "Working")}
    assert told == {"Ready": "good", "Failed": "bad", "NeedsInput": "ask", "Working": "wait"}


def test_whether_work_is_saved_is_a_sentence():
    assert work({"state": "Clean", "uncommitted": 0, "unpushed": 0}) == "All work is saved."
    said = work({"state": "NoRemote", "uncommitted": 1, "unpushed": 2})
    assert said == "No remote to push to, 1 change not committed, 2 commits not pushed."


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 B"), (1023, "1023 B"), (2048, "2.0 KiB"), (5 * 1024**3, "5.0 GiB")]
)
def test_bytes_are_told_in_their_unit(count: int, told: str):
    assert size(count) == told


def test_times_are_told_by_their_distance():
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert ago("2026-01-01T23:59:30Z", now) == "just now"
    assert ago("2026-01-01T21:00:00Z", now) == "3 h ago"
    assert ago("rubbish", now) == ""


def test_an_uploads_name_is_what_it_was():
    assert uploaded_name("a %22b%22.txt") == 'a "b".txt'


def test_every_panel_is_at_its_address_and_nowhere_else():
    assert [panel_of(panel.path) for panel in PANELS] == list(PANELS)
    assert panel_of("/") is None
    assert panel_of("/chat/") is None
    assert Panel.CHAT.path == "/chat"


@pytest.mark.parametrize(
    ("attention", "state", "said"),
    [
        (Attention.IDLE, AgentState.NOT_INSTALLED, "NotInstalled"),
        (Attention.IDLE, AgentState.FAILED, "Failed"),
        (Attention.NEEDS_INPUT, AgentState.NOT_INSTALLED, "NotInstalled"),
        (Attention.IDLE, AgentState.READY, "Idle"),
        (Attention.IDLE, AgentState.NOT_STARTED, "Idle"),
        (Attention.LIMIT_REACHED, AgentState.FAILED, "LimitReached"),
        (Attention.WORKING, AgentState.STARTING, "Working"),
    ],
)
def test_an_agent_that_cannot_work_is_not_called_idle(attention, state, said):
    assert standing(attention, state) == said
    assert (tone(said) == "good") == (state in {AgentState.READY, AgentState.NOT_STARTED} and said == "Idle")
