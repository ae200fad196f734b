"""Migrates within this program: what ``python -m records migrate`` does."""

from __future__ import annotations

from records.sql.database import BUSY_SECONDS, Database, parse_url
from records.sql.upgrade import upgrade
from records.sql.whole import whole


@whole
async def migrate(url: str) -> None:
    """Make or migrate a schema; of two that do so at once, one waits.

    Raises TooNew, Unavailable and Invalid as :func:`records.sql.open_records` does.
    """
    database = Database(parse_url(url), busy_seconds=BUSY_SECONDS)
    try:
        await database.prepare()
        async with database.writing() as connection:
            await upgrade(connection)
    finally:
        await database.aclose()
