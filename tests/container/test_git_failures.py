from __future__ import annotations

import base64

import pytest

from container.git_failures import classify, scrub
from container.given import Credentials


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("fatal: repository 'https://h/a.git/' not found", "RepositoryNotFound"),
        ("remote: Repository not found.\nfatal: repository 'https://h/a' not found", "RepositoryNotFound"),
        ("fatal: '/srv/x' does not appear to be a git repository", "RepositoryNotFound"),
        ("fatal: repository '/srv/x' does not exist", "RepositoryNotFound"),
        (
            "fatal: unable to access 'http://h/a/': The requested URL returned error: 404",
            "RepositoryNotFound",
        ),
        ("fatal: Authentication failed for 'https://h/a/'", "AuthenticationFailed"),
        (
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "AuthenticationFailed",
        ),
        (
            "fatal: unable to access 'http://h/a/': The requested URL returned error: 403",
            "AuthenticationFailed",
        ),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote", "AuthenticationFailed"),
        ("fatal: Remote branch nope not found in upstream origin", "RefNotFound"),
        ("fatal: couldn't find remote ref refs/pull/9/head", "RefNotFound"),
        ("fatal: remote error: upload-pack: not our ref aaaa", "RefNotFound"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "Unreachable"),
        ("fatal: unable to access 'https://h/': Failed to connect to h port 443", "Unreachable"),
        ("fatal: unable to connect to h:\nh[0: 1.2.3.4]: errno=Connection refused", "Unreachable"),
        ("error: RPC failed; curl 18\nfatal: early EOF", "Unreachable"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 503", "Unreachable"),
        ("fatal: unable to access 'https://h/': SSL certificate problem", "Unreachable"),
        ("fatal: write error: No space left on device\nfatal: early EOF", "NoSpace"),
        ("fatal: something new", "CloneFailed"),
        ("", "CloneFailed"),
    ],
)
def test_reasons(said, reason):
    failure = classify(said, None)
    assert failure.reason == reason
    assert failure.message


def test_only_who_tries_again_says_so():
    failure = classify("fatal: unable to access 'https://h/': Could not resolve host: h", None)
    assert "tried again" not in failure.message


def test_a_servers_own_words_are_not_shown():
    failure = classify(
        "remote: visit https://evil.example\nfatal: Authentication failed for 'https://h/a'", None
    )
    assert "evil" not in failure.message


def test_credentials_are_taken_out_in_every_form():
    credentials = Credentials("ann", "p@ss/w%rd")
    pair = base64.b64encode(b"ann:p@ss/w%rd").decode()
    text = f"p@ss/w%rd {pair} p%40ss%2Fw%25rd p%40ss/w%25rd https://ann:x@h/a"
    assert scrub(text, credentials) == "••• •••== ••• ••• https://•••@h/a"
    failure = classify(f"fatal: something new: {text}", credentials)
    assert "p@ss" not in failure.message
    assert pair not in failure.message


def test_control_characters_and_floods_do_not_reach_the_message():
    message = classify("fatal: \x1b[31mred\x07 " + "x" * 10_000, None).message
    assert "\x1b" not in message
    assert len(message) < 400
