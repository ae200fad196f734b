"""Where the browser gets a file by itself. Pure."""

from __future__ import annotations

from urllib.parse import quote

from container.tree.reading import Content
from container.tree.routes import PREFIX


def image_address(content: Content) -> str:
    """The image; another one by each change, or the browser would show the one it has."""
    return (
        f"{PREFIX}/image?path={_quoted(content.path)}&seen={_quoted(f'{content.modified} {content.bytes}')}"
    )


def file_address(path: str) -> str:
    """The file as a download."""
    return f"{PREFIX}/download?path={_quoted(path)}"


def directory_address(path: str) -> str:
    """The directory as a download."""
    return f"{file_address(path)}&archive=zip"


def _quoted(text: str) -> str:
    return quote(text, safe="")
