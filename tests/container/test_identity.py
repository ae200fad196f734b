"""Who commits: a person's own configuration, then what is declared, then the repository's newest author."""

from __future__ import annotations

import os
import subprocess

import pytest

from container.environment import child_environment, read_settings
from container.git import Git
from container.identity import Identity
from tests.container.conftest import git

NOBODY = {"GIT_AUTHOR_NAME": "", "GIT_COMMITTER_NAME": ""}


@pytest.fixture
def commits(tmp_path, bare, monkeypatch):
    """Clones, makes a commit as a terminal does, and tells by whom it is."""
    system = tmp_path / "system"
    system.write_text("[core]\n\tabbrev = 12\n")
    workspace = tmp_path / "workspace"
    git("clone", "-q", f"file://{bare}", str(workspace))

    async def commit(*, own=(), declared=(), before=("Ann Lee", "ann@example.com"), system_user=""):
        words = ("-c", f"user.name={before[0]}", "-c", f"user.email={before[1]}", "commit", "-q")
        _git(
            workspace,
            {"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
            *words,
            "--allow-empty",
            "-m",
            "x",
        )
        system.write_text(f"{system.read_text()}{system_user}")
        names = dict(zip(("BERTH_GIT_AUTHOR_NAME", "BERTH_GIT_AUTHOR_EMAIL"), declared, strict=False))
        settings = read_settings(
            {
                "WORKSPACE_PATH": str(workspace),
                "DATABASE_PATH": str(tmp_path / "data" / "c.db"),
                "BERTH_SESSION_NAMESPACE": "alice",
                **names,
            },
            first=False,
        )
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(system))
        environ = child_environment(settings)
        identity = Identity(settings, environ)
        environ |= identity.variables
        await identity.look(Git(environ), workspace)
        settings.home.mkdir(parents=True, exist_ok=True)
        for scope, name in own:
            _git(workspace, environ, "config", scope, "user.name", name)
        assert _git(workspace, environ, "config", "core.abbrev") == "12"
        _git(workspace, environ, "commit", "-q", "--allow-empty", "-m", "mine")
        return _git(workspace, environ, "log", "-1", "--format=%an <%ae> %cn")

    return commit


def _git(cwd, environ, *words):
    done = subprocess.run(["git", *words], cwd=cwd, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def test_the_newest_author_of_the_repository_commits(commits):
    assert await commits() == "Ann Lee <ann@example.com> Ann Lee"


async def test_a_program_is_no_author(commits):
    program = ("renovate[bot]", "29139614+renovate[bot]@users.noreply.github.com")
    assert await commits(before=program) == "A <a@example.com> A"


async def test_what_is_declared_wins_over_the_repository_and_the_image(commits):
    declared = ('Zoë "Z" \\ Lee', "zoe@example.com")
    image = "[user]\n\tname = image\n\temail = i@x\n"
    told = await commits(declared=declared, system_user=image)
    assert told == 'Zoë "Z" \\ Lee <zoe@example.com> Zoë "Z" \\ Lee'


async def test_what_the_image_has_wins_over_the_repository(commits):
    image = "[user]\n\tname = image\n\temail = i@x\n"
    assert await commits(system_user=image) == "image <i@x> image"


@pytest.mark.parametrize("scope", ["--global", "--local"])
async def test_what_a_person_sets_wins_over_all(commits, scope):
    told = await commits(declared=("Zoe", "zoe@example.com"), own=[(scope, "Mine")])
    assert told == "Mine <zoe@example.com> Mine"


def test_before_the_first_commit_it_is_the_owner_and_a_bad_declaration_is_told(tmp_path):
    environ = {
        "DATABASE_PATH": str(tmp_path / "data" / "c.db"),
        "BERTH_SESSION_NAMESPACE": "alice",
        "BERTH_GIT_AUTHOR_NAME": "a <b>",
    }
    settings = read_settings(environ, first=False)
    assert settings.problem_of("BERTH_GIT_AUTHOR_NAME") is not None
    identity = Identity(settings, {})
    text = (tmp_path / "data" / "gitconfig").read_text()
    assert 'name = "alice"' in text
    assert 'path = "/etc/gitconfig"' in text
    assert identity.problem is None


def test_a_file_that_cannot_be_written_is_told_and_leads_nowhere(tmp_path):
    (tmp_path / "data").write_text("a file")
    settings = read_settings({"DATABASE_PATH": str(tmp_path / "data" / "c.db")}, first=False)
    identity = Identity(settings, {})
    assert identity.variables == {}
    assert "cannot be written" in str(identity.problem)
