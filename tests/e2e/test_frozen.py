"""A container is replaced when it is dead, and for no delay: real programs, stopped and continued."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.berth import Berth

pytestmark = pytest.mark.soak

_FROZEN = 20.0


def test_frozen_containers_and_a_frozen_checker_replace_nothing(home: Path):
    with Berth(home) as one:
        boot = one.healthz()["boot"]
        (container,) = one.containers()
        container.suspend()
        time.sleep(_FROZEN)
        container.resume()
        checker = one.program("dokploy.local")
        checker.suspend()
        time.sleep(_FROZEN)
        checker.resume()
        one.until("Ready", lambda: one.condition("Ready")["status"] == "True")
        assert one.healthz()["boot"] == boot
        assert one.session()["status"]["restarts"] == 0
        container.kill()
        one.until("a new container", lambda: one.healthz()["boot"] != boot)
        one.until("it is counted", lambda: one.session()["status"]["restarts"] == 1)
        assert one.down(signal.SIGTERM) == 0
