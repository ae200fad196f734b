"""Repositories are compared by where they are, and not by how that is spelled."""

from __future__ import annotations

import subprocess
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.addresses import address_of, same_repository
from container.environment import read_settings
from crds.git import check_git_ref, check_git_url

HOSTS = st.sampled_from(["example.com", "Git.Example.com", "[::1]", "127.0.0.1", "xn--mnchen-3ya.example"])
PATHS = st.sampled_from(["org/app.git", "org/app", "/srv/git/app.git", "a%20b/app/", "~ann/app", "a/b@c:d"])
USERS = st.sampled_from(["", "git@", "ann%40x@", "acme@"])
PORTS = st.sampled_from(["", ":8443", ":22"])


@st.composite
def urls(draw):
    host, path, user = draw(HOSTS), draw(PATHS), draw(USERS)
    scheme = draw(st.sampled_from(["https", "http", "ssh", "git", "git+ssh", "file", ""]))
    if scheme == "":
        return f"{user}{host}:{path}"
    if scheme == "file":
        return f"file:///{path.lstrip('/')}"
    return f"{scheme}://{'' if scheme == 'git' else user}{host}{draw(PORTS)}/{path.lstrip('/')}"


def _problem(**variables):
    environ = {"BERTH_REPOSITORY_URL": "https://example.com/a", **variables}
    return next(iter(read_settings(environ, first=False).problems), None)


@settings(max_examples=150, deadline=None)
@given(urls())
def test_what_may_be_declared_is_taken_by_the_container(url):
    assert check_git_url(url) == url
    assert _problem(BERTH_REPOSITORY_URL=url) is None
    address = address_of(url)
    assert address is not None
    assert not address.has_password


@settings(max_examples=150, deadline=None)
@given(st.text("ab/.-@{~^:?*[\\ \t\x7f\u00fc\u00a0\u2028", min_size=1, max_size=8) | st.just("x.lock/y"))
def test_a_ref_may_be_declared_if_the_container_takes_it_and_git_has_such_names(ref):
    try:
        check_git_ref(ref)
        declared = True
    except ValueError:
        declared = False
    assert (_problem(BERTH_REPOSITORY_REF=ref) is None) == declared
    if declared:
        words = ["git", "check-ref-format", f"refs/heads/{ref}"]
        assert subprocess.run(words, check=False).returncode == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://host/org/app", "https://host/org/app.git"),
        ("https://host/org/app", "https://host/org/app/"),
        ("https://host/org/app", "https://host/org/app.git/"),
        ("https://host/org/app", "https://HOST:443/org/app"),
        ("https://host/org/app", "https://acme@host/org//app"),
        ("https://host/org/app", "http://host/org/app"),
        ("https://host/my%20app", "https://host/my%20app.git"),
        ("git@host:org/app.git", "ssh://git@host/org/app"),
        ("git@host:/srv/app.git", "ssh://ann@host:22/srv/app.git"),
        ("host:org/app", "git@host:org/app"),
        ("git@[::1]:org/app", "ssh://git@[::1]/org/app"),
        ("https://host/org/app", "git@host:org/app.git"),
        ("ssh://git@host:2222/org/app", "https://host/org/app"),
        ("file:///srv/app.git", "/srv/app"),
        ("file:///srv/my%20app", "/srv/my app/.git"),
    ],
)
def test_spellings_of_one_repository(one, other):
    assert same_repository(one, other)
    assert same_repository(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://host/org/app", "https://host/org/app2"),
        ("https://host/org/app", "https://other/org/app"),
        ("https://host/org/app", "https://host:8443/org/app"),
        ("https://host/org/app", "https://host/org/App"),
        ("ssh://git@host:22/org/app", "ssh://git@host:2222/org/app"),
        ("git@host:org/app", "git@host:org/app/sub"),
        ("file:///srv/app", "https://host/srv/app"),
        ("no url", "https://host/org/app"),
    ],
)
def test_other_repositories(one, other):
    assert not same_repository(one, other)


def test_the_quoted_and_the_plain_user_are_told_alike():
    address = address_of("https://ann%40example.com@host/a")
    assert address is not None
    assert address.user == urllib.parse.unquote("ann%40example.com")
