"""A server in memory, and a command line that talks to it in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import looptime
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.failures import ExitCode
from cli.surroundings import Surroundings
from tests.cli.fake import TOKEN, URL, FakeBerth

NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)


def in_virtual_time(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
        return runner.run(work)


@pytest.fixture
def fake() -> FakeBerth:
    return FakeBerth()


@pytest.fixture
def opened() -> list[str]:
    return []


Berth = Callable[..., Result]


@pytest.fixture
def berth(fake: FakeBerth, opened: list[str], tmp_path) -> Berth:
    """Run one command line against the fake; keywords are environment variables."""

    def run(*words: str, stdin: str | bytes = "", **environment: str) -> Result:
        around = Surroundings(
            environment={"BERTH_URL": URL, "BERTH_TOKEN": TOKEN, "BERTH_HOME": str(tmp_path), **environment},
            now=lambda: NOW,
            run=in_virtual_time,
            browse=lambda url: opened.append(url) is None,
            transport=fake,
        )
        result = CliRunner().invoke(app, list(words), input=stdin, obj=around, prog_name="berth")
        assert result.exit_code != ExitCode.BUG, result.stderr
        # LAWS S3: whatever is asked, the token is never in an answer.
        assert TOKEN not in result.output
        return result

    return run
