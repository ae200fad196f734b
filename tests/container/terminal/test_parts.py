from __future__ import annotations

import os
import pwd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.terminal.replies import typed
from container.terminal.scrollback import Scrollback
from container.terminal.shell import login_shell


@given(st.lists(st.binary(max_size=40)), st.integers(1, 60), st.integers(1, 20))
def test_reading_on_and_on_gives_all_that_is_kept(chunks, most, step):
    scrollback = Scrollback(most)
    for chunk in chunks:
        scrollback.append(chunk)
    whole = b"".join(chunks)
    assert scrollback.end == len(whole)
    assert scrollback.start == max(0, len(whole) - most)
    position, data = 0, b""
    while position < scrollback.end:
        piece = scrollback.read(position, step)
        assert piece.position == position + piece.lost
        assert piece.data == whole[piece.position : piece.end]
        assert piece.data or piece.lost
        position, data = piece.end, data + piece.data
    assert whole.endswith(data)
    assert len(data) >= min(len(whole), most) - 3


@given(st.text(min_size=1, max_size=30), st.integers(1, 30))
def test_what_is_kept_begins_with_a_whole_character(text, most):
    scrollback = Scrollback(most)
    scrollback.append(text.encode())
    scrollback.read(0, 1000).data.decode()


def test_a_position_that_was_never_reached():
    scrollback = Scrollback(10)
    scrollback.append(b"abc")
    for position in (-1, 4):
        with pytest.raises(ValueError, match="from 0 to 3"):
            scrollback.read(position, 1)
    assert scrollback.read(3, 1).data == b""


@pytest.mark.parametrize(
    "reply",
    [
        b"\x1b[24;80R",
        b"\x1b[?1;2c",
        b"\x1b[>0;276;0c",
        b"\x1b[0n",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b]10;rgb:ffff/ffff/ffff\x07",
        b"\x1bP1$r0m\x1b\\",
        b"\x1b[?2026;2$y",
        b"\x1b[8;24;80t",
        b"\x1b[1;1R\x1b[?1;2c",
    ],
)
def test_what_a_terminal_answers_by_itself_is_no_typing(reply):
    assert not typed(reply)
    assert typed(reply + b"a")


@pytest.mark.parametrize(
    "keys", [b"a", b"\r", b"\x1b[A", b"\x1bOP", b"\x1b[3~", b"\x03", b"\x1b[<0;1;1M", b"\x1b"]
)
def test_keys_are_typing(keys):
    assert typed(keys)


def _user(monkeypatch, shell):
    entry = pwd.struct_passwd(("u", "x", 0, 0, "", "/", shell))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)


def test_the_login_shell_is_the_users(monkeypatch):
    _user(monkeypatch, "/bin/sh")
    assert login_shell({"SHELL": "/bin/bash"}) == "/bin/sh"


@pytest.mark.parametrize("unusable", ["/usr/sbin/nologin", "/bin/false", "", "/nowhere/zsh"])
def test_a_user_without_one_gets_a_usual_one(monkeypatch, unusable):
    _user(monkeypatch, unusable)
    assert login_shell({"SHELL": "/bin/sh"}) == "/bin/sh"
    assert os.access(login_shell({}), os.X_OK)


def test_a_user_without_a_name(monkeypatch):
    def unknown(_):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert login_shell({"SHELL": "sh"}) in {"/bin/bash", "/bin/sh"}
