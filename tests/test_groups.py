"""Tests that share something big stay on one worker, where several run them."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("together")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there is one worker")
def test_a_group_is_kept_together(request: pytest.FixtureRequest):
    """Else each worker starts a Berth, a browser and a Docker of its own, and nothing says so."""
    assert request.node.nodeid.endswith("@together")
