"""The schema: brought up to this version at start, by one program at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from records.errors import TooNew

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0002"
"""The newest migration; a start that finds it has nothing to load and nothing to do."""

VERSION_TABLE = "berth_schema"

_LOCK = 7_262_951_460_181
"""Any number, the same in every Berth: Postgres's advisory lock on the schema."""


async def upgrade(connection: AsyncConnection) -> None:
    """Migrate within the write transaction that is open: wholly, or not at all.

    Of two programs that start at once the second waits here, and then finds nothing to do.

    Raises:
        TooNew: the database was written by a newer Berth.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    found = await connection.run_sync(_version)
    if found == HEAD:
        return
    await connection.run_sync(_migrate, found)


def config() -> Config:
    """Alembic's configuration, without a file."""
    # Loaded only where there is something to migrate: it costs memory and time at every start.
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    scripts = Path(__file__).parent.parent / "migrations"
    made.set_main_option("script_location", str(scripts).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608


def _migrate(connection: Connection, found: str | None) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    made = config()
    known = {script.revision for script in ScriptDirectory.from_config(made).walk_revisions()}
    if found is not None and found not in known:
        raise TooNew(
            f"the database has schema {found}, made by a newer Berth; this one knows {HEAD} and older. "
            "Start the newer Berth again, or put back a backup from before it"
        )
    made.attributes["connection"] = connection
    command.upgrade(made, "head")
