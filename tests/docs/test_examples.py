"""Documents shown on the pages are valid, and tables that repeat the code repeat it truly."""

from __future__ import annotations

import re

import pytest

from controller import plan, plan_deletion
from crds.documents import read_documents
from tests.docs.pages import PAGES, ROOT, blocks, name_of, plain, rows, sections

CONTROLLER = ROOT / "docs" / "concepts" / "controller.md"
OPERATIONS = ROOT / "docs" / "operations.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_documents_that_are_shown_can_be_applied(page):
    for number, block in enumerate(blocks(page)):
        if block.language == "yaml" and block.text.lstrip("# \n").find("apiVersion: berth.dev") >= 0:
            variables = {"BERTH_HOME": "/home/you/.local/share/berth"}
            assert list(read_documents(block.text, origin=f"{page.name} block {number}", variables=variables))


def table_of(module) -> list[tuple[str, str]]:
    """The rows of the table in a module's docstring."""
    text = re.search(r"^=+  =+\n.*?^=+  =+\n(.*?)^=+  =+$", module.__doc__, re.MULTILINE | re.DOTALL)
    assert text is not None
    # The laws and facts that the code names are for its readers.
    lines = [re.sub(r" \([A-Z]+ ?\d+\)", "", line) for line in text[1].splitlines()]
    return [tuple(re.split(r" {2,}", line.strip(), maxsplit=1)) for line in lines]


def test_the_state_tables_are_those_of_the_code():
    shown = [
        tuple(map(plain, row)) for row in rows(sections(CONTROLLER, 2)["What follows from what is seen"])
    ]
    of_code = [*table_of(plan), *table_of(plan_deletion)]
    told = [(seen, "the table below" if "plan_deletion" in follows else follows) for seen, follows in of_code]
    assert [tuple(map(plain, row)) for row in told] == shown


def test_metrics_bear_the_names_of_the_code():
    from api.metrics import Metrics as OfApi  # noqa: PLC0415 - each brings a registry with it
    from controller.metrics import Metrics as OfController  # noqa: PLC0415

    known = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for metrics in (OfApi(), OfController())
        for family in metrics.registry.collect()
        if family.name.startswith("berth_")
    }
    shown = {row[0].strip("`") for row in rows(sections(OPERATIONS, 2)["Metrics"])}
    assert shown <= known
