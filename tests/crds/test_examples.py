"""The examples are true: the good ones are taken and complete, each bad one is refused as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from crds.documents import read_documents
from crds.errors import InvalidObject
from crds.session import SessionSpec, SessionTemplate
from crds.target import TargetSpec

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = sorted(path for path in EXAMPLES.rglob("*.yaml") if path.parent.name != "invalid")
INVALID = sorted((EXAMPLES / "invalid").glob("*.yaml"))
SECRET_WORDS = ("not-a-real-password", "not-a-real-token", "not base64!")


def read(path):
    return read_documents(path.read_text(), origin=path.name, variables={"BERTH_HOME": "/srv/berth"})


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_example_is_taken(path):
    assert read(path)


def test_what_may_be_applied_together_names_nothing_twice():
    keys = [
        (each.resource.kind, each.resource.key) for path in EXAMPLES.glob("*.yaml") for each in read(path)
    ]
    assert len(keys) == len(set(keys)) > 5


def test_no_variable_is_left_in_the_first_session():
    (document,) = read(EXAMPLES / "hello.yaml")
    assert document.resource.spec.source.url == "file:///srv/berth/examples/hello.git"


def models_in(annotation):
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from models_in(argument)


def fields_below(model, *, to):
    """Every field of every model below one, as pairs of model and name."""
    for name, field in model.model_fields.items():
        if (model, name) not in to:
            to.add((model, name))
            for inner in models_in(field.annotation):
                fields_below(inner, to=to)
    return to


def fields_used(value, *, to):
    for name in getattr(value, "model_fields_set", ()):
        to.add((type(value), name))
        fields_used(getattr(value, name), to=to)
    for item in value if isinstance(value, tuple) else ():
        fields_used(item, to=to)
    return to


def test_the_full_example_uses_every_field_that_a_person_declares():
    used = set()
    for document in read(EXAMPLES / "full.yaml"):
        if document.resource.kind == "Session":
            fields_used(document.resource.spec, to=used)
    left_out = fields_below(SessionSpec, to=set()) - used
    # Image and build exclude each other; both are there, though not in an override.
    assert {(model.__name__, name) for model, name in left_out} == {
        ("ContainerDefaults", "image"),
        ("ContainerDefaults", "build"),
    }


def test_the_full_example_holds_all_that_it_refers_to():
    documents = [each.resource for each in read(EXAMPLES / "full.yaml")]
    secrets = {each.metadata.name: set(each.string_data) for each in documents if each.kind == "Secret"}
    templates = {each.metadata.name for each in documents if isinstance(each, SessionTemplate)}
    (session,) = (each for each in documents if each.kind == "Session" and each.metadata.name == "full")
    assert session.spec.template in templates
    assert session.spec.source.credentials_secret in secrets
    references = [variable.secret_ref for variable in session.spec.env if variable.secret_ref]
    assert all(reference.key in secrets[reference.name] for reference in references)


def test_the_target_example_uses_every_field_of_its_own():
    (target,) = (
        each.resource for each in read(EXAMPLES / "dokploy" / "target.yaml") if each.resource.kind == "Target"
    )
    used = fields_used(target.spec, to=set())
    left_out = {(m, n) for m, n in fields_below(TargetSpec, to=set()) - used if m.__module__ == "crds.target"}
    assert left_out == set()


def test_there_are_many_mistakes():
    assert len(INVALID) >= 20
    expectations = [path.read_text().splitlines()[0] for path in INVALID]
    assert len(set(expectations)) == len(expectations)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_mistake_is_told_as_the_example_says(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("# expect: ")
    with pytest.raises(InvalidObject) as found:
        read(path)
    (problem,) = found.value.problems
    assert first.removeprefix("# expect: ") in str(problem)
    assert str(problem).startswith(f"{path.name}:")
    assert not any(word in str(problem) for word in SECRET_WORDS)
