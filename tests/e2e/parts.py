"""Berth as single programs, each started and ended by the test, with a proxy before Dokploy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from tests.e2e.berth import ROOT, Berth
from tests.e2e.proxy import Proxy
from tests.e2e.world import World

_LEASE = "2"


@dataclass
class Parts(Berth):
    """The three programs in one home, without ``berth up``."""

    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    log_to: Path | None = None
    """Where all of them write what they say; by default to files of their own, as with ``berth up``."""

    def start(self, module: str, *arguments: str) -> None:
        """Start a program; its output goes where ``berth up`` puts it."""
        logs = self.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        own = {
            "BERTH_DATABASE_URL": f"sqlite:///{self.home / 'berth.db'}",
            "BERTH_KEY_FILE": str(self.home / "keys"),
            "BERTH_TOKEN_FILE": str(self.home / "token"),
            "BERTH_API_ENDPOINT_FILE": str(self.home / "api.json"),
            "BERTH_LEASE_SECONDS": _LEASE,
        }
        with (self.log_to or logs / f"{module}.log").open("ab") as log:
            self.running[module] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**self.environment, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def program(self, module: str) -> psutil.Process:
        return psutil.Process(self.running[module].pid)

    def end(self, module: str, number: int = signal.SIGTERM, *, within: float = 15.0) -> int:
        """Send a signal and wait; returns the exit code."""
        process = self.running.pop(module)
        process.send_signal(number)
        return process.wait(within)

    def up(self, *, within: float = 60.0) -> Self:  # type: ignore[override]
        """Start all three, and wait until API and Dokploy listen."""
        dokploy = self.home / "dokploy"
        self.start("dokploy.local", "--home", str(dokploy), "--key-file", str(dokploy / "key"))
        self.start("api")
        self.start("controller")
        deadline = time.monotonic() + within
        while not ((dokploy / "dokploy.json").exists() and (self.home / "api.json").exists()):
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        for module in ("controller", "api", "dokploy.local"):
            if module in self.running:
                self.end(module)


@contextmanager
def parts_behind_a_proxy(home: Path, *, log_to: Path | None = None) -> Iterator[tuple[World, Parts, Proxy]]:
    """The three programs, and a target ``default`` that is reached through a proxy."""
    home.mkdir(mode=0o700)
    parts = Parts(home, log_to=log_to)
    world = World(parts)
    world.register_small_image()
    with parts:
        announced = parts.dokploy_announcement()
        with Proxy(announced["url"]).serving() as proxy:
            _declare_target(world, proxy, router=int(announced["router_port"]))
            yield world, parts, proxy
            # What an ill Dokploy delays shall not delay the end.
            proxy.illness = None
    assert world.programs() == {}, "a container outlived its Dokploy"
    left = [
        p
        for p in psutil.process_iter(["environ"])
        if (p.info["environ"] or {}).get("BERTH_HOME") == str(home)
    ]
    assert [p for p in left if p.pid != os.getpid()] == []


def declare_key(world: World, key: str | None = None) -> None:
    """Declare the target's key: by default the one that the local Dokploy made."""
    right = (world.berth.home / "dokploy" / "key").read_text().strip()
    world.put(
        "/api/namespaces/berth-system/secrets/dokploy",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "berth.dev/api-key",
            "stringData": {"key": key or right},
        },
    )


def _declare_target(world: World, proxy: Proxy, *, router: int) -> None:
    declare_key(world)
    check = {"interval": "1s", "timeout": "3s", "startPeriod": "30s"}
    spec = {
        "url": proxy.url,
        "apiKey": {"name": "dokploy", "key": "key"},
        "container": {"image": "tests/small:1", "healthCheck": check},
        "poll": {"fast": "500ms", "slow": "1s", "idle": "10s"},
        "route": {
            "pattern": "{name}.{namespace}.localhost",
            "https": False,
            "certificate": "none",
            "port": router,
            "probeAddress": f"127.0.0.1:{router}",
        },
    }
    world.put("/api/targets/default", {"apiVersion": "berth.dev/v1alpha1", "kind": "Target", "spec": spec})
