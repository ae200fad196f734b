"""Label selectors as they are written in a URL: ``a=b,c!=d,e in (f,g),h notin (i),j,!k``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from api.problems import invalid
from records.port import EVERYTHING, Selector

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]
Requirement = tuple[str, Operator, tuple[str, ...]]

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_COMMA = re.compile(r",(?![^(]*\))")
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<word>in|notin)\s+\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"(?P<key>{_KEY})\s*(?P<sign>==|=|!=)\s*(?P<value>{_VALUE})")
_PRESENT = re.compile(rf"(?P<absent>!?)\s*(?P<key>{_KEY})")


def parse_selector(text: str | None) -> Selector:
    """The selector of a query; raises Problem Invalid."""
    if text is None or not text.strip():
        return EVERYTHING
    return Selector(tuple(_requirement(part.strip()) for part in _COMMA.split(text)))


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether every requirement holds of these labels. An absent label is not in any set."""
    return all(_holds(labels, *requirement) for requirement in selector.requirements)


def _requirement(part: str) -> Requirement:
    if match := _SET.fullmatch(part):
        values = tuple(value.strip() for value in match["values"].split(","))
        if all(re.fullmatch(_VALUE, value) for value in values):
            return match["key"], "In" if match["word"] == "in" else "NotIn", values
    elif (match := _EQUAL.fullmatch(part)) and (match["value"] or match["sign"] != "=="):
        return match["key"], "NotIn" if match["sign"] == "!=" else "In", (match["value"],)
    elif match := _PRESENT.fullmatch(part):
        return match["key"], "DoesNotExist" if match["absent"] else "Exists", ()
    forms = "a=b, a= (an empty value), a!=b, a in (b,c), a notin (b,c), a or !a"
    message = f"{part!r} is no requirement; write {forms}"
    raise invalid((("labelSelector", message),))


def _holds(labels: Mapping[str, str], key: str, operator: Operator, values: tuple[str, ...]) -> bool:
    match operator:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
