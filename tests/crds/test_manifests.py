"""What is generated is what the types say, a cluster takes it, and it judges records as we do."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given

from crds.__main__ import MANIFESTS, REFERENCE, ROOT, check, generate, generated, main
from crds.base import Resource
from crds.conditions import CONDITIONS
from crds.documents import read_documents
from crds.kinds import KINDS, by_kind, dump, parse
from crds.manifest import COLUMNS, DEFINED, definition, file_name, schema
from crds.meanings import MEANINGS
from crds.session import ContainerDefaults, SessionFields, SessionSpec
from tests.crds.structural import faults_of_record, faults_of_schema, nodes
from tests.crds.test_kinds import sessions, targets
from tests.crds.test_rules import REFUSED, TAKEN

EXAMPLES = ROOT / "examples"
ids = [kind.KIND for kind in DEFINED]


def test_nothing_generated_is_stale():
    assert check(ROOT) == []


@pytest.mark.parametrize("kind", DEFINED, ids=ids)
def test_the_file_says_what_the_definition_is(kind):
    text = generated()[MANIFESTS / file_name(kind)]
    assert yaml.safe_load(text) == definition(kind)
    assert "&id" not in text


@pytest.mark.parametrize("kind", DEFINED, ids=ids)
def test_a_cluster_takes_the_schema(kind):
    assert list(faults_of_schema(schema(kind))) == []


@pytest.mark.parametrize("kind", DEFINED, ids=ids)
def test_every_field_is_described(kind):
    silent = [
        path
        for path, node in nodes(schema(kind))
        if path and not path.endswith(("[]", "{}")) and "description" not in node
    ]
    assert silent == [".apiVersion", ".kind", ".metadata", ".metadata.name"]


@pytest.mark.parametrize("kind", DEFINED, ids=ids)
def test_names_scope_and_status_are_those_of_the_kind(kind):
    spec = definition(kind)["spec"]
    (version,) = spec["versions"]
    assert spec["names"]["plural"] == kind.PLURAL
    assert spec["names"].get("shortNames", []) == list(kind.SHORT_NAMES)
    assert spec["names"]["categories"] == ["berth"]
    assert (spec["scope"] == "Namespaced") is kind.NAMESPACED
    assert ("status" in version.get("subresources", {})) is ("status" in kind.model_fields)


@pytest.mark.parametrize("kind", DEFINED, ids=ids)
def test_columns_show_what_there_is(kind):
    paths = {path for path, _ in nodes(schema(kind))} | {".metadata.creationTimestamp"}
    for column in COLUMNS[kind.KIND]:
        plain = column.path.replace('[?(@.type=="Ready")]', "[]")
        assert plain in paths


def test_sessions_show_these_columns():
    (version,) = definition(DEFINED[0])["spec"]["versions"]
    columns = version["additionalPrinterColumns"]
    narrow = [column["name"] for column in columns if not column.get("priority")]
    assert narrow == ["Phase", "Ready", "Attention", "Repo", "Age"]
    assert [column["name"] for column in columns[5:]] == ["URL", "Image", "Revision", "Target"]


@pytest.mark.parametrize("kind", DEFINED, ids=ids)
def test_what_a_template_or_target_may_give_has_no_default(kind):
    """A cluster writes defaults into the record, and no other layer would be looked at."""
    layered = {info.alias for info in SessionFields.model_fields.values()}
    container = {info.alias for info in ContainerDefaults.model_fields.values()}
    for path, node in nodes(schema(kind)):
        steps = path.replace("[]", "").replace("{}", "").split(".")[1:]
        in_fields = kind.KIND.startswith("Session") and steps[:1] == ["spec"] and set(steps[1:2]) & layered
        in_container = {"overrides", "container"} & set(steps[:-1]) and container & set(steps)
        if in_fields or in_container:
            assert "default" not in node, path


def test_what_nothing_else_may_give_has_its_default():
    spec = schema(by_kind("Session"))["properties"]["spec"]["properties"]
    assert spec["operatingMode"]["default"] == "Running"
    assert spec["target"]["default"] == {}
    assert spec["target"]["properties"]["name"]["default"] == "default"
    assert {name for name, node in spec.items() if "default" in node} == {"operatingMode", "target"}
    assert set(spec) == {info.alias for info in SessionSpec.model_fields.values()}


CROSS_FIELD = {
    ("Session", ".spec"): ["give either image or build, not both"],
    ("Session", ".spec.env[]"): ["give either value or secretRef", "set by Berth; choose another name"],
    ("Session", ".spec.resources"): [
        "at least 6Mi: the engine refuses less",
        "at least 1m: Swarm refuses less",
        "at least 1m: Swarm refuses less",
        "at least 4Mi: Swarm refuses less",
        "at most the limit, cpu",
        "at most the limit, memory",
    ],
    ("Session", ".spec.target.overrides"): ["give either image or build, not both"],
    ("SessionTemplate", ".spec"): ["give either image or build, not both"],
    ("Target", ".spec.container"): ["give either image or build, not both"],
}


@pytest.mark.parametrize(("kind", "path"), CROSS_FIELD)
def test_rules_over_several_fields_are_rules_of_the_cluster_too(kind, path):
    (node,) = (node for found, node in nodes(schema(by_kind(kind))) if found == path)
    messages = [rule["message"] for rule in node["x-kubernetes-validations"]]
    assert sorted(messages) == sorted(CROSS_FIELD[kind, path])


@pytest.mark.parametrize(
    "document",
    [document for document in TAKEN if document["kind"] in ids],
    ids=lambda document: str(document["spec"])[:50],
)
def test_the_schema_takes_what_we_take(document):
    assert faults_of_record(dump(parse(document)), schema(by_kind(document["kind"]))) == []


@given(sessions | targets)
def test_the_schema_takes_any_record(resource: Resource):
    assert faults_of_record(dump(resource), schema(type(resource))) == []


def test_the_schema_refuses_most_of_what_we_refuse():
    """All but what needs a look at several fields, or a rule that is none of a schema's words."""
    ours = [document for document, _, _ in REFUSED if document["kind"] in ids]
    theirs = [each for each in ours if faults_of_record(each, schema(by_kind(each["kind"])))]
    assert len(theirs) > 0.6 * len(ours)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_takes_the_examples(path):
    for document in read_documents(path.read_text(), variables={"BERTH_HOME": "/srv"}):
        if document.resource.kind in ids:
            assert faults_of_record(dump(document.resource), schema(type(document.resource))) == []


