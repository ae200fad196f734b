"""``berth completion``: the script that teaches a shell."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.app import COMPLETE
from cli.output import say

EXAMPLES = """
  source <(berth completion bash)
  berth completion zsh > "${fpath[1]}/_berth"
  berth completion fish > ~/.config/fish/completions/berth.fish
"""


class Shell(StrEnum):
    """The shells that can be taught."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="The shell to print the script of.")]) -> None:
    """Print the completion script of a shell, to be sourced by it."""
    from typer._completion_shared import get_completion_script  # noqa: PLC0415 - for this command alone

    say(get_completion_script(prog_name="berth", complete_var=COMPLETE, shell=shell.value))
