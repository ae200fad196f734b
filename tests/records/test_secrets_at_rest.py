"""Secrets at rest: sealed, bound to their place, and sealed anew under another key."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
import structlog.testing
from sqlalchemy import text

from crds.base import Key
from crds.secret import Secret
from records.__main__ import main
from records.errors import NotFound, Unavailable, Unreadable
from records.keys import KeyRing
from records.sql import rotate_keys
from tests.records.conftest import new_postgres
from tests.records.samples import secret, with_meta

CANARY = "canary-4711-of-the-mine"
KEY = Key("alice", "tokens")


async def test_no_file_holds_a_secret_or_a_key(tmp_path: Path, open_store, key_path: Path):
    folder = tmp_path / "home"
    records = await open_store(f"sqlite:///{folder / 'berth.db'}")
    made = await records.create(secret(token=CANARY))
    await records.update(secret(token=CANARY + "-2"))
    await records.update(with_meta(secret(token=CANARY + "-3"), labels={"a": "b"}, finalizers=("f/x",)))
    digest_key = (await records.settings()).digest_key
    _assert_absent(folder, made, digest_key)
    await records.delete(Secret, KEY)
    await records.reseal()
    _assert_absent(folder, made, digest_key)
    await records.aclose()
    _assert_absent(folder, made, digest_key)


def _assert_absent(folder: Path, made: Secret, digest_key: bytes) -> None:
    key_line = base64.b64encode(digest_key)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        encoded = base64.b64encode(CANARY.encode())
        for hidden in (CANARY.encode(), encoded[:20], made.data["token"].encode(), digest_key, key_line):
            assert hidden not in content, path.name


async def test_no_column_of_postgres_holds_a_secret(postgres, open_store):
    records = await open_store(await new_postgres(postgres))
    await records.create(secret(token=CANARY))
    async with records._database.reading() as connection:
        for table in ("record", "change", "secret", "event", "setting"):
            rows = (await connection.execute(text(f"SELECT t::text FROM {table} t"))).scalars().all()
            assert base64.b64encode(CANARY.encode()).decode()[:20] not in "".join(rows)
            assert CANARY not in "".join(rows)


async def test_rotation_seals_everything_anew(opener, key_path: Path):
    running = await opener()
    for number in range(3):
        await running.create(secret(f"s{number}", token=CANARY))
    drawn = await running.settings()
    revision = (await running.list(Secret)).revision
    (old,) = await running.keys_in_use()
    ring = KeyRing.rotate(key_path)
    assert await running.reseal() == 3
    assert await running.reseal() == 0
    assert await running.keys_in_use() == {ring.ids[0]}
    KeyRing.retire(key_path, in_use=await running.keys_in_use())
    fresh = await opener()
    assert old not in KeyRing.load(key_path, {}).ids
    page = await fresh.list(Secret)
    assert page.revision == revision
    assert [base64.b64decode(s.data["token"]).decode() for s in page.items] == [CANARY] * 3
    assert await fresh.settings() == drawn


async def test_a_lost_key_loses_no_more_than_its_secrets(opener):
    records = await opener()
    await records.create(secret(token=CANARY))
    await records.create(secret("other", token=CANARY))
    with structlog.testing.capture_logs() as logs:
        poor = await opener(key=KeyRing.drawn())
        assert logs[0]["event"] == "secrets are sealed under keys that are not in the key ring"
        assert (await poor.list(Secret)).items == ()
    with pytest.raises(Unreadable, match="put the key file"):
        await poor.get(Secret, KEY)
    with pytest.raises(Unavailable):
        await poor.settings()
    await poor.update(secret(token="anew"))
    assert base64.b64decode((await poor.get(Secret, KEY)).data["token"]) == b"anew"
    await poor.delete(Secret, Key("alice", "other"))
    with pytest.raises(NotFound):
        await poor.get(Secret, Key("alice", "other"))


async def test_a_digest_key_that_is_gone_for_good_is_drawn_anew(opener):
    records = await opener()
    drawn = await records.settings()
    async with records._database.writing() as connection:
        await connection.execute(text("DELETE FROM setting WHERE name = 'digest_key'"))
    again = await (await opener(key=KeyRing.drawn())).settings()
    assert again.instance == drawn.instance
    assert again.digest_key != drawn.digest_key


async def test_a_value_that_was_moved_does_not_open(opener):
    records = await opener()
    await records.create(secret(a="one", b="two"))
    async with records._database.writing() as connection:
        swap = "UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE name = 'a') WHERE name = 'b'"
        await connection.execute(text(swap))
    with pytest.raises(Unreadable, match="changed or damaged"):
        await records.get(Secret, KEY)


async def test_a_deleted_secret_leaves_no_row(opener):
    records = await opener()
    await records.create(secret(token=CANARY))
    await records.delete(Secret, KEY)
    async with records._database.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM secret"))).scalar_one() == 0


async def test_keys_are_rotated_under_programs_that_run(url, opener, key_path: Path):
    running = await opener()
    await running.create(secret("before", token=CANARY))
    (old,) = await running.keys_in_use()
    writing = [asyncio.create_task(running.create(secret(f"s{n}", token=CANARY))) for n in range(10)]
    await rotate_keys(url, key_path)
    await asyncio.gather(*writing)
    await running.create(secret("after", token=CANARY))
    assert old not in KeyRing.load(key_path, {}).ids
    assert await running.keys_in_use() == {KeyRing.load(key_path, {}).ids[0]}
    fresh = await opener()
    assert len((await fresh.list(Secret)).items) == 12


async def test_a_rotation_that_cannot_open_a_value_drops_no_key(url, opener, key_path: Path):
    running = await opener()
    await running.create(secret(token=CANARY))
    before = KeyRing.load(key_path, {}).ids
    async with running._database.writing() as connection:
        await connection.execute(text("UPDATE secret SET key_id = 'lost'"))
    with pytest.raises(Unreadable):
        await rotate_keys(url, key_path)
    assert set(before) < set(KeyRing.load(key_path, {}).ids)


def test_rotation_is_a_command(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("BERTH_DATABASE_URL", f"sqlite:///{tmp_path / 'berth.db'}")
    monkeypatch.setenv("BERTH_KEY_FILE", str(tmp_path / "keys"))
    monkeypatch.setattr("sys.argv", ["records", "rotate-keys"])
    assert main() == 1
    assert "cannot be read" in capsys.readouterr().err
    before = KeyRing.load(tmp_path / "keys", {}).ids
    assert main() == 0
    assert "sealed under a new key" in capsys.readouterr().out
    after = KeyRing.load(tmp_path / "keys", {}).ids
    assert len(after) == 1
    assert after != before
    monkeypatch.setattr("sys.argv", ["records"])
    assert main() == 2
