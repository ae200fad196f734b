"""The page of reasons is whole, and says what the code says."""

from __future__ import annotations

import pytest

from crds.conditions import CONDITIONS
from crds.meanings import MEANINGS
from crds.vocabulary import ConditionType, Reason
from tests.docs.pages import ROOT, anchors, plain, rows, sections

TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
SESSIONS = ROOT / "docs" / "concepts" / "sessions.md"


def test_every_reason_has_its_section_and_no_section_is_stale():
    assert sorted(sections(TROUBLESHOOTING, 3)) == sorted(reason.value for reason in Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_section_begins_with_what_the_reason_means_and_says_what_to_do(reason):
    text = sections(TROUBLESHOOTING, 3)[reason.value]
    assert plain(text).startswith(plain(MEANINGS[reason].meaning))
    assert "*What to do:*" in text


def test_messages_point_to_a_section_in_lower_case():
    # controller.observe says so of a mass absence.
    assert "massabsence" in anchors(TROUBLESHOOTING)


def test_every_condition_has_a_row_with_its_rule():
    table = {row[0].strip("`"): row for row in rows(sections(SESSIONS, 2)["Conditions"])}
    assert list(table) == [kind.value for kind in ConditionType]
    for kind, rule in CONDITIONS.items():
        expected = (rule.question, rule.true, rule.false, rule.unknown)
        assert tuple(map(plain, table[kind.value][1:])) == tuple(map(plain, expected))
