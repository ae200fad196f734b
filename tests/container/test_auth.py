from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from container import auth
from container.auth import Placement, place
from container.given import AuthFile


def _file(
    content: bytes = b"A", name: str = "auth.json", provider: str = "codex", index: int = 1
) -> AuthFile:
    return AuthFile(provider, index, name, base64.b64encode(content).decode())


class World:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.home = data / "home"
        self.path = self.home / ".codex" / "auth.json"

    def place(self, *files: AuthFile, take: str = "") -> list[Placement]:
        return [placed.placement for placed in place(files, home=self.home, data=self.data, take=take)]

    def messages(self, *files: AuthFile) -> str:
        return " ".join(placed.message for placed in place(files, home=self.home, data=self.data))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "data")


def test_a_file_is_written_for_its_owner_alone(world):
    assert world.place(_file(), _file(b"C", ".credentials.json", "claude")) == [Placement.WRITTEN] * 2
    assert world.path.read_bytes() == b"A"
    assert (world.home / ".claude" / ".credentials.json").read_bytes() == b"C"
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o600
    for directory in (world.path.parent, world.home):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(p.name for p in world.path.parent.iterdir()) == ["auth.json"]


@pytest.mark.parametrize(
    ("there", "given", "expected", "content"),
    [
        # what the container makes of the file after A was injected; what is given next
        (None, b"A", Placement.WRITTEN, b"A"),  # deleted: written again
        (b"A", b"A", Placement.UNCHANGED, b"A"),
        (b"A", b"B", Placement.WRITTEN, b"B"),  # a new login given, the old one untouched
        (b"R", b"A", Placement.KEPT, b"R"),  # refreshed: a restart must not log it out
        (b"R", b"B", Placement.UNUSED, b"R"),  # refreshed, and another one given
        (b"B", b"B", Placement.UNCHANGED, b"B"),  # the same by another way
    ],
)
def test_the_rules(world, there, given, expected, content):
    world.place(_file(b"A"))
    if there is None:
        world.path.unlink()
    else:
        world.path.write_bytes(there)
    assert world.place(_file(given)) == [expected]
    assert world.path.read_bytes() == content
    # and a further start changes nothing
    assert world.place(_file(given))[0] is not Placement.WRITTEN
    assert world.path.read_bytes() == content


def test_a_login_made_in_the_container_before_any_was_given_is_kept(world):
    world.path.parent.mkdir(parents=True)
    world.path.write_bytes(b"own")
    world.path.chmod(0o644)
    assert world.place(_file(b"A")) == [Placement.UNUSED]
    assert world.path.read_bytes() == b"own"
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o600
    assert "--take-logins" in world.messages(_file(b"A"))
    assert world.place() == []
    assert world.path.read_bytes() == b"own"


def test_going_back_to_an_earlier_login(world):
    world.place(_file(b"A"))
    world.place(_file(b"B"))
    assert world.place(_file(b"A")) == [Placement.WRITTEN]
    assert world.path.read_bytes() == b"A"


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"codex/auth.json": 7}', b'{"codex/auth.json": [7]}'])
def test_without_its_list_nothing_is_overwritten(world, broken):
    world.place(_file(b"A"))
    (world.data / auth.MANIFEST).write_bytes(broken)
    assert world.place(_file(b"B")) == [Placement.UNUSED]
    assert world.place(_file(b"A")) == [Placement.UNCHANGED]
    assert world.place(_file(b"B")) == [Placement.WRITTEN]


