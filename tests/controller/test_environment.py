"""What a container is told, in words that survive the way to it."""

from __future__ import annotations

import asyncio
import json

import pytest

from crds.base import ObjectMeta
from crds.secret import Secret
from dokploy.local.simulation import SimulatedContainer
from tests.controller.world import NAMESPACE, World, world

pytestmark = pytest.mark.looptime

ODD = '`It\'s` "odd" {{.Node.ID}} # '


async def test_no_title_keeps_a_session_from_running():
    async with world() as of:
        of.run_controller()
        await of.declare(title=ODD)
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert env["BERTH_SESSION_TITLE"] == ODD


async def test_an_agents_command_may_hold_quotes_of_all_kinds():
    async with world() as of:
        of.run_controller()
        await of.declare(agent={"provider": "mine", "command": ("sh", "-c", ODD)})
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert json.loads(env["BERTH_AGENT_COMMAND"]) == ["sh", "-c", ODD]


async def test_the_key_of_a_session_is_its_own_and_outlives_container_and_controller():
    async with world() as of:
        of.run_controller()
        await of.declare()
        await of.declare("other")
        await of.until_ready()
        await of.until_ready("other")
        keys = {each.spec.env["SESSION_ID"]: each.spec.env["BERTH_TOKEN_KEY"] for each in running(of)}
        assert len(set(keys.values())) == 2
        await of.restart()
        await of.until_ready()
        await of.kill_controller()
        of.run_controller("two")
        await asyncio.sleep(60)
        assert {each.spec.env["SESSION_ID"]: each.spec.env["BERTH_TOKEN_KEY"] for each in running(of)} == keys
        told = (await of.session()).model_dump_json() + str(await of.records.list_events())
        assert all(key not in told for key in keys.values())


@pytest.mark.parametrize("origin", [None, "https://berth.example.com"])
async def test_a_container_is_told_the_consoles_origin(origin: str | None):
    async with world(console_origin=origin) as of:
        of.run_controller()
        await of.declare()
        await of.until_ready()
        assert of.simulation.containers[0].spec.env.get("BERTH_CONSOLE_ORIGIN") == origin


def running(of: World) -> list[SimulatedContainer]:
    return [each for each in of.simulation.containers if each.running]


async def refusal(of: World) -> str:
    """The message of a session whose spec cannot work."""
    of.run_controller()
    async with asyncio.timeout(10):
        while await of.ready() != ("False", "InvalidSpec"):
            await asyncio.sleep(0.1)
    return next(c.message for c in (await of.session()).status.conditions if c.type == "Ready")


PEM = "-----BEGIN KEY-----\r\n`'\"#${{x}}\r\n-----END KEY-----\r\n"


async def test_a_secret_of_any_text_reaches_the_container_as_it_is():
    async with world() as of:
        meta = ObjectMeta(name="tls", namespace=NAMESPACE)
        await of.records.create(Secret(metadata=meta, string_data={"key": PEM}))
        of.run_controller()
        reference = {"name": "TLS_KEY", "secret_ref": {"name": "tls", "key": "key"}}
        await of.declare(env=[reference, {"name": "A", "value": "`'\"# "}])
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert (env["TLS_KEY"], env["A"]) == (PEM, "`'\"# ")


@pytest.mark.parametrize(
    ("values", "given"),
    [
        ({"token": "tok\n"}, ("x-access-token", "tok")),
        ({"token": "tok\r\n"}, ("x-access-token", "tok")),
        ({"username": "ann\n", "password": " p w "}, ("ann", " p w ")),
    ],
)
async def test_one_final_line_end_is_no_part_of_a_git_credential(
    values: dict[str, str], given: tuple[str, str]
):
    async with world() as of:
        of.run_controller()
        meta = ObjectMeta(name="github", namespace=NAMESPACE)
        await of.records.create(Secret(metadata=meta, string_data=values))
        await of.declare(source={"url": "https://git.test/app", "credentials_secret": "github"})
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert (env["BERTH_GIT_USERNAME"], env["BERTH_GIT_PASSWORD"]) == given


@pytest.mark.parametrize(
    ("values", "user"),
    [({"token": "tok"}, "me@acme.example"), ({"username": "ann", "password": "tok"}, "ann")],
)
async def test_the_user_of_a_url_logs_in_where_the_secret_names_none(values: dict[str, str], user: str):
    async with world() as of:
        of.run_controller()
        meta = ObjectMeta(name="azure", namespace=NAMESPACE)
        await of.records.create(Secret(metadata=meta, string_data=values))
        url = "https://me%40acme.example@dev.test/acme/_git/app"
        await of.declare(source={"url": url, "credentials_secret": "azure"})
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert (env["BERTH_GIT_USERNAME"], env["BERTH_REPOSITORY_URL"]) == (user, url)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"token": "canary\n\n"}, "the key 'token' of the secret 'github' holds a line break"),
        ({"token": "canary\nhost=evil"}, "the key 'token' of the secret 'github' holds a line break"),
        (
            {"username": "canary\rx", "password": "p"},
            "the key 'username' of the secret 'github' holds a line break",
        ),
        ({"password": "\n"}, "the key 'password' of the secret 'github' is empty"),
    ],
)
async def test_a_git_credential_that_cannot_work_is_refused_by_name(values: dict[str, str], words: str):
    async with world() as of:
        meta = ObjectMeta(name="github", namespace=NAMESPACE)
        await of.records.create(Secret(metadata=meta, string_data=values))
        await of.declare(source={"url": "https://git.test/app", "credentials_secret": "github"})
        message = await refusal(of)
        assert words in message
        assert "canary" not in message


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"env": [{"name": "A", "secret_ref": {"name": "raw", "key": "bytes"}}]},
            "spec.env: A holds a character that no environment can",
        ),
        (
            {"image": None, "build": {"repository": "https://git.test/i", "args": {"A": "${{x}}"}}},
            "spec.build.args: A holds '${{'",
        ),
    ],
)
async def test_what_cannot_be_carried_is_blamed_on_the_field_that_it_is_in(
    spec: dict[str, object], message: str
):
    async with world() as of:
        meta = ObjectMeta(name="raw", namespace=NAMESPACE)
        await of.records.create(Secret(metadata=meta, string_data={"bytes": "a\0b"}))
        await of.declare(**spec)
        assert (await refusal(of)).startswith(message)
