from __future__ import annotations

import pytest

from cli.failures import ExitCode, Failure
from cli.jsonpath import Template

DOCUMENT = {
    "items": [
        {
            "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}, {"type": "Degraded", "status": "False"}],
                "restarts": 3,
            },
        },
        {"metadata": {"name": "b"}},
    ]
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.items[*].metadata.name}", "a b"),
        (".items[0].metadata.name", "a"),
        ("items[0].metadata.name", "a"),
        ("{$.items[0].status.restarts}", "3"),
        ("{.items[-1].metadata.name}", "b"),
        ("{.items[0:1].metadata.name}", "a"),
        ("{..name}", "a b"),
        ("{.items[*]['metadata'].name}", "a b"),
        (r"{.items[0].metadata.labels.app\.kubernetes\.io/name}", "x"),
        (r"{.items[0].metadata.labels['app\.kubernetes\.io/name']}", "x"),
        ("{.items[0].metadata.labels}", '{"app.kubernetes.io/name":"x"}'),
        ('{.items[0].status.conditions[?(@.type=="Ready")].status}', "True"),
        ("{.nothing.here}", ""),
        ("name: {.items[0].metadata.name}!", "name: a!"),
        (
            r'{range .items[*]}{.metadata.name}{"\t"}{.status.restarts}{"\n"}{end}',
            "a\t3\nb\t\n",
        ),
        (
            "{range .items[*]}{range .status.conditions[*]}{.type}={.status};{end}{end}",
            "Ready=True;Degraded=False;",
        ),
        ("{range .items[*]}{'x'}{end}", "xx"),
        ("{range .items[*].metadata}{@.name},{end}", "a,b,"),
    ],
)
def test_templates_read_as_kubectl_reads_them(template, text):
    assert Template(template).render(DOCUMENT) == text


@pytest.mark.parametrize(
    "template", ["{.a", "{range .a}", "{end}", "{.a b}", "{[}", "a}", "{range .a[*]}{end}{end}"]
)
def test_what_is_no_template_is_a_usage_error(template):
    with pytest.raises(Failure) as caught:
        Template(template)
    assert caught.value.code is ExitCode.USAGE
    assert caught.value.lines()[0].startswith("error: jsonpath: ")


def test_values_need_a_single_path():
    assert Template("{.items[*].metadata.name}").values(DOCUMENT) == ["a", "b"]
    with pytest.raises(Failure):
        Template("{.a}{.b}").values(DOCUMENT)
