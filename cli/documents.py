"""The documents that ``-f`` names: files, directories, stdin.

All are read and checked before any is used, and every fault in every file is told at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.failures import Cause, ExitCode, Failure
from cli.kinds import Reference, kind_named, refer
from cli.record import Record
from crds.documents import read_documents
from crds.errors import InvalidObject
from crds.kinds import dump

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True)
class Declared:
    """One document: what it declares, as it will be sent, and where it stands."""

    reference: Reference
    record: Record
    origin: str


def declared(paths: Sequence[str], *, namespace: str, home: Path) -> list[Declared]:
    """Everything that the paths declare, checked against the models.

    ``${BERTH_HOME}`` in a document is ``home``. No other variable is replaced: most that are
    written in a session's environment are meant for its container.

    Raises:
        Failure: INVALID: with every cause in every file; or nothing is declared.
    """
    found: list[Declared] = []
    causes: list[Cause] = []
    for origin, text in _texts(paths):
        try:
            found += _read(text, origin, namespace, {"BERTH_HOME": str(home)})
        except InvalidObject as error:
            causes += [Cause(problem.field, problem.message) for problem in error.problems]
    causes += _doubles(found)
    if causes:
        raise Failure("the input is invalid", code=ExitCode.INVALID, causes=causes)
    if not found:
        raise Failure(f"nothing is declared in {', '.join(paths)}", code=ExitCode.INVALID)
    return found


def _read(text: str, origin: str, namespace: str, variables: Mapping[str, str]) -> Iterator[Declared]:
    for document in read_documents(text, origin=origin, namespace=namespace, variables=variables):
        resource = document.resource
        reference = refer(kind_named(resource.kind), resource.metadata.name, resource.metadata.namespace)
        record = dump(resource)
        if "status" in record:
            # As `berth get` wrote it: its version moves with each status, and says nothing of the spec.
            record["metadata"].pop("resourceVersion", None)
        yield Declared(reference, record, document.origin)


def _doubles(found: Sequence[Declared]) -> list[Cause]:
    """One record declared twice would be the one or the other by chance of order."""
    first: dict[Reference, str] = {}
    return [
        Cause("", f"{each.origin}: {each.reference} is declared already in {origin}")
        for each in found
        if (origin := first.setdefault(each.reference, each.origin)) != each.origin
    ]


def _texts(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        if path == "-":
            yield "stdin", sys.stdin.read()
            continue
        for file in _files(Path(path).expanduser()):
            try:
                yield str(file), file.read_text(encoding="utf-8")
            except OSError as error:
                raise Failure(f"{file}: {error.strerror}", code=ExitCode.INVALID) from error
            except UnicodeDecodeError as error:
                raise Failure(f"{file}: is not UTF-8 text", code=ExitCode.INVALID) from error


def _files(path: Path) -> list[Path]:
    """The file itself, or the documents of a directory, in the order of their names.

    Folders within it are left alone, as kubectl does: what lies there may be of another kind.
    """
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
