from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli import reference
from cli.app import COMMANDS, app, arrange, load, report
from cli.failures import ExitCode
from cli.kinds import KINDS, kind_named
from crds import kinds as declared

HEAVY = {
    "pydantic",
    "httpx",
    "sqlalchemy",
    "fastapi",
    "rich",
    "asyncio",
    "yaml",
    "jsonpath_ng",
    "platformdirs",
}


def imported_by(*words: str) -> set[str]:
    """The modules that are there once a command line has ended."""
    program = (
        "import sys\n"
        "from cli.__main__ import main\n"
        f"sys.argv = ['berth', *{list(words)!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "Usage: berth" in ended.stdout
    return set(ended.stderr.split())


def test_help_loads_typer_and_the_table_alone():
    loaded = imported_by("--help")
    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith("cli.")} == {
        "cli.__main__",
        "cli.app",
        "cli.failures",
        "cli.output",
    }


def test_the_help_of_a_command_loads_no_models():
    loaded = imported_by("get", "--help")
    assert loaded & {"sqlalchemy", "fastapi", "api", "records", "controller"} == set()
    assert not any(name.startswith("crds") for name in loaded)


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_has_a_help_with_an_example(entry, berth):
    assert load(entry).help
    result = berth(entry.name, "--help")
    assert result.exit_code == 0
    assert f"berth {entry.name}" in result.stdout.partition("Examples:")[2]
    assert entry.help in berth("--help").stdout


def test_words_before_the_command_belong_to_it():
    assert arrange(["-n", "alice", "get", "se"]) == (["get", "-n", "alice", "se"], False)
    assert arrange(["--namespace=alice", "--server", "u", "get"]) == (
        ["get", "--namespace=alice", "--server", "u"],
        False,
    )
    assert arrange(["get", "--debug", "se", "--", "--debug"]) == (["get", "se", "--", "--debug"], True)
    assert arrange(["-n"]) == (["-n"], False)
    assert arrange([]) == ([], False)


def test_wrong_command_lines(berth):
    for words, said in (
        (["gett"], "error: no such command 'gett'. Did you mean 'get'?"),
        (["get"], "error: missing argument 'WHAT'"),
        (["get", "--wide"], "error: no such option: --wide"),
        (["-n"], "error: "),
        (["logs", "x", "--tail", "-1"], "error: invalid value for"),
    ):
        result = berth(*words)
        assert result.exit_code == 2, words
        assert result.stderr.startswith(said), result.stderr
        assert "  try: berth" in result.stderr
    assert berth().exit_code == 2
    assert berth().stdout.startswith("Usage: berth")


def test_a_fault_of_ours_is_said_without_its_words(capsys):
    assert report(RuntimeError("canary")) == 70
    said = capsys.readouterr().err
    assert said.startswith(
        "error: a fault of the command line itself (RuntimeError)\n  try: the same with --debug"
    )
    assert "canary" not in said


def test_debug_shows_where_it_comes_from(berth):
    result = berth("get", "nope", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "Traceback" not in berth("get", "nope").stderr


def test_interrupted(fake, berth):
    def interrupt(_):
        raise KeyboardInterrupt

    fake.handle_async_request = interrupt
    assert berth("get", "sessions").exit_code == 130


def test_the_reader_of_the_output_goes_away():
    ended = subprocess.run(
        [sys.executable, "-c", "from cli.app import report; import sys; sys.exit(report(BrokenPipeError()))"],
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_the_table_of_kinds_is_what_is_declared():
    assert {(kind.name, kind.plural, kind.short, kind.namespaced) for kind in KINDS} == {
        (kind.KIND, kind.PLURAL, kind.SHORT_NAMES, kind.NAMESPACED) for kind in declared.KINDS
    }
    for word in ("se", "SESS", "session", "Sessions"):
        assert kind_named(word).name == "Session"


def test_the_reference_is_what_the_commands_say():
    assert reference.main(["check"]) == 0


def test_a_stale_reference_is_found_and_written_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "PATH", tmp_path / "docs" / "cli.md")
    assert reference.main(["check"]) == 1
    assert "cli.md is stale" in capsys.readouterr().err
    assert reference.main(["generate"]) == 0
    assert reference.main(["check"]) == 0


def test_what_the_machine_refuses_is_told_in_its_words(capsys):
    assert report(PermissionError(13, "Permission denied", "/some/file")) == ExitCode.NOT_MET
    assert capsys.readouterr().err.startswith("error: /some/file: Permission denied\n")
    assert report(OSError(28, "No space left on device")) == ExitCode.NOT_MET
    assert capsys.readouterr().err.startswith("error: No space left on device\n")


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/1/berth"])
def test_a_home_that_cannot_be_used_is_named(tmp_path, place):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["up", "--home", str(tmp_path / place)])
    assert result.exit_code == ExitCode.INVALID
    assert result.stderr.startswith(f"error: the home {tmp_path / place} cannot be used: ")
    assert "--home or BERTH_HOME" in result.stderr
