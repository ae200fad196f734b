"""Tells what a person types from what a terminal answers by itself. Pure.

A program may ask the terminal where its cursor is, or what it is; the page's terminal answers on
the same line on which a person types. A program that asks in a loop is no person at work.
"""

from __future__ import annotations

import re

_REPLY = re.compile(
    rb"""
    \x1b\[ [?>=]? [0-9;]* [Rcn]             # where the cursor is, what it is, how it is
    | \x1b\[ \?? [0-9;]* \$y                # how a mode is set
    | \x1b\[ [0-9;]+ t                      # how large the window is
    | \x1b\[ \? [0-9]+ u                    # how keys are told
    | \x1b\[ [IO]                           # the focus came or went
    | \x1b\] [^\x07\x1b]* (?: \x07|\x1b\\ ) # a colour
    | \x1bP [^\x1b]* \x1b\\                 # its name, a setting
    """,
    re.VERBOSE,
)


def typed(data: bytes) -> bool:
    """Whether anything of it is a person's."""
    return bool(_REPLY.sub(b"", data))
