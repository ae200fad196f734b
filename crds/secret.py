"""The Secret: core/v1 shape; encrypted at rest, never shown."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from crds.base import Resource


class Secret(Resource):
    """Named secret values. ``data`` is base64 of bytes, as in core/v1."""

    KIND: ClassVar[str] = "Secret"
    PLURAL: ClassVar[str] = "secrets"

    api_version: str = "v1"
    kind: Literal["Secret"] = "Secret"
    type: str = "Opaque"
    data: dict[str, str] = Field(default_factory=dict, repr=False)
    string_data: dict[str, str] = Field(default_factory=dict, repr=False)
    immutable: bool = False
