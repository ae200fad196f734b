"""Writes the reference of the configuration from the settings themselves.

``python -m cli.reference_configuration generate`` writes ``docs/reference/configuration.md``;
``check`` fails, and says what to run, where the file is not what it would write.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from controller.settings import ControllerSettings
from records.keys import VARIABLE

PATH = Path(__file__).parent.parent / "docs" / "reference" / "configuration.md"

_HEAD = f"""# Configuration

Written by `python -m cli.reference_configuration generate` from the settings; change those, not this file.

API and controller are configured by environment variables with the prefix `BERTH_`. A variable that is wrong
ends the program at its start, with a message that names it. `berth up` needs none of them: it sets what is
required, and passes on all others that it was started with.

What concerns one Dokploy (its URL and key, limits, poll periods, deadlines) is no setting but a record, the
[Target](records.md).

`{VARIABLE}` may hold the keys that encrypt secrets in place of the key file: lines as in the file,
`<id> <32 bytes in base64>`, or the same parted by commas. The first encrypts, all decrypt.
"""

_PROGRAMS: tuple[tuple[str, str, type[BaseSettings]], ...] = (
    ("The API", "`python -m api`", ApiSettings),
    ("The controller", "`python -m controller`", ControllerSettings),
)

_COMMAND = """## The command line

| variable | type | default | what it is |
|---|---|---|---|
| `BERTH_HOME` | path | the platform's place | Where a local Berth keeps its state, and is looked for. |
| `BERTH_URL` | text | none | The Berth that `berth` talks to, in place of the one in its home. |
| `BERTH_TOKEN` | secret text | none | The token for it. |
| `BERTH_PROXY` | text | none | URL of the proxy to a Berth elsewhere; `HTTPS_PROXY` is not used. |
| `BERTH_NAMESPACE` | text | `default` | The namespace where no `-n` is given. |
| `NO_COLOR` | text | none | If it is set, nothing is coloured. |
"""

_NAMES: dict[object, str] = {int: "whole number", float: "number", str: "text", Path: "path"}
_SIGNS: dict[type, str] = {Ge: "at least", Gt: "more than", Le: "at most", Lt: "less than"}


def generate() -> str:
    """The whole text."""
    return "\n".join([_HEAD, *(_program(*program) for program in _PROGRAMS), _COMMAND])


def check() -> bool:
    """Whether the file is what :func:`generate` would write."""
    return PATH.exists() and PATH.read_text(encoding="utf-8") == generate()


def _program(title: str, command: str, settings: type[BaseSettings]) -> str:
    prefix = settings.model_config.get("env_prefix", "")
    rows = [_row(f"{prefix}{name}".upper(), field) for name, field in settings.model_fields.items()]
    head = [f"## {title}", "", command, "", "| variable | type | default | what it is |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{name}` | {_type(field)} | {_default(field)} | {meaning} |"


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{word} {getattr(bound, kind.__name__.lower()):g}"
        for bound in field.metadata
        for kind, word in _SIGNS.items()
        if isinstance(bound, kind)
    ]
    return ", ".join([_type_name(field.annotation), *bounds])


def _type_name(annotation: object) -> str:
    if get_origin(annotation) in {Union, UnionType}:
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    if annotation is SecretStr:
        return "secret text"
    return _NAMES[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if field.default is None else f"`{field.default}`"


def main(words: Sequence[str] | None = None) -> int:
    """Exit code 1 where ``check`` finds the file stale."""
    parser = argparse.ArgumentParser(prog="python -m cli.reference_configuration", description=__doc__)
    parser.add_argument("verb", choices=("generate", "check"))
    if parser.parse_args(words).verb == "generate":
        PATH.parent.mkdir(parents=True, exist_ok=True)
        PATH.write_text(generate(), encoding="utf-8")
    elif not check():
        sys.stderr.write(f"{PATH} is stale; run: python -m cli.reference_configuration generate\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
