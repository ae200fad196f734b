"""A Berth in memory that speaks the HTTP contract: enough of it to command, list, watch and break.

It holds records and changes as the real one does, and what a controller would do later is scheduled
on the running loop, so that a test's virtual time drives it.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.cli.samples import BORN, Record

URL = "http://127.0.0.1:7431"
TOKEN = "canary-7f3a9e"
ENTRY_TOKEN = "canary.of-the.way_in"
ASKED = "2026-11-23T12:05:00+00:00"
_KINDS = {
    "sessions": "Session",
    "sessiontemplates": "SessionTemplate",
    "targets": "Target",
    "secrets": "Secret",
    "users": "User",
    "events": "Event",
}
_PLURALS = {kind: plural for plural, kind in _KINDS.items()}
_CLUSTER = {"targets", "users"}
_PATH = re.compile(
    r"/api(?:/namespaces/(?P<ns>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<verb>[a-z-]+))?"
)


class Problem(Exception):
    def __init__(
        self, status: int, reason: str, detail: str, causes: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail, self.causes = status, reason, detail, causes

    def document(self) -> Record:
        causes = [{"field": field, "message": message} for field, message in self.causes]
        return {
            "title": self.reason,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            "causes": causes,
        }

    def response(self) -> httpx.Response:
        return httpx.Response(
            self.status,
            content=json.dumps(self.document()),
            headers={"Content-Type": "application/problem+json"},
        )


class _Stream(httpx.AsyncByteStream):
    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            yield chunk


@dataclass
class FakeBerth(httpx.AsyncBaseTransport):
    """The server, and the transport by which a client reaches it."""

    records: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    changes: list[tuple[int, str, Record]] = field(default_factory=list)
    revision: int = 0
    oldest: int = 0
    """Changes up to this revision are no longer kept."""
    requests: list[httpx.Request] = field(default_factory=list)
    concerns: str = ""
    """Which sessions an apply concerns, in words."""
    explanation: Record = field(default_factory=dict)
    planned: Record = field(default_factory=dict)
    preview: Record = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    down: bool = False
    delay: float = 0.0
    """Seconds before each answer."""
    answer: httpx.Response | None = None
    """Given to every request, if there is one."""
    busy: int = 0
    """So many of the next requests find the records locked."""
    refused: set[str] = field(default_factory=set)
    """Names of records that break a rule of the server's."""
    breaks_after: int | None = None
    """Frames after which a watch's connection is cut; then it holds."""
    watches: int = 0
    then: dict[str, Callable[[Record], None]] = field(default_factory=dict)
    """What the controller does after a verb, by the verb."""

    # -- what tests do to it

    def put(self, record: Record, **status: Any) -> Record:
        """Store a record, new or changed; a change of spec is a new generation."""
        plural = _PLURALS[record["kind"]]
        meta = record["metadata"]
        key = (plural, "" if plural in _CLUSTER else meta.get("namespace", "default"), meta["name"])
        old = self.records.get(key)
        self.revision += 1
        new = copy.deepcopy(record)
        if key[1]:
            new["metadata"]["namespace"] = key[1]
        kept = (old or {}).get("metadata") or {
            "uid": f"uid-{self.revision}",
            "creationTimestamp": BORN,
            "generation": 0,
        }
        generation = kept["generation"] + (old is None or old.get("spec") != new.get("spec"))
        new["metadata"] = {
            **kept,
            **new["metadata"],
            "generation": generation,
            "resourceVersion": str(self.revision),
        }
        new["status"] = {**((old or {}).get("status") or {}), **new.get("status", {}), **status}
        self.records[key] = new
        self.changes.append((self.revision, "MODIFIED" if old else "ADDED", copy.deepcopy(new)))
        return new

    def report(self, name: str, *, namespace: str = "default", **status: Any) -> None:
        """Write a session's status."""
        record = self.records["sessions", namespace, name]
        self.put(record, **status)

    def remove(self, plural: str, name: str, *, namespace: str = "default") -> None:
        record = self.records.pop((plural, namespace, name))
        self.revision += 1
        record["metadata"]["resourceVersion"] = str(self.revision)
        self.changes.append((self.revision, "DELETED", record))

    def later(self, seconds: float, change: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(seconds, change)

    def sent(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]

    # -- what clients see of it

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        if self.answer is not None:
            return self.answer
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Problem(401, "Unauthorized", "the token is not one of this Berth").response()
        try:
            return self._route(request)
        except Problem as problem:
            return problem.response()

    def _route(self, request: httpx.Request) -> httpx.Response:
        path, parameters = request.url.path, dict(request.url.params)
        if self.busy:
            self.busy -= 1
            raise Problem(503, "Unavailable", "the records are locked")
        if path == "/api/version":
            told = {
                "version": "9.9",
                "instance": "b1234567",
                "records": "sqlite",
                "identity": {"name": "admin"},
            }
            return httpx.Response(200, json=told)
        if path == "/api/plan":
            return httpx.Response(200, json=self.planned)
        if path == "/api/watch":
            return httpx.Response(
                200, headers={"Content-Type": "text/event-stream"}, stream=_Stream(self._watch(parameters))
            )
        match = _PATH.fullmatch(path)
        if match is None or match["plural"] not in _KINDS:
            raise Problem(404, "NotFound", "there is nothing at this path")
        if match["verb"] and match["plural"] == "targets":
            return self._of_target(request, match, parameters)
        if match["verb"]:
            return self._verb(match, parameters)
        if match["name"] in self.refused and request.method == "PUT":
            raise Problem(422, "Invalid", "it breaks a rule")
        if match["name"]:
            return self._one(request, match, parameters)
        if request.method == "POST":
            body = json.loads(request.content)
            key = (match["plural"], match["ns"] or "", body["metadata"]["name"])
            if key in self.records:
                raise Problem(409, "AlreadyExists", f"there is a {key[2]} already")
            return httpx.Response(201, json=self._shown(self.put(body)))
        return self._list(match, parameters)

    def _of_target(
        self, request: httpx.Request, match: re.Match[str], parameters: dict[str, str]
    ) -> httpx.Response:
        record = copy.deepcopy(self._there(("targets", "", match["name"])))
        if request.method == "GET":
            return httpx.Response(200, json={"target": match["name"], "unfinished": None, **self.preview})
        if match["verb"] == "accept-absence":
            seen = record["status"]["absence"]["applications"]
            if int(parameters["missing"]) != seen:
                raise Problem(409, "Conflict", f"target lacks {seen} by now; look again")
        annotations = {**record["metadata"].get("annotations", {}), f"berth.dev/{match['verb']}": ASKED}
        record["metadata"]["annotations"] = annotations
        record = self.put(record)
        self._happens(match["verb"], record)
        return httpx.Response(200, json=record)

    def _list(self, match: re.Match[str], parameters: dict[str, str]) -> httpx.Response:
        found = sorted(
            (key, record)
            for key, record in self.records.items()
            if key[0] == match["plural"] and match["ns"] in {None, key[1]} and _labelled(record, parameters)
        )
        if about := parameters.get("about"):
            found = [each for each in found if _about(each[1]) == about]
        start, limit = int(parameters.get("continue", 0)), int(parameters.get("limit", 10_000))
        metadata: Record = {"resourceVersion": str(self.revision)}
        if start + limit < len(found):
            metadata["continue"] = str(start + limit)
        items = [self._shown(record) for _, record in found[start : start + limit]]
        return httpx.Response(
            200, json={"kind": f"{_KINDS[match['plural']]}List", "metadata": metadata, "items": items}
        )

    def _one(
        self, request: httpx.Request, match: re.Match[str], parameters: dict[str, str]
    ) -> httpx.Response:
        key = (match["plural"], match["ns"] or "", match["name"])
        if request.method == "PUT":
            return self._apply(key, json.loads(request.content), parameters)
        record = self._there(key)
        if request.method == "DELETE":
            unsaved = any(
                c["type"] == "WorkSaved" and c["status"] == "False"
                for c in record["status"].get("conditions", ())
            )
            if unsaved and not {"force", "orphan"} & parameters.keys():
                raise Problem(409, "WorkUnsaved", f"{key[2]} holds 3 uncommitted files")
            if record["metadata"].get("finalizers"):
                record["metadata"]["deletionTimestamp"] = BORN
                record = self.put(record)
                self._happens("delete", record)
            else:
                self.remove(key[0], key[2], namespace=key[1])
            if parameters.get("orphan") == "true":
                left = "left on the target 'default': the application b-hello"
                headers = {"Warning": f'299 berth "{left}"'}
                return httpx.Response(200, json=self._shown(record), headers=headers)
        return httpx.Response(200, json=self._shown(record))

    def _apply(self, key: tuple[str, str, str], body: Record, parameters: dict[str, str]) -> httpx.Response:
        if body.get("spec", {}).get("image") == "bad image":
            raise Problem(422, "Invalid", "invalid", (("spec.image", "is not an image"),))
        old = self.records.get(key)
        same = old is not None and all(
            old.get(part) == body.get(part) for part in ("spec", "data", "stringData")
        )
        result = "created" if old is None else "unchanged" if same else "configured"
        if parameters.get("dryRun") == "true":
            record = {**(old or {}), **body}
        else:
            record = old if same and old else self.put(body)
        status = 201 if old is None and "dryRun" not in parameters else 200
        said = {"Warning": f'299 berth "{self.concerns}"'} if self.concerns else {}
        return httpx.Response(status, json=self._shown(record), headers={"Berth-Result": result, **said})

    def _verb(self, match: re.Match[str], parameters: dict[str, str]) -> httpx.Response:
        record = self._there((match["plural"], match["ns"] or "", match["name"]))
        if match["verb"] == "undelete":
            if record["status"].get("dokploy", {}).get("removingSince"):
                raise Problem(409, "Conflict", f"{match['name']} cannot be kept: it is being removed")
            record["metadata"].pop("deletionTimestamp", None)
            return httpx.Response(200, json=self.put(record))
        if match["verb"] == "entry":
            given = {"url": record["status"]["url"], "token": ENTRY_TOKEN, "expiresAt": ASKED}
            return httpx.Response(201, json=given)
        if match["verb"] == "why":
            return httpx.Response(200, json=self.explanation)
        if match["verb"] == "logs":
            return httpx.Response(
                200, headers={"Content-Type": "text/plain; charset=utf-8"}, stream=_Stream(self._log())
            )
        mode = "Stopped" if match["verb"] == "stop" else "Running"
        spec = {**record.get("spec", {}), "operatingMode": mode}
        if match["verb"] == "restart":
            at = f"{BORN}-{self.revision}"
            spec["restartWhenIdleAt" if parameters.get("when") == "idle" else "restartedAt"] = at
            if parameters.get("logins") == "take":
                spec["authFiles"] = {"takeGivenAt": at}
        changed = self.put({**record, "spec": spec})
        self._happens(match["verb"], changed)
        return httpx.Response(200, json=changed)

    def _happens(self, verb: str, record: Record) -> None:
        if verb in self.then:
            self.then[verb](record)

    async def _log(self) -> AsyncIterator[bytes]:
        for line in self.lines:
            yield f"{line}\n".encode()

    async def _watch(self, parameters: dict[str, str]) -> AsyncIterator[bytes]:
        self.watches += 1
        plurals, since = parameters["kinds"].split(","), int(parameters["since"])
        if since < self.oldest:
            yield _frame("ERROR", Problem(410, "Expired", "no longer kept").document())
            return
        told = 0
        while True:
            for revision, kind, record in [change for change in self.changes if change[0] > since]:
                since = revision
                mine = _PLURALS[record["kind"]] in plurals and _labelled(record, parameters)
                if mine and parameters.get("namespace") in {None, record["metadata"].get("namespace")}:
                    yield _frame(kind, {"object": self._shown(record)}, revision)
                    told += 1
                if told == self.breaks_after:
                    self.breaks_after = None
                    raise httpx.ReadError("cut")
            await asyncio.sleep(0.1)
            if self.down:
                raise httpx.ReadError("gone")

    def _there(self, key: tuple[str, str, str]) -> Record:
        try:
            return self.records[key]
        except KeyError:
            raise Problem(
                404, "NotFound", f"there is no {_KINDS[key[0]].lower()} {key[1]}/{key[2]}"
            ) from None

    def _shown(self, record: Record) -> Record:
        if record["kind"] != "Secret":
            return record
        shown = {part: value for part, value in record.items() if part not in {"data", "stringData"}}
        keys = [*record.get("data", {}), *record.get("stringData", {})]
        return {**shown, "digests": dict.fromkeys(keys, "hmac:0a1b2c3d")}


def _frame(kind: str, data: Record, revision: int | None = None) -> bytes:
    identity = f"id: {revision}\n" if revision is not None else ""
    return f"event: {kind}\n{identity}data: {json.dumps(data)}\n\n".encode()


def _labelled(record: Record, parameters: dict[str, str]) -> bool:
    wanted = dict(pair.split("=") for pair in parameters.get("labelSelector", "").split(",") if pair)
    labels = record["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


def _about(record: Record) -> str:
    return f"{record['involvedObject']['kind']}/{record['involvedObject']['name']}"