def test_cut_off_between_the_list_and_the_file_the_next_start_writes_it(world, monkeypatch):
    world.place(_file(b"A"))
    real = auth.write_private

    def cut_off(path, content):
        if path.name == "auth.json":
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(auth, "write_private", cut_off)
    with pytest.raises(KeyboardInterrupt):
        world.place(_file(b"B"))
    monkeypatch.undo()
    assert world.path.read_bytes() == b"A"
    assert world.place(_file(b"C")) == [Placement.WRITTEN]
    assert world.path.read_bytes() == b"C"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "a\nb", "a\0b", "x" * 300, "\u202eauth"]
)
def test_names_that_are_no_file_names(world, name):
    assert world.place(_file(name=name)) == [Placement.REFUSED]
    assert not (world.data / "home" / "x").exists()
    assert [p for p in world.data.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("content", ["%%%", "YQ", "YQ===", "", "é"])
def test_broken_base64_is_told_without_its_content(world, content):
    file = AuthFile("codex", 1, "auth.json", content)
    assert world.place(file) == [Placement.REFUSED]
    assert content == "" or content not in world.messages(file)
    assert not world.path.exists()


def test_base64_with_line_breaks_is_taken(world):
    text = base64.encodebytes(b"x" * 200).decode()
    assert world.place(AuthFile("codex", 1, "auth.json", text)) == [Placement.WRITTEN]


def test_two_files_of_one_name(world):
    assert world.place(_file(b"A"), _file(b"B", index=2)) == [Placement.WRITTEN, Placement.REFUSED]
    assert world.path.read_bytes() == b"A"


def test_a_link_is_not_followed(world, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    world.path.parent.mkdir(parents=True)
    world.path.symlink_to(outside)
    assert world.place(_file(b"A")) == [Placement.REFUSED]
    assert outside.read_bytes() == b"mine"


def test_a_home_that_is_a_file_is_told(world):
    world.home.mkdir(parents=True)
    (world.home / ".codex").write_text("no directory")
    assert world.place(_file()) == [Placement.REFUSED]
    assert "cannot be written" in world.messages(_file())


def test_one_bad_file_does_not_keep_the_others_out(world):
    bad = AuthFile("claude", 1, "a", "%%%")
    assert world.place(bad, _file()) == [Placement.REFUSED, Placement.WRITTEN]


def test_the_list_holds_no_login(world):
    world.place(_file(b"very-secret"))
    text = (world.data / auth.MANIFEST).read_text()
    assert "very-secret" not in text
    assert list(json.loads(text)) == ["codex/auth.json"]
    assert stat.S_IMODE((world.data / auth.MANIFEST).stat().st_mode) == 0o600


@pytest.mark.parametrize("there", [b"A", b"refreshed", None])
def test_a_login_that_is_no_longer_given_is_removed_at_the_next_start(world, there):
    other = _file(b"C", ".credentials.json", "claude")
    world.place(_file(b"A"), other)
    (world.path.parent / "config.toml").write_text("mine")
    if there is None:
        world.path.unlink()
    else:
        world.path.write_bytes(there)
    assert world.place(other) == [Placement.UNCHANGED, Placement.REMOVED]
    assert sorted(p.name for p in world.path.parent.iterdir()) == ["config.toml"]
    # What is made there later is the person's own.
    world.path.write_bytes(b"own")
    assert world.place(other) == [Placement.UNCHANGED]
    assert world.place() == [Placement.REMOVED]
    assert world.path.read_bytes() == b"own"


def test_what_cannot_be_read_of_the_given_is_not_taken_for_no_longer_given(world):
    world.place(_file(b"A"))
    assert world.place(AuthFile("codex", 1, "auth.json", "%%%")) == [Placement.REFUSED]
    assert world.place(_file(b"A", name="a/b")) == [Placement.REFUSED]
    assert world.path.read_bytes() == b"A"


def test_the_list_leads_nobody_to_another_file(world):
    world.place(_file(b"A"))
    outside = world.data / "outside"
    outside.write_bytes(b"mine")
    keys = ["codex/../../../outside", "../outside", "x/../outside", "codex/..", "/outside", "codex/"]
    (world.data / auth.MANIFEST).write_text(json.dumps({key: ["0"] for key in keys}))
    assert world.place() == []
    assert outside.read_bytes() == b"mine"
    assert world.path.read_bytes() == b"A"


def test_an_order_takes_a_newer_login_once(world):
    world.place(_file(b"A"))
    world.path.write_bytes(b"refreshed A")
    assert world.place(_file(b"B"), take="1") == [Placement.WRITTEN]
    world.path.write_bytes(b"refreshed B")
    assert world.place(_file(b"B"), take="1") == [Placement.KEPT]
    assert world.place(_file(b"C"), take="1") == [Placement.UNUSED]
    assert world.path.read_bytes() == b"refreshed B"
    assert world.place(_file(b"C"), take="2") == [Placement.WRITTEN]
    assert world.path.read_bytes() == b"C"


@pytest.mark.parametrize("given", [b"A", b"B"])
def test_no_order_puts_an_older_login_over_a_refreshed_one(world, given):
    world.place(_file(b"A"))
    world.place(_file(b"B"))
    world.path.write_bytes(b"refreshed B")
    assert world.place(_file(given), take="1")[0] in {Placement.KEPT, Placement.UNUSED}
    assert world.path.read_bytes() == b"refreshed B"


def test_without_its_list_an_order_takes_nothing_and_the_next_one_does(world):
    world.place(_file(b"A"), take="1")
    world.path.write_bytes(b"refreshed A")
    (world.data / auth.MANIFEST).write_bytes(b"{")
    assert world.place(_file(b"A"), take="1") == [Placement.UNUSED]
    assert world.place(_file(b"A"), take="1") == [Placement.UNUSED]
    assert world.path.read_bytes() == b"refreshed A"
    assert world.place(_file(b"B"), take="2") == [Placement.WRITTEN]
