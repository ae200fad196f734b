"""What a container is told, in words that survive the way to it."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from container.given import read_secrets
from crds.base import ObjectMeta
from crds.secret import Secret
from crds.session import Author, SessionFields, SessionTemplate
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


async def test_the_time_of_an_agents_start_is_told_where_it_is_another_than_usual():
    async with world() as of:
        of.run_controller()
        await of.declare(agent={"start_seconds": 300})
        await of.until_ready()
        assert of.simulation.containers[0].spec.env["BERTH_AGENT_START_SECONDS"] == "300"
        await of.declare("other")
        await of.until_ready("other")
        # Left out, so that an upgrade of Berth gives no running session another revision.
        assert "BERTH_AGENT_START_SECONDS" not in of.simulation.containers[1].spec.env


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


async def test_who_commits_is_the_sessions_or_its_templates():
    async with world() as of:
        of.run_controller()
        template = SessionTemplate(
            metadata=ObjectMeta(name="team", namespace=NAMESPACE),
            spec=SessionFields(author=Author(name="Team", email="team@acme.example")),
        )
        await of.records.create(template)
        await of.declare(template="team")
        await of.declare("own", template="team", author={"name": "Ann", "email": "ann@acme.example"})
        await of.declare("none")
        for name in ("fix-login", "own", "none"):
            await of.until_ready(name)
        told = {
            each.spec.env["BERTH_SESSION_NAME"]: (
                each.spec.env.get("BERTH_GIT_AUTHOR_NAME"),
                each.spec.env.get("BERTH_GIT_AUTHOR_EMAIL"),
            )
            for each in running(of)
        }
        assert told == {
            "fix-login": ("Team", "team@acme.example"),
            "own": ("Ann", "ann@acme.example"),
            "none": (None, None),
        }


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


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("sk-1\n", "sk-1"),
        ("sk-1\r\n", "sk-1"),
        ("sk-1", "sk-1"),
        ("-----BEGIN-----\nx\n-----END-----\n", "-----BEGIN-----\nx\n-----END-----\n"),
        ("\n\n", "\n\n"),
    ],
)
async def test_a_secret_of_one_line_comes_without_its_line_end(text: str, given: str):
    async with world() as of:
        of.run_controller()
        await of.records.create(
            Secret(metadata=ObjectMeta(name="my", namespace=NAMESPACE), string_data={"k": text})
        )
        await of.declare(env=[{"name": "API_KEY", "secret_ref": {"name": "my", "key": "k"}}])
        await of.until_ready()
        assert of.simulation.containers[0].spec.env["API_KEY"] == given


def login(name: str, *, provider: str = "codex", **files: str) -> Secret:
    meta = ObjectMeta(name=name, namespace=NAMESPACE, labels={"berth.dev/provider": provider})
    return Secret(metadata=meta, type="berth.dev/auth-file", string_data=files)


async def test_a_login_file_above_the_bound_of_one_variable_arrives():
    async with world() as of:
        of.run_controller()
        await of.records.create(login("claude", provider="claude", state="x" * 400_000))
        await of.declare()
        await of.until_ready()
        env = of.simulation.containers[0].spec.env
        assert all(len(f"{name}={value}") < 128 * 1024 for name, value in env.items())
        [file] = read_secrets(env).auth_files
        assert base64.b64decode(file.content) == b"x" * 400_000


@pytest.mark.parametrize(
    ("secrets", "env", "words"),
    [
        (
            [Secret(metadata=ObjectMeta(name="my", namespace=NAMESPACE), string_data={"k": "é" * 70_000})],
            [{"name": "BIG", "secret_ref": {"name": "my", "key": "k"}}],
            "spec.env: BIG has 140,004 bytes with its name, and Linux takes at most 131,071",
        ),
        (
            [login("one", provider="one", a="x" * 500_000), login("two", provider="two", b="y" * 500_000)],
            [],
            "all variables together make 1,33",
        ),
    ],
)
async def test_what_is_too_large_is_refused_before_anything_is_sent(secrets, env, words):
    async with world() as of:
        for secret in secrets:
            await of.records.create(secret)
        await of.declare(env=env)
        assert words in await refusal(of)
        assert not of.dokploy.database.tables["application"]


async def test_two_logins_of_one_provider_are_a_choice():
    async with world() as of:
        for name in ("work", "private"):
            await of.records.create(login(name, **{"auth.json": name}))
        await of.records.create(login("claude", provider="claude", **{".credentials.json": "c"}))
        of.run_controller()
        await of.declare()
        async with asyncio.timeout(10):
            while await of.ready() != ("False", "LoginAmbiguous"):
                await asyncio.sleep(0.1)
        message = next(c.message for c in (await of.session()).status.conditions if c.type == "Admitted")
        assert (
            "auth.json of codex: private and work; name the one to take in spec.authFiles.secrets" in message
        )
        await of.change(auth_files={"secrets": ["work"]})
        await of.until_ready()
        assert files_of(of) == {"codex": {"auth.json": "work"}}
        await of.change(auth_files={"secrets": ["claude", "private"]})
        await of.until_ready()
        assert files_of(of) == {"codex": {"auth.json": "private"}, "claude": {".credentials.json": "c"}}
        await of.change(auth_files={"secrets": ["private", "claude"], "providers": ["claude"]})
        await of.until_ready()
        assert files_of(of) == {"claude": {".credentials.json": "c"}}


async def test_logins_are_chosen_by_the_nearest_layer_and_an_order_does_not_undo_the_choice():
    async with world() as of:
        for name in ("work", "private"):
            await of.records.create(login(name, **{"auth.json": name}))
        await of.records.create(
            SessionTemplate(
                metadata=ObjectMeta(name="python", namespace=NAMESPACE),
                spec=SessionFields(auth_files={"secrets": ["work"]}),
            )
        )
        of.run_controller()
        await of.declare(template="python", auth_files={"take_given_at": "2026-11-23T12:00:00Z"})
        await of.until_ready()
        assert files_of(of) == {"codex": {"auth.json": "work"}}
        assert of.simulation.containers[0].spec.env["BERTH_TAKE_LOGINS"] == "2026-11-23T12:00:00+00:00"


@pytest.mark.parametrize(("chosen", "reason"), [(["absent"], "SecretNotFound"), (["opaque"], "InvalidSpec")])
async def test_a_choice_that_cannot_be_had_is_told(chosen, reason):
    async with world() as of:
        await of.records.create(
            Secret(metadata=ObjectMeta(name="opaque", namespace=NAMESPACE), string_data={"auth.json": "x"})
        )
        of.run_controller()
        await of.declare(auth_files={"secrets": chosen})
        async with asyncio.timeout(10):
            while await of.ready() != ("False", reason):
                await asyncio.sleep(0.1)


def files_of(of: World) -> dict[str, dict[str, str]]:
    """The login files that the container is given, by provider and name."""
    found: dict[str, dict[str, str]] = {}
    for file in read_secrets(of.simulation.containers[0].spec.env).auth_files:
        found.setdefault(file.provider, {})[file.name] = base64.b64decode(file.content).decode()
    return found
