"""kill -9 of every part at seeded moments of a burst of fifty sessions, on both databases.

Afterwards laws L1 to L3 hold over processes, directories, rows and records (:mod:`tests.e2e.world`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path

import pytest

from tests.e2e.berth import Berth
from tests.e2e.world import SMALL_IMAGE, World

SESSIONS = 50
_EVERY_REAL = 10
"""One session in so many runs Berth's own container, the others the small one."""
_PARTS = ("controller", "controller", "api", "dokploy.local")
_CONTAINERS = 6
_CHANGED = 20
"""So many sessions are stopped, restarted, changed or deleted while the burst goes on."""
_SETTINGS = {"BERTH_LEASE_SECONDS": "2"}
"""A killed controller gives no lease back: its successor waits this long."""


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The options that choose a database."""
    if request.param == "sqlite":
        return ()
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return ("--database-url", new_database())


@pytest.fixture
def world(home: Path, database: tuple[str, ...]) -> Iterator[World]:
    one = World(Berth(home, ("--no-example", *database), _SETTINGS))
    one.register_small_image()
    with one.berth:
        yield one
    assert one.programs() == {}, "a container outlived its Berth"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [11])
def test_a_burst_survives_the_death_of_any_part(world: World, seed: int):
    _burst(world, seed)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(20))
def test_a_burst_survives_the_death_of_any_part_at_any_time(world: World, seed: int):
    _burst(world, seed)


def _burst(world: World, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    steps = _steps(world, chance)
    for victim in [*_PARTS, *["container"] * _CONTAINERS]:
        # Not before something is there to be killed.
        moment = chance.randrange(SESSIONS // 5, len(steps))
        steps.insert(moment, partial(_kill, world, victim, chance))
    started = time.monotonic()
    for step in steps:
        step()
        time.sleep(chance.uniform(0, 0.1))
    took = world.settles(within=120)
    print(f"declared in {time.monotonic() - started - took:.1f} s, settled {took:.1f} s later")
    reasons = [event["reason"] for event in world.insist("GET", "/api/events?limit=500")["items"]]
    assert "MassAbsence" not in reasons


def _steps(world: World, chance: random.Random) -> list[Callable[[], None]]:
    """Fifty sessions are declared; of some of them something else is wanted later."""
    steps: list[tuple[int, Callable[[], None]]] = []
    for number in range(SESSIONS):
        image = {} if number % _EVERY_REAL == 0 else {"image": SMALL_IMAGE}
        steps.append((number, partial(world.declare, f"s-{number}", **image)))
    later: list[Callable[[str], None]] = [
        partial(world.act, verb="stop"),
        partial(world.act, verb="restart"),
        world.delete,
        partial(world.declare, image=SMALL_IMAGE, env=[{"name": "A", "value": "2"}]),
    ]
    for number in chance.sample(range(SESSIONS), _CHANGED):
        moment = chance.randrange(number, SESSIONS)  # the sort is stable: after its declaration
        steps.append((moment, partial(chance.choice(later), f"s-{number}")))
    return [step for _, step in sorted(steps, key=itemgetter(0))]


def _kill(world: World, victim: str, chance: random.Random) -> None:
    """kill -9, as soon as it is there: it may have been killed just before, or be on its way."""

    def kill() -> bool:
        if victim != "container":
            world.berth.program(victim).kill()
        elif running := world.programs():
            _, process = running[chance.choice(sorted(running))]
            process.kill()
        else:
            return False
        return True

    world.berth.until(f"{victim} can be killed", kill, within=60)
