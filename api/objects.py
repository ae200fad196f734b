"""From a request to a typed record: which kind a path names, and what a body declares."""

from __future__ import annotations

import json
from typing import TypeVar

from api.bodies import Body
from api.problems import Problem, Reason, invalid
from crds.base import Resource
from crds.documents import read_documents
from crds.event import Event, ObjectReference
from crds.kinds import KINDS, by_kind, by_name, by_plural, parse

R = TypeVar("R", bound=Resource)

DECLARED_KINDS = tuple(kind for kind in KINDS if kind is not Event)
"""What people write; events are written about it."""

_REFERENCE_PARTS = (2, 3)


def kind_of(plural: str) -> type[Resource]:
    """The kind a path names; raises Problem NotFound."""
    kind = by_plural(plural)
    if kind is None:
        known = ", ".join(kind.PLURAL for kind in KINDS)
        raise Problem(Reason.NOT_FOUND, f"there is no kind {plural!r}; there are {known}")
    return kind


def kinds_from(text: str) -> tuple[type[Resource], ...]:
    """The kinds of a comma-separated list; raises Problem."""
    names = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise invalid((("kinds", "name at least one, such as sessions"),))
    return tuple(map(kind_of, names))


def check_writable(kind: type[Resource]) -> None:
    """Raise Problem where records of a kind are not written by people."""
    if kind is Event:
        raise Problem(Reason.INVALID, "events are written by Berth alone; they can be read only", status=405)


def place_of(kind: type[Resource], namespace: str | None) -> str:
    """The namespace of one record's key; raises Problem where the path has one too many or too few."""
    if kind.NAMESPACED and not namespace:
        detail = f"{kind.PLURAL} live in namespaces: /api/namespaces/<namespace>/{kind.PLURAL}"
        raise Problem(Reason.NOT_FOUND, detail)
    if namespace and not kind.NAMESPACED:
        raise Problem(Reason.NOT_FOUND, f"{kind.PLURAL} live in no namespace: /api/{kind.PLURAL}")
    return namespace or ""


def resource_from(body: Body, kind: type[R], *, namespace: str | None, name: str | None) -> R:
    """The record that a body declares; what the path says may be left out of it.

    ``namespace`` or ``name`` None: the path says nothing of it, so that the body must.
    Raises InvalidObject with every problem, and Problem where the two contradict each other.
    """
    given = _from_yaml(body, namespace) if body.is_yaml else _from_json(body, kind, namespace, name)
    if not isinstance(given, kind):
        raise _of_another_kind(given.KIND, kind)
    meta = given.metadata
    _check_same("metadata.name", meta.name, name)
    _check_same("metadata.namespace", meta.namespace, namespace)
    if kind.NAMESPACED and not meta.namespace:
        raise invalid((("metadata.namespace", "required"),))
    return given


def reference_from(about: str | None, *, namespace: str | None) -> ObjectReference | None:
    """What ``Session/name`` or ``Session/namespace/name`` refers to; raises Problem Invalid."""
    if not about:
        return None
    parts = about.split("/")
    kind = by_name(parts[0])
    if len(parts) not in _REFERENCE_PARTS or not all(parts) or kind is None:
        raise invalid((("about", f"{about!r}: write Kind/name, such as Session/hello"),))
    place = (parts[1] if len(parts) == max(_REFERENCE_PARTS) else namespace or "") if kind.NAMESPACED else ""
    return ObjectReference(kind=kind.KIND, namespace=place, name=parts[-1])


def _from_json(body: Body, kind: type[Resource], namespace: str | None, name: str | None) -> Resource:
    try:
        document = json.loads(body.content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise malformed(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise malformed("not JSON: the body is not UTF-8") from None
    except RecursionError:
        raise malformed("not JSON: it is nested too deeply") from None
    except ValueError as error:
        raise malformed(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise malformed("the body is not one object with apiVersion, kind, metadata and spec")
    if document.get("kind", kind.KIND) != kind.KIND and by_kind(str(document["kind"])):
        raise _of_another_kind(str(document["kind"]), kind)
    metadata = document.get("metadata", {})
    if isinstance(metadata, dict):
        path = {"namespace": namespace if kind.NAMESPACED else None, "name": name}
        document["metadata"] = {key: value for key, value in path.items() if value} | metadata
    return parse({"kind": kind.KIND} | document)


def _from_yaml(body: Body, namespace: str | None) -> Resource:
    try:
        text = body.content.decode()
    except UnicodeDecodeError:
        raise malformed("not YAML: the body is not UTF-8") from None
    try:
        documents = read_documents(text, origin="body", namespace=namespace or "")
    except RecursionError:
        raise malformed("not YAML: it is nested too deeply") from None
    if len(documents) != 1:
        raise malformed(f"the body has {len(documents)} documents; send one record at a time")
    return documents[0].resource


def _of_another_kind(given: str, kind: type[Resource]) -> Problem:
    return invalid((("kind", f"a {given} was sent to the path of a {kind.KIND}"),))


def _check_same(field: str, in_body: str, in_path: str | None) -> None:
    if in_path and in_body != in_path:
        raise invalid(((field, f"{in_body!r} is not {in_path!r}, which the path says"),))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the field {name!r} appears twice in one object")
        found[name] = value
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")


def malformed(detail: str) -> Problem:
    """A body that cannot even be read."""
    return Problem(Reason.INVALID, detail, status=400)
