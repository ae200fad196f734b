"""One Swarm service: its slots, its updates and what becomes of a failed one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from dokploy.local.service_spec import OnFailure, ServiceSpec
from dokploy.local.slots import Slot
from dokploy.local.tasks import Engine, Task


class Service:
    """One service and its slots."""

    def __init__(
        self, service_id: str, spec: ServiceSpec, engine: Engine, changed: Callable[[Service], None]
    ) -> None:
        self.service_id = service_id
        self.spec = spec
        self.previous: ServiceSpec | None = None
        self.version = 1
        self.update_state: str | None = None
        """``updating``, ``completed``, ``paused``, ``rollback_completed``; None before any update.
        No REST answer shows it (FACTS-2 2), tests may."""
        self.slots: list[Slot] = []
        self.row: bytes | None = None
        """Its line in the listing of services, until something changes."""
        self.noted: ServiceSpec | None = None
        """The specification that whoever watches the service knows of."""
        self.removed = False
        self._engine = engine
        self._on_change = changed
        self._monitor: asyncio.TimerHandle | None = None
        self._reaping: set[Slot] = set()
        self._scale_to(spec.replicas)

    def changed(self) -> None:
        """Something that a listing shows has changed."""
        self.row = None
        for slot in self.slots:
            if slot.leaving and slot.idle and slot not in self._reaping:
                self._reaping.add(slot)
                delay = self._engine.timings.reap
                asyncio.get_running_loop().call_later(delay, self._reap, slot)
        self._on_change(self)

    @property
    def running(self) -> int:
        """The tasks that are up, and healthy where there is a check; old ones count (FACTS 12)."""
        return sum(task.running for slot in self.slots for task in slot.tasks)

    @property
    def tasks(self) -> Iterable[Task]:
        """Every row, slot by slot, the newest first."""
        return (task for slot in self.slots for task in slot.tasks)

    def update(self, spec: ServiceSpec) -> None:
        """Take a new specification; every task is replaced, changed or not (FACTS 12: a restart)."""
        self.previous, self.spec = self.spec, spec
        self.version += 1
        self.update_state = "updating" if spec.replicas > 0 else "completed"
        self._cancel_monitor()
        self._scale_to(spec.replicas)
        self.changed()

    def scale(self, replicas: int) -> None:
        """Change the number of replicas alone: nothing that runs is replaced."""
        self.previous, self.spec = self.spec, replace(self.spec, replicas=replicas)
        self._scale_to(replicas, roll=False)
        self.changed()

    def remove(self) -> None:
        """Stop everything for good."""
        self.removed = True
        self._cancel_monitor()
        for slot in self.slots:
            slot.remove()
        self.changed()

    def _scale_to(self, replicas: int, *, roll: bool = True) -> None:
        staying = [slot for slot in self.slots if not slot.leaving]
        for slot in staying[max(replicas, 0) :]:
            slot.remove()
        staying = staying[: max(replicas, 0)]
        if roll:
            for slot in staying:
                slot.roll()
        for _ in range(replicas - len(staying)):
            self._open_slot(staying)
        if replicas == 0:
            # Once all is down, a write at 0 replicas clears the history (FACTS-2 2).
            self.slots = [slot for slot in self.slots if not slot.idle]

    def _open_slot(self, staying: list[Slot]) -> None:
        leaving = next((slot for slot in self.slots if slot.leaving and slot not in staying), None)
        if leaving is not None and not self._engine.overlaps:
            slot = leaving
            slot.leaving = False
        else:
            slot = Slot(1 + len(staying), self, self._engine)
            self.slots.insert(0, slot)
        staying.append(slot)
        slot.roll()

    def _reap(self, slot: Slot) -> None:
        """Drop the rows and containers of a slot that was scaled away."""
        self._reaping.discard(slot)
        if slot.leaving and slot.idle and slot in self.slots:
            self.slots.remove(slot)
            self.changed()

    def task_up(self, task: Task) -> None:
        """A task runs: the update is watched for a while, then it is complete."""
        if self.update_state == "updating" and task.version == self.version:
            self._cancel_monitor()
            loop = asyncio.get_running_loop()
            self._monitor = loop.call_later(self.spec.update.monitor, self._complete)

    def _complete(self) -> None:
        self._monitor = None
        self.update_state = "completed"

    def _cancel_monitor(self) -> None:
        if self._monitor is not None:
            self._monitor.cancel()
            self._monitor = None

    def task_failed(self, task: Task) -> bool:
        """A task ended by itself: during an update that is the update's failure."""
        self._engine.crashed(self.spec.name)
        if self.update_state != "updating" or task.version != self.version:
            return False
        self._cancel_monitor()
        action = self.spec.update.on_failure
        if action is OnFailure.ROLLBACK and self._engine.rolls_back and self.previous is not None:
            self._roll_back(self.previous)
            return True
        if action is not OnFailure.CONTINUE:
            self.update_state = "paused"
        return False

    def _roll_back(self, previous: ServiceSpec) -> None:
        """Return to the specification before, without a word to anyone (FACTS 4)."""
        failed = self.version
        self.spec, self.previous = previous, None
        self.version += 1
        for slot in [slot for slot in self.slots if not slot.leaving]:
            survivor = slot.survivor(failed - 1)
            if survivor is not None:
                survivor.version = self.version
                slot.resume(survivor)
            else:
                slot.roll()
        self.update_state = "rollback_completed"
        self.changed()

    def close(self) -> None:
        """Forget every timer."""
        self._cancel_monitor()
        for slot in self.slots:
            slot.close()
