"""The command line's root: a table of commands, each loaded when it is called and not before.

``berth --help`` reads the table alone, so it starts in the time that Typer needs.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from cli.failures import ExitCode, Failure
from cli.output import say

COMPLETE = "_BERTH_COMPLETE"
"""The variable by which a shell asks for completions."""
CONTEXT = {"help_option_names": ["-h", "--help"]}
_GLOBAL = ("-n", "--namespace", "--server")


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its name, the line of help, and where its function is."""

    name: str
    help: str
    module: str
    function: str


COMMANDS = (
    Entry("up", "Start Berth here: API, controller, and a local Dokploy.", "cli.up", "up"),
    Entry("apply", "Make records as files declare them.", "cli.commands.apply", "apply"),
    Entry("diff", "Show what apply would change, and what would be done.", "cli.commands.diff", "diff"),
    Entry("create", "Create a secret from values.", "cli.commands.create", "create"),
    Entry("get", "List records, or show some.", "cli.commands.get", "get"),
    Entry("describe", "Tell all there is about one record.", "cli.commands.describe", "describe"),
    Entry("why", "Say why a session stands as it does.", "cli.commands.why", "why"),
    Entry("events", "Show what happened.", "cli.commands.events", "events"),
    Entry("logs", "Show what a session's container writes.", "cli.commands.logs", "logs"),
    Entry("wait", "Wait until a record is as wished for.", "cli.commands.wait", "wait"),
    Entry("open", "Open a session in the browser.", "cli.commands.open", "open_"),
    Entry("start", "Start sessions.", "cli.commands.modes", "start"),
    Entry("stop", "Stop sessions; their work stays.", "cli.commands.modes", "stop"),
    Entry("restart", "Restart sessions.", "cli.commands.modes", "restart"),
    Entry("delete", "Delete records.", "cli.commands.delete", "delete"),
    Entry("undelete", "Keep what is being deleted.", "cli.commands.undelete", "undelete"),
    Entry(
        "sweep",
        "Find what no record accounts for, and clean up.",
        "cli.commands.sweep",
        "sweep",
    ),
    Entry(
        "accept-absence",
        "Say that what a target lacks is gone, and end its freeze.",
        "cli.commands.absence",
        "accept_absence",
    ),
    Entry("config", "Say which server is used, and how it was found.", "cli.commands.config", "config"),
    Entry(
        "version", "Show the versions of this command and of the server.", "cli.commands.version", "version"
    ),
    Entry("completion", "Print the completion script of a shell.", "cli.commands.completion", "completion"),
)


def load(entry: Entry) -> TyperCommand:
    """The command itself; its module's ``EXAMPLES`` end its help."""
    module = import_module(entry.module)
    examples = getattr(module, "EXAMPLES", "").strip("\n")
    single = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=CONTEXT)
    single.command(entry.name, epilog=f"\b\nExamples:\n{examples}" if examples else None)(
        getattr(module, entry.function)
    )
    command = typer.main.get_command(single)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"{entry.module}:{entry.function} is not one command")
    return command


class LazyCommand(TyperCommand):
    """A name and a line of help until it is called."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name, help=entry.help, rich_markup_mode=None)
        self._entry = entry

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """The context of the real command, which Typer then invokes."""
        return load(self._entry).make_context(*args, **extra)


class Root(TyperGroup):
    """The root of all commands, and the one place where a failure becomes words and a number."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in COMMANDS:
            self.add_command(LazyCommand(entry))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - the same
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - the same
        **extra: Any,
    ) -> NoReturn:
        """Run one command line and exit with its code."""
        del standalone_mode  # an exception must come as far as here
        words, debug = arrange(sys.argv[1:] if args is None else args)
        if COMPLETE in os.environ:
            from typer._completion_classes import completion_init  # noqa: PLC0415 - when a shell asks

            completion_init()
        try:
            code = super().main(
                words,
                prog_name=prog_name,
                complete_var=complete_var or COMPLETE,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except Exception as error:  # noqa: BLE001 - the last one who can say anything about it
            if debug:
                traceback.print_exc()
            sys.exit(report(error))
        sys.exit(code if isinstance(code, int) else ExitCode.OK)


def arrange(args: Sequence[str]) -> tuple[list[str], bool]:
    """The words as the commands want them, and whether ``--debug`` is among them.

    People write ``berth -n alice get se`` as often as ``berth get se -n alice``; the first becomes
    the second. ``--debug`` may stand anywhere before ``--``.
    """
    words = list(args)
    end = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end]
    words = [word for word in words[:end] if word != "--debug"] + words[end:]
    leading: list[str] = []
    while words and words[0].partition("=")[0] in _GLOBAL:
        count = 1 if "=" in words[0] else 2
        leading, words = leading + words[:count], words[count:]
    return [*words[:1], *leading, *words[1:]], debug


def report(error: Exception) -> ExitCode | int:
    """Say on stderr what went wrong; the exit code that tells it to scripts."""
    if isinstance(error, Failure):
        _say(error.lines())
        return error.code
    if isinstance(error, BrokenPipeError):
        # Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.READER_GONE
    if isinstance(error, typer.Abort):
        return ExitCode.INTERRUPTED
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, OSError) and error.strerror:
        # A full disk, a directory that may not be written to: the machine's fault, and its word for it.
        place = f"{error.filename}: " if error.filename else ""
        _say([f"error: {place}{error.strerror}", "  try: the same with --debug shows where it happened"])
        return ExitCode.NOT_MET
    _say(
        [
            f"error: a fault of the command line itself ({type(error).__name__})",
            "  try: the same with --debug, and report what it shows",
        ]
    )
    return ExitCode.BUG


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if message.startswith("Usage:"):
        say(message)
        return ExitCode.USAGE
    path = context.command_path if context is not None else "berth"
    _say([f"error: {message[:1].lower()}{message[1:].rstrip('.')}", f"  try: {path} --help"])
    return error.exit_code


def _say(lines: Sequence[str]) -> None:
    for index, line in enumerate(lines):
        say(line, err=True, fg="red" if index == 0 and _coloured() else None)


def _coloured() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


app = typer.Typer(
    name="berth",
    cls=Root,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings=CONTEXT,
    epilog="-n, --namespace and --server may stand before the command, too; --debug anywhere. "
    "Exit codes and every option: docs/reference/cli.md.",
)


@app.callback()
def root() -> None:
    """One container per coding session: declared as records, kept true on Dokploy."""