def test_the_reference_tells_every_kind_field_condition_and_reason():
    text = generated()[REFERENCE]
    for kind in KINDS:
        assert f"## {kind.KIND}\n" in text
    for _, name in (
        (model, name) for model in (SessionSpec, ContainerDefaults) for name in model.model_fields
    ):
        assert f"| `{name.split('_')[0]}" in text
    assert all(f"### Condition {kind}\n" in text for kind in CONDITIONS)
    assert all(f"| `{reason}` | {row.meaning} |" in text for reason, row in MEANINGS.items())


def test_no_field_of_the_reference_is_left_untold():
    rows = [line for line in generated()[REFERENCE].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |") or "FACTS" in row] == []


def test_links_of_the_reference_lead_somewhere():
    text = generated()[REFERENCE]
    headings = {
        line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / REFERENCE.parent / target).exists(), target


# -- the command -------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    generate(tmp_path)
    return tmp_path


def test_what_was_generated_is_not_generated_again(root):
    assert check(root) == []
    assert generate(root) == []


def test_a_stale_file_is_told_with_the_beginning_of_its_difference(root):
    path = MANIFESTS / file_name(DEFINED[0])
    (root / path).write_text((root / path).read_text().replace("One container", "Two containers"))
    told = check(root)
    assert told[0] == f"{path} is stale:"
    assert any("Two containers" in line for line in told)
    assert len(told) < 20
    assert generate(root) == [f"written  {path}"]
    assert check(root) == []


def test_a_missing_file_is_told(root):
    (root / REFERENCE).unlink()
    assert check(root) == [f"{REFERENCE} is missing"]


def test_a_manifest_of_no_kind_is_told_and_removed(root):
    shutil.copy(root / MANIFESTS / file_name(DEFINED[0]), root / MANIFESTS / "berth.dev_things.yaml")
    assert check(root) == [f"{MANIFESTS / 'berth.dev_things.yaml'} belongs to no kind"]
    assert generate(root) == [f"removed  {MANIFESTS / 'berth.dev_things.yaml'}"]


def test_a_wrong_word_is_refused(capsys):
    assert main(["genrate"]) == 2
    assert "generate|check" in capsys.readouterr().err
