"""The vocabulary is closed, and every word of it is explained."""

from __future__ import annotations

import re

import pytest

from crds.conditions import CONDITIONS, Polarity
from crds.meanings import MEANINGS, TROUBLE
from crds.vocabulary import ConditionType, Reason

SENTENCE = re.compile(r"[A-Z].*[a-z0-9)]\.", re.DOTALL)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_it_means_and_what_to_do(reason):
    row = MEANINGS[reason]
    assert SENTENCE.fullmatch(row.meaning)
    assert SENTENCE.fullmatch(row.remedy)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_one_camel_case_word_as_kubernetes_wants_it(reason):
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", reason)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_belongs_to_a_condition(reason):
    assert any(reason in rule.reasons for rule in CONDITIONS.values())


@pytest.mark.parametrize("kind", ConditionType)
def test_every_condition_has_a_rule_for_each_status(kind):
    rule = CONDITIONS[kind]
    assert rule.question.endswith("?")
    assert all(SENTENCE.fullmatch(text) for text in (rule.true, rule.false, rule.unknown))


def test_trouble_may_show_under_every_condition():
    assert all(rule.reasons >= TROUBLE for rule in CONDITIONS.values())


def test_conditions_are_positive_but_for_three():
    others = {kind for kind, rule in CONDITIONS.items() if rule.polarity is not Polarity.POSITIVE}
    assert others == {ConditionType.PROGRESSING, ConditionType.DEGRADED, ConditionType.SUSPENDED}


def test_the_tables_name_nothing_else():
    assert set(MEANINGS) == set(Reason)
    assert list(CONDITIONS) == list(ConditionType)
