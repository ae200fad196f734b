"""What happened: at once in memory and in the log, and a moment later in the database."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

from container.contract import ActivityReport
from container.database import Database, EventRow
from container.log import LOG, one_line
from container.moments import now, rfc3339

Source = Literal["agent", "person", "terminal", "git"]
Level = Literal["Normal", "Warning"]

_SHOWN = 50


class Journal:
    """Events and activity. Nothing here waits for the disk but :meth:`close`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._trouble = ""
        self._events: deque[EventRow] = deque(maxlen=_SHOWN)
        self._activity: ActivityReport | None = None
        self._recall()

    @property
    def events(self) -> list[EventRow]:
        """The newest events, the oldest of them first."""
        return list(self._events)

    @property
    def activity(self) -> ActivityReport | None:
        """The newest activity, of this run or an earlier one."""
        return self._activity

    @property
    def trouble(self) -> str:
        """Why the last write failed; empty when it did not."""
        return self._trouble

    def begin(self, boot: str, revision: str) -> None:
        """Note a start."""
        at = rfc3339(now())
        self.write(lambda: self._database.add_boot(boot, at, revision))

    def say(self, source: str, message: str, *, level: Level = "Normal") -> None:
        """Note an event, and log it. The message must hold no secret."""
        event = EventRow(rfc3339(now()), source, level, one_line(message, limit=1000))
        LOG.info("%s: %s", event.source, event.message)
        self._events.append(event)
        self.write(lambda: self._database.add_event(event))

    def note_activity(self, source: Source) -> None:
        """Note that something was done, now."""
        at = rfc3339(now())
        self._activity = {"at": at, "source": source}
        self.write(lambda: self._database.set_activity(source, at))

    def write(self, write: Callable[[], None]) -> Future[bool]:
        """Have something else read or written by the one thread that uses the database.

        Whether it succeeded; where sqlite3.Error kept it from that, :attr:`trouble` tells why.
        """
        return self._writer.submit(self._attempt, write)

    def close(self) -> None:
        """Write what is left and close the database."""
        self._writer.shutdown(wait=True)
        self._database.close()

    def _recall(self) -> None:
        try:
            self._events.extend(self._database.newest_events(_SHOWN))
            newest = self._database.newest_activity()
        except sqlite3.Error as error:
            self._trouble = str(error)
            return
        if newest is not None:
            self._activity = {"at": newest[0], "source": newest[1]}

    def _attempt(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except sqlite3.Error as error:
            self._trouble = str(error)
            return False
        self._trouble = ""
        return True
