"""The build path with real processes: a repository over HTTP, built, run, broken and mended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.conftest import GitServer
from tests.e2e.berth import Berth

SESSION = """
kind: Session
metadata: {name: built}
spec:
  build: {repository: "http://127.0.0.1:PORT/image.git", ref: BRANCH}
"""


def git(*arguments: str, cwd: Path) -> None:
    author = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *author, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """A repository with a branch that builds and one that does not."""
    root = tmp_path_factory.mktemp("git")
    work = root / "work"
    work.mkdir()
    git("init", "--quiet", "--initial-branch", "main", cwd=work)
    for branch, last in (("main", "ENV COLOUR=green"), ("broken", "RUN exit 7")):
        git("checkout", "--quiet", "-B", branch, cwd=work)
        (work / "Dockerfile").write_text(f"FROM berth/session:local\n{last}\n")
        git("add", ".", cwd=work)
        git("commit", "--quiet", "-m", f"Make {branch}", cwd=work)
    git("clone", "--quiet", "--bare", str(work), str(root / "image.git"), cwd=root)
    one = GitServer(root, "", "")
    yield one
    one.close()


def test_an_image_is_built_run_and_a_failed_build_is_told(berth: Berth, server: GitServer):
    good = SESSION.replace("PORT", str(server.port)).replace("BRANCH", "main")
    berth.run("apply", "-f", "-", given=good)
    berth.run("wait", "session/built", "--for=condition=Ready", "--timeout=300s")
    assert "Cloning" in berth.run("logs", "built", "--build")
    boot = berth.healthz("built")["boot"]
    rows = berth.dokploy("overview.services").json()
    assert len([row for row in rows if "-built-" in row["appName"]]) == 1

    berth.run("apply", "-f", "-", given=good.replace("ref: main", "ref: broken"))
    berth.until("Error", lambda: berth.session("built")["status"]["phase"] == "Error")
    failure = berth.session("built")["status"]["lastFailure"]
    assert failure["reason"] == "BuildFailed"
    assert "RUN" in failure["message"], failure
    assert berth.healthz("built")["boot"] == boot, "what ran goes on"

    berth.run("apply", "-f", "-", given=good)
    berth.run("wait", "session/built", "--for=condition=Ready", "--timeout=300s")
    berth.run("delete", "session", "built")
    assert "-built-" not in berth.dokploy("overview.services").text
