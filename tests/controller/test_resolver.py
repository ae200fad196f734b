"""A session is resolved once for as long as nothing changes that the answer is made from."""

from __future__ import annotations

import pytest

from controller.desired import Desired
from controller.resolver import Resolver
from controller.secrets import SecretValues
from crds.base import Key, ObjectMeta, Resource
from crds.container import SecretKeyReference
from crds.secret import Secret
from crds.session import EnvVar, Session, SessionFields, SessionTemplate
from crds.target import Target
from tests.controller.builders import KEY, identity, session
from tests.controller.world import target


def moved(record: Resource, generation: int = 2) -> Resource:
    meta = record.metadata.model_copy(update={"generation": generation, "resource_version": "9"})
    return record.model_copy(update={"metadata": meta})


def secret(value: str, version: str = "1") -> Secret:
    meta = ObjectMeta(name="my", namespace="alice", uid="s-1", resource_version=version)
    return Secret(metadata=meta, data={"key": value})


SESSION = session(
    env=(
        EnvVar(name="OF_MINE", value="1"),
        EnvVar(name="TOKEN", secret_ref=SecretKeyReference(name="my", key="key")),
    )
)
TEMPLATE = SessionTemplate(
    metadata=ObjectMeta(name="python", namespace="alice", uid="t-1", generation=1), spec=SessionFields()
)
SECRET = secret("b25l")


def resolved(
    by: Resolver,
    of: Session = SESSION,
    template: SessionTemplate = TEMPLATE,
    on: Target | None = None,
    known: Secret = SECRET,
) -> Desired:
    return by.resolve(
        of,
        template=template,
        target=on or moved(target(), 1),
        secrets=SecretValues.of([known]),
        identity=identity(of),
    )


def test_what_did_not_change_is_not_resolved_again():
    by = Resolver(KEY)
    first = resolved(by)
    status_written = SESSION.model_copy(
        update={"metadata": SESSION.metadata.model_copy(update={"resource_version": "9"})}
    )
    assert resolved(by) is first
    assert resolved(by, status_written) is first


@pytest.mark.parametrize(
    "changed",
    [
        {"of": moved(session(env=(EnvVar(name="OF_MINE", value="2"),)))},
        {"template": moved(TEMPLATE.model_copy(update={"spec": SessionFields(title="x")}))},
        {"on": moved(target(url="https://other.test"))},
        {"known": secret("dHdv", version="2")},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_any_change_of_what_it_is_made_from_is_seen(changed: dict[str, Resource]):
    by = Resolver(KEY)
    first = resolved(by)
    again = resolved(by, **changed)
    assert again is not first
    assert again == resolved(Resolver(KEY), **changed)


def test_one_that_is_declared_again_shares_nothing_with_the_old_one():
    by = Resolver(KEY)
    old = resolved(by)
    new = resolved(by, session(uid="uid-2"))
    assert new.identity != old.identity
    assert new == resolved(Resolver(KEY), session(uid="uid-2"))


def test_what_is_gone_is_forgotten():
    by = Resolver(KEY)
    first = resolved(by)
    by.forget(Key("alice", "other"))
    assert resolved(by) is first
    by.forget(SESSION.key)
    assert resolved(by) is not first
    assert resolved(by) == first
