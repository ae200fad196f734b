"""What an agent says, as HTML that does nothing: no HTML of its own, no pictures from elsewhere. Pure."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_MAX_HIGHLIGHTED = 20_000
"""Characters of one block of code; a longer one is shown as it is."""
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="code-")


def to_html(text: str) -> str:
    """Markdown as HTML."""
    return str(_parser().render(text))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _highlighted}).enable(
        ["table", "strikethrough"]
    )
    # A picture is a request to wherever the text says, with whatever the text puts into its address.
    parser.disable("image")
    return parser


def _highlighted(code: str, language: str, _: str) -> str:
    if not language or len(code) > _MAX_HIGHLIGHTED:
        return ""  # the parser escapes it
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, _FORMATTER))
