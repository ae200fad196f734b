"""``berth get``: records as a table, as data, once or as they change."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from itertools import groupby
from typing import Annotated

import typer

from cli import printing
from cli.client import Client, Query
from cli.columns import Column, columns
from cli.failures import ExitCode, Failure, Failures
from cli.jsonpath import Template, printed
from cli.kinds import EVENT, Kind, Reference, kind_named, references
from cli.options import AllNamespaces, Namespace, Selector, Server, Watch
from cli.output import say
from cli.printing import Output
from cli.record import Record, one_line
from cli.surroundings import Call
from cli.tables import Table
from cli.watch import follow

EXAMPLES = """
  berth get sessions
  berth get session fix-login -o yaml
  berth get se -A -o wide --sort-by=.metadata.creationTimestamp
  berth get sessions -l team=web -w
  berth get session/a session/b -o name
  berth get sessions -o jsonpath='{range .items[*]}{.metadata.name} {.status.url}{"\\n"}{end}'
"""
_SHAPES: tuple[printing.Shape, ...] = ("wide", "json", "yaml", "name", "jsonpath")


def get(  # noqa: PLR0913 - one argument per option
    ctx: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="WHAT", help="KIND, KIND NAME…, or KIND/NAME….")],
    *,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FORMAT", help="wide, json, yaml, name, or jsonpath=TEMPLATE."
        ),
    ] = None,
    watch: Watch = False,
    selector: Selector = None,
    all_namespaces: AllNamespaces = False,
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the line of titles.")] = False,
    sort_by: Annotated[
        str | None,
        typer.Option("--sort-by", metavar="PATH", help="Sort by this field, such as .metadata.name."),
    ] = None,
    namespace: Namespace = None,
    server: Server = None,
) -> None:
    """List records of a kind, or show those that are named.

    Kinds: sessions (se, sess), sessiontemplates (sesst), targets, secrets, users, events (ev).
    """
    call = Call.of(ctx, server=server, namespace=namespace)
    view = View(
        call,
        way=printing.output(output, allowed=_SHAPES),
        everywhere=all_namespaces,
        headers=not no_headers,
        order=Template(sort_by) if sort_by else None,
    )
    named = references(what, namespace=call.namespace)
    if not named:
        query = Query(kind_named(what[0]), None if all_namespaces else call.namespace, selector)
        call.run(partial(_list, view, query, watching=watch))
        return
    if watch or selector or all_namespaces:
        raise Failure(
            "-w, -l and -A go with a kind, not with names", code=ExitCode.USAGE, remedy="berth get KIND -w"
        )
    call.run(partial(_named, view, named))


class View:
    """How records are to be shown."""

    def __init__(
        self, call: Call, *, way: Output, everywhere: bool, headers: bool, order: Template | None
    ) -> None:
        self.way = way
        self.order = order
        self.everywhere = everywhere
        self._call = call
        self._headers = headers

    def table(self, kind: Kind, extra: Sequence[str] = ()) -> Table:
        """An empty table of this kind."""
        titles = [column.title for column in self._columns(kind)]
        return Table([*extra, *titles], headers="shown" if self._headers else "hidden")

    def row(self, kind: Kind, record: Record) -> list[str]:
        """One record's cells."""
        now = self._call.surroundings.now()
        return [one_line(column.cell(record, now)) for column in self._columns(kind)]

    def show(self, kind: Kind, records: Sequence[Record]) -> None:
        """Write a table of these, in the wished order."""
        self.table(kind).write([self.row(kind, record) for record in records])

    def sorted(self, records: list[Record]) -> list[Record]:
        """In the wished order; numbers as numbers, what has no value first.

        Raises:
            Failure: no record has the field, so that it is misspelled rather than empty.
        """
        if self.order is None:
            return records
        order = self.order
        if records and all(_rank(order, record) == _NO_VALUE for record in records):
            raise Failure(
                "--sort-by: no record shown has this field",
                code=ExitCode.USAGE,
                remedy="a path as in `berth get -o yaml`, such as .metadata.name or .status.phase",
            )
        return sorted(records, key=partial(_rank, order))

    def _columns(self, kind: Kind) -> list[Column]:
        return columns(
            kind,
            width="wide" if self.way.shape == "wide" else "narrow",
            namespaces="all" if self.everywhere else "one",
        )


_NO_VALUE = (0, 0.0, "")


def _rank(order: Template, record: Record) -> tuple[int, float, str]:
    found = order.values(record)
    if not found or found[0] is None:
        return _NO_VALUE
    value = found[0]
    return (1, float(value), "") if isinstance(value, int | float) else (2, 0.0, printed(value))


async def _list(view: View, query: Query, client: Client, *, watching: bool) -> None:
    listing = await client.listing(query)
    records = view.sorted(listing.items)
    if not watching:
        _once(view, query, records)
        return
    table = view.table(query.kind)
    if view.way.tabular:
        table.write([view.row(query.kind, record) for record in records])
    else:
        for record in records:
            printing.write(record, view.way)
    async with aclosing(follow(client, query, listing)) as changes:
        async for change in changes:
            if view.way.tabular:
                table.write([view.row(query.kind, change.record)])
            else:
                printing.write(change.record, view.way)


def _once(view: View, query: Query, records: list[Record]) -> None:
    if not view.way.tabular:
        if records or view.way.shape != "name":
            printing.write(_as_list(query.kind.name, records), view.way)
    elif records:
        view.show(query.kind, records)
    else:
        where = f" in namespace {query.namespace}" if query.namespace and query.kind.namespaced else ""
        say(f"no {query.kind.plural} found{where}", err=True)


async def _named(view: View, named: Sequence[Reference], client: Client) -> None:
    """What is there is shown even if some is not."""
    found: list[tuple[Kind, Record]] = []
    failures = Failures()
    for reference in named:
        with failures.collected():
            found.append((reference.kind, await client.get(reference)))
    if view.way.tabular:
        for kind, group in groupby(found, key=lambda each: each[0]):
            view.show(kind, view.sorted([record for _, record in group]))
    elif found:
        records = [record for _, record in found]
        printing.write(records[0] if len(named) == 1 else _as_list("", view.sorted(records)), view.way)
    failures.raise_found()


def _as_list(kind: str, records: list[Record]) -> Record:
    version = "v1" if kind in {"", EVENT.name} else "berth.dev/v1alpha1"
    return {
        "apiVersion": version,
        "kind": f"{kind}List" if kind else "List",
        "metadata": {},
        "items": records,
    }
