"""Tells an image by its content: a name proves nothing. Pure."""

from __future__ import annotations

import re

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
)
_CONTAINED = ((b"RIFF", 8, b"WEBP", "image/webp"), (b"", 4, b"ftypavif", "image/avif"))
_SVG = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg[\s>]", re.DOTALL)
_BOM = b"\xef\xbb\xbf"


def image_type(head: bytes) -> str | None:
    """The media type by the first bytes; None for what no browser shows as an image."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    for beginning, offset, word, kind in _CONTAINED:
        if head.startswith(beginning) and head[offset : offset + len(word)] == word:
            return kind
    return "image/svg+xml" if _SVG.match(head.removeprefix(_BOM)) else None
