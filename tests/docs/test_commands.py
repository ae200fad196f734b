"""What the pages tell people to type exists."""

from __future__ import annotations

import re
import shlex

import pytest

from cli.app import COMMANDS, load
from tests.docs.pages import PAGES, ROOT, blocks, name_of

ENTRIES = {entry.name: entry for entry in COMMANDS}
WRITTEN = [page for page in PAGES if name_of(page) != "docs/reference/cli.md"]
VERBS = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def commands(page) -> list[list[str]]:
    """The calls of ``berth`` in the page's blocks of shell, as words."""
    found = []
    for block in blocks(page):
        if block.language not in {"sh", "console", "bash"}:
            continue
        for line in block.text.splitlines():
            call = re.match(r"(?:\$ )?(?:[^#|]*\| )?(?:[A-Z_]+=\S+ )*(berth .*)", line)
            # In a console, a line without a prompt is output.
            if call and (block.language != "console" or line.startswith("$ ")):
                found.append(shlex.split(call[1], comments=True))
    return found


def test_the_readme_shows_the_whole_life_of_a_session():
    shown = {words[1] for words in commands(ROOT / "README.md")}
    assert shown >= {
        "up",
        "apply",
        "wait",
        "get",
        "describe",
        "logs",
        "diff",
        "stop",
        "start",
        "restart",
        "delete",
    }


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_commands_and_their_options_exist(page):
    for _, name, *words in commands(page):
        assert name in ENTRIES, f"berth {name}"
        command = load(ENTRIES[name])
        known = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert given <= known, f"berth {name}: {given - known}"


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_commands_named_in_the_text_exist(page):
    named = re.findall(r"`berth ([a-z]+(?:-[a-z]+)*)", page.read_text("utf-8"))
    assert set(named) <= set(ENTRIES)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_verbs_of_make_exist(page):
    text = page.read_text("utf-8")
    named = {verb for call in re.findall(r"`make ([a-z ]+)[`\s]", text) for verb in call.split()}
    named |= set(re.findall(r"^make ([a-z]+)", "\n".join(block.text for block in blocks(page)), re.MULTILINE))
    assert named <= VERBS
