"""What a container is told, in words that survive the way to it."""

from __future__ import annotations

import json

import pytest

from tests.controller.world import world

pytestmark = pytest.mark.looptime

ODD = '`It\'s` "odd" {{.Node.ID}} # '


async def test_no_title_keeps_a_session_from_running():
    async with world() as of:
        of.run_controller()
        await of.declare(title=ODD)
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert env["BERTH_SESSION_TITLE"] == "'It's' \"odd\" {{.Node.ID}} # "


async def test_an_agents_command_may_hold_quotes_of_all_kinds():
    async with world() as of:
        of.run_controller()
        await of.declare(agent={"provider": "mine", "command": ("sh", "-c", ODD)})
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert json.loads(env["BERTH_AGENT_COMMAND"]) == ["sh", "-c", ODD]
