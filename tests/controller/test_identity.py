from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.identity import MARKER_LIMIT, Identity, Markers, check_instance
from tests.controller.builders import INSTANCE, session

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
suffixes = st.from_regex(r"[a-z0-9]{6}", fullmatch=True)


@given(name=labels, namespace=labels, uid=st.uuids().map(str), suffix=suffixes)
def test_a_marker_fits_and_is_read_back(name: str, namespace: str, uid: str, suffix: str):
    ours = Identity.of(session(name, namespace, uid=uid), instance=INSTANCE)
    assert len(ours.marker) <= MARKER_LIMIT
    assert Markers(INSTANCE).session_id(f"{ours.marker}-{suffix}") == ours.session_id
    assert Markers("another1").session_id(f"{ours.marker}-{suffix}") is None


@given(first=st.tuples(labels, labels), second=st.tuples(labels, labels), suffix=suffixes)
def test_no_two_sessions_share_a_marker_and_none_is_a_prefix(
    first: tuple[str, str], second: tuple[str, str], suffix: str
):
    if first == second:
        return
    one, two = (Identity.of(session(*names), instance=INSTANCE) for names in (first, second))
    assert one.session_id != two.session_id
    assert Markers(INSTANCE).session_id(f"{two.marker}-{suffix}") != one.session_id


def test_a_name_that_is_declared_again_shares_nothing_with_the_old_one():
    old, new = (Identity.of(session(uid=uid), instance=INSTANCE) for uid in ("1", "2"))
    assert old.volume("workspace") != new.volume("workspace")


def test_names_of_63_characters_that_differ_at_the_end_stay_apart():
    one, two = (Identity.of(session("a" * 62 + end, "n" * 63), instance=INSTANCE) for end in ("x", "y"))
    assert one.marker != two.marker


@pytest.mark.parametrize("foreign", ["postgres-abc123", "b0123456-abc123", "b0123456-x-short-abc123", ""])
def test_a_foreign_name_is_nobodys(foreign: str):
    assert Markers(INSTANCE).session_id(foreign) is None


def test_a_container_is_told_by_its_applications_whole_name():
    ours = Identity.of(session("s-1"), instance=INSTANCE)
    other = Identity.of(session("s-10"), instance=INSTANCE)
    assert ours.is_container(f"{ours.marker}-abc123.1.h7g100lr06r9o9vw03ouo79vn")
    for name in (
        f"{other.marker}-abc123.1.h7g100lr06r9o9vw03ouo79vn",
        f"copy-of-{ours.marker}-abc123.1.h7g100lr06r9o9vw03ouo79vn",
        f"{ours.marker}-abc123-db.1.h7g100lr06r9o9vw03ouo79vn",
        f"{ours.marker}-workspace.1.h7g100lr06r9o9vw03ouo79vn",
        f"{ours.marker}-abc123",
    ):
        assert not ours.is_container(name), name


@pytest.mark.parametrize("instance", ["a", "A1b2", "with-hyphen", "1abc", ""])
def test_an_instance_that_would_make_markers_ambiguous_is_refused(instance: str):
    with pytest.raises(ValueError, match="no hyphen"):
        check_instance(instance)
