"""What comes from a container is data: nothing of it acts on the terminal of whoever looks."""

from __future__ import annotations

import ast
import json
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import cli
from cli import output
from cli.output import log_line, visible, visible_json
from tests.cli.samples import condition, event, running, session

ATTACKS = {
    "ESC": "\x1b[2J\x1b[H",
    "title by OSC": "\x1b]0;owned\x07",
    "clipboard by OSC": "\x1b]52;c;ZXZpbA==\x1b\\",
    "CSI of C1": "\x9b2J",
    "OSC of C1": "\x9d0;owned\x9c",
    "DCS": "\x1bP$q\x1b\\",
    "lone CR": "rm -rf /\rls",
    "backspaces": "no\b\byes",
    "DEL and BEL": "\x7f\x07",
    "bidi override": "\u202egnp.exe",
    "bidi isolates": "\u2066a\u2069\u200f\u061c",
    "other line ends": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "tags": "\U000e0041\U000e007f",
}
FORBIDDEN = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)


def acting(text: str, allowed: str = "\n\t") -> list[str]:
    """The characters in it that act on a terminal."""
    return [
        repr(character)
        for character in text
        if (unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in FORBIDDEN)
        and character not in allowed
    ]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_command_lets_a_container_act_on_a_terminal(berth, fake, attack):
    said = f"before {attack} after"
    record = session("hello", annotations={"note": said})
    fake.put(
        record,
        **{
            **running(),
            "phase": said,
            "url": said,
            "conditions": [condition("Ready", "False", message=said)],
        },
    )
    fake.put(event("e1", "hello", said, at="2026-11-23T12:04:00Z"))
    fake.lines = [said]
    fake.explanation = {
        "summary": said,
        "conditions": [condition("Ready", "False", reason=said, message=said)],
        "plan": {"why": said, "actions": [said]},
        "events": [event("e1", "hello", said, at="2026-11-23T12:04:00Z")],
    }
    for words in (
        ("logs", "hello"),
        ("describe", "session", "hello"),
        ("why", "hello"),
        ("events",),
        ("get", "sessions"),
        ("get", "sessions", "-o", "wide"),
        ("get", "sessions", "-o", "json"),
        ("get", "sessions", "-o", "yaml"),
        ("open", "hello", "--url-only"),
        ("wait", "session/hello", "--timeout=1s"),
    ):
        shown = berth(*words)
        allowed = "\n\t" if "yaml" not in words else "".join(FORBIDDEN) + "\n\t\x85\u2028\u2029"
        assert not acting(shown.stdout + shown.stderr, allowed), words


def test_what_is_written_for_programs_holds_the_same_values(berth, fake):
    said = "".join(ATTACKS.values())
    fake.put(session("hello"), **{**running(), "phase": said})
    assert json.loads(berth("get", "session", "hello", "-o", "json").stdout)["status"]["phase"] == said
    assert yaml.safe_load(berth("get", "session", "hello", "-o", "yaml").stdout)["status"]["phase"] == said
    assert berth("get", "session", "hello", "-o", "jsonpath={.status.phase}").stdout == said


@given(TEXTS)
def test_any_text_is_shown_without_what_acts_and_is_otherwise_as_it_was(text):
    assert acting(visible(text)) == []
    assert acting(visible(text, kept=""), "") == []
    if acting(text) == [] and not any(0xE0000 <= ord(c) < 0xE0080 for c in text):
        assert visible(text) == text


@given(TEXTS)
def test_json_keeps_its_value(text):
    shown = visible_json(json.dumps({"a": text}, ensure_ascii=False, indent=2))
    assert acting(shown, "\n") == []
    assert json.loads(shown) == {"a": text}


def test_ordinary_text_of_any_language_is_left_alone():
    text = "naïve 日本語 עברית عربى 👩\u200d🚀 ✓ \t tab\nline"
    assert visible(text) == text


@pytest.mark.parametrize(
    ("line", "on_a_terminal", "elsewhere"),
    [
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mopen", "\x1b[38;2;1;2;3mopen\x1b[0m", "open"),
        ("\x1b[2Kgone\x1b[31mred", "\\x1b[2Kgone\x1b[31mred\x1b[0m", "\\x1b[2Kgonered"),
        ("10 %\r20 %\r\n", "10 %\\r20 %", "10 %\\r20 %"),
        (
            "\x1b[?1049h\x1b]8;;http://x\x07",
            "\\x1b[?1049h\\x1b]8;;http://x\\x07",
            "\\x1b[?1049h\\x1b]8;;http://x\\x07",
        ),
        ("\x9b31mred", "\\x9b31mred", "\\x9b31mred"),
        ("plain\ttext", "plain\ttext", "plain\ttext"),
    ],
)
def test_a_log_keeps_colours_on_a_terminal_and_nothing_else(line, on_a_terminal, elsewhere):
    assert log_line(line, colours=True) == on_a_terminal
    assert log_line(line, colours=False) == elsewhere


def test_a_real_terminal_is_told_from_a_pipe():
    lines = "say_log('\\x1b[31mred\\x1b[2J'); say_data('\\x9b2J', nl=True)"
    words = [sys.executable, "-c", f"from cli.output import say_log, say_data; {lines}"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdout=theirs, cwd=Path(cli.__file__).parents[1]) as running_:
        assert running_.wait() == 0
    os.close(theirs)
    assert os.read(ours, 4096) == b"\x1b[31mred\\x1b[2J\x1b[0m\r\n\\x9b2J\r\n"
    os.close(ours)
    piped = subprocess.run(words, capture_output=True, check=True, cwd=Path(cli.__file__).parents[1])
    assert piped.stdout.decode() == "red\\x1b[2J\n\x9b2J\n"


def test_nothing_is_written_past_the_one_place():
    """A new command cannot forget it."""
    root = Path(cli.__file__).parent
    found = []
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
            if named in {"print", "typer.echo", "typer.secho", "click.echo", "sys.stdout.write"}:
                found.append(f"{path.relative_to(root)}: {named}")
    allowed = {"output.py", "reference.py", "reference_configuration.py"}  # the last two write files of ours
    assert [each for each in found if each.partition(":")[0] not in allowed] == []
    assert output.__doc__
