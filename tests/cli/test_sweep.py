from __future__ import annotations

import json

import pytest

from tests.cli.fake import ASKED
from tests.cli.samples import BORN, condition

SERVICE = {
    "finding": "OrphanService",
    "name": "b1234567-old-abcdefghijkl-x1y2z3",
    "session": "alice/old",
    "outcome": "left; no call of Dokploy's removes it",
    "command": "docker service rm b1234567-old-abcdefghijkl-x1y2z3",
}
APPLICATION = {
    "finding": "OrphanApplication",
    "name": "b1234567-gone-abcdefghijkl-a1b2c3",
    "session": "alice/gone",
    "createdAt": BORN,
    "outcome": "deleted, once a second look still sees it",
}


@pytest.fixture
def target(fake):
    """The default target."""
    return fake.put({"kind": "Target", "metadata": {"name": "default"}, "spec": {"url": "http://d"}})


def report(**more):
    return {
        "at": ASKED,
        "asked": ASKED,
        "counts": {"OrphanService": 1},
        "deleted": 2,
        "findings": [SERVICE],
    } | more


def test_a_dry_run_shows_what_would_be_done_and_asks_for_nothing(berth, fake, target):
    fake.preview = {"findings": [SERVICE, APPLICATION]}
    result = berth("sweep", "--dry-run")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["FINDING", "NAME", "SESSION", "AGE", "OUTCOME"]
    assert lines[2].split()[:4] == ["OrphanApplication", APPLICATION["name"], "alice/gone", "5m"]
    assert f"  {SERVICE['command']}" in lines
    assert all(request.method == "GET" for request in fake.requests)


def test_a_dry_run_as_data_and_wide(berth, fake, target):
    fake.preview = {"findings": [SERVICE]}
    told = json.loads(berth("sweep", "--dry-run", "--target=default", "-o", "json").stdout)
    assert told["items"][0]["findings"] == [SERVICE]
    assert berth("sweep", "--dry-run", "-o", "wide").stdout.splitlines()[0].startswith("TARGET")
    assert "command: docker service rm" in berth("sweep", "--dry-run", "-o", "yaml").stdout
    assert berth("sweep", "--dry-run", "-o", "name").exit_code == 2


def test_nothing_found_is_said(berth, fake, target):
    fake.preview = {"findings": []}
    assert berth("sweep", "--dry-run").stdout == "target/default: nothing found\n"


def test_a_dry_run_that_can_tell_nothing_says_why(berth, fake, target):
    fake.preview = {"findings": [], "unfinished": "4 of 5 applications are missing at once"}
    result = berth("sweep", "--dry-run")
    assert result.exit_code == 1
    assert "error: target/default could not be swept: 4 of 5 applications" in result.stderr


def test_a_sweep_waits_for_the_controllers_report(berth, fake, target):
    def sweeps(record):
        fake.later(20, lambda: fake.put(fake.records["targets", "", "default"], sweep=report()))

    fake.then["sweep"] = sweeps
    result = berth("sweep")
    assert result.exit_code == 0, result.stderr
    assert "target/default: 1 OrphanService, 2 deleted" in result.stdout
    assert f"  {SERVICE['command']}" in result.stdout.splitlines()
    assert "sweeping target/default" in result.stderr


def test_a_report_of_before_does_not_count(berth, fake, target):
    fake.put(target, sweep=report(asked="2026-11-23T11:00:00Z"))
    result = berth("sweep", "--timeout=30s")
    assert (result.exit_code, "is not swept after 30s" in result.stderr) == (1, True)


def test_a_sweep_that_the_controller_could_not_do(berth, fake, target):
    fake.then["sweep"] = lambda record: fake.put(record, sweep=report(unfinished="Dokploy does not answer"))
    result = berth("sweep")
    assert result.exit_code == 1
    assert "could not be swept: Dokploy does not answer" in result.stderr


def test_without_waiting_it_is_only_asked_for(berth, fake, target):
    assert berth("sweep", "--no-wait").stdout == "target/default will be swept\n"
    assert fake.watches == 0
    assert berth("sweep", "--target=nope").exit_code == 4


def test_without_a_target_there_is_nothing_to_sweep(berth):
    assert berth("sweep", "--dry-run").exit_code == 4


# -- the freeze


@pytest.fixture
def frozen(fake, target):
    """The default target, frozen."""
    return fake.put(
        target,
        conditions=[condition("Ready", "Unknown", reason="MassAbsence")],
        freeze={
            "reason": "MassAbsence",
            "message": "4 of 5 applications are missing at once",
            "since": BORN,
            "release": "It ends when they show again; if all is truly gone: berth accept-absence default",
        },
        absence={"applications": 4, "applicationsExpected": 5, "services": 0, "servicesExpected": 5},
        sweep=report(),
    )


def test_a_frozen_target_is_seen_in_the_list_and_described(berth, frozen):
    row = berth("get", "targets", "-o", "wide").stdout.splitlines()[1]
    assert "MassAbsence" in row
    assert "4 of 5 applications and 0 of 5 services" in row
    text = berth("describe", "target/default").stdout
    assert "MassAbsence for 5m" in text
    assert "berth accept-absence default" in text
    assert "1 OrphanService, 2 deleted" in text
    assert SERVICE["command"] in text


def test_accepting_an_absence_asks_with_the_numbers(berth, fake, frozen):
    refused = berth("accept-absence", "default", stdin="n\n")
    assert refused.exit_code == 130
    assert "4 of 5 applications and 0 of 5 services" in refused.stderr
    assert "annotations" not in fake.records["targets", "", "default"]["metadata"]
    accepted = berth("accept-absence", "default", stdin="y\n")
    assert accepted.exit_code == 0, accepted.stderr
    assert "accepted for 10 minutes" in accepted.stdout
    assert fake.records["targets", "", "default"]["metadata"]["annotations"] == {
        "berth.dev/accept-absence": ASKED
    }


def test_accepting_an_absence_in_a_script(berth, fake, frozen):
    assert berth("accept-absence", "target/default", "--yes").exit_code == 0
    assert "POST /api/targets/default/accept-absence?missing=4" in fake.sent()


def test_there_may_be_nothing_to_accept(berth, fake, target):
    result = berth("accept-absence", "default", "--yes")
    assert result.exit_code == 5
    assert "is not frozen for what is missing" in result.stderr
    assert berth("accept-absence", "nope", "--yes").exit_code == 4
