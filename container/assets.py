"""The files of ``container/static``."""

from __future__ import annotations

from importlib import resources


def asset(name: str) -> str:
    """The text of one."""
    return resources.files("container").joinpath("static", name).read_text(encoding="utf-8")
