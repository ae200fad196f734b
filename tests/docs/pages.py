"""The pages that people read, taken apart: headings, links, blocks of code, sections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^[ ]*```(\w*)\n(.*?)^[ ]*```[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block, without the indentation of the list that it stands in."""

    language: str
    text: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", page.read_text("utf-8"))


def blocks(page: Path) -> list[Block]:
    found = []
    for language, text in _FENCE.findall(page.read_text("utf-8")):
        lines = text.splitlines()
        depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        found.append(Block(language, "\n".join(line[depth:] for line in lines)))
    return found


def links(page: Path) -> list[str]:
    return [first or second for first, second in _LINK.findall(prose(page))]


def anchors(page: Path) -> set[str]:
    """Anchors as GitHub makes them of headings."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while (anchor := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(anchor)
    return found


def sections(page: Path, level: int) -> dict[str, str]:
    """The text under each heading of a level, up to the next heading of that level or above."""
    marks = "#" * level
    parts = re.split(rf"^(#{{1,{level}}}) (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {
        heading.strip(): text
        for mark, heading, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        if mark == marks
    }


def plain(text: str) -> str:
    """Text without line breaks and marks of code, for comparison."""
    return " ".join(text.replace("`", "").split())


def rows(text: str) -> list[tuple[str, ...]]:
    """The cells of the rows of Markdown tables, without their heads."""
    found: list[tuple[str, ...]] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if not line.startswith("|") or set(line) <= set("|- ") or re.fullmatch(r"[|\- ]+", following):
            continue
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        found.append(tuple(cell.strip().replace("\\|", "|") for cell in cells))
    return found
