"""Docker's words."""

from __future__ import annotations

import pytest

from dokploy.words import age_of, bytes_of, cpus_of, error_of_task, replicas_of, state_of


@pytest.mark.parametrize(
    ("words", "age"),
    [
        ("Running less than a second ago", 0),
        ("Running Less than a second ago", 0),
        ("Running 1 second ago", 1),
        ("Failed 12 seconds ago", 12),
        ("Running about a minute ago", 60),
        ("Running About a minute ago", 60),
        ("Running 5 minutes ago", 300),
        ("Running about an hour ago", 3600),
        ("Running 2 hours ago", 7200),
        ("Running 3 days ago", 259_200),
        ("Running 2 weeks ago", 1_209_600),
        ("Shutdown 4 months ago", 10_368_000),
        ("Running 2 years ago", 63_072_000),
        ("Running", None),
        ("", None),
        ("Running soon", None),
    ],
)
def test_ages(words, age):
    assert age_of(words) == age


@pytest.mark.parametrize(
    ("words", "state"), [("Running 1 second ago", "Running"), ("New", "New"), ("", ""), (" ", "")]
)
def test_states(words, state):
    assert state_of(words) == state


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, ""),
        ("", ""),
        ("Error:", ""),
        ('"No such image: 127.0.0.1:5000/nope:9"', "No such image: 127.0.0.1:5000/nope:9"),
        ('"No such image: ghcr.io/acme/x@sha…"', "No such image: ghcr.io/acme/x@sha…"),
        ('"task: non-zero exit (137)"', "task: non-zero exit (137)"),
        (
            '"task: non-zero exit (143): dockerexec: unhealthy container"',
            "task: non-zero exit (143): dockerexec: unhealthy container",
        ),
        ('"task: non-zero exit (1): OCI env TOKEN=canary"', "task: non-zero exit (1)"),
        ('"dockerexec: unhealthy container"', "dockerexec: unhealthy container"),
        ('"unhealthy container shutdown failed: canary"', "unhealthy container shutdown failed"),
        (
            '"no suitable node (insufficient resources on 1 node)"',
            "no suitable node (insufficient resources on 1 node)",
        ),
        ('"starting container failed: OCI env TOKEN=canary"', "starting container failed"),
    ],
)
def test_errors_of_tasks(text, error):
    assert error_of_task(text) == error


def test_an_error_of_unknown_shape_is_not_repeated():
    assert "canary" not in error_of_task('"failed: TOKEN=canary"')
    assert error_of_task('"failed: TOKEN=canary"')


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1/1", (1, 1)), ("0/1", (0, 1)), ("1/1 (max 1 per node)", (1, 1)), ("10/12", (10, 12))],
)
def test_replicas(text, numbers):
    assert replicas_of(text) == numbers


@pytest.mark.parametrize("text", ["", "1", "a/b", "1/1x"])
def test_replicas_that_cannot_be_read(text):
    with pytest.raises(ValueError, match="replicas"):
        replicas_of(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("784KiB / 23.54GiB", 802_816),
        ("2.621MiB / 64MiB", 2_748_318),
        ("1GiB / 2GiB", 2**30),
        ("12B / 1GiB", 12),
        ("1.5kB / 2GB", 1500),
        ("-- / --", None),
    ],
)
def test_sizes(text, size):
    assert bytes_of(text) == size


def test_percentages():
    assert cpus_of("150.00%") == 1.5
    assert cpus_of("--") is None
