"""The vocabulary of the bridge; in a real browser it is tried in tests/container/entry/test_browser.py."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from container import bridge
from container.bridge import LONGEST_TEXT, VERSION, WORDS, Side, script, vocabulary
from crds.session_status import Attention


def test_the_script_speaks_the_vocabulary():
    text = script()
    table = re.search(
        r"The table begins here\.\nconst WORDS = (.*?);\n// The table ends here", text, re.DOTALL
    )
    assert table
    assert json.loads(table[1]) == vocabulary()
    assert f"VERSION = {VERSION};" in text
    assert f"LONGEST_TEXT = {LONGEST_TEXT};" in text


def test_every_message_is_said_by_somebody_and_has_text_alone():
    assert set(WORDS) == {"ready", "auth", "error", "title", "attention", "navigate"}
    assert WORDS["auth"].said_by == {Side.CONSOLE}, "a token goes into the frame and never out of it"
    for word in vocabulary().values():
        assert word["said_by"]
        assert all(kind in ("text", "path") or isinstance(kind, list) for kind in word["fields"].values())


def test_attention_has_the_words_of_the_status():
    [words] = vocabulary()["attention"]["fields"].values()
    assert set(words) == {word.value for word in Attention}


def test_it_needs_nothing_but_the_standard_library():
    imported = re.findall(r"^(?:from|import) (\w+)", Path(bridge.__file__).read_text(), re.MULTILINE)
    assert set(imported) <= sys.stdlib_module_names | {"__future__"}
