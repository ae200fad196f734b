"""P2: what each change of a session's life costs, whatever the number of sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from crds.session import EnvVar, Phase
from tests.controller.world import World, world
from tests.performance.row import Row
from tests.performance.scene import Made, declare, is_ready, sessions, until, until_all_are_ready, watching


async def lives(number: int) -> list[Row]:
    """Create, change, stop, start, restart and delete so many sessions at once, each with a route
    and two volumes."""
    async with world() as of:
        controller = of.run_controller()
        names = [f"session-{index}" for index in range(number)]

        async def each(act: Callable[[str], Awaitable[object]]) -> None:
            for name in names:
                await act(name)

        async def phase_of_all(of: World, phase: Phase) -> None:
            await until(lambda: all(row.status.phase is phase for row in sessions(of)), step=1.0)

        with watching(of) as create:
            await declare(of, number)
            await until_all_are_ready(of, step=1.0)
        with watching(of) as change:
            await each(lambda name: of.change(name, env=(EnvVar(name="LOG", value="debug"),)))
            await until(lambda: all(map(is_ready, sessions(of))), step=1.0)
        with watching(of) as stop:
            await each(of.stop)
            await phase_of_all(of, Phase.STOPPED)
        with watching(of) as start:
            await each(of.start)
            await until_all_are_ready(of, step=1.0)
        restarted = of.simulation.started
        with watching(of) as restart:
            await each(of.restart)
            await until(lambda: of.simulation.started == restarted + number, step=1.0)
            await until_all_are_ready(of, step=1.0)
        with watching(of) as delete:
            await each(of.delete)
            await until(lambda: not sessions(of), step=1.0)
        bugs = controller._metrics.registry.get_sample_value("berth_pass_bugs_total")
    told = ((create, 6, "create"), (change, 2, "change"), (stop, 2, "stop"), (start, 2, "start"),
            (restart, 1, "restart"), (delete, 3, "delete"))  # fmt: skip
    return [
        *(_row(made, ideal, name, number) for made, ideal, name in told),
        Row("P2", f"passes that broke off, {number:,} sessions", bugs or 0, 0, bound="exact"),
    ]


def _row(made: Made, ideal: int, name: str, number: int) -> Row:
    calls = sum(made.changes.values()) / number
    return Row(
        "P2", f"changing calls to {name}, a session of {number:,} at once", calls, ideal, bound="exact"
    )
