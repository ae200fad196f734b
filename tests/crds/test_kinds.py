"""The registry, and the way from a document to a record and back."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.kinds import KINDS as WORDS
from crds.base import API_VERSION, Condition, ConditionStatus, ObjectMeta, Resource
from crds.kinds import KINDS, by_kind, by_name, by_plural, dump, parse
from crds.secret import Secret
from crds.session import DokployStatus, Intent, Phase, Session, SessionSpec, SessionStatus, Source
from crds.target import Target
from crds.user import User

DESIGN = {
    "apiVersion": "berth.dev/v1alpha1",
    "kind": "Session",
    "metadata": {"name": "fix-login", "namespace": "alice"},
    "spec": {
        "title": "Fix the login bug",
        "operatingMode": "Running",
        "template": "python",
        "image": "ghcr.io/acme/session:1",
        "source": {
            "url": "https://github.com/acme/app",
            "ref": "main",
            "depth": 1,
            "credentialsSecret": "github",
        },
        "env": [
            {"name": "LOG", "value": "debug"},
            {"name": "TOKEN", "secretRef": {"name": "my", "key": "token"}},
        ],
        "authFiles": {"providers": ["codex", "claude"]},
        "agent": {"provider": "codex", "autoApprove": False},
        "resources": {"cpu": "1", "memory": "2Gi", "reserve": {"cpu": "250m", "memory": "512Mi"}},
        "storage": {"onDelete": "Delete"},
        "route": {"host": None, "https": True},
        "restartedAt": "2026-11-23T12:00:00Z",
        "idle": {"stopAfter": "30m"},
        "lifetime": {"deleteAfter": "720h"},
        "target": {"name": "default", "overrides": {}},
    },
}
BUILD = {
    "repository": "https://github.com/acme/image",
    "ref": "main",
    "dockerfile": "Dockerfile",
    "context": ".",
    "args": {},
}


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return value


@pytest.mark.parametrize("image", [{"image": "ghcr.io/acme/session:1"}, {"build": BUILD}])
def test_the_session_of_the_design_is_taken_whole_and_read_back_as_it_was_declared(image):
    spec = {name: value for name, value in DESIGN["spec"].items() if name != "image"} | image
    document = DESIGN | {"spec": spec}
    assert dump(parse(document)) == without_nulls(document)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_found_by_each_of_its_names(kind):
    names = (kind.KIND, kind.KIND.lower(), kind.PLURAL, kind.PLURAL.upper(), *kind.SHORT_NAMES)
    assert {by_name(name) for name in names} == {kind}
    assert by_kind(kind.KIND) is by_plural(kind.PLURAL) is kind


def test_no_two_kinds_share_a_name():
    names = [name for kind in KINDS for name in (kind.KIND.lower(), kind.PLURAL, *kind.SHORT_NAMES)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["", "pod", "Sessions "])
def test_what_is_no_kind_is_none(name):
    assert by_name(name) is None
    assert by_kind(name) is None
    assert by_plural(name) is None


def test_the_command_line_knows_the_same_kinds():
    ours = {(kind.KIND, kind.PLURAL, kind.SHORT_NAMES, kind.NAMESPACED) for kind in KINDS}
    assert {(word.name, word.plural, word.short, word.namespaced) for word in WORDS} == ours


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_says_what_it_is(kind):
    assert list(undescribed(kind, kind.KIND)) == []


def undescribed(model, path):
    for name, field in model.model_fields.items():
        if not field.description or not field.description.strip().endswith("."):
            yield f"{path}.{name}"
        for inner in models_in(field.annotation):
            yield from undescribed(inner, f"{path}.{name}")


def models_in(annotation):
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from models_in(argument)


def test_a_secret_is_not_shown_by_its_repr():
    secret = Secret(metadata=ObjectMeta(name="a"), data={"k": "aHVudGVyMg=="}, string_data={"k": "hunter2"})
    assert "hunter2" not in repr(secret)
    assert "aHVudGVyMg" not in repr(secret)


labels = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=63)
texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
times = st.datetimes(timezones=st.just(UTC))
metas = st.builds(
    ObjectMeta,
    name=labels,
    namespace=labels,
    labels=st.dictionaries(labels, labels, max_size=2),
    annotations=st.dictionaries(labels, texts, max_size=2),
    uid=labels,
    generation=st.integers(0, 9),
    finalizers=st.lists(labels, max_size=2).map(tuple),
    creation_timestamp=times,
    deletion_timestamp=st.none() | times,
)
quantities = st.builds("{}{}".format, st.integers(7, 999), st.sampled_from(["Mi", "Gi", "M"]))
durations = st.builds("{}{}".format, st.integers(1, 999), st.sampled_from(["ms", "s", "m", "h", "d"]))
urls = st.builds("https://{}/{}".format, labels, labels)
paths = st.just("Dockerfile") | st.builds("{}/{}".format, labels, labels)
variables = st.lists(
    st.fixed_dictionaries({"name": st.from_regex(r"\A[a-z_][a-z0-9_]{0,9}\Z")}).flatmap(
        lambda named: (
            st.builds(lambda text: {**named, "value": text}, texts)
            | st.builds(lambda name, key: {**named, "secretRef": {"name": name, "key": key}}, labels, labels)
        )
    ),
    unique_by=lambda variable: variable["name"],
    max_size=3,
)
builds = st.fixed_dictionaries(
    {"repository": urls}, optional={"ref": labels, "dockerfile": paths, "context": paths}
)
containers = st.fixed_dictionaries(
    {},
    optional={
        "image": labels,
        "env": variables,
        "port": st.integers(1, 65_535),
        "healthCheck": st.fixed_dictionaries({}, optional={"interval": durations, "command": labels}),
        "stopGrace": durations,
    },
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "operatingMode": st.sampled_from(["Running", "Stopped", "Legacy"]),
        "template": labels,
        "build": builds,
        "source": st.fixed_dictionaries(
            {"url": urls},
            optional={"ref": labels, "depth": st.integers(1, 9), "credentialsSecret": labels},
        ),
        "env": variables,
        "authFiles": st.fixed_dictionaries({}, optional={"providers": st.lists(labels, max_size=2)}),
        "agent": st.fixed_dictionaries(
            {},
            optional={
                "provider": labels,
                "autoApprove": st.booleans(),
                "startSeconds": st.integers(1, 3600),
                "command": st.lists(texts, max_size=2),
            },
        ),
        "resources": st.fixed_dictionaries({}, optional={"memory": quantities, "cpu": st.just("500m")}),
        "storage": st.fixed_dictionaries({}, optional={"onDelete": st.sampled_from(["Delete", "Retain"])}),
        "route": st.fixed_dictionaries({}, optional={"host": labels, "https": st.booleans()}),
        "restartedAt": times.map(datetime.isoformat),
        "idle": st.fixed_dictionaries({}, optional={"stopAfter": durations}),
        "target": st.fixed_dictionaries({}, optional={"name": labels, "overrides": containers}),
    },
)
conditions = st.builds(
    lambda kind, status, message, at: Condition(
        type=kind, status=status, reason=kind, message=message, last_transition_time=at
    ),
    labels,
    st.sampled_from(ConditionStatus),
    texts,
    times,
)
statuses = st.builds(
    SessionStatus,
    phase=st.sampled_from(Phase),
    url=st.none() | urls,
    dokploy=st.builds(
        DokployStatus,
        application_id=st.none() | labels,
        storage=st.lists(labels, max_size=2).map(tuple),
        intent=st.none() | st.builds(Intent, actions=st.lists(labels, max_size=2).map(tuple), at=times),
    ),
    conditions=st.lists(conditions, max_size=2).map(tuple),
    restarts=st.integers(0, 9),
)
sessions = st.builds(
    lambda meta, spec, status: Session(metadata=meta, spec=SessionSpec.model_validate(spec), status=status),
    metas,
    specs,
    statuses,
)
targets = st.builds(
    lambda name, url, container, poll: Target.model_validate(
        {
            "metadata": {"name": name},
            "spec": {
                "url": url,
                "apiKey": {"name": "a", "key": "b"},
                "container": container,
                "poll": {"slow": poll},
            },
        }
    ),
    labels,
    urls,
    containers,
    st.sampled_from(["100ms", "10s", "1h"]),
)
secrets = st.builds(
    Secret,
    metadata=metas,
    type=st.sampled_from(["Opaque", "berth.dev/auth-file"]),
    string_data=st.dictionaries(labels, texts, max_size=2),
    immutable=st.booleans(),
)
users = st.builds(lambda name: User(metadata=ObjectMeta(name=name)), labels)


@given(sessions | targets | secrets | users)
def test_what_is_written_out_is_read_back_the_same(resource: Resource):
    document = json.loads(json.dumps(dump(resource)))
    again = parse(document)
    assert again == resource
    assert dump(again) == document


@given(sessions)
def test_what_was_left_open_is_left_out(session):
    document = dump(session)
    assert set(document["spec"]) == {
        type(session.spec).model_fields[name].alias for name in session.spec.model_fields_set
    }
    assert document["apiVersion"] == API_VERSION


def test_a_field_set_to_none_is_left_out():
    session = Session(
        metadata=ObjectMeta(name="a"), spec=SessionSpec(title=None, source=Source(url="https://h/x"))
    )
    assert dump(session)["spec"] == {"source": {"url": "https://h/x"}}
