"""The Secret: core/v1 shape; encrypted at rest, never shown."""

from __future__ import annotations

import base64
import binascii
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from crds.base import Resource
from crds.rules import SecretKey, misplaced


class Secret(Resource):
    """Named secret values. ``data`` is base64 of bytes, as in core/v1."""

    KIND: ClassVar[str] = "Secret"
    PLURAL: ClassVar[str] = "secrets"

    api_version: str = "v1"
    """Always v1, as in a cluster."""
    kind: Literal["Secret"] = "Secret"
    """Always Secret."""
    type: str = Field(default="Opaque", max_length=253)
    """Opaque, berth.dev/auth-file (login files of a provider) or berth.dev/api-key."""
    data: dict[SecretKey, str] = Field(default_factory=dict, repr=False, max_length=200)
    """Values as base64, by key."""
    string_data: dict[SecretKey, str] = Field(default_factory=dict, repr=False, max_length=200)
    """Values as text, by key; taken into data when written, never read back."""
    immutable: bool = False
    """Whether the values are refused any change."""

    @field_validator("data")
    @classmethod
    def _base64(cls, data: dict[str, str]) -> dict[str, str]:
        for key, value in data.items():
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                raise misplaced(f"[{key}]", "not base64; text goes into stringData") from None
        return data
