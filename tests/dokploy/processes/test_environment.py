"""What a container finds: its environment, its paths, its port, its files."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import psutil
import pytest

from dokploy.local.process_env import Places, environment
from dokploy.local.processes import ProcessRuntime
from dokploy.local.runtime import Container

from .conftest import Images, a_spec

_SHOW = "import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))"


async def shown(container: Container) -> tuple[dict[str, str], str]:
    assert await container.wait() == 0
    environ, cwd = json.loads(container.logs()[0].text)
    return environ, cwd


async def test_nothing_of_our_own_environment_leaks(
    runtime: ProcessRuntime, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "secret-of-the-parent")
    monkeypatch.setenv("BERTH_ADMIN_KEY", "another")
    environ, _ = await shown(await runtime.start(a_spec(images.python("show", _SHOW), env={"MINE": "1"})))
    assert set(environ) - {"LC_CTYPE"} == {"PATH", "LANG", "HOME", "TMPDIR", "PORT", "MINE"}
    assert "secret-of-the-parent" not in json.dumps(environ)


async def test_home_and_tmp_are_private_and_the_port_is_free(
    runtime: ProcessRuntime, images: Images, home: Path
) -> None:
    environ, cwd = await shown(
        await runtime.start(a_spec(images.python("show", _SHOW), env={"PORT": "3000"}))
    )
    assert Path(environ["HOME"]).parent.parent == (home / "containers").resolve()
    assert Path(environ["TMPDIR"]).parent == Path(environ["HOME"]).parent
    assert cwd == environ["HOME"]
    assert 20_000 <= int(environ["PORT"]) < 32_768
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", int(environ["PORT"])))


async def test_two_containers_never_share_a_port(runtime: ProcessRuntime, images: Images) -> None:
    image = images.shell("sleeper", "sleep 600")
    containers = [await runtime.start(a_spec(image)) for _ in range(4)]
    assert len({container.address() for container in containers}) == 4


async def test_paths_under_a_mount_become_the_volumes(
    runtime: ProcessRuntime, images: Images, home: Path
) -> None:
    text = 'echo hi > "$WORKSPACE_PATH/note"; mkdir -p "$(dirname "$DATABASE_PATH")"; : > "$DATABASE_PATH"'
    container = await runtime.start(
        a_spec(
            images.shell("writer", text),
            env={"WORKSPACE_PATH": "/workspace", "DATABASE_PATH": "/data/deep/container.db"},
            mounts=(("s1-workspace", "/workspace"), ("s1-data", "/data")),
        )
    )
    assert await container.wait() == 0
    assert (home / "volumes/s1-workspace/note").read_text() == "hi\n"
    assert (home / "volumes/s1-data/deep/container.db").exists()
    assert (home / "volumes/s1-data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("/data", "/volumes/d"),
        ("/data/", "/volumes/d"),
        ("/data/a/b", "/volumes/d/a/b"),
        ("/data/nested/x", "/volumes/n/x"),
        ("/database", "/database"),
        ("/data/../etc/passwd", "/data/../etc/passwd"),
        ("data/a", "data/a"),
        ("see /data/a", "see /data/a"),
        ("", ""),
    ],
)
def test_which_values_are_paths(value: str, place: str) -> None:
    places = Places(
        Path("/h"), Path("/t"), (("/data", Path("/volumes/d")), ("/data/nested", Path("/volumes/n")))
    )
    assert places.translate(value) == place


def test_the_declared_wins_over_the_image_and_the_base_but_not_over_the_port() -> None:
    env = environment(
        {"A": "declared", "PORT": "1", "HOME": "/data/home"},
        {"A": "image", "B": "image", "PATH": "/image/bin"},
        Places(
            Path("/h"),
            Path("/t"),
            (
                (
                    "/data",
                    Path("/v"),
                ),
            ),
        ),
        port=20_001,
        path="/usr/bin",
    )
    assert env == {
        "PATH": "/image/bin",
        "LANG": "C.UTF-8",
        "HOME": "/v/home",
        "TMPDIR": "/t",
        "A": "declared",
        "B": "image",
        "PORT": "20001",
    }


async def test_secrets_are_no_process_arguments(
    runtime: ProcessRuntime, images: Images, capfd: pytest.CaptureFixture[str]
) -> None:
    container = await runtime.start(
        a_spec(images.shell("sleeper", "echo up; sleep 600"), env={"TOKEN": "canary-4711"})
    )
    for process in psutil.process_iter(["cmdline"]):
        assert "canary-4711" not in " ".join(process.info["cmdline"] or ())
    await container.stop(0)
    assert "canary-4711" not in "".join(capfd.readouterr())
    assert "canary-4711" not in os.environ.values()
