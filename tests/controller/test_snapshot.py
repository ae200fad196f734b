"""What a listing shows is sorted once, for as long as it stays the same."""

from __future__ import annotations

from dataclasses import replace

from controller.identity import Markers
from controller.observe import take_snapshot
from dokploy.port import ApplicationRow, ServiceRow
from tests.controller.builders import INSTANCE, NOW, application, identity, service, session

OURS = identity(session())


class Listed:
    """A Dokploy that lists what it is given."""

    def __init__(self, applications: tuple[ApplicationRow, ...], services: tuple[ServiceRow, ...]) -> None:
        self.applications, self.services = applications, services

    async def list_applications(self) -> tuple[ApplicationRow, ...]:
        return self.applications

    async def list_services(self) -> tuple[ServiceRow, ...]:
        return self.services


async def test_only_a_listing_that_changed_is_sorted_again():
    of = session()
    there = Listed((application(of),), (service(of),))
    markers = Markers(INSTANCE)
    first = await take_snapshot(there, markers, (), now=NOW)
    same = await take_snapshot(there, markers, (), now=NOW, before=first)
    assert same.listed_applications is first.listed_applications
    assert same.listed_services is first.listed_services
    assert same.signature(OURS.session_id) == first.signature(OURS.session_id)

    there.services = (replace(there.services[0], running=0),)
    changed = await take_snapshot(there, markers, (), now=NOW, before=same)
    assert changed.listed_applications is first.listed_applications
    assert changed.services[OURS.session_id] == there.services
    assert changed.signature(OURS.session_id) != first.signature(OURS.session_id)
    assert changed.started_at >= first.started_at


async def test_others_are_listed_and_belong_to_no_session():
    of = session()
    other = replace(application(of), ref=replace(application(of).ref, app_name="shop-abc123"))
    snapshot = await take_snapshot(Listed((other,), ()), Markers(INSTANCE), (), now=NOW)
    assert snapshot.applications == {}
    assert snapshot.signature(OURS.session_id) == ((), (), None)
