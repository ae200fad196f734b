"""Takes in a file as it comes, on to the disk: nothing of it is kept in memory but a piece."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterable
from enum import StrEnum
from pathlib import Path

from container.refusal import Refusal, Why
from container.tree.names import Parts
from container.tree.renaming import rename_new
from container.tree.walk import Last, Spot, failing, found_for_writing
from container.tree.writing import temporary, write_all

MAX_UPLOAD = 1024 * 1024 * 1024
"""Bytes of one file."""
_PIECE = 1024 * 1024


class Clash(StrEnum):
    """What becomes of a file that is there already."""

    REFUSE = "refuse"
    REPLACE = "replace"


async def upload(workspace: Path, parts: Parts, chunks: AsyncIterable[bytes], clash: Clash) -> int:
    """Take in a file; return its size. It is there as a whole or not at all. Raises Refusal."""
    with found_for_writing(workspace, parts, Last.ITSELF) as spot, failing("path"):
        await asyncio.to_thread(_check, spot, clash)
        with temporary(spot) as (new, descriptor):
            size = await _take(descriptor, chunks)
            await asyncio.to_thread(_put, descriptor, new, spot, clash)
            return size


async def _take(descriptor: int, chunks: AsyncIterable[bytes]) -> int:
    size = 0
    piece = bytearray()
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_UPLOAD:
            message = f"is larger than {MAX_UPLOAD // 1024 // 1024} MiB; fetch it in a terminal"
            raise Refusal(Why.TOO_LARGE, "content", message)
        piece += chunk
        if len(piece) >= _PIECE:
            await asyncio.to_thread(write_all, descriptor, bytes(piece))
            piece.clear()
    await asyncio.to_thread(write_all, descriptor, bytes(piece))
    return size


def _check(spot: Spot, clash: Clash) -> None:
    """Before anything is sent: whether it can be put there. Raises Refusal and OSError."""
    try:
        mode = spot.lstat().st_mode
    except FileNotFoundError:
        return
    if clash is Clash.REFUSE:
        message = "there is something of that name already; say that it is to be replaced, or name another"
        raise Refusal(Why.CONFLICT, "path", message)
    if not stat.S_ISREG(mode):
        raise Refusal(Why.CONFLICT, "path", "is no regular file; it is not replaced")


def _put(descriptor: int, new: Spot, spot: Spot, clash: Clash) -> None:
    os.fsync(descriptor)
    if clash is Clash.REFUSE:
        rename_new(new, spot)
    else:
        _check(spot, clash)
        os.replace(new.name, spot.name, src_dir_fd=new.directory, dst_dir_fd=spot.directory)
    spot.settle()
