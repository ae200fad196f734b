"""Every command of the command line, against real processes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.berth import ROOT, Berth

SESSION = """
apiVersion: berth.dev/v1alpha1
kind: Session
metadata: {name: NAME, labels: {team: blue}}
spec:
  title: A session of the tests
  env:
    - {name: LOG, value: debug}
"""


def declare(berth: Berth, name: str, text: str = SESSION) -> None:
    berth.run("apply", "-f", "-", given=text.replace("NAME", name))
    berth.run("wait", f"session/{name}", "--for=condition=Ready", "--timeout=300s")


def test_the_example_is_ready_and_its_repository_is_cloned(berth: Berth):
    print(f"up to first Ready: {berth.seconds} s")
    assert berth.condition("Ready")["status"] == "True"
    report = berth.healthz()
    assert report["workspace"]["state"] == "Ready"
    assert report["revision"] == berth.session()["status"]["revision"]["desired"]


def test_apply_takes_several_documents_files_directories_and_stdin(berth: Berth, tmp_path: Path):
    both = SESSION.replace("NAME", "one") + "---" + SESSION.replace("NAME", "two")
    (tmp_path / "both.yaml").write_text(both)
    said = berth.run("apply", "-f", str(tmp_path), "-f", "-", given=SESSION.replace("NAME", "three"))
    assert [line for line in said.splitlines() if "created" in line] == [
        f"session/{name} created" for name in ("one", "two", "three")
    ]
    assert berth.run("apply", "-f", str(tmp_path)).count("unchanged") == 2
    written = berth.run("get", "sessions", "-o", "yaml")
    assert berth.run("apply", "-f", "-", given=written).count("unchanged") == written.count("kind: Session\n")
    berth.run("delete", "session", "one", "two", "three")


def test_get_in_every_format(berth: Berth):
    table = berth.run("get", "sessions")
    assert "NAME" in table
    assert "hello" in table
    assert "http://" in berth.run("get", "sessions", "-o", "wide")
    assert berth.json("get", "sessions")["items"][0]["metadata"]["name"] == "hello"
    assert "kind: Session" in berth.run("get", "session", "hello", "-o", "yaml")
    assert berth.run("get", "se", "-o", "name").strip() == "session/hello"
    phase = berth.run("get", "session", "hello", "-o", "jsonpath={.status.phase}")
    assert phase.strip() == "Running"
    assert berth.run("get", "sessions", "-n", "nobody").strip() != ""
    assert "default" in berth.run("get", "sessions", "-A")


def test_labels_select(berth: Berth):
    declare(berth, "labelled")
    assert berth.run("get", "sessions", "-l", "team=blue", "-o", "name").strip() == "session/labelled"
    berth.run("delete", "session", "labelled")


def test_describe_why_events_version_open_and_help(berth: Berth):
    described = berth.run("describe", "session", "hello")
    for part in ("Conditions", "Ready", "Events", "Create the application"):
        assert part in described
    assert "hello" in berth.run("why", "hello")
    assert "Apply" in berth.run("events")
    assert json.loads(berth.run("version", "-o", "json"))
    assert berth.run("open", "hello", "--url-only").strip().startswith("http://hello.")
    assert "Examples" in berth.run("apply", "--help")


def test_open_lets_in_once_and_nobody_else_enters(berth: Berth):
    given = berth.json("open", "hello")
    url = httpx.URL(given["url"])
    at = f"http://127.0.0.1:{url.port}"
    with httpx.Client(base_url=at, headers={"Host": url.netloc.decode()}, trust_env=False) as browser:
        assert browser.get("/").status_code == 401
        entered = browser.post("/enter", json={"token": given["token"]})
        assert entered.status_code == 204
        cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
        assert "<title>Hello</title>" in browser.get("/", headers=cookie).text
        assert browser.post("/enter", json={"token": given["token"]}).json()["reason"] == "TokenUsed"
        tool = {"Authorization": f"Bearer {berth.run('open', 'hello', '--tool').strip()}"}
        assert browser.get("/api/overview", headers=tool).status_code == 200
        berth.run("restart", "session", "hello")
        assert browser.get("/api/overview", headers=tool).status_code == 200, "the key outlives a restart"
        assert browser.post("/enter", json={"token": given["token"]}).status_code == 401
    assert berth.run("open", "hello", "--print").startswith(f"{url}#token=")
    assert given["token"] not in berth.said()
    assert given["token"] not in berth.run("logs", "hello") + berth.run("events", "-n", "default")


def test_the_key_of_a_container_is_in_no_environment_and_no_argument(berth: Berth):
    containers = berth.containers()
    assert containers
    for container in containers:
        shown = " ".join([*container.cmdline(), *map(str, container.environ().items())])
        assert "BERTH_TOKEN_KEY" not in shown
        assert "SESSION_ID" in shown


def test_logs_in_every_form(berth: Berth):
    assert "workspace" in berth.run("logs", "hello")
    assert len(berth.run("logs", "hello", "--tail", "1").strip().splitlines()) == 1
    berth.run("logs", "hello", "--since", "1s")


def test_a_watch_and_a_followed_log_show_what_happens(berth: Berth):
    with berth.streaming("get", "sessions", "-w") as watch, berth.streaming("logs", "hello", "-f") as log:
        assert "hello" in watch.until("hello")
        assert log.until("serving")
        declare(berth, "watched")
        assert "watched" in watch.until("watched")
        berth.run("restart", "session", "hello")
        berth.run("delete", "session", "watched", "--no-wait")
        assert log.until("serving"), "the log goes on with the new container"
    berth.run("wait", "session/hello", "--for=condition=Ready", "--timeout=300s")
    berth.until("gone", lambda: "watched" not in berth.run("get", "sessions", "-o", "name"))


def test_completion_is_written_for_each_shell(berth: Berth):
    for shell in ("bash", "zsh", "fish"):
        assert "berth" in berth.run("completion", shell)


def test_stop_start_restart_and_delete(berth: Berth):
    declare(berth, "life")
    boot = berth.healthz("life")["boot"]
    berth.run("stop", "session", "life")
    berth.until("Stopped", lambda: berth.session("life")["status"]["phase"] == "Stopped")
    berth.run("start", "session", "life")
    berth.run("wait", "session/life", "--for=condition=Ready", "--timeout=300s")
    second = berth.healthz("life")["boot"]
    assert second != boot
    berth.run("restart", "session", "life")
    berth.run("wait", "session/life", "--for=condition=Ready", "--timeout=300s")
    assert berth.healthz("life")["boot"] != second
    berth.run("delete", "session", "life")
    berth.run("get", "session", "life", code=4)
    volumes = [path.name for path in (berth.home / "dokploy" / "volumes").iterdir()]
    assert not [name for name in volumes if "-life-" in name]


def test_diff_shows_the_change_the_actions_and_no_secret(berth: Berth):
    declare(berth, "changing")
    changed = SESSION.replace("NAME", "changing").replace("debug", "trace")
    said = berth.run("diff", "-f", "-", given=changed, code=1)
    assert "LOG" in said
    assert "Apply" in said
    assert berth.session("changing")["spec"]["env"][0]["value"] == "debug", "nothing was changed"
    berth.run("delete", "session", "changing")


def test_wait_says_what_it_waits_for_when_the_time_is_over(berth: Berth):
    said = berth.run("wait", "session/hello", "--for=condition=Suspended", "--timeout=1s", code=1)
    assert "hello" in said


def test_a_killed_container_is_told_and_comes_back(berth: Berth):
    declare(berth, "killed")
    ours = [p for p in berth.containers() if "-killed-" in str(p.environ())]
    boot = berth.healthz("killed")["boot"]
    for process in ours:
        process.kill()
    took = berth.until("not Ready", lambda: berth.condition("Ready", "killed")["status"] != "True", within=4)
    print(f"told after {took:.1f} s")
    berth.run("wait", "session/killed", "--for=condition=Ready", "--timeout=300s")
    assert berth.healthz("killed")["boot"] != boot
    assert berth.session("killed")["status"]["restarts"] == 1
    told = [event for event in berth.json("events")["items"] if event["reason"] == "ContainerReplaced"]
    assert [event["involvedObject"]["name"] for event in told] == ["killed"]
    assert "exit (137)" in told[0]["message"], "Docker's own reason"
    berth.run("delete", "session", "killed")


def test_an_image_that_cannot_start_is_an_error_and_heals(berth: Berth):
    bad = SESSION.replace("NAME", "broken") + "  image: ghcr.io/acme/nothing:1\n"
    berth.run("apply", "-f", "-", given=bad)
    berth.until("Error", lambda: berth.session("broken")["status"].get("phase") == "Error")
    failure = berth.session("broken")["status"]["lastFailure"]
    assert failure["reason"] == "ImageNotFound"
    assert "ghcr.io/acme/nothing:1" in failure["message"]
    declare(berth, "broken")
    berth.run("delete", "session", "broken")


def test_a_secret_that_does_not_exist_is_waited_for(berth: Berth, tmp_path: Path):
    text = SESSION.replace("{name: LOG, value: debug}", "{name: TOKEN, secretRef: {name: my, key: token}}")
    berth.run("apply", "-f", "-", given=text.replace("NAME", "waiting"))
    berth.until("Pending", lambda: berth.condition("Ready", "waiting").get("reason") == "SecretNotFound")
    assert "'my'" in berth.condition("Ready", "waiting")["message"]
    (tmp_path / "token").write_text("canary-4711")
    berth.run("create", "secret", "my", f"--from-file=token={tmp_path / 'token'}")
    berth.run("wait", "session/waiting", "--for=condition=Ready", "--timeout=300s")
    for shown in (berth.run("get", "secrets", "-o", "yaml"), berth.run("describe", "session", "waiting")):
        assert "canary-4711" not in shown
    berth.run("delete", "session", "waiting")
    for log in (berth.home / "logs").iterdir():
        assert "canary-4711" not in log.read_text(errors="replace"), log


@pytest.mark.soak  # two minutes of rest, for real; in virtual time: tests/controller/test_takeup.py
def test_a_changed_secret_interrupts_nobody_and_is_taken_up_when_the_agent_rests(berth: Berth):
    berth.run("create", "secret", "turning", "--from-literal=token=one")
    text = SESSION.replace("{name: LOG, value: debug}", "{name: T, secretRef: {name: turning, key: token}}")
    declare(berth, "resting", text)
    boot = berth.healthz("resting")["boot"]
    said = berth.run("create", "secret", "turning", "--from-literal=token=two", "--replace")
    assert "1 session takes it up at its next idle moment: default/resting" in said
    berth.until(
        "waiting",
        lambda: berth.condition("ConfigApplied", "resting").get("reason") == "RestartNeeded",
        within=15,
    )
    assert berth.condition("ConfigApplied", "resting")["message"].startswith("The Secret turning changed")
    assert berth.condition("Ready", "resting")["status"] == "True"
    assert berth.healthz("resting")["boot"] == boot
    berth.run("restart", "resting", "--when-idle")
    berth.until(
        "taken up",
        lambda: (
            berth.healthz("resting")["boot"] != boot
            and berth.condition("ConfigApplied", "resting")["status"] == "True"
            and berth.condition("Ready", "resting")["status"] == "True"
        ),
        within=90,
    )
    status = berth.session("resting")["status"]
    assert status["revision"]["running"] == status["revision"]["desired"]
    berth.run("delete", "session", "resting", "--force")


def test_an_edit_behind_our_back_ends_where_the_record_says(berth: Berth):
    declare(berth, "tampered")
    app = berth.session("tampered")["status"]["dokploy"]["applicationId"]
    berth.dokploy("application.stop", applicationId=app)
    berth.until("not Ready", lambda: berth.condition("Ready", "tampered")["status"] != "True", within=15)
    berth.run("wait", "session/tampered", "--for=condition=Ready", "--timeout=300s")
    berth.dokploy("application.delete", applicationId=app)
    berth.until(
        "made again",
        lambda: (
            berth.session("tampered")["status"]["dokploy"].get("applicationId") not in {app, None}
            and berth.condition("Ready", "tampered")["status"] == "True"
        ),
        within=40,
    )
    names = [row["appName"] for row in berth.dokploy("overview.services").json()]
    assert len([name for name in names if "-tampered-" in name]) == 1
    berth.run("delete", "session", "tampered")


def test_ten_stops_and_starts_end_where_the_record_says(berth: Berth):
    declare(berth, "flapping")
    for _ in range(5):
        berth.run("stop", "session", "flapping", "--no-wait")
        berth.run("start", "session", "flapping", "--no-wait")
    berth.run("wait", "session/flapping", "--for=condition=Ready", "--timeout=300s")
    ours = [p for p in berth.containers() if "-flapping-" in str(p.environ())]
    assert len(ours) == 1
    berth.run("delete", "session", "flapping")


def workspace_of(berth: Berth, name: str) -> Path:
    volumes = (berth.home / "dokploy" / "volumes").iterdir()
    return next(path for path in volumes if f"-{name}-" in path.name and path.name.endswith("-workspace"))


def test_a_file_that_was_written_just_now_is_not_deleted(berth: Berth):
    declare(berth, "fresh")
    berth.until("its work is read", lambda: berth.condition("WorkSaved", "fresh")["status"] == "True")
    file = workspace_of(berth, "fresh") / "thoughts.txt"
    file.write_text("an hour's work")
    said = berth.run("delete", "session", "fresh", code=5)
    assert "1 file uncommitted" in said
    assert "--force" in said
    assert "deletionTimestamp" not in berth.session("fresh")["metadata"]
    assert file.read_text() == "an hour's work"
    berth.run("delete", "session", "fresh", "--force")
    assert not file.exists()


def test_work_that_appears_after_a_deletion_was_accepted_holds_it_up_and_it_is_undone(berth: Berth):
    declare(berth, "kept")
    boot = berth.healthz("kept")["boot"]
    controller = berth.program("controller")
    controller.suspend()
    try:
        berth.run("delete", "session", "kept", "--no-wait")
        file = workspace_of(berth, "kept") / "thoughts.txt"
        file.write_text("an hour's work")
    finally:
        controller.resume()
    berth.until("held up", lambda: berth.condition("Ready", "kept")["reason"] == "WorkUnsaved")
    assert "berth undelete session kept" in berth.condition("Ready", "kept")["message"]
    assert "token=" in berth.run("open", "kept", "--print"), "whoever saves the work has to get there"
    berth.run("undelete", "session", "kept")
    berth.run("wait", "session/kept", "--for=condition=Ready", "--timeout=300s")
    assert berth.healthz("kept")["boot"] == boot, "it was not interrupted"
    assert file.read_text() == "an hour's work"
    file.unlink()
    berth.run("delete", "session", "kept")


def test_deleted_while_created_nothing_is_left(berth: Berth):
    berth.run("apply", "-f", "-", given=SESSION.replace("NAME", "hasty"))
    berth.run("delete", "session", "hasty")
    time.sleep(1)
    assert "-hasty-" not in berth.dokploy("overview.services").text
    assert not [p for p in berth.containers() if "-hasty-" in str(p.environ())]
    volumes = [path.name for path in (berth.home / "dokploy" / "volumes").iterdir()]
    assert not [name for name in volumes if "-hasty-" in name]


def test_a_sweep_is_shown_beforehand_and_then_done(berth: Berth):
    declare(berth, "litter", SESSION + "  storage: {onDelete: Retain}\n")
    known = berth.session("litter")["status"]["dokploy"]
    berth.run("delete", "session", "litter")
    # As a create whose answer was lost, and which takes effect after all.
    marker = known["appName"][:-7]
    place = berth.json("get", "target", "default")["status"]["environmentId"]
    late = berth.dokploy(
        "application.create", name="late", appName=marker, environmentId=place, description=""
    ).json()["appName"]
    told = berth.json("sweep", "--dry-run")["items"][0]
    found = {item["name"]: item["finding"] for item in told["findings"] if "-litter-" in item["name"]}
    assert found == {
        late: "OrphanApplication",
        f"{marker}-data": "RetainedVolume",
        f"{marker}-workspace": "RetainedVolume",
    }
    assert "OrphanApplication" in berth.run("sweep", "--dry-run")
    assert late in berth.dokploy("overview.services").text, "a dry run changes nothing"
    said = berth.run("sweep", "--target=default", "--timeout=300s")
    assert "1 deleted" in said
    assert late not in berth.dokploy("overview.services").text
    assert "RetainedVolume" in berth.run("describe", "target/default")
    report = berth.json("get", "target", "default")["status"]["sweep"]
    assert report["counts"]["RetainedVolume"] == 2
    volumes = [path.name for path in (berth.home / "dokploy" / "volumes").iterdir()]
    assert len([name for name in volumes if "-litter-" in name]) == 2
    assert "OrphanDeleted" in berth.run("events")
    berth.run("accept-absence", "default", "--yes", code=5)


# -- bad input ---------------------------------------------------------------------------------


def test_every_mistake_is_told_with_its_file(berth: Berth):
    mistakes = sorted((ROOT / "examples" / "invalid").glob("*.yaml"))
    told = berth.run("apply", "-f", "examples/invalid", code=3).splitlines()
    for path in mistakes:
        expected = path.read_text().splitlines()[0].removeprefix("# expect:").strip()
        file = f"error: {path.relative_to(ROOT)}:"
        assert [line for line in told if line.startswith(file) and expected in line], (path.name, told)
    assert len(told) >= len(mistakes)


def test_a_syntax_error_names_file_line_and_column(berth: Berth, tmp_path: Path):
    (tmp_path / "bad.yaml").write_text("kind: Session\nmetadata: {name: [\n")
    assert "bad.yaml:3:1" in berth.run("apply", "-f", str(tmp_path / "bad.yaml"), code=3)


def test_two_documents_of_one_name_are_refused_and_nothing_is_applied(berth: Berth):
    twice = SESSION.replace("NAME", "twice") + "---" + SESSION.replace("NAME", "twice")
    assert "twice" in berth.run("apply", "-f", "-", given=twice, code=3)
    berth.run("get", "session", "twice", code=4)


def test_a_document_of_two_megabytes_is_refused(berth: Berth):
    huge = SESSION.replace("NAME", "huge").replace("A session of the tests", "x" * 2_000_000)
    assert "at most" in berth.run("apply", "-f", "-", given=huge, code=3)
