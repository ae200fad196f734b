"""The agents that we ship, against a model on loopback: who is asked before a command is run.

They are installed by npm from `deploy/agents`, or are those of BERTH_AGENTS, a directory that has
``node_modules/.bin``. What they announce is recorded beside this file for the fake agent of the other
tests; a new version that announces something else fails here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from container.agent.modes import mode_of, mode_option, modes_of
from tests.container.agent.conftest import Bench
from tests.container.agent.scripted_model import Model, scripted_model
from tests.container.conftest import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800), pytest.mark.xdist_group("agents")]

RECORDINGS = Path(__file__).with_name("recordings")


@pytest.fixture(scope="module")
def agents(tmp_path_factory) -> Path:
    """Where their programs are."""
    given = os.environ.get("BERTH_AGENTS")
    if given:
        return Path(given) / "node_modules" / ".bin"
    if shutil.which("npm") is None:
        pytest.skip("the agents cannot be installed: there is no npm here; name a directory in BERTH_AGENTS")
    place = tmp_path_factory.mktemp("agents")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "deploy" / "agents" / name, place)
    words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(place / "cache")]
    subprocess.run(words, cwd=place, check=True, capture_output=True)
    return place / "node_modules" / ".bin"


@pytest.fixture
def model():
    with scripted_model() as found:
        yield found


class Real:
    """One of them, in a workspace of its own, with a command that it shall run outside of it."""

    def __init__(self, root: Path, agents: Path, model: Model, provider: str, *, auto_approve: bool) -> None:
        home = root / "data" / "home"
        (home / ".codex").mkdir(parents=True)
        (home / ".codex" / "config.toml").write_text(
            'model = "scripted"\nmodel_provider = "scripted"\n[model_providers.scripted]\nname = "scripted"\n'
            f'base_url = "{model.url}/v1"\nwire_api = "responses"\nrequires_openai_auth = false\n'
        )
        self.marks = root / "outside" / "marks"
        self.marks.parent.mkdir()
        model.command = f"echo ran >> {self.marks}"
        model.escalates = not auto_approve
        self.provider = provider
        self.bench = Bench(
            root,
            patience={"cancel": 20.0},
            variables={
                "BERTH_AGENT_PROVIDER": provider,
                "BERTH_AGENT_COMMAND": "",
                "BERTH_AGENT_AUTO_APPROVE": "1" if auto_approve else "",
            },
            environ={
                "PATH": f"{agents}:{os.environ['PATH']}",
                "ANTHROPIC_API_KEY": "sk-ant-none",
                "ANTHROPIC_BASE_URL": model.url,
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "IS_SANDBOX": "1",
            },
        )

    @property
    def announced(self):
        return self.bench.agent.view().announced

    async def asked(self) -> bool:
        """Give the prompt: whether a person is asked before the command is run."""
        of = self.bench
        waiting = await of.agent.prompt("run it")
        await of.until(
            lambda: (
                of.agent.view().permissions
                or any(
                    body.kind == "prompt" and body.prompt == waiting.id and body.ended for body in of.bodies
                )
            )
        )
        asked = bool(of.agent.view().permissions)
        if asked:
            assert not self.marks.exists(), "it was asked after it was done"
            await of.agent.cancel()
        await of.ended(waiting.id)
        return asked


@pytest.fixture
async def real(tmp_path, agents, model):
    made = []

    async def start(provider: str, *, auto_approve: bool = False) -> Real:
        made.append(Real(tmp_path, agents, model, provider, auto_approve=auto_approve))
        await made[-1].bench.begin()
        await made[-1].bench.agent.warm()
        await made[-1].bench.until(lambda: made[-1].bench.state == "Ready", provider)
        return made[-1]

    yield start
    for of in made:
        await of.bench.aclose()


@pytest.mark.parametrize("provider", ["codex", "claude"])
async def test_a_person_is_asked_before_a_command_is_run_outside_of_the_sandbox(real, provider):
    of = await real(provider)
    assert of.bench.agent.view().decides == "Person"
    assert await of.asked()
    assert not of.marks.exists()


@pytest.mark.parametrize("provider", ["codex", "claude"])
async def test_with_auto_approve_nobody_is_asked_and_it_is_run(real, provider):
    of = await real(provider, auto_approve=True)
    assert mode_of(of.announced) in {"agent-full-access", "bypassPermissions"}
    assert not await of.asked()
    assert of.marks.read_text() == "ran\n"
    assert [body for body in of.bench.bodies if body.kind == "permission"] == []


@pytest.mark.parametrize("provider", ["codex", "claude"])
async def test_it_announces_the_modes_that_were_recorded(real, provider):
    of = await real(provider)
    recorded = json.loads((RECORDINGS / f"{provider}.json").read_text())
    assert of.bench.agent.view().name == recorded["name"]
    assert list(modes_of(of.announced)) == [mode["id"] for mode in recorded["modes"]]
    assert mode_option(of.announced) == recorded["option"]


def tried() -> list[tuple[str, str, bool]]:
    recordings = [(path.stem, json.loads(path.read_text())) for path in sorted(RECORDINGS.glob("*.json"))]
    return [
        (provider, mode["id"], mode["asks"])
        for provider, recorded in recordings
        for mode in recorded["modes"]
        if mode["asks"] is not None
    ]


@pytest.mark.parametrize(("provider", "mode", "asks"), tried())
async def test_it_asks_in_the_modes_in_which_it_was_recorded_to_ask(real, provider, mode, asks):
    of = await real(provider)
    await of.bench.agent.choose_option(mode_option(of.announced), mode)
    assert await of.asked() is asks
