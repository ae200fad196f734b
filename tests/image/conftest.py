"""Docker, a base, the image, and containers of it. What a machine lacks leaves the tests out, and is said."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.image.building import build
from tests.image.debian import base as debian
from tests.image.engine import Docker, Missing, engine
from tests.image.running import Running, Volumes


@contextlib.contextmanager
def left_out_where_it_cannot_be() -> Iterator[None]:
    """Skip, in words that say what is lacking and what would bring it."""
    try:
        yield
    except Missing as missing:
        pytest.skip(f"the session's image is neither built nor run: {missing}")


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    with left_out_where_it_cannot_be(), engine(tmp_path_factory.mktemp("docker")) as found:
        yield found


@pytest.fixture(scope="session")
def base(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> str:
    with left_out_where_it_cannot_be():
        return debian(docker, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def image(docker: Docker, base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Without the agents."""
    with left_out_where_it_cannot_be():
        return build(docker, base, tmp_path_factory.mktemp("build"), agents=False)


@pytest.fixture(scope="session")
def whole_image(docker: Docker, base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """With them."""
    with left_out_where_it_cannot_be():
        return build(docker, base, tmp_path_factory.mktemp("build"), agents=True)


@pytest.fixture(scope="module")
def start(docker: Docker, image: str) -> Iterator[Callable[..., Running]]:
    """Starts containers, on new volumes or on those of another."""
    started: list[Running] = []
    made: list[Volumes] = []

    def _start(volumes: Volumes | None = None, **variables: str) -> Running:
        if volumes is None:
            volumes = Volumes(docker)
            made.append(volumes)
        started.append(Running(docker, image, volumes, variables))
        return started[-1]

    yield _start
    for container in started:
        container.remove()
    for volumes in made:
        volumes.remove()
