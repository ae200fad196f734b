"""How the agent stands, and what of it can be chosen: which one, its mode, its model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any

from nicegui import events, ui

from container.agent.agent import Agent
from container.agent.announced import ConfigurableOption
from container.agent.modes import Decider
from container.agent.view import AgentView
from container.contract import AgentState
from container.ui.saying import saying_why
from container.ui.words import plain, tone

_TROUBLED = frozenset({AgentState.FAILED, AgentState.NOT_INSTALLED})
_DECIDERS = MappingProxyType(
    {
        Decider.PERSON: (
            "you decide",
            "The agent asks you before it does what its mode does not allow.",
            "good",
        ),
        Decider.AUTO_APPROVE: (
            "all is allowed",
            "autoApprove is true: nobody is asked before the agent does something.",
            "ask",
        ),
        Decider.AGENT: (
            "the agent decides",
            "In this mode the agent, or a model that it asks, decides what it may do; you may not be asked.",
            "ask",
        ),
    }
)
"""What is shown of who decides, in full, and its tone."""
Choose = Callable[[str], Awaitable[None]]


class Standing:
    """A line of choices, and what is wrong, with what to do about it."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        with ui.element("div").classes("standing"):
            self._state = ui.label().classes("pill")
            self._choices = ui.element("div").classes("choices")
            self._decides = ui.label().classes("pill decides")
            self._context = ui.label().classes("quiet")
            ui.link("Export", "/api/agent/transcript.md").classes("quiet")
        with ui.element("div").classes("trouble") as trouble:
            self._message = ui.label()
            ui.button("Try again", on_click=agent.warm).props("no-caps dense unelevated")
        self._trouble = trouble
        self._shown: object = None

    def show(self, view: AgentView) -> None:
        """As it is by now."""
        self._state.set_text(plain(view.state))
        self._state.props(f'data-tone="{tone(view.state)}"')
        self._trouble.set_visibility(view.state in _TROUBLED)
        self._message.set_text(view.message)
        self._show_decider(view)
        use = view.announced.context
        self._context.set_text(f"context {100 * use.used // use.size} %" if use and use.size else "")
        chosen = (
            view.provider,
            view.providers,
            view.announced.modes,
            view.announced.mode,
            view.announced.options,
        )
        if chosen != self._shown:
            self._shown = chosen
            self._choices.clear()
            with self._choices:
                self._draw(view)

    def _show_decider(self, view: AgentView) -> None:
        self._decides.set_visibility(view.decides is not None)
        if view.decides is not None:
            text, title, how = _DECIDERS[view.decides]
            self._decides.set_text(text)
            self._decides.props(f'data-tone="{how}"').props["title"] = title

    def _draw(self, view: AgentView) -> None:
        providers = {
            provider.name: provider.title + (" (not installed)" if provider.missing else "")
            for provider in view.providers
        }
        if len(providers) > 1:
            _select("Agent", providers, view.provider, self._agent.choose_provider)
        announced = view.announced
        by_option = any(option.category == "mode" for option in announced.options)
        if announced.modes and not by_option:  # some announce the same twice
            _select(
                "Mode",
                {mode.id: mode.name for mode in announced.modes},
                announced.mode,
                self._agent.choose_mode,
            )
        for option in announced.options:
            self._draw_option(option)

    def _draw_option(self, option: ConfigurableOption) -> None:
        async def choose(value: str | bool) -> None:  # noqa: FBT001 - as ACP has it
            await self._agent.choose_option(option.id, value)

        if isinstance(option.value, bool):
            switch = ui.switch(option.name, value=option.value).props("dense").tooltip(option.description)
            switch.on_value_change(_choosing(choose))
        else:
            _select(option.name, {choice.id: choice.name for choice in option.choices}, option.value, choose)


def _select(name: str, choices: dict[str, str], chosen: str, choose: Choose) -> None:
    known = choices if chosen in choices or not chosen else {chosen: chosen, **choices}
    select = ui.select(known, value=chosen or None, label=name).props("dense outlined options-dense")
    select.on_value_change(_choosing(choose))


def _choosing(
    choose: Callable[..., Awaitable[None]],
) -> Callable[[events.ValueChangeEventArguments[Any]], Awaitable[None]]:
    async def on_change(event: events.ValueChangeEventArguments[Any]) -> None:
        with saying_why():
            await choose(event.value)

    return on_change
