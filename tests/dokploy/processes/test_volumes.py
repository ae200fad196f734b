"""Volumes are directories that are there while a container holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dokploy.local.process_volumes import BadVolumeName
from dokploy.local.processes import ProcessRuntime
from dokploy.local.runtime import VolumeBusy

from .conftest import Images, a_spec, scratches, until


async def test_a_volume_outlives_its_container_and_is_removed_once_it_is_free(
    runtime: ProcessRuntime, images: Images, home: Path
) -> None:
    container = await runtime.start(
        a_spec(
            images.shell("writer", 'echo kept > "$W/file"; sleep 600'),
            env={"W": "/w"},
            mounts=(("v.1_a-b", "/w"),),
        )
    )
    assert runtime.volumes() == ("v.1_a-b",)
    with pytest.raises(VolumeBusy):
        await runtime.remove_volume("v.1_a-b")
    await until((home / "volumes/v.1_a-b/file").exists)
    await container.stop(1)
    assert (home / "volumes/v.1_a-b/file").exists()
    await runtime.remove_volume("v.1_a-b")
    assert runtime.volumes() == ()
    await until(lambda: not list((home / "removed").iterdir()))
    with pytest.raises(KeyError):
        await runtime.remove_volume("v.1_a-b")


async def test_what_may_not_be_written_is_removed_all_the_same(runtime: ProcessRuntime, home: Path) -> None:
    directory = home / "volumes/cache/pkg/mod"
    directory.mkdir(parents=True)
    (directory / "file").write_text("x")
    outside = home / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (directory / "outside").symlink_to(outside)
    directory.chmod(0o500)
    directory.parent.chmod(0o500)
    await runtime.remove_volume("cache")
    assert runtime.volumes() == ()
    assert list((home / "removed").iterdir()) == []
    assert (outside / "kept").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../images", "a/b", "/etc", "-x", "a\n", "ä", "a" * 300])
async def test_a_bad_name_reaches_no_path(
    runtime: ProcessRuntime, images: Images, home: Path, name: str
) -> None:
    image = images.shell("sleeper", "sleep 600")
    with pytest.raises(BadVolumeName):
        await runtime.start(a_spec(image, mounts=(("good", "/g"), (name, "/w"))))
    with pytest.raises(KeyError):
        await runtime.remove_volume(name)
    assert scratches(home) == []
    await runtime.remove_volume("good")  # it is not held by a container that never was
