"""A configuration to write."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from dokploy.port import ApplicationConfig, DockerSource, Health

ENV_CANARY = "canary-env-5a77"


@pytest.fixture
def config() -> ApplicationConfig:
    return ApplicationConfig(
        name="alice/s1",
        description="The login bug",
        source=DockerSource("ghcr.io/acme/session:1", "puser", SecretStr("canary-password-11"), "ghcr.io"),
        env=SecretStr(f"TOKEN='{ENV_CANARY}'"),
        replicas=1,
        health=Health(("CMD-SHELL", "true"), 2_000_000_000, 1_000_000_000, 0, 3),
        cpu_limit=500_000_000,
        cpu_reservation=None,
        memory_limit=67_108_864,
        memory_reservation=16_777_216,
        stop_grace=2_000_000_000,
        restart_delay=2_000_000_000,
        labels=(("berth.dev/session", "s1"),),
    )
