"""What would happen, and why: the plan of a declared session, and of one about to be declared."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.apply import Mode
from api.bodies import read_body
from api.changes import differences
from api.context import Face, Here, Who
from api.objects import resource_from
from api.render import document_of, json_response
from api.summary import summary_of
from crds.base import Key
from crds.event import ObjectReference
from crds.session import Session
from dokploy.errors import DokployError

router = APIRouter()

_EVENTS = 10


@router.get("/api/namespaces/{namespace}/sessions/{name}/why")
async def explain_session(here: Here, who: Who, namespace: str, name: str) -> Response:
    """How a session stands, why, what the controller would do next, and what happened last."""
    session = await here.operations.read(who, Session, Key(namespace, name))
    about = ObjectReference(kind=Session.KIND, namespace=namespace, name=name, uid=session.metadata.uid)
    events = await here.records.list_events(namespace=namespace, about=about, limit=_EVENTS)
    plan = await _plan(here, session)
    conditions = session.status.conditions
    return json_response(
        {
            "summary": summary_of(session, str(plan["why"])),
            "phase": session.status.phase.value,
            "conditions": [c.model_dump(mode="json", by_alias=True) for c in conditions],
            "plan": plan,
            "events": [document_of(event) for event in events],
        }
    )


@router.post("/api/plan")
async def plan_session(request: Request, here: Here, who: Who) -> Response:
    """What applying a session would change, and what the controller would do then; stores nothing."""
    settings = here.settings
    body = await read_body(
        request, limit=settings.api_body_limit_bytes, seconds=settings.api_request_timeout_seconds
    )
    given = resource_from(body, Session, namespace=None, name=None)
    applied = await here.operations.apply(who, given, mode=Mode.DRY_RUN)
    before = None if applied.before is None else document_of(applied.before)
    changes = differences(before, document_of(applied.resource))
    return json_response(
        {
            "result": applied.result.value,
            "changes": [asdict(change) for change in changes],
            "plan": await _plan(here, applied.resource),
        }
    )


async def _plan(here: Face, session: Session) -> dict[str, object]:
    try:
        explanation = await here.explain(here.records, session)
    except DokployError as error:
        return {"why": f"The target cannot be read: {error}", "actions": [], "waitSeconds": None}
    return {
        "why": explanation.why,
        "actions": list(explanation.actions),
        "waitSeconds": explanation.wait_seconds,
    }
