"""`berth up` as a whole: it goes on where it was, ends everything, and outlives its parts."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from pathlib import Path

import httpx

from tests.e2e.berth import BERTH, ROOT, Berth


def workspace(of: Berth, name: str = "hello") -> Path:
    volumes = of.home / "dokploy" / "volumes"
    return next(
        path for path in volumes.iterdir() if f"-{name}-" in path.name and path.name.endswith("workspace")
    )


def test_it_ends_whole_and_goes_on_where_it_was(home: Path):
    with Berth(home) as one:
        _goes_on(one)


def _goes_on(one: Berth) -> None:
    application = one.session()["status"]["dokploy"]["applicationId"]
    (workspace(one) / "notes.txt").write_text("a day's work")
    assert one.down(signal.SIGINT) == 0
    assert one.containers() == []
    one.up()
    assert one.session()["status"]["dokploy"]["applicationId"] == application
    assert (workspace(one) / "notes.txt").read_text() == "a day's work"
    reasons = [event["reason"] for event in one.json("events")["items"]]
    assert reasons.count("Create") == 1
    assert one.down(signal.SIGTERM) == 0


def test_two_live_side_by_side_and_one_home_takes_one(home: Path, tmp_path: Path):
    with Berth(home) as one, Berth(tmp_path / "other") as two:
        _side_by_side(one, two)


def _side_by_side(one: Berth, two: Berth) -> None:
    ports = {httpx.URL(each.session()["status"]["url"]).port for each in (one, two)}
    assert len(ports) == 2
    second = subprocess.run(
        [*BERTH, "up"], cwd=ROOT, env=one.environment, capture_output=True, text=True, timeout=300
    )
    assert second.returncode == 5
    assert "already" in second.stderr
    two.down()
    assert one.condition("Ready")["status"] == "True"


def test_each_part_may_be_killed_and_the_session_stays(home: Path):
    with Berth(home) as one:
        _parts_are_killed(one)


def _parts_are_killed(one: Berth) -> None:
    boot = one.healthz()["boot"]
    for module in ("controller", "api"):
        one.program(module).kill()
        one.until(f"{module} runs again", lambda module=module: one.program(module).is_running())
        one.until("the API answers", lambda: one.ask("GET", "/api/sessions").is_success)
        one.run("wait", "session/hello", "--for=condition=Ready", "--timeout=300s")
    assert one.healthz()["boot"] == boot, "the container went on"
    one.program("dokploy.local").kill()
    one.until("a new container", lambda: one.healthz()["boot"] != boot, within=40)
    one.until("Ready", lambda: one.condition("Ready").get("status") == "True", within=40)
    assert len(one.containers()) == 1
    assert len(one.dokploy("overview.services").json()) == 1


def test_a_database_of_a_newer_version_is_refused_and_left_alone(home: Path):
    with Berth(home, ("--no-example",)) as one:
        pass
    with sqlite3.connect(home / "berth.db") as database:
        database.execute("UPDATE berth_schema SET version_num = 'from-the-future'")
    database.close()
    before = (home / "berth.db").read_bytes()
    refused = subprocess.run(
        [*BERTH, "up", "--api-port", "0", "--router-port", "0"],
        cwd=ROOT,
        env=one.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert refused.returncode != 0
    assert "newer" in refused.stdout + refused.stderr
    assert (home / "berth.db").read_bytes() == before


def test_without_a_running_berth_every_command_says_how_to_start_one(home: Path):
    home.mkdir()
    said = Berth(home).run("get", "sessions", code=7)
    assert "berth up" in said


def test_a_dokploy_that_is_not_there_or_whose_key_is_wrong_is_said(home: Path, tmp_path: Path):
    (tmp_path / "key").write_text("wrong")
    options = (
        "--no-example",
        "--dokploy-url",
        "http://127.0.0.1:9",
        "--dokploy-key-file",
        str(tmp_path / "key"),
    )
    with Berth(home, options) as one:
        one.run("apply", "-f", "-", given="kind: Session\nmetadata: {name: a}\nspec: {image: x}\n")
        one.until(
            "TargetUnreachable",
            lambda: one.condition("Ready", "a").get("reason") == "TargetUnreachable",
        )
        target = one.json("get", "target", "default")
        assert target["status"]["conditions"][0]["reason"] == "TargetUnreachable"
        one.run("delete", "session", "a")
