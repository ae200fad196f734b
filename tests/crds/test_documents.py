"""Text becomes records, or errors that say where: any text, and never a crash."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from crds import documents
from crds.documents import MAX_BYTES, read_documents
from crds.errors import InvalidObject
from crds.kinds import parse

HELLO = "apiVersion: berth.dev/v1alpha1\nkind: Session\nmetadata: {name: hello}\n"
OTHER = HELLO.replace("hello", "other")


def refused(text, **more):
    with pytest.raises(InvalidObject) as found:
        read_documents(text, origin="f.yaml", **more)
    return [str(problem) for problem in found.value.problems]


def test_several_documents_are_read_in_order_with_their_places():
    documents = read_documents(f"# first\n{HELLO}---\n---\n{OTHER}...\n", origin="f.yaml")
    assert [(str(each.resource.key), each.origin) for each in documents] == [
        ("default/hello", "f.yaml:2"),
        ("default/other", "f.yaml:7"),
    ]


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n---\n", "null\n"])
def test_nothing_declares_nothing(text):
    assert read_documents(text) == []


def test_the_namespace_is_given_to_what_names_none():
    text = f"{HELLO}---\n{OTHER.replace('{', '{namespace: bob, ')}"
    assert [each.resource.key.namespace for each in read_documents(text, namespace="alice")] == [
        "alice",
        "bob",
    ]


def test_a_namespace_left_empty_is_none():
    text = HELLO.replace("{name", "{namespace: , name")
    assert read_documents(text, namespace="alice")[0].resource.key.namespace == "alice"


def test_cluster_scoped_kinds_get_no_namespace():
    text = HELLO.replace("Session", "User")
    assert read_documents(text)[0].resource.key.namespace == ""


@pytest.mark.parametrize("null", ["env:", "source: null", "route: {host: null, https: ~}", "title:"])
def test_a_field_that_is_null_is_left_out(null):
    spec = read_documents(f"{HELLO}spec:\n  {null}\n")[0].resource.spec
    name = null.partition(":")[0]
    assert name not in spec.model_fields_set or not getattr(spec, name).model_fields_set


def test_a_time_is_read_as_the_model_wants_it():
    (document,) = read_documents(f"{HELLO}spec: {{restartedAt: 2026-11-23T12:00:00Z}}\n")
    assert document.resource.spec.restarted_at.isoformat() == "2026-11-23T12:00:00+00:00"


def test_given_variables_are_replaced_in_values_and_others_left_alone():
    text = f"{HELLO}spec: {{title: 'at ${{BERTH_HOME}}, ${{HOME}} and $BERTH_HOME'}}\n"
    (document,) = read_documents(text, variables={"BERTH_HOME": "/srv/b"})
    assert document.resource.spec.title == "at /srv/b, ${HOME} and $BERTH_HOME"


def test_what_a_variable_holds_is_no_yaml():
    text = f"{HELLO}spec: {{title: '${{BERTH_HOME}}'}}\n"
    (document,) = read_documents(text, variables={"BERTH_HOME": "'}, image: x, ${BERTH_HOME}"})
    assert document.resource.spec.title == "'}, image: x, ${BERTH_HOME}"


def test_a_mistake_is_told_with_the_line_of_its_field():
    text = f"{HELLO}spec:\n  env:\n    - name: A\n      value: x\n    - name: 1B\n      value: y\n"
    assert refused(text)[0].startswith("f.yaml:8: spec.env[1].name: ")


def test_a_mistake_in_a_bracketed_key_is_told_with_its_line():
    text = HELLO.replace("{name: hello}", "\n  name: hello\n  labels:\n    example.com/x: 1")
    assert refused(text)[0].startswith("f.yaml:6: metadata.labels[example.com/x]: ")


def test_a_missing_field_is_told_with_the_line_above_it():
    assert refused(f"{HELLO}spec:\n  source: {{ref: main}}\n")[0] == "f.yaml:5: spec.source.url: required"


def test_every_mistake_of_every_document_is_told_at_once():
    bad = "spec: {{title: {}}}\n"
    found = refused(f"{HELLO}{bad.format(1)}---\n{OTHER}{bad.format(2)}")
    assert [each.partition(": ")[0] for each in found] == ["f.yaml:4", "f.yaml:9"]


def test_one_name_twice_is_told_with_both_places():
    assert refused(f"{HELLO}---\n{HELLO}") == [
        "f.yaml:5: Session default/hello is declared here and at f.yaml:1"
    ]


def test_one_name_in_two_namespaces_or_kinds_is_no_double():
    elsewhere = HELLO.replace("{", "{namespace: b, ")
    text = f"{HELLO}---\n{elsewhere}---\n{HELLO.replace('Session', 'SessionTemplate')}"
    assert len(read_documents(text)) == 3


BROKEN = {
    "spec: [a\n": "f.yaml:2:1: this is not YAML: while parsing a flow sequence",
    "a:\n\t- b\n": "f.yaml:2:1: this is not YAML: while scanning",
    "a: b: c\n": "f.yaml:1:5: this is not YAML: mapping values are not allowed here",
    "a: \x00": "f.yaml:1: this is not YAML: special characters are not allowed",
    "a: *hunter2": "f.yaml:1:4: this is not YAML: an alias or anchor fits no other",
    "a: !hunter2": "f.yaml:1:4: this is not YAML: an unknown tag",
    "a: !!python/object/apply:os.system [x]": "f.yaml:1:4: this is not YAML: an unknown tag",
    "a: !!int x": "f.yaml:1: this is not YAML: a number or tagged value cannot be read",
    f"a: {'1' * 5000}": "f.yaml:1: this is not YAML: a number or tagged value cannot be read",
    "{[a]: b}": "f.yaml:1:2: this is not YAML: while constructing a mapping, found unhashable key",
    "a: 1\nb: {c: 1, c: 2}\n": "f.yaml:2:11: the key 'c' stands here and in line 2",
    "- a\n": "f.yaml:1: a document must be a mapping",
    "hello\n": "f.yaml:1: a document must be a mapping",
    "a: &a [*a]\n": "f.yaml:1: aliases make this document larger than",
    "[" * 100_000: "f.yaml:1: is nested deeper than any record",
    "- " * 20_000: "f.yaml:1: is nested deeper than any record",
    f"{HELLO}spec: {'{a: ' * 300}1{'}' * 300}": "f.yaml:4: spec.a: unknown field",
    "metadata: {name: a}\n": "f.yaml:1: kind: required; one of: Session, SessionTemplate, Target",
    "kind: session\n": "f.yaml:1: kind: there is no such kind; did you mean Session?",
    "kind: Pod\n": "f.yaml:1: kind: there is no such kind; one of",
    "kind: [1]\n": "f.yaml:1: kind: there is no such kind",
    "apiVersion: v1\nkind: Session\n": "f.yaml:1: apiVersion: Session is served as berth.dev/v1alpha1",
}


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:30])
def test_broken_text_is_told_with_its_place(text):
    (found,) = refused(text)
    assert found.startswith(BROKEN[text])
    assert "hunter2" not in found


def test_aliases_that_multiply_are_refused():
    rows = [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    assert "aliases make this document larger" in refused("a: &a [x]\n" + "\n".join(rows))[0]


def test_an_alias_as_such_is_taken():
    text = f"{HELLO}spec: {{resources: {{cpu: &c '1', reserve: {{cpu: *c}}}}}}\n"
    assert read_documents(text)[0].resource.spec.resources.reserve.cpu == "1"


def test_a_large_document_is_refused_before_it_is_read():
    second = f"---\n{OTHER}spec: {{title: {'x' * MAX_BYTES}}}\n"
    found = refused(HELLO + second)
    assert found == [f"f.yaml:4: the document has {len(second):,} bytes, and at most {MAX_BYTES:,} are taken"]


def test_a_file_may_hold_more_than_one_document_may():
    padding = f"#{'x' * (MAX_BYTES // 2)}\n"
    assert len(read_documents(f"{HELLO}{padding}---\n{OTHER}{padding}{padding[: MAX_BYTES // 4]}")) == 2


@given(st.text(alphabet="aA1 :-[]{}&*!|>'\"%@`#,?\n\t\\.~<=${}\u00fc\ufeff", max_size=60))
def test_any_text_is_read_or_refused(text):
    with suppress(InvalidObject):
        read_documents(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(
        ["env", "source", "resources", "build", "agent", "target", "restartedAt", "title", "route"]
    ),
)
def test_any_value_in_any_field_is_taken_or_refused(value, field):
    with suppress(InvalidObject):
        parse({"kind": "Session", "metadata": {"name": "a"}, "spec": {field: value}})


def record(name, **spec):
    return {
        "apiVersion": "berth.dev/v1alpha1", "kind": "Session", "metadata": {"name": name}, "spec": spec
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["List", "SessionList"])
@pytest.mark.parametrize("written", [json.dumps, yaml.safe_dump])
def test_a_list_counts_as_the_records_in_it(kind, written):
    text = written({"apiVersion": "v1", "kind": kind, "metadata": {}, "items": [record("a"), record("b")]})
    assert [document.resource.metadata.name for document in read_documents(f"{HELLO}---\n{text}")] == [
        "hello", "a", "b"
    ]  # fmt: skip


def test_a_mistake_in_a_list_is_told_with_its_line_and_all_of_them():
    text = (
        "kind: List\nitems:\n- kind: Session\n  metadata: {name: a}\n  spec: {titel: x}\n- 7\n- kind: Nope\n"
    )
    told = refused(text)
    assert [line.split(": ")[0] for line in told] == ["f.yaml:5", "f.yaml:6", "f.yaml:7"]


def test_an_empty_list_declares_nothing():
    assert read_documents("kind: List\nitems: []\n") == []


def test_a_list_may_be_larger_than_a_record_but_none_of_its_records(monkeypatch):
    monkeypatch.setattr(documents, "MAX_BYTES", 1_000)
    large = [record(f"s-{number}", title="x" * 200) for number in range(20)]
    assert len(read_documents(json.dumps({"kind": "List", "items": large}))) == 20
    (told,) = refused(json.dumps({"kind": "List", "items": [record("a", title="x" * 1_001)]}))
    assert "more than" in told


def test_what_json_escapes_in_two_halves_is_one_character():
    (document,) = read_documents(json.dumps(record("a", title="a \U0001f600 b")))
    assert document.resource.spec.title == "a \U0001f600 b"


@pytest.mark.parametrize("half", ["\ud83d", "\ude00\ud83d"])
def test_half_a_character_is_refused_by_its_field(half):
    (told,) = refused(json.dumps(record("a", title=f"a {half}")))
    assert told.startswith("f.yaml:1: spec.title: holds half of a character")
    (told,) = refused(json.dumps({"kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": half}}))
    assert told.startswith("f.yaml:1: stringData.a: holds half of a character")


def test_a_secret_as_it_is_shown_is_not_applied():
    shown = {"kind": "Secret", "metadata": {"name": "a"}, "digests": {"token": "sha256:3e23e816"}}
    (told,) = refused(json.dumps(shown))
    assert told.startswith("f.yaml:1: digests: shown in place of the values")
