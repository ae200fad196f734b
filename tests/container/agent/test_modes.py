"""Who decides: the mode that is chosen at opening, with agents that have recorded modes."""

from __future__ import annotations

from pathlib import Path

import pytest

from container.agent.announced import Announced, Choice, ConfigurableOption
from container.agent.modes import Decider, choose, decider, mode_of
from tests.container.agent.conftest import Bench

RECORDINGS = Path(__file__).with_name("recordings")
APPROVE = {"BERTH_AGENT_AUTO_APPROVE": "1"}


def recorded(provider: str, *flags: str) -> tuple[str, ...]:
    return ("--recorded", str(RECORDINGS / f"{provider}.json"), *flags)


async def ready(of: Bench) -> Bench:
    await of.agent.warm()
    await of.until(lambda: of.state in {"Ready", "Failed"}, "it is opened")
    return of


@pytest.mark.parametrize(
    ("flags", "mode"),
    [
        (recorded("codex"), "workspace-write"),
        (recorded("codex", "--only-modes"), "workspace-write"),
    ],
)
async def test_a_person_is_asked_before_a_command_is_run_outside_of_the_sandbox(bench, tmp_path, flags, mode):
    of = await ready(await bench(*flags))
    view = of.agent.view()
    assert (mode_of(view.announced), view.decides) == (mode, Decider.PERSON)
    marks = tmp_path / "marks"
    asked = await of.agent.prompt(f"guarded {marks}")
    await of.until(lambda: of.agent.view().permissions, "it asks")
    assert not marks.exists()
    await of.agent.answer(of.agent.view().permissions[0], "allow")
    await of.ended(asked.id)
    assert marks.exists()


async def test_with_auto_approve_it_is_in_the_mode_that_asks_nothing(bench, tmp_path):
    of = await ready(await bench(*recorded("claude"), variables=APPROVE))
    view = of.agent.view()
    assert (mode_of(view.announced), view.decides) == ("bypassPermissions", Decider.AUTO_APPROVE)
    await of.ask(f"guarded {tmp_path / 'marks'}")
    assert (tmp_path / "marks").exists()
    assert [body for body in of.bodies if body.kind == "permission"] == []


async def test_the_mode_is_chosen_anew_when_the_agent_is_started_again(bench, tmp_path):
    of = await ready(await bench(*recorded("codex")))
    await of.agent.choose_option("mode", "agent")
    assert of.agent.view().decides is Decider.AGENT
    await of.ask(f"guarded {tmp_path / 'marks'}")
    assert (tmp_path / "marks").exists(), "the recorded one asks nobody in this mode"
    await of.agent.prompt("crash 1")
    await of.until(lambda: of.state == "Ready" and of.agent.view().turn is None and len(of.notices) > 0)
    assert of.agent.view().decides is Decider.PERSON


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--stubborn", "refuse"), "is not available"),
        (("--stubborn", "ignore"), "it is in mode 'agent'"),
    ],
)
async def test_an_agent_that_cannot_be_made_to_ask_is_given_nothing(bench, tmp_path, flags, why):
    of = await bench(*recorded("codex", *flags))
    await of.agent.prompt(f"guarded {tmp_path / 'marks'}")
    await of.until(lambda: of.state == "Failed")
    assert (
        "does not enter its mode 'workspace-write', which spec.agent.autoApprove: false needs" in of.message
    )
    assert why in of.message
    assert of.prompts == []
    assert [waiting.text for waiting in of.agent.view().waiting] == [f"guarded {tmp_path / 'marks'}"]
    assert not (tmp_path / "marks").exists()


async def test_of_an_agent_whose_modes_are_not_known_it_is_said_that_it_decides_itself(bench):
    of = await ready(await bench("--modes"))
    assert of.agent.view().decides is Decider.AGENT
    assert of.message.startswith("Scripted 1.0 is ready; it decides itself what it asks leave for")


def modes(*ids: str, current: str = "") -> Announced:
    return Announced(mode=current or ids[0], modes=tuple(Choice(id_, id_) for id_ in ids))


@pytest.mark.parametrize(
    ("announced", "asking", "free"),
    [
        (
            modes("read-only", "workspace-write", "agent", "agent-full-access"),
            "workspace-write",
            "agent-full-access",
        ),
        (modes("read-only", "agent", "agent-full-access"), "read-only", "agent-full-access"),
        (modes("default", "acceptEdits", "plan"), "default", ""),
        (modes("build", "plan"), "", ""),
        (Announced(), "", ""),
    ],
)
def test_the_mode_for_each_declaration(announced, asking, free):
    assert choose(announced, auto_approve=False) == asking
    assert choose(announced, auto_approve=True) == free


@pytest.mark.parametrize(
    ("current", "who"),
    [
        ("workspace-write", Decider.PERSON),
        ("read-only", Decider.PERSON),
        ("agent", Decider.AGENT),
        ("agent-full-access", Decider.AGENT),
        ("permission-profile:mine", Decider.AGENT),
    ],
)
def test_who_decides_in_a_mode_that_a_person_chose(current, who):
    ids = ("read-only", "workspace-write", "agent", "agent-full-access", "permission-profile:mine")
    announced = modes(*ids, current=current)
    assert decider(announced, auto_approve=False) is who
    assert decider(announced, auto_approve=True) is Decider.AUTO_APPROVE
    # The option counts where there are both: the other may be as it was at the beginning.
    option = ConfigurableOption("mode", "Mode", "", "mode", current, announced.modes)
    both = Announced(mode="agent", modes=announced.modes, options=(option,))
    assert decider(both, auto_approve=False) is who
