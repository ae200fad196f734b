"""Records over HTTP: list, read, create, apply, delete, and the verbs of a session."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from api.apply import Mode, Result
from api.bodies import read_body
from api.context import Face, Here, Who
from api.objects import check_writable, kind_of, place_of, resource_from
from api.operations import ANY, Expected, Manner, Verb
from api.placing import left_behind
from api.problems import Problem, Reason
from api.render import ListBody, record_response
from api.selectors import parse_selector
from crds.base import Key, Resource
from crds.session import Session
from records.port import Page

router = APIRouter()

RESULT_HEADER = "Berth-Result"

_NAMESPACED = "/api/namespaces/{namespace}/{plural}"
_ONE_NAMESPACED = "/api/namespaces/{namespace}/{plural}/{name}"
_ALL = "/api/{plural}"
_ONE = "/api/{plural}/{name}"

Limit = Annotated[int | None, Query(ge=1, le=10_000)]
LabelSelector = Annotated[str | None, Query(alias="labelSelector")]
Continue = Annotated[str | None, Query(alias="continue")]
DryRun = Annotated[bool, Query(alias="dryRun")]
Force = Annotated[bool, Query()]
Orphan = Annotated[bool, Query()]


@router.get(_NAMESPACED)
@router.get(_ALL)
async def list_records(
    here: Here,
    who: Who,
    plural: str,
    namespace: str | None = None,
    selector: LabelSelector = None,
    limit: Limit = None,
    after: Continue = None,
) -> Response:
    """A kind's records, in one namespace or in all: up to the limit, or every one."""
    kind = kind_of(plural)
    if namespace is not None:
        place_of(kind, namespace)
    body, metadata = ListBody(kind), dict[str, object]()
    async for page in here.operations.pages(
        who, kind, namespace=namespace, selector=parse_selector(selector), limit=limit, after=after
    ):
        body.add(page.items)
        metadata = _metadata_of(page)
    return body.response(metadata)


@router.get(_ONE_NAMESPACED)
@router.get(_ONE)
async def read_record(here: Here, who: Who, plural: str, name: str, namespace: str | None = None) -> Response:
    """One record."""
    kind = kind_of(plural)
    return record_response(await here.operations.read(who, kind, Key(place_of(kind, namespace), name)))


@router.post(_NAMESPACED)
@router.post(_ALL)
async def create_record(
    request: Request, here: Here, who: Who, plural: str, namespace: str | None = None
) -> Response:
    """A new record."""
    given = await _given(request, here, plural, namespace, name=None)
    created = await here.operations.create(who, given)
    return record_response(created, 201, {"Location": _path_of(created), **await _affected(here, created)})


@router.put(_ONE_NAMESPACED)
@router.put(_ONE)
async def apply_record(
    request: Request,
    here: Here,
    who: Who,
    plural: str,
    name: str,
    namespace: str | None = None,
    dry_run: DryRun = False,  # noqa: FBT002 - a query's flag
) -> Response:
    """Apply a record: create what is absent, replace what is declared of what is there."""
    given = await _given(request, here, plural, namespace, name=name)
    mode = Mode.DRY_RUN if dry_run else Mode.STORE
    applied = await here.operations.apply(who, given, mode=mode, expected=_expected(request))
    status = 201 if applied.result is Result.CREATED and mode is Mode.STORE else 200
    changed = {} if applied.result is Result.UNCHANGED else await _affected(here, applied.resource)
    return record_response(applied.resource, status, {RESULT_HEADER: applied.result.value, **changed})


@router.delete(_ONE_NAMESPACED)
@router.delete(_ONE)
async def delete_record(
    request: Request,
    here: Here,
    who: Who,
    plural: str,
    name: str,
    namespace: str | None = None,
    force: Force = False,  # noqa: FBT002 - a query's flag
    orphan: Orphan = False,  # noqa: FBT002 - a query's flag
) -> Response:
    """Delete a record, or mark it for deletion while finalizers remain.

    With ``orphan`` a session whose target cannot be reached goes without Dokploy; a ``Warning``
    header tells what is left there.
    """
    kind = kind_of(plural)
    check_writable(kind)
    key = Key(place_of(kind, namespace), name)
    if orphan:
        if kind is not Session:
            raise Problem(Reason.INVALID, f"orphan: only a session can be given up, and not a {kind.KIND}")
        gone = await here.operations.give_up(who, key, expected=_expected(request))
        return record_response(gone, headers={"Warning": f'299 berth "{left_behind(gone)}"'})
    delete = here.operations.delete_forced if force else here.operations.delete
    deleted = await delete(who, kind, key, expected=_expected(request))
    return record_response(deleted, headers=await _affected(here, deleted, gone=True))


# Before the verbs of a session, which would take it for one of theirs.
@router.post(f"{_ONE_NAMESPACED}/undelete")
@router.post(f"{_ONE}/undelete")
async def undelete_record(
    request: Request, here: Here, who: Who, plural: str, name: str, namespace: str | None = None
) -> Response:
    """Take back a deletion of which no step was taken yet; a record that nobody deletes stays as it is."""
    kind = kind_of(plural)
    check_writable(kind)
    key = Key(place_of(kind, namespace), name)
    return record_response(await here.operations.undelete(who, kind, key, expected=_expected(request)))


@router.post("/api/namespaces/{namespace}/sessions/{name}/{verb}")
async def ask_session(
    here: Here,
    who: Who,
    namespace: str,
    name: str,
    verb: str,
    when: Annotated[Literal["now", "idle"], Query()] = "now",
    logins: Annotated[Literal["keep", "take"], Query()] = "keep",
) -> Response:
    """Start, stop or restart a session; a restart may wait for an idle agent, and take newer logins."""
    if verb not in set(Verb):
        raise Problem(Reason.NOT_FOUND, f"a session can be asked to {', '.join(Verb)}; not to {verb!r}")
    manner = Manner(when, logins)
    return record_response(await here.operations.ask(who, Key(namespace, name), Verb(verb), manner))


async def _affected(here: Face, changed: Resource, *, gone: bool = False) -> dict[str, str]:
    """The header that says which sessions a change concerns; none where nobody is concerned."""
    said = await here.affects(here.records, changed, gone=gone)
    return {"Warning": f'299 berth "{said}"'} if said else {}


async def _given(
    request: Request, here: Face, plural: str, namespace: str | None, *, name: str | None
) -> Resource:
    kind = kind_of(plural)
    check_writable(kind)
    place = place_of(kind, namespace)
    settings = here.settings
    body = await read_body(
        request, limit=settings.api_body_limit_bytes, seconds=settings.api_request_timeout_seconds
    )
    return resource_from(body, kind, namespace=place or None, name=name)


def _metadata_of(page: Page[Resource]) -> dict[str, object]:
    metadata: dict[str, object] = {"resourceVersion": str(page.revision)}
    if page.next is not None:
        metadata |= {"continue": page.next, "remainingItemCount": page.remaining}
    return metadata


def _expected(request: Request) -> Expected:
    """The version that ``If-Match`` supposes; ``*`` supposes no particular one."""
    tag = request.headers.get("if-match", "").strip()
    version = tag.removeprefix("W/").strip('"')
    return ANY if version in {"", "*"} else Expected(version)


def _path_of(resource: Resource) -> str:
    meta = resource.metadata
    if resource.NAMESPACED:
        return f"/api/namespaces/{meta.namespace}/{resource.PLURAL}/{meta.name}"
    return f"/api/{resource.PLURAL}/{meta.name}"
