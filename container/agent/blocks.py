"""A prompt as ACP's content blocks: its text first, then its files. Loads :mod:`acp`."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import acp
from acp import schema

from container.agent.attachments import File

Block = (
    schema.TextContentBlock
    | schema.ImageContentBlock
    | schema.AudioContentBlock
    | schema.ResourceContentBlock
    | schema.EmbeddedResourceContentBlock
)


def blocks_of(text: str, files: Sequence[File], *, images: bool) -> list[Block]:
    """The blocks. Reads images: call it in a thread.

    ``images`` tells that the agent takes images; others, and all other files, are links that it can
    follow on its own. The text comes first, since a slash command is known by its first character.
    """
    blocks: list[Block] = [acp.text_block(text)] if text else []
    for file in files:
        data = _read(file) if images and file.is_image else None
        if data is not None:
            blocks.append(acp.image_block(base64.b64encode(data).decode(), file.attachment.mime))
        else:
            blocks.append(
                acp.resource_link_block(
                    file.attachment.name,
                    file.path.as_uri(),
                    mime_type=file.attachment.mime,
                    size=file.attachment.bytes,
                )
            )
    return blocks


def _read(file: File) -> bytes | None:
    """The content; None for one that is gone meanwhile: the agent then finds out by itself."""
    try:
        return file.path.read_bytes()
    except OSError:
        return None
