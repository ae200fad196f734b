"""What keeps the programs of ``berth up`` running goes on where it cannot write."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cli.supervisor import Program, Supervisor

_SAID = "Beautiful is better than ugly."
"""By ``python -m this``, a program that ends at once."""


async def test_a_program_is_started_again_where_neither_its_number_nor_a_word_can_be_written(tmp_path: Path):
    def say(_: str) -> None:
        raise OSError("No space left on device")

    supervisor = Supervisor(tmp_path, say)
    await supervisor.start(Program("zen", "this"))
    (tmp_path / "run.part").mkdir()  # what stands in the way of run.json, as a full disk does
    try:
        async with asyncio.timeout(120):
            while supervisor.log_of("zen").read_text().count(_SAID) < 2:
                await asyncio.sleep(0.05)
    finally:
        await supervisor.stop()
