"""The schema: which version a database has, and how it is brought up to ours.

To know the version takes one look. To migrate takes Alembic, which stays in the memory of whoever
loads it: 12 MB of a program that runs for months, for what is done once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from records.errors import TooNew

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = ("0001", "0002", "0003")
"""The migrations, the oldest first."""
HEAD = REVISIONS[-1]
"""The newest migration; a start that finds it has nothing to load and nothing to do."""

VERSION_TABLE = "berth_schema"

_LOCK = 7_262_951_460_181
"""Any number, the same in every Berth: Postgres's advisory lock on the schema."""


async def is_current(connection: AsyncConnection) -> bool:
    """Whether there is nothing to migrate, seen from the write transaction that is open.

    Of two programs that start at once the second waits here, and then finds nothing to do.

    Raises:
        TooNew: the database was written by a newer Berth.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    found = await connection.run_sync(_version)
    if found is not None and found not in REVISIONS:
        raise TooNew(
            f"the database has schema {found}, made by a newer Berth; this one knows {HEAD} and older. "
            "Start the newer Berth again, or put back a backup from before it"
        )
    return found == HEAD


async def upgrade(connection: AsyncConnection) -> None:
    """Migrate within the write transaction that is open: wholly, or not at all; raises TooNew."""
    if not await is_current(connection):
        await connection.run_sync(_migrate)


def config() -> Config:
    """Alembic's configuration, without a file."""
    # Loaded only where there is something to migrate, see above.
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    scripts = Path(__file__).parent.parent / "migrations"
    made.set_main_option("script_location", str(scripts).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - the same

    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "head")
