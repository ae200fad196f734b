"""Who has a host, over all that happens to sessions."""

from __future__ import annotations

import pytest

from controller.admission import Admission
from controller.errors import Unresolved
from crds.session import DokployStatus
from tests.controller.builders import session

HOST = "one.example.com"


def noted(admission: Admission, name: str, **about: object):
    made = session(name, uid=f"uid-of-{name}", **about)
    admission.note(made)
    return made


def test_a_host_is_its_first_claimants_until_that_one_goes_or_takes_another():
    admission = Admission()
    first, second = noted(admission, "first"), noted(admission, "second")
    admission.claim_host(first, HOST)
    with pytest.raises(Unresolved, match="belongs to another session"):
        admission.claim_host(second, HOST)
    admission.claim_host(first, "two.example.com")
    admission.claim_host(second, HOST)
    with pytest.raises(Unresolved):
        admission.claim_host(first, HOST)
    admission.forget(second.key)
    admission.claim_host(first, HOST)
    assert admission._hosts == {HOST: {first.key}}


def test_a_session_that_is_read_again_keeps_its_host_and_another_of_its_name_does_not():
    admission = Admission()
    first = noted(admission, "first")
    admission.claim_host(first, HOST)
    noted(admission, "first")
    with pytest.raises(Unresolved):
        admission.claim_host(noted(admission, "second"), HOST)
    admission.note(session("first", uid="another"))
    admission.claim_host(noted(admission, "second"), HOST)


def test_an_attached_route_is_known_from_the_record():
    admission = Admission()
    noted(admission, "first", known=DokployStatus(route=f"https://{HOST}:3000"))
    with pytest.raises(Unresolved):
        admission.claim_host(noted(admission, "second"), HOST)
