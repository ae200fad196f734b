"""One slot of a service: at most one task at work in it, and the rows of those before.

The slot decides when a task may start and what follows when one has ended: the order of an
update, the restart policy, the history.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from dokploy.local.service_spec import Order, ServiceSpec
from dokploy.local.tasks import Engine, Task

HISTORY = 5
"""Rows Swarm keeps per slot, the current one included (FACTS-2, quick_timeline_heal_image)."""


class Owner(Protocol):
    """The service a slot belongs to."""

    spec: ServiceSpec
    version: int

    def task_up(self, task: Task) -> None:
        """A task runs."""
        ...

    def task_failed(self, task: Task) -> bool:
        """A task has ended by itself; True when the service has dealt with it (a rollback)."""
        ...

    def changed(self) -> None:
        """Something that a listing shows has changed."""
        ...


class Slot:
    """One slot; ``tasks`` the newest first."""

    def __init__(self, number: int, owner: Owner, engine: Engine) -> None:
        self.number = number
        self.tasks: list[Task] = []
        self.current: Task | None = None
        self.leaving = False
        self._owner = owner
        self._engine = engine
        self._attempts = 0
        self._endings = 0
        """How often in a row a container of it ended soon after its start."""
        self._turn: asyncio.TimerHandle | None = None
        self._held = False

    def changed(self) -> None:
        """A task of this slot has changed."""
        self._owner.changed()

    def roll(self) -> None:
        """Replace what runs by a task of the service's present specification."""
        spec = self._owner.spec
        self._attempts = 0
        self._endings = 0
        before = [task for task in self.tasks if not task.ended]
        for task in self.tasks:
            if task.ended:
                task.wanted = "shutdown"
            elif spec.update.order is Order.STOP_FIRST or not task.running:
                task.end()
        new = self._add()
        if spec.update.order is Order.START_FIRST or not before:
            new.allow()
        else:
            # The next one's image is fetched while the old one stops: desired "ready" meanwhile.
            self._held = True

    def remove(self) -> None:
        """Scale it away: what runs is stopped, nothing follows."""
        self.leaving = True
        self._cancel_turn()
        for task in self.tasks:
            if not task.ended:
                task.end("remove")

    def close(self) -> None:
        """Forget the timer."""
        self._cancel_turn()

    def resume(self, survivor: Task) -> None:
        """Go back to a task that still runs: the end of a rollback under start-first."""
        self._cancel_turn()
        for task in self.tasks:
            if task is not survivor:
                task.end()
        self.current = survivor

    def survivor(self, version: int) -> Task | None:
        """The task of an earlier version that still runs and is not being stopped."""
        for task in self.tasks:
            if task.version == version and task.running and not task.stopping:
                return task
        return None

    @property
    def idle(self) -> bool:
        """Nothing of it runs any more."""
        return all(task.ended for task in self.tasks)

    def _add(self) -> Task:
        self._cancel_turn()
        task = Task(self._owner.spec, self._owner.version, self._engine, self)
        self.tasks.insert(0, task)
        self.current = task
        while len(self.tasks) > HISTORY and self.tasks[-1].ended:
            self.tasks.pop()
        self._owner.changed()
        return task

    def _cancel_turn(self) -> None:
        self._held = False
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def came_up(self, task: Task) -> None:
        """A task runs: under start-first the one before it may go now."""
        if task is self.current:
            for other in self.tasks:
                if other is not task and not other.ended and not other.stopping:
                    other.end()
        self._owner.task_up(task)

    def went_down(self, task: Task) -> None:
        """A task has ended: the next may have been waiting for it, or one must follow it."""
        current = self.current
        if self.leaving or current is None:
            return
        if task is not current:
            self._release()
        elif task.wanted == "running":
            self._replace(task)
        # A current task that ends before its turn is judged when its turn comes.

    def _release(self) -> None:
        """Let the held task start once nothing before it is left (never two on one volume)."""
        current = self.current
        if self._held and current is not None and not self._blocked(current):
            self._held = False
            self._take_turn(current)

    def _blocked(self, current: Task) -> bool:
        return any(task.stopping and not task.ended for task in self.tasks if task is not current)

    def _take_turn(self, task: Task) -> None:
        task.allow()
        if task.ended:
            self._replace(task)

    def _replace(self, ended: Task) -> None:
        ended.wanted = "shutdown"
        if self._owner.task_failed(ended):
            return
        policy = self._owner.spec.restart
        self._attempts += 1
        restraint = self._engine.restraint
        steady = ended.started_at and ended.exited_at - ended.started_at >= restraint.steady
        # What never had a container cost nothing, and is tried as often as it is on a real Swarm.
        self._endings = 1 if steady else self._endings + bool(ended.started_at)
        if policy.condition == "none" or (policy.condition == "on-failure" and ended.state == "Complete"):
            return
        if policy.attempts and self._attempts > policy.attempts:
            return
        new = self._add()
        self._turn = asyncio.get_running_loop().call_later(
            restraint.delay(policy.delay, self._endings), self._due, new
        )

    def _due(self, task: Task) -> None:
        self._turn = None
        if task is not self.current or self.leaving:
            return
        if self._blocked(task):
            self._held = True
        else:
            self._take_turn(task)
