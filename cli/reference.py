"""Writes the reference of the command line from the commands themselves.

``python -m cli.reference generate`` writes ``docs/reference/cli.md``; ``check`` says whether it is
what the commands say now.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.app import COMMANDS, Entry, load
from cli.failures import MEANING
from cli.kinds import KINDS

PATH = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"

_HEAD = """# The command line

Written by `python -m cli.reference generate` from the commands; change those, not this file.

`berth` talks to a running Berth over HTTP. It finds it, in this order, through `--server`, through
`BERTH_URL` (both with the token in `BERTH_TOKEN`), or through `api.json` and `token` in
`BERTH_HOME` (by default the platform's place for a user's data). `berth config` says which it is.
Records are looked for in the namespace of `-n`, of `BERTH_NAMESPACE`, or else in `default`.

`-n`, `--namespace` and `--server` may stand before the command, too. `--debug` may stand anywhere;
it shows where an error comes from. Tables are coloured on a terminal alone, and never with
`NO_COLOR`. What is data goes to stdout, what is said about it to stderr.

`-o jsonpath=` takes kubectl's templates: `{.status.url}`, `{.items[*].metadata.name}`,
`{range .items[*]}{.metadata.name}{"\\n"}{end}`, `{.status.conditions[?(@.type=="Ready")].status}`.

In documents that `-f` names, `${BERTH_HOME}` is replaced by the home; no other variable is.
"""


def reference() -> str:
    """The whole text."""
    parts = [_HEAD, _kinds(), _codes(), *(_command(entry) for entry in COMMANDS)]
    return "\n".join(parts)


def _kinds() -> str:
    rows = [
        f"| {kind.name} | {kind.plural} | {', '.join(kind.short)} | {'yes' if kind.namespaced else 'no'} |"
        for kind in KINDS
    ]
    head = ["## Kinds", "", "In any case, singular or plural.", ""]
    return "\n".join([*head, "| kind | plural | short | in a namespace |", "|---|---|---|---|", *rows, ""])


def _codes() -> str:
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in MEANING.items()]
    head = ["## Exit codes", "", "A number never changes its meaning.", ""]
    return "\n".join([*head, "| code | meaning |", "|---|---|", *rows, ""])


def _command(entry: Entry) -> str:
    command = load(entry)
    context = command.make_context(entry.name, [], resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"## berth {entry.name}", "", inspect.cleandoc(command.help or ""), ""]
    lines += ["```", f"berth {entry.name} {usage}", "```", ""]
    rows = [_row(record) for each in command.get_params(context) if (record := each.get_help_record(context))]
    lines += ["| | |", "|---|---|", *rows, ""]
    if command.epilog:
        lines += ["```sh", inspect.cleandoc(command.epilog.partition("Examples:\n")[2]), "```", ""]
    return "\n".join(lines)


def _row(record: tuple[str, str]) -> str:
    name, meaning = (" ".join(part.split()).replace("|", "\\|") for part in record)
    return f"| `{name}` | {meaning} |"


def main(arguments: Sequence[str]) -> int:
    """Write the file, or with ``check`` compare it; the exit code."""
    if list(arguments) == ["check"]:
        current = PATH.exists() and PATH.read_text(encoding="utf-8") == reference()
        sys.stderr.write("" if current else f"{PATH.name} is stale: run python -m cli.reference generate\n")
        return 0 if current else 1
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(reference(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
