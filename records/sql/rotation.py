"""A new key for all secrets, while other programs read and write them."""

from __future__ import annotations

from pathlib import Path

from records.keys import KeyRing
from records.sql.opening import open_records


async def rotate_keys(url: str, path: Path) -> int:
    """Put a new key first, seal everything under it, drop the others; how many values there were.

    The order makes it safe to be cut off anywhere, and to be repeated: a key is dropped only when
    it seals nothing. Others that run see the new file when they next seal, which they do within
    a write transaction: none of them can seal under an old key once :meth:`reseal` has ended.

    Raises:
        KeyFileInvalid: there is no such file, or it cannot be used.
        Unreadable: a value is sealed under a key that is not in the file; nothing was dropped.
    """
    ring = KeyRing.rotate(path)
    records = await open_records(url, key=ring)
    try:
        count = await records.reseal()
        KeyRing.retire(path, in_use=await records.keys_in_use())
    finally:
        await records.aclose()
    return count
