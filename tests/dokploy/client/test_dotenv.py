"""The encoder against the model of the three readers, and the model against what was measured."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dokploy.dotenv import (
    Unencodable,
    Unresolvable,
    encode,
    encode_arguments,
    expand,
    parse,
    render,
    resolve,
)
from tests.dokploy.client.recorded import body, request_body

_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
_tricky = st.text(st.sampled_from("${}'`\"#\\nr \t\n\rab=:-.\u2028\ufeff\u00e9\x85\x1c"), max_size=30)
_values = _tricky | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_NASTY = {
    "HASH": "abc#def",
    "SPACES": "  a b  ",
    "SINGLE": "it's",
    "DOUBLE": 'say "x"',
    "BACKTICK": "`a`",
    "LINES": "-----BEGIN-----\nabc\n-----END-----\n",
    "LITERAL": r"a\nb\rc",
    "DOLLAR": "pa$$word$X${Y}",
    "TEMPLATE": "{{foo}} ${{X}} ${X}{{.Node.ID}}",
    "DOLLARS": "$${{project.X}} {${{X}} {{{{a}}}}",
    "UNICODE": "\u017elu\u0165ou\u010dk\u00fd \u2028 \ufeff",
    "EMPTY": "",
    "BACKSLASH": "C:\\dir\\",
    "HASH_AND_BACKSLASH": "#'\\",
    "ALL_QUOTES": "a'b`c\"d",
    "ALL_QUOTES_IN_LINES": "'`\"\n#' x ",
    "PEM": "-----BEGIN-----\r\nabc\r\n-----END-----\r\n",
    "RETURN": "bare\rreturn\r",
    "RETURN_AND_REFERENCE": "$\r{{X}} {\r{ ${{\r}} '$'{'",
}


@given(st.dictionaries(_names, _values, max_size=6))
@example(_NASTY)
@example({"A": "x\\", "B": "#y", "C": "'"})
@example({"A": "$${{X}}"})
@example({"A": "{${{"})
def test_every_text_without_zero_arrives(variables):
    assert resolve(encode(variables)) == variables


@given(st.dictionaries(_names, _values, max_size=6))
def test_build_arguments_arrive_without_swarm(variables):
    kept = {}
    for name, value in variables.items():
        try:
            encode_arguments({name: value})
        except Unencodable:
            continue
        kept[name] = value
    assert expand(parse(encode_arguments(kept)), project={}, environment={}) == kept


def test_the_measured_escapes():
    assert encode({"A": "{{foo}}"}) == "A='{{\"{{\"}}foo}}'"
    assert encode({"A": "${{X}}"}) == 'A=\'{{"$"}}{{"{{"}}X}}\''
    assert encode({"A": "it's"}) == "A=`it's`"
    assert encode({"A": "it's `x`"}) == 'A="it\'s `x`"'
    assert encode({"A": "it's\r"}) == r"""A='it{{"\u0027"}}s{{"\r"}}'"""
    assert encode({}) == ""


@pytest.mark.parametrize("value", ["nul\0", "\ud800"])
def test_what_cannot_arrive_names_the_variable_and_not_the_value(value):
    with pytest.raises(Unencodable) as caught:
        encode({"FINE": "1", "TOKEN": value})
    assert caught.value.name == "TOKEN"
    assert str(caught.value).startswith("TOKEN ")
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["", "A B", "A=", "\u017de", "__proto__", "A\n"])
def test_a_name_that_dokploy_cannot_read_is_refused(name):
    with pytest.raises(Unencodable):
        encode({name: "1"})


def test_a_reference_in_a_build_argument_is_refused():
    with pytest.raises(Unencodable, match="reference"):
        encode_arguments({"A": "${{X}}"})
    assert encode_arguments({"A": "{{x}}"}) == "A='{{x}}'"


@pytest.mark.parametrize("value", ["a\r\nb", "'`\"\n", "'`\" # x", "'`\\n \"\n"])
def test_a_build_argument_that_no_template_can_mend_is_refused(value):
    with pytest.raises(Unencodable, match="A holds"):
        encode_arguments({"A": value})


def test_the_measured_text_is_read_as_measured():
    text = request_body("saveEnv_full")["env"]
    seen = resolve(text, project="PROJSHARED=projval", environment="SHARED=envval")
    container = body("docker_getConfig")["Spec"]["ContainerSpec"]["Env"]
    assert [f"{name}={value}" for name, value in seen.items()][: len(container)] == container
    assert seen == {
        "PLAIN": "hello",
        "SPACES": "hello world",
        "DQ": "a b # c",
        "SQ": 'single $X "q"',
        "HASH": "abc",
        "HASHSP": "abc",
        "EMPTY": "",
        "DOLLAR": "pa$$word$X",
        "EQ": "a=b=c",
        "JSON": '{"a":"b c"}',
        "MULTI": "line1\nline2\nline3",
        "ESC": "tab\\tnl\nend",
        "BQ": "back tick",
        "PROJ": "projval",
        "ENVI": "envval",
        "SELF": "hello",
        "EXP": "1",
        "DUP": "2",
        "UNI": "\u017elu\u0165ou\u010dk\u00fd",
        "LEAD": "x",
        "lower-dash": "ok",
    }


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("A=1\r\nB=2\rC=3", {"A": "1", "B": "2", "C": "3"}),
        ("# all\nA=1 # some", {"A": "1"}),
        ("A: 1", {"A": "1"}),
        ("A='x\\'\nB='#y'", {"A": "x\\'\nB="}),
        ('A="x\\ty"', {"A": "x\\ty"}),
        ("nothing here", {}),
        ("__proto__=1\nA=1", {"A": "1"}),
        ("A= \u2003x\u2003", {"A": "x"}),
    ],
)
def test_dotenv_is_read_as_node_reads_it(text, seen):
    assert parse(text) == seen


@pytest.mark.parametrize("text", ["A=${{project.NO}}", "A=${{environment.NO}}", "A=${{NO}}", "A={{foo}}"])
def test_an_unknown_reference_or_template_fails(text):
    with pytest.raises(Unresolvable) as caught:
        resolve(text)
    assert caught.value.name == "A"
    assert "NO" not in str(caught.value)


def test_a_reference_is_not_followed_further():
    assert resolve("A=${{B}}\nB='{{\"x\"}}'") == {"A": "x", "B": "x"}
    own = {"A": "${{B}}", "B": "${{C}}", "C": "1"}
    assert expand(own, project={}, environment={}) == {"A": "${{C}}", "B": "1", "C": "1"}


def test_swarm_templates():
    fields = {".Service.Name": "sess-1"}
    assert render("A", "x-{{.Service.Name}}-{{ `r` }}", fields=fields) == "x-sess-1-r"
    for value in ("{{.Node.ID}}", "{{", "{{.Service.Name", '{{"\\q"}}', "{{if true}}{{end}}"):
        with pytest.raises(Unresolvable):
            render("A", value, fields=fields)
