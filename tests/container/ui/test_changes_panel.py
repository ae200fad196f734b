"""The changes panel, used by a real browser on a container that runs as a process."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from container.changes.difference import Side
from container.changes.history import Branch
from container.changes.status import Change, Kind, Status
from container.ui.changes.files import File, files_of, found_again
from container.ui.changes.head import branch_choices, states_of
from container.ui.changes.shown import parted
from tests.container.conftest import git, until
from tests.container.ui.conftest import Opened, Shared

pytestmark = pytest.mark.xdist_group("chromium-ui-changes_panel")

HOSTILE = "\"a'b\n<img src=x onerror=window.hacked=1>{{7*7}}.txt"


@pytest.fixture
def bare(shared: Shared) -> Path:
    """The remote of the workspace."""
    return shared.bare


def change(page: Page, name: str, side: str = "unstaged") -> Locator:
    """The line of a file in a group."""
    exactly = page.locator(".change-name", has_text=re.compile(f"^{re.escape(name)}$"))
    return page.locator(f".group.{side} .change", has=exactly)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def subjects(path: Path, branch: str = "main") -> list[str]:
    return git("log", "--format=%s", branch, cwd=path).splitlines()


def commit_elsewhere(bare: Path, root: Path) -> None:
    """Somebody else pushes."""
    git("clone", "-q", str(bare), str(root / "elsewhere"))
    (root / "elsewhere" / "theirs.txt").write_text("theirs\n")
    git("add", "theirs.txt", cwd=root / "elsewhere")
    git("commit", "-q", "-m", "theirs", cwd=root / "elsewhere")
    git("push", "-q", cwd=root / "elsewhere")


def commit(page: Page, workspace: Path, message: str) -> None:
    (workspace / "mine.txt").write_text(message)
    expect(change(page, "mine.txt")).to_be_visible()
    button(page, "Stage all").click()
    expect(change(page, "mine.txt", "staged")).to_be_visible()
    page.get_by_label("Message of the commit").fill(message)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".commit-line").first).to_contain_text(message)


def test_files_are_staged_and_unstaged_one_by_one_and_all_and_their_differences_shown(
    opened: Opened, workspace: Path
):
    (workspace / "README.md").write_text("two\nthree\n")
    (workspace / "lib" / "a.py").unlink()
    (workspace / "new.txt").write_text("new\n")
    page = opened("/changes")
    for name, letter in (("README.md", "M"), ("a.py", "D"), ("new.txt", "U")):
        expect(change(page, name).locator(".change-letter")).to_have_text(letter)

    change(page, "README.md").locator(".change-file").click()
    lines = page.locator(".diff [data-line]")
    expect(lines).to_have_text(["@@ -1 +1,2 @@", " two", "+three"])
    expect(page.locator(".difference-head")).to_contain_text("+1")

    change(page, "README.md").get_by_label("Stage").click()
    expect(change(page, "README.md", "staged")).to_be_visible()
    expect(change(page, "README.md")).to_have_count(0)
    expect(change(page, "README.md", "staged")).to_have_class(re.compile("chosen"))
    expect(page.locator(".difference-head")).to_contain_text("staged")
    assert git("diff", "--cached", "--name-only", cwd=workspace) == "README.md"

    button(page, "Stage all").click()
    expect(page.locator(".group.staged .change")).to_have_count(3)
    change(page, "a.py", "staged").get_by_label("Unstage").click()
    expect(change(page, "a.py")).to_be_visible()
    button(page, "Unstage all").click()
    expect(page.locator(".group.unstaged .change")).to_have_count(3)
    assert git("diff", "--cached", "--name-only", cwd=workspace) == ""


def test_what_is_typed_and_chosen_outlives_what_agents_change(opened: Opened, workspace: Path):
    (workspace / "README.md").write_text("three\n")
    page = opened("/changes")
    change(page, "README.md").locator(".change-file").click()
    expect(page.locator(".diff")).to_contain_text("+three")
    page.get_by_label("Message of the commit").fill("half a mess")
    (workspace / "README.md").write_text("four\n")
    (workspace / "by-an-agent.txt").touch()
    expect(change(page, "by-an-agent.txt")).to_be_visible()
    expect(page.locator(".diff")).to_contain_text("+four")
    expect(change(page, "README.md")).to_have_class(re.compile("chosen"))
    expect(page.get_by_label("Message of the commit")).to_have_value("half a mess")
    git("checkout", "-q", "README.md", cwd=workspace)
    expect(page.locator(".difference")).to_contain_text("Choose a file")


def test_a_commit_is_made_and_pushed(opened: Opened, workspace: Path, bare: Path):
    page = opened("/changes")
    expect(page.locator(".commit-line.pushed")).to_have_count(2)
    button(page, "Commit").click()
    expect(page.get_by_text("must be a text")).to_be_visible()
    commit(page, workspace, "mine")
    expect(page.get_by_label("Message of the commit")).to_have_value("")
    expect(page.locator(".commit-line").first.get_by_label("not pushed yet")).to_be_visible()
    expect(page.locator(".states-here")).to_contain_text("1 ahead")
    assert subjects(bare) == ["two", "one"]
    button(page, "Push").click()
    expect(page.locator(".commit-line.pushed")).to_have_count(3)
    expect(page.locator(".states-here")).not_to_contain_text("ahead")
    assert subjects(bare) == ["mine", "two", "one"]


def test_a_push_that_is_refused_says_why_and_what_git_said(
    opened: Opened, workspace: Path, bare: Path, tmp_path: Path
):
    page = opened("/changes")
    commit_elsewhere(bare, tmp_path)
    commit(page, workspace, "mine")
    page.get_by_label("Message of the commit").fill("the next")
    button(page, "Push").click()
    failure = page.locator(".failure")
    expect(failure).to_contain_text("The remote has commits that are not here; pull first (Rejected).")
    expect(failure.locator(".output")).to_contain_text("[rejected]")
    expect(button(page, "Push")).to_be_enabled()
    assert subjects(bare) == ["theirs", "two", "one"]

    button(page, "Pull").click()
    expect(failure).to_contain_text("NotFastForward")
    expect(page.locator(".states-here")).to_contain_text("1 behind")
    expect(page.get_by_label("Message of the commit")).to_have_value("the next")
    page.get_by_label("Put away").click()
    expect(failure).to_be_hidden()


def test_what_others_pushed_is_fetched_and_pulled(
    opened: Opened, workspace: Path, bare: Path, tmp_path: Path
):
    page = opened("/changes")
    expect(page.locator(".commit-line")).to_have_count(2)
    commit_elsewhere(bare, tmp_path)
    button(page, "Fetch").click()
    expect(page.locator(".states-here")).to_contain_text("1 behind")
    button(page, "Pull").click()
    expect(page.locator(".commit-line").first).to_contain_text("theirs")
    assert (workspace / "theirs.txt").read_text() == "theirs\n"


def test_buttons_rest_while_git_is_at_work(opened: Opened, workspace: Path, tmp_path: Path):
    page = opened("/changes")
    commit(page, workspace, "mine")
    go = tmp_path / "go"
    hook = workspace / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\nwhile ! test -e '{go}'; do sleep 0.05; done\n")
    hook.chmod(0o755)
    button(page, "Push").click()
    expect(page.locator(".changes-head .q-spinner")).to_be_visible()
    for name in ("Fetch", "Pull", "Commit"):
        expect(button(page, name)).to_be_disabled()
    go.touch()
    expect(page.locator(".commit-line.pushed")).to_have_count(3)
    expect(page.locator(".changes-head .q-spinner")).to_have_count(0)
    expect(button(page, "Commit")).to_be_enabled()


def test_a_change_is_discarded_only_when_somebody_said_so(opened: Opened, workspace: Path):
    (workspace / "README.md").write_text("three\n")
    (workspace / HOSTILE).write_text("x\n")
    shown = HOSTILE.replace("\n", "␊")
    page = opened("/changes")
    change(page, "README.md").get_by_label("Discard").click()
    expect(page.locator(".asked")).to_contain_text("Discard the changes of README.md?")
    (workspace / "by-an-agent.txt").touch()
    expect(change(page, "by-an-agent.txt")).to_be_visible()  # the list is another, the question stays
    button(page, "Cancel").click()
    expect(page.locator(".asked")).to_have_count(0)
    assert (workspace / "README.md").read_text() == "three\n"
    change(page, "README.md").get_by_label("Discard").click()
    page.locator(".asked").get_by_role("button", name="Discard").click()
    expect(change(page, "README.md")).to_have_count(0)
    assert (workspace / "README.md").read_text() == "two\n"

    change(page, shown).locator(".change-file").click()
    expect(page.locator(".diff")).to_contain_text("+x")
    change(page, shown).get_by_label("Discard").click()
    expect(page.locator(".asked")).to_contain_text("it is deleted")
    page.locator(".asked").get_by_role("button", name="Discard").click()
    expect(change(page, shown)).to_have_count(0)
    assert not (workspace / HOSTILE).exists()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_branches_are_made_and_changed_and_a_refused_choice_is_taken_back(opened: Opened, workspace: Path):
    page = opened("/changes")
    branch = page.get_by_label("Branch", exact=True)
    expect(branch).to_have_value("main")
    page.get_by_label("New branch").click()
    page.get_by_label("Name", exact=True).fill("topic")
    page.keyboard.press("Enter")
    expect(branch).to_have_value("topic")
    expect(page.locator(".states-here")).to_contain_text("no upstream")
    assert git("branch", "--show-current", cwd=workspace) == "topic"

    branch.click()
    page.get_by_role("option", name="origin/side").click()
    expect(branch).to_have_value("side")
    assert git("branch", "--show-current", cwd=workspace) == "side"

    (workspace / "README.md").write_text("would be lost\n")
    expect(change(page, "README.md")).to_be_visible()
    branch.click()
    page.get_by_role("option", name="main", exact=True).click()
    expect(page.locator(".failure")).to_contain_text("Changes of yours would be overwritten")
    expect(branch).to_have_value("side")
    assert (workspace / "README.md").read_text() == "would be lost\n"


def test_a_merge_under_way_and_a_stash_are_told(opened: Opened, workspace: Path):
    (workspace / "README.md").write_text("stashed\n")
    git("stash", "-q", cwd=workspace)
    git("switch", "-q", "-c", "other", "HEAD^", cwd=workspace)
    (workspace / "README.md").write_text("conflicting\n")
    git("commit", "-q", "-a", "-m", "other", cwd=workspace)
    with pytest.raises(Exception, match="merge"):
        git("merge", "main", cwd=workspace)
    page = opened("/changes")
    expect(page.locator(".states-here")).to_contain_text("merge under way")
    expect(page.locator(".states-here")).to_contain_text("1 stash")
    expect(change(page, "README.md").locator(".change-letter")).to_have_text("!")
    expect(change(page, "README.md").get_by_label("Discard")).to_have_count(0)


def test_one_of_several_repositories_is_chosen_and_without_any_it_is_said(opened: Opened, workspace: Path):
    shutil.rmtree(workspace / ".git")
    page = opened("/changes")
    expect(page.get_by_text("The workspace holds no git repository")).to_be_visible()
    for name in ("one", "two"):
        (workspace / name).mkdir()
        git("init", "-q", "-b", name, cwd=workspace / name)
        (workspace / name / f"{name}.txt").write_text(name)
    expect(change(page, "one.txt")).to_be_visible()
    page.get_by_label("Repository").click()
    page.get_by_role("option", name="two").click()
    expect(change(page, "two.txt")).to_be_visible()
    expect(page.get_by_label("Branch", exact=True)).to_have_value("two")
    change(page, "two.txt").get_by_label("Stage").click()
    page.get_by_label("Message of the commit").fill("first")
    button(page, "Commit").click()
    expect(page.locator(".commit-line")).to_contain_text("first")
    until(lambda: subjects(workspace / "two", "two") == ["first"], "committed there")


def test_a_page_that_is_used_for_long_does_not_grow(opened: Opened, workspace: Path):
    (workspace / "README.md").write_text("three\n")
    page = opened("/changes")

    def use() -> int:
        change(page, "README.md").locator(".change-file").click()
        change(page, "README.md").get_by_label("Stage").click()
        change(page, "README.md", "staged").get_by_label("Unstage").click()
        change(page, "README.md").get_by_label("Discard").click()
        button(page, "Cancel").click()
        expect(page.locator(".asked")).to_have_count(0)
        expect(page.locator(".difference-head")).to_contain_text("not staged")
        return page.evaluate("Object.keys(mounted_app.elements).length")

    first = use()
    assert [use(), use()] == [first, first]


# -- what is pure


def status(*changes: Change, **fields: object) -> Status:
    plain = {"ahead": 0, "behind": 0, "stashes": 0, "operation": None, "more": False}
    return Status("", "main", "abc", "origin/main", changes=changes, **(plain | fields))


def test_a_file_is_in_the_group_of_each_of_its_changes():
    found = status(Change("a/b", Kind.RENAMED, Kind.MODIFIED, "before"), Change("c", None, Kind.UNTRACKED))
    assert files_of(found, Side.STAGED) == (File("a/b", Side.STAGED, Kind.RENAMED, "before"),)
    assert files_of(found, Side.UNSTAGED) == (
        File("a/b", Side.UNSTAGED, Kind.MODIFIED),
        File("c", Side.UNSTAGED, Kind.UNTRACKED),
    )
    assert files_of(found, Side.STAGED)[0].around == "a ← before"


def test_a_chosen_file_is_followed_into_the_other_group():
    unstaged = File("c", Side.UNSTAGED, Kind.UNTRACKED)
    assert found_again(unstaged, status(Change("c", Kind.ADDED, None))) == File("c", Side.STAGED, Kind.ADDED)
    assert found_again(unstaged, status(Change("c", Kind.ADDED, Kind.MODIFIED))) == File(
        "c", Side.UNSTAGED, Kind.MODIFIED
    )
    assert found_again(unstaged, status()) is None
    assert found_again(None, status(Change("c", Kind.ADDED, None))) is None


def test_a_branch_that_a_remote_alone_has_is_offered_under_the_name_it_would_have_here():
    here = Branch("main", remote=False, current=True, upstream="origin/main", commit="a", at="")
    there = [
        Branch(f"origin/{name}", remote=True, current=False, upstream=None, commit="a", at="")
        for name in ("main", "feature/x")
    ]
    assert branch_choices((here, *there)) == {"main": "main", "feature/x": "origin/feature/x"}


def test_what_a_person_should_know_is_said_and_nothing_else():
    assert states_of(status()) == []
    assert states_of(status(ahead=2, behind=1, stashes=1, operation="rebase")) == [
        "rebase under way",
        "2 ahead",
        "1 behind",
        "1 stash",
    ]
    assert states_of(status(ahead=None, behind=None)) == ["no upstream"]


def test_of_what_git_says_before_the_lines_a_person_sees_what_tells_something():
    head = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\nindex 1..2\n--- a/x\n+++ b/x\n"
    assert parted(f"{head}@@ -1 +1 @@\n-a\n+b\n") == (
        ["old mode 100644", "new mode 100755"],
        ["@@ -1 +1 @@", "-a", "+b"],
    )
    assert parted("Binary files a/x and b/x differ\n") == (["Binary files a/x and b/x differ"], [])
