"""The session panel: what the session is, how it stands, and what happened."""

from __future__ import annotations

from nicegui import ui

from container.session import Session
from container.ui.words import ago, plain, tone, utc_now, work

_LOOK = 2.0
_EVENTS = 100


class SessionPanel:
    """A page to read. It is drawn anew when something in it has changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown: object = None
        self._place = ui.element("div").classes("overview")
        self._look()
        ui.timer(_LOOK, self._look)

    def _look(self) -> None:
        health = self._session.health()
        events = self._session.journal.events[-_EVENTS:]
        now = (health, self._session.work.branch, events)
        if now == self._shown:
            return
        self._shown = now
        self._place.clear()
        with self._place:
            self._draw()

    def _draw(self) -> None:
        session, health = self._session, self._session.health()
        settings = session.settings
        repository = settings.repository
        with _card("Workspace"):
            _state(health["workspace"]["state"], health["workspace"]["message"])
            _fact("Repository", repository.url if repository else "none declared")
            _fact("Ref", (repository.ref or "the default branch") if repository else "none")
            _fact("Branch", session.work.branch or "none")
        with _card("Work"):
            _state(health["work"]["state"], work(health["work"]))
            activity = health["activity"]
            _fact(
                "Last activity",
                f"{ago(activity['at'], utc_now())}, {activity['source']}" if activity else "none yet",
            )
        with _card("Agent and logins"):
            _state(health["agent"]["state"], health["agent"]["message"])
            for login in health["auth"]:
                _state(login["state"], f"{login['provider']}: {login['message'] or plain(login['state'])}")
            if not health["auth"]:
                ui.label("No logins were given.").classes("quiet")
        with _card("What happened"), ui.element("ol").classes("events"):
            for event in reversed(session.journal.events[-_EVENTS:]):
                with ui.element("li").props(f'data-level="{event.level}"'):
                    ui.label(f"{event.at[:19].replace('T', ' ')}").classes("quiet mono")
                    ui.label(f"{event.source}: {event.message}")
        ui.label(
            f"session {health['session'] or 'none'} · revision {health['revision'] or 'none'} · "
            f"version {health['version']}"
        ).classes("quiet mono foot")


def _card(title: str) -> ui.element:
    card = ui.element("section").classes("card")
    with card, ui.element("h2"):
        ui.label(title)
    return card


def _state(word: str, message: str) -> None:
    with ui.element("div").classes("state"):
        ui.label(plain(word)).classes("pill").props(f'data-tone="{tone(word)}"')
        ui.label(message)


def _fact(name: str, value: str) -> None:
    with ui.element("div").classes("fact"):
        ui.label(name).classes("quiet")
        ui.label(value).classes("mono")
