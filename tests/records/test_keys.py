"""The key ring and its file."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from records.errors import KeyFileInvalid, Unreadable
from records.keys import VARIABLE, KeyRing, RingKey, Sealed

KEY = base64.b64encode(bytes(range(32))).decode()


def test_the_first_start_makes_the_file_for_its_owner_alone(key_path: Path):
    ring = KeyRing.load(key_path.parent / "new" / "keys", {})
    path = key_path.parent / "new" / "keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert KeyRing.load(path, {}).ids == ring.ids
    assert [p.name for p in path.parent.iterdir()] == ["keys"]


def test_starts_at_once_end_with_one_key(key_path: Path):
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda _: KeyRing.load(key_path, {}), range(8)))
    assert len({ring.ids for ring in rings}) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_file_that_others_may_read_is_refused(key_path: Path, mode: int):
    KeyRing.load(key_path, {})
    key_path.chmod(mode)
    with pytest.raises(KeyFileInvalid, match=f"mode 0{mode:o}.*chmod 600"):
        KeyRing.load(key_path, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("one\n", "line 1: expected"),
        ("# x\nk1 %%%\n", "line 2: expected"),
        (f"K1 {KEY}\n", "line 1: an id"),
        ("k1 c2hvcnQ=\n", "a key is 32 bytes"),
        (f"k1 {KEY}\nk1 {KEY}\n", "'k1' is there twice"),
    ],
)
def test_a_file_that_is_none_is_refused_unseen(key_path: Path, text: str, message: str):
    key_path.touch(0o600)
    key_path.write_text(text)
    with pytest.raises(KeyFileInvalid, match=message) as caught:
        KeyRing.load(key_path, {})
    assert KEY not in str(caught.value)
    assert "c2hvcnQ=" not in str(caught.value)


def test_a_folder_in_the_way_is_named(key_path: Path):
    key_path.mkdir()
    with pytest.raises(KeyFileInvalid, match=str(key_path)):
        KeyRing.load(key_path, {})


def test_the_variable_comes_before_the_file(key_path: Path):
    ring = KeyRing.load(key_path, {VARIABLE: f"k2 {KEY},k1 {KEY}"})
    assert ring.ids == ("k2", "k1")
    assert not key_path.exists()


def test_nothing_shows_a_key(key_path: Path):
    ring = KeyRing.load(key_path, {VARIABLE: f"k1 {KEY}"})
    assert repr(ring) == "KeyRing(k1)"
    assert "key=" not in repr(RingKey.draw())


def test_what_is_sealed_opens_under_its_own_name_only():
    ring = KeyRing.drawn()
    sealed = ring.seal(b"hush", name="uid/token")
    assert ring.open(sealed, name="uid/token") == b"hush"
    assert ring.seal(b"hush", name="uid/token") != sealed
    with pytest.raises(Unreadable, match="changed or damaged"):
        ring.open(sealed, name="uid/other")
    with pytest.raises(Unreadable, match="changed or damaged"):
        ring.open(Sealed(sealed.key_id, base64.b64encode(b"short").decode()), name="uid/token")
    with pytest.raises(Unreadable, match="put the key file of this database back"):
        KeyRing.drawn().open(sealed, name="uid/token")


def test_rotation_keeps_the_old_keys_until_they_seal_nothing(key_path: Path):
    old = KeyRing.load(key_path, {})
    sealed = old.seal(b"hush", name="n")
    new = KeyRing.rotate(key_path)
    assert new.ids[1:] == (sealed.key_id,)
    assert new.open(sealed, name="n") == b"hush"
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    assert KeyRing.retire(key_path, in_use={sealed.key_id}).ids == new.ids
    assert KeyRing.retire(key_path, in_use={new.ids[0]}).ids == new.ids[:1]
    assert KeyRing.retire(key_path, in_use=()).ids == new.ids[:1]


def test_a_ring_follows_its_file(key_path: Path):
    running = KeyRing.load(key_path, {})
    rotated = KeyRing.rotate(key_path)
    sealed = rotated.seal(b"hush", name="n")
    assert running.open(sealed, name="n") == b"hush"
    assert running.seal(b"x", name="n").key_id == rotated.ids[0]


def test_a_ring_outlives_its_file(key_path: Path):
    ring = KeyRing.load(key_path, {})
    sealed = ring.seal(b"hush", name="n")
    key_path.unlink()
    assert ring.open(sealed, name="n") == b"hush"
