"""``python -m crds generate`` writes what is made from the types; ``check`` says whether it is stale."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from crds.manifest import DEFINED, file_name, manifest
from crds.reference import reference

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = Path("crds/manifests")
REFERENCE = Path("docs/reference/records.md")

_SHOWN = 12
"""Lines of a difference that are shown: enough to know it by."""


def generated() -> dict[Path, str]:
    """What is generated, by its path from the root of the repository."""
    files = {MANIFESTS / file_name(kind): manifest(kind) for kind in DEFINED}
    return {**files, REFERENCE: reference()}


def generate(root: Path) -> list[str]:
    """Write what differs and remove manifests of kinds that are gone; the paths changed."""
    changed = []
    for path, text in generated().items():
        if _text(root / path) != text:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
            changed.append(f"written  {path}")
    for path in _left_over(root):
        (root / path).unlink()
        changed.append(f"removed  {path}")
    return changed


def check(root: Path) -> list[str]:
    """What is stale, with the beginning of each difference; nothing if all is as it should be."""
    told = []
    for path, text in generated().items():
        found = _text(root / path)
        if found is None:
            told.append(f"{path} is missing")
        elif found != text:
            lines = difflib.unified_diff(
                found.splitlines(), text.splitlines(), "found", "expected", n=0, lineterm=""
            )
            told += [f"{path} is stale:", *(f"  {line}" for line in islice(lines, _SHOWN))]
    return told + [f"{path} belongs to no kind" for path in _left_over(root)]


def main(arguments: Sequence[str]) -> int:
    """Run one of the two; the exit code: 0, 1 for stale, 2 for a wrong word."""
    match arguments:
        case ["generate"]:
            print(*generate(ROOT) or ["nothing to write"], sep="\n")  # noqa: T201 - its whole purpose
            return 0
        case ["check"]:
            stale = check(ROOT)
            if stale:
                print(*stale, "run: make generate", sep="\n", file=sys.stderr)  # noqa: T201 - the same
            return 1 if stale else 0
        case _:
            print("usage: python -m crds generate|check", file=sys.stderr)  # noqa: T201 - the same
            return 2


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _left_over(root: Path) -> Iterator[Path]:
    expected = {file_name(kind) for kind in DEFINED}
    for path in sorted((root / MANIFESTS).glob("*.yaml")):
        if path.name not in expected:
            yield path.relative_to(root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
