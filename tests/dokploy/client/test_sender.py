"""What goes out with a request, and what of an answer is left aside."""

from __future__ import annotations

import httpx

from tests.dokploy.client.recorded import KEY, Scripted, dokploy, recorded

_SERVICES = recorded("size_swarm_getNodeApps")


async def test_every_request_says_whose_it_is_and_what_it_reads():
    there = Scripted({"swarm.getNodeApps": _SERVICES})
    await dokploy(there).list_services()
    headers = there.requests[0].headers
    assert (headers["x-api-key"], headers["accept"], headers["user-agent"]) == (
        KEY,
        "application/json",
        "berth",
    )


async def test_what_is_asked_is_quoted():
    there = Scripted({"application.readLogs": httpx.Response(200, json="")})
    await dokploy(there).read_logs("a&b=c d/é", tail=1, since=None)
    assert there.asked == {"applicationId": "a&b=c d/é", "tail": "1", "since": "all"}
