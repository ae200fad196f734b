"""The files panel, used by a real browser on a container that runs as a process."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from container.ui.files.endings import Ending, ending_of
from container.ui.files.languages import language_of
from container.ui.words import visible
from tests.container.conftest import git, until
from tests.container.ui.conftest import Opened

pytestmark = pytest.mark.xdist_group("chromium-ui-files_panel")

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = "\"a'b\n<img src=x onerror=window.hacked=1>{{7*7}}.txt"


def entry(page: Page, name: str) -> Locator:
    """The line of an entry, by its whole name."""
    return page.locator(".node", has=page.locator(".node-name", has_text=re.compile(f"^{re.escape(name)}$")))


def text(page: Page) -> Locator:
    return page.locator(".cm-content")


def type_at_end(page: Page, what: str) -> None:
    text(page).click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(what)
    expect(page.get_by_label("not saved")).to_be_visible()


def open_file(page: Page, name: str) -> None:
    entry(page, name).click()
    expect(page.locator(".file-name")).to_contain_text(name)


def test_directories_are_read_when_they_are_opened_and_stay_open_while_others_change_them(
    opened: Opened, workspace: Path
):
    (workspace / "lib" / "deep").mkdir()
    (workspace / "lib" / "deep" / "x.ts").touch()
    page = opened("/files")
    expect(entry(page, "README.md")).to_be_visible()
    expect(entry(page, "a.py")).to_have_count(0)
    entry(page, "lib").click()
    entry(page, "deep").click()
    expect(entry(page, "x.ts")).to_be_visible()
    entry(page, "a.py").click()
    selected = page.locator(".q-tree__node--selected")
    expect(selected).to_contain_text("a.py")

    (workspace / "lib" / "deep" / "by-an-agent.txt").touch()  # nobody tells of it
    expect(entry(page, "by-an-agent.txt")).to_be_visible()
    expect(entry(page, "x.ts")).to_be_visible()
    expect(selected).to_contain_text("a.py")
    (workspace / "lib" / "deep" / "x.ts").unlink()
    expect(entry(page, "x.ts")).to_have_count(0)

    entry(page, "lib").click()
    expect(entry(page, "a.py")).to_be_hidden()
    entry(page, "lib").click()
    expect(entry(page, "by-an-agent.txt")).to_be_visible()  # what was open in it is open again


def test_of_a_large_directory_the_beginning_is_shown_and_how_much_is_left(opened: Opened, workspace: Path):
    (workspace / "many").mkdir()
    for number in range(1005):
        (workspace / "many" / f"{number:04}").touch()
    page = opened("/files")
    entry(page, "many").click()
    expect(entry(page, "0999")).to_have_count(1)
    expect(entry(page, "… 5 more")).to_have_count(1)
    expect(entry(page, "1000")).to_have_count(0)


def test_what_git_says_and_where_links_lead_is_seen(opened: Opened, workspace: Path):
    (workspace / "README.md").write_text("changed\n")
    (workspace / "new.py").touch()
    (workspace / "added.py").touch()
    git("add", "added.py", cwd=workspace)
    (workspace / ".git" / "info" / "exclude").write_text("*.log\n")
    (workspace / "out.log").touch()
    (workspace / "there").symlink_to("lib")
    (workspace / "nowhere").symlink_to("/etc/passwd")
    page = opened("/files")
    for name, letter, look in (
        ("README.md", "M", "modified"),
        ("new.py", "U", "untracked"),
        ("added.py", "A", "added"),
        ("out.log", "", "ignored"),
        ("lib", "", "directory"),
        ("nowhere", "U", "broken"),
    ):
        expect(entry(page, name).locator(".node-letter")).to_have_text(letter)
        expect(entry(page, name)).to_have_class(re.compile(rf"\b{look}\b"))
    expect(entry(page, "nowhere").locator(".node-target")).to_have_text("→ /etc/passwd")
    entry(page, "there").click()
    expect(entry(page, "a.py")).to_be_visible()


def test_what_is_typed_and_saved_is_on_the_disk_as_the_file_had_its_lines(opened: Opened, workspace: Path):
    (workspace / "dos.txt").write_bytes(b"one\r\ntwo\r\n")
    page = opened("/files")
    open_file(page, "dos.txt")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    type_at_end(page, "three 🚢\n")
    page.keyboard.press("Control+s")
    expect(page.get_by_label("not saved")).to_be_hidden()
    assert (workspace / "dos.txt").read_bytes() == "one\r\ntwo\r\nthree 🚢\r\n".encode()
    type_at_end(page, "four")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("not saved")).to_be_hidden()
    assert (workspace / "dos.txt").read_bytes().endswith("🚢\r\nfour".encode())
    expect(entry(page, "dos.txt").locator(".node-letter")).to_have_text("U")


def test_a_file_that_others_change_is_shown_anew_unless_that_would_lose_what_was_typed(
    opened: Opened, workspace: Path
):
    page = opened("/files")
    open_file(page, "README.md")
    expect(text(page)).to_contain_text("two")
    (workspace / "README.md").write_text("by an agent\n")
    expect(text(page)).to_contain_text("by an agent")

    type_at_end(page, "mine")
    (workspace / "README.md").write_text("again\n")
    standing = page.locator(".file-standing")
    expect(standing).to_contain_text("was changed on the disk")
    expect(text(page)).to_contain_text("mine")
    page.get_by_role("button", name="Reload").click()
    expect(text(page)).to_have_text("again")
    expect(standing).to_be_hidden()

    type_at_end(page, "mine")
    (workspace / "README.md").write_text("and again\n")
    page.keyboard.press("Control+s")  # before anybody looked
    expect(standing).to_contain_text("was changed on the disk")
    assert (workspace / "README.md").read_text() == "and again\n"
    page.get_by_role("button", name="Overwrite").click()
    expect(standing).to_be_hidden()
    assert (workspace / "README.md").read_text() == "again\nmine"

    type_at_end(page, "!")
    (workspace / "README.md").unlink()
    expect(standing).to_contain_text("no longer on the disk")
    page.get_by_role("button", name="Save it again").click()
    expect(standing).to_be_hidden()
    assert (workspace / "README.md").read_text() == "again\nmine!"


def test_a_change_of_another_text_than_the_one_that_is_here_is_no_change(opened: Opened, workspace: Path):
    (workspace / "README.md").write_text("one\ntwo\n")
    page = opened("/files")
    open_file(page, "README.md")
    expect(text(page)).to_contain_text("two")
    # As if the text had been replaced here just while somebody typed there.
    page.evaluate(
        """() => {
          const editor = getElement(Number(document.querySelector(".nicegui-codemirror").id.slice(1)));
          editor.emitting = false;
          editor.editor.dispatch({ changes: { from: 0, to: 8, insert: "of before" } });
          editor.emitting = true;
          editor.editor.dispatch({ changes: { from: 9, insert: "!" } });
        }"""
    )
    expect(text(page)).to_have_text("onetwo")
    type_at_end(page, "three")
    page.keyboard.press("Control+s")
    expect(page.get_by_label("not saved")).to_be_hidden()
    assert (workspace / "README.md").read_text() == "one\ntwo\nthree"


def test_the_editor_is_dark_where_the_page_is(opened: Opened):
    page = opened("/files")
    open_file(page, "README.md")
    editor = page.locator(".cm-editor")
    expect(editor).to_have_css("background-color", "rgb(255, 255, 255)")
    page.emulate_media(color_scheme="dark")
    expect(editor).to_have_css("background-color", "rgb(13, 17, 23)")
    page.reload()
    open_file(page, "README.md")
    expect(editor).to_have_css("background-color", "rgb(13, 17, 23)")


def test_another_file_is_opened_only_when_it_was_said_what_becomes_of_the_changes(
    opened: Opened, workspace: Path
):
    (workspace / "other.txt").write_text("other\n")
    page = opened("/files")
    open_file(page, "README.md")
    type_at_end(page, "mine")
    entry(page, "other.txt").click()
    page.get_by_role("button", name="Stay").click()
    expect(page.locator(".q-tree__node--selected")).to_contain_text("README.md")
    expect(text(page)).to_contain_text("mine")

    entry(page, "other.txt").click()
    page.locator(".asked").get_by_role("button", name="Save").click()
    expect(text(page)).to_have_text("other")
    assert (workspace / "README.md").read_text() == "two\nmine"

    type_at_end(page, "lost")
    entry(page, "README.md").click()
    page.get_by_role("button", name="Discard").click()
    expect(text(page)).to_contain_text("mine")
    assert (workspace / "other.txt").read_text() == "other\n"


def test_what_is_no_text_is_shown_as_what_it_is_or_says_why_not(opened: Opened, workspace: Path):
    (workspace / "pixel.png").write_bytes(PIXEL)
    (workspace / "data.bin").write_bytes(b"\0\1")
    (workspace / "latin.txt").write_bytes(b"caf\xe9")
    (workspace / "mixed.txt").write_bytes(b"a\r\nb\nc")
    page = opened("/files")
    entry(page, "pixel.png").click()
    page.wait_for_function("document.querySelector('.file-picture')?.naturalWidth === 1")
    problem = page.locator(".file-problem")
    for name, why in (
        ("data.bin", "is no text"),
        ("latin.txt", "is not in UTF-8 at byte 3"),
        ("mixed.txt", "in several ways"),
    ):
        open_file(page, name)
        expect(problem).to_contain_text(why)
        expect(page.get_by_role("button", name="Save")).to_be_hidden()
    expect(text(page)).to_have_attribute("contenteditable", "false")
    with page.expect_download() as download:
        page.locator(".file-head").get_by_label("Download").click()
    assert Path(download.value.path()).read_bytes() == b"a\r\nb\nc"


def test_files_and_directories_are_made_moved_and_deleted(opened: Opened, workspace: Path):
    page = opened("/files")
    entry(page, "lib").click()
    expect(entry(page, "a.py")).to_be_visible()
    page.get_by_label("New directory").click()
    page.get_by_label("Name in lib").fill("sub")
    page.keyboard.press("Enter")
    expect(page.locator(".q-tree__node--selected")).to_contain_text("sub")
    page.get_by_label("New file").click()
    page.get_by_label("Name in lib/sub").fill("n.md")
    page.get_by_role("button", name="Create").click()
    expect(page.locator(".file-name")).to_have_text("lib/sub/n.md")
    assert (workspace / "lib" / "sub" / "n.md").is_file()

    type_at_end(page, "kept")
    page.get_by_label("Rename or move").click()
    expect(page.get_by_label("Path in the workspace")).to_have_value("lib/sub/n.md")
    page.get_by_label("Path in the workspace").fill("README.md")
    page.get_by_role("button", name="Rename").last.click()
    expect(page.get_by_text("there is something of that name already")).to_be_visible()
    page.get_by_label("Rename or move").click()
    page.get_by_label("Path in the workspace").fill("lib/sub/moved.md")
    page.keyboard.press("Enter")
    expect(page.locator(".file-name")).to_have_text("lib/sub/moved.md")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("not saved")).to_be_hidden()
    assert (workspace / "lib" / "sub" / "moved.md").read_text() == "kept"

    entry(page, "sub").click()
    page.get_by_label("Delete").click()
    expect(page.locator(".asked")).to_contain_text("has content: 1 entry")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".asked")).to_have_count(0)
    assert (workspace / "lib" / "sub").is_dir()
    page.get_by_label("Delete").click()
    page.locator(".asked").get_by_role("button", name="Delete").click()
    expect(entry(page, "sub")).to_have_count(0)
    expect(page.locator(".file-head")).to_be_hidden()
    assert not (workspace / "lib" / "sub").exists()
    assert (workspace / "lib" / "a.py").exists()


def test_an_upload_lands_in_the_selected_directory_and_replaces_nothing_unasked(
    opened: Opened, workspace: Path
):
    page = opened("/files")
    entry(page, "lib").click()
    expect(entry(page, "a.py")).to_be_visible()
    entry(page, "lib").click()
    expect(entry(page, "a.py")).to_be_hidden()

    def upload(name: str, content: bytes) -> None:
        with page.expect_file_chooser() as chooser:
            page.get_by_label("Upload").click()
        chooser.value.set_files({"name": name, "mimeType": "text/plain", "buffer": content})

    upload("up.bin", b"\0\xff" * 1000)
    expect(entry(page, "up.bin")).to_be_visible()
    assert (workspace / "lib" / "up.bin").read_bytes() == b"\0\xff" * 1000
    upload("a.py", b"mine")
    expect(page.locator(".asked")).to_contain_text("There is a lib/a.py already.")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator(".asked")).to_have_count(0)
    assert (workspace / "lib" / "a.py").read_text() == "a = 1\n"
    upload("a.py", b"mine")
    page.get_by_role("button", name="Replace").click()
    until(lambda: (workspace / "lib" / "a.py").read_bytes() == b"mine", "replaced")


def test_names_that_are_no_names_for_html_or_for_text_are_shown_and_served(opened: Opened, workspace: Path):
    (workspace / HOSTILE).write_text("hostile\n")
    strange = os.fsencode(workspace) + b"/caf\xe9"
    with open(strange, "wb") as file:  # noqa: PTH123 - a name in bytes
        file.write(b"strange\n")
    page = opened("/files")
    shown = HOSTILE.replace("\n", "␊")
    open_file(page, shown)
    expect(text(page)).to_have_text("hostile")
    type_at_end(page, "more")
    page.keyboard.press("Control+s")
    expect(page.get_by_label("not saved")).to_be_hidden()
    assert (workspace / HOSTILE).read_text() == "hostile\nmore"
    with page.expect_download() as download:
        page.locator(".file-head").get_by_label("Download").click()
    assert Path(download.value.path()).read_text() == "hostile\nmore"

    page.get_by_label("Rename or move").click()
    field = page.get_by_label("Path in the workspace")
    expect(field).to_have_value(HOSTILE)
    page.keyboard.press("Control+End")
    field.press_sequentially("2")
    page.keyboard.press("Enter")
    expect(page.locator(".file-name")).to_have_text(f"{shown}2")
    assert (workspace / f"{HOSTILE}2").is_file()
    page.get_by_label("Delete").click()
    expect(page.locator(".asked")).to_contain_text(f"{shown}2")
    page.locator(".asked").get_by_role("button", name="Delete").click()
    expect(entry(page, f"{shown}2")).to_have_count(0)

    open_file(page, "caf\\xe9")
    expect(text(page)).to_have_text("strange")
    type_at_end(page, "!")
    page.keyboard.press("Control+s")
    expect(page.get_by_label("not saved")).to_be_hidden()
    with open(strange, "rb") as file:  # noqa: PTH123 - a name in bytes
        assert file.read() == b"strange\n!"
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_page_that_is_used_for_long_does_not_grow(opened: Opened, workspace: Path):
    (workspace / "other.txt").write_text("other\n")
    page = opened("/files")

    def use() -> int:
        for name, content in (("other.txt", "other"), ("README.md", "two")):
            open_file(page, name)
            expect(text(page)).to_have_text(content)
            page.get_by_label("Delete").click()
            page.get_by_role("button", name="Cancel").click()
            expect(page.locator(".asked")).to_have_count(0)
        return page.evaluate("Object.keys(mounted_app.elements).length")

    first = use()
    assert [use(), use()] == [first, first]


# -- what is pure


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        ("", Ending.LF),
        ("a\nb\n", Ending.LF),
        ("a\r\nb", Ending.CRLF),
        ("a\rb", Ending.CR),
        ("a\r\nb\n", None),
        ("a\r\n\rb", None),
        ("a\rb\n", None),
        ("a\r\r\n", None),
    ],
)
def test_a_texts_lines_end_in_one_way_or_it_is_not_edited(content: str, ending: Ending | None):
    assert ending_of(content) is ending
    if ending is not None:
        assert ending.kept(ending.edited(content)) == content
        assert "\r" not in ending.edited(content)


def test_a_language_is_known_by_the_name():
    assert language_of("a/b.PY") == "Python"
    assert language_of("Dockerfile.dev") == "Dockerfile"
    assert language_of("x/.bashrc") == "Shell"
    assert language_of("py") is None


def test_all_of_a_name_can_be_seen():
    assert visible("a\tb\x7f\uf7ff\u202ec") == "a␉b␡\\xff\\u202ec"
