"""What one update writes is what a reading gives back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from dokploy.configuration import body_of, config_in
from dokploy.port import ApplicationConfig, DockerSource, GitSource, Health
from tests.dokploy.client.recorded import Scripted, answer, body, dokploy, request_body

_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_secret = _text.map(SecretStr)
_nanoseconds = st.integers(0, 10**15)
_amount = st.none() | st.integers(0, 2**62)
_sources = st.builds(
    DockerSource,
    image=_text,
    username=st.none() | _text,
    password=st.none() | _secret,
    registry_url=st.none() | _text,
) | st.builds(
    GitSource,
    url=_text,
    branch=_text,
    build_path=_text,
    dockerfile=_text,
    context=_text | st.just(""),
    build_args=_secret | st.just(SecretStr("")),
)
_configs = st.builds(
    ApplicationConfig,
    name=_text,
    description=_text | st.just(""),
    source=_sources,
    env=_secret | st.just(SecretStr("")),
    replicas=st.integers(0, 1),
    health=st.builds(
        Health,
        test=st.lists(_text, max_size=3).map(tuple),
        interval=_nanoseconds,
        timeout=_nanoseconds,
        start_period=_nanoseconds,
        retries=st.integers(0, 100),
    ),
    cpu_limit=_amount,
    cpu_reservation=_amount,
    memory_limit=_amount,
    memory_reservation=_amount,
    stop_grace=_nanoseconds,
    restart_delay=_nanoseconds,
    labels=st.dictionaries(_text, _text, max_size=3).map(lambda found: tuple(found.items())),
)
_starts = st.sampled_from(["quick_create", "size_application_one", "build_one_after_update"])


def row_after(update: dict[str, Any], *, start: str) -> bytes:
    """The row of ``application.one`` after an update; zod puts known keys in its own order."""
    row = {"mounts": [], "domains": [], **body(start), **update}
    check = row["healthCheckSwarm"]
    row["healthCheckSwarm"] = dict(sorted(check.items())) if check else check
    return json.dumps(row).encode()


@given(_configs, _starts)
def test_what_is_written_is_read_back(config, start):
    assert config_in(row_after(body_of(config), start=start)) == config


@given(_configs, _configs, _starts)
def test_a_second_update_leaves_nothing_of_the_first(first, second, start):
    row = {**json.loads(row_after(body_of(first), start=start)), **body_of(second)}
    assert config_in(json.dumps(row).encode()) == second


def test_the_measured_row_differs_from_ours_only_in_what_it_lacks():
    """A real answer (build_one_after_update) with what its update left out filled in."""
    row = body("build_one_after_update")
    ours = {
        "dockerBuildStage": None,
        "restartPolicySwarm": {"Condition": "any", "Delay": 1},
        "stopGracePeriodSwarm": 5,
        "labelsSwarm": {},
    }
    config = config_in(json.dumps({**row, **ours}).encode())
    assert config is not None
    sent = {**request_body("build_update_one_call"), **ours}
    del sent["applicationId"]
    written = body_of(config)
    assert {name: written[name] for name in sent} == sent


def test_every_field_is_one_that_dokploy_knows(config):
    """``application.one`` of v0.30.2 has each of them; the update keeps what it knows (FACTS 4)."""
    git = GitSource("u", "b", "/", "Dockerfile", "", SecretStr(""))
    known = set(body("size_application_one"))
    for source in (config.source, git):
        written = body_of(
            ApplicationConfig(
                name="n",
                description="",
                source=source,
                env=config.env,
                replicas=1,
                health=config.health,
                cpu_limit=None,
                cpu_reservation=None,
                memory_limit=None,
                memory_reservation=None,
                stop_grace=0,
                restart_delay=0,
            )
        )
        assert set(written) <= known
        assert written["labelsSwarm"] == {}


def test_the_quick_path_is_written_as_measured(config):
    measured = request_body("quick_update")
    written = body_of(config)
    for name in (
        "sourceType",
        "memoryLimit",
        "memoryReservation",
        "cpuLimit",
        "replicas",
        "updateConfigSwarm",
        "stopGracePeriodSwarm",
        "restartPolicySwarm",
    ):
        assert written[name] == measured[name], name
    assert written["createEnvFile"] is False


@pytest.mark.parametrize(
    "edit",
    [
        {"sourceType": "github"},
        {"healthCheckSwarm": None},
        {"updateConfigSwarm": None},
        {"updateConfigSwarm": {"Parallelism": 1, "Order": "start-first"}},
        {"restartPolicySwarm": {"Condition": "any", "Delay": 2_000_000_000, "MaxAttempts": 3}},
        {"memoryLimit": "64m"},
        {"command": "sleep 1"},
        {"args": ["x"]},
        {"labelsSwarm": None},
        {"stopGracePeriodSwarm": None},
        {"createEnvFile": True},
        {"buildSecrets": "A=1"},
        {"healthCheckSwarm": {"Test": ["NONE"]}},
    ],
)
def test_what_somebody_else_wrote_is_none_of_ours(config, edit):
    assert config_in(row_after({**body_of(config), **edit}, start="quick_create")) is None


@pytest.mark.parametrize(
    "edit", [{"env": "A=2"}, {"dockerImage": "x"}, {"replicas": 0}, {"cpuLimit": None}, {"password": "p"}]
)
def test_an_edit_of_a_value_of_ours_shows(config, edit):
    read = config_in(row_after({**body_of(config), **edit}, start="quick_create"))
    assert read is not None
    assert read != config


def test_a_field_that_an_older_dokploy_lacks_does_not_count(config):
    row = json.loads(row_after(body_of(config), start="quick_create"))
    for name in ("createEnvFile", "buildSecrets", "args"):
        del row[name]
    assert config_in(json.dumps(row).encode()) == config


async def test_the_client_writes_it_whole_and_reads_it_back(config):
    there = Scripted({"application.update": answer(value=True)})
    client = dokploy(there)
    await client.update_application("a", config)
    assert there.sent == {"applicationId": "a", **body_of(config)}
    update = dict(there.sent)

    there = Scripted({"application.one": answer(json.loads(row_after(update, start="size_application_one")))})
    detail = await dokploy(there).read_application("a")
    assert detail.config == config
    assert "canary" not in repr(detail)
