"""The Secret: core/v1 shape; encrypted at rest, never shown."""

from __future__ import annotations

import base64
import binascii
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from crds.base import DECLARED, Resource
from crds.rules import SecretKey, misplaced

AUTH_FILE_TYPE = "berth.dev/auth-file"

_MOST_BYTES = 1_000_000
"""Bytes of all values in base64: what a store takes of one record (1 MiB), with room for the rest of it."""
_MOST_LOGIN_BYTES = 640 * 1024
"""Bytes of a provider's login files: in base64, with room for the other variables, what Dokploy takes
in one request (FACTS 5: 1 MB)."""


class Secret(Resource):
    """Named secret values. ``data`` is base64 of bytes, as in core/v1."""

    KIND: ClassVar[str] = "Secret"
    PLURAL: ClassVar[str] = "secrets"

    api_version: str = "v1"
    """Always v1, as in a cluster."""
    kind: Literal["Secret"] = "Secret"
    """Always Secret."""
    type: str = Field(default="Opaque", max_length=253)
    """Opaque, berth.dev/auth-file (login files of a provider, at most 640 KiB in all) or
    berth.dev/api-key."""
    data: dict[SecretKey, str] = Field(default_factory=dict, repr=False, max_length=200)
    """Values as base64, by key; at most 1,000,000 bytes of base64 in all."""
    string_data: dict[SecretKey, str] = Field(default_factory=dict, repr=False, max_length=200)
    """Values as text, by key; taken into data when written, never read back."""
    immutable: bool = False
    """Whether the values are refused any change."""

    @model_validator(mode="before")
    @classmethod
    def _with_values(cls, given: Any, info: ValidationInfo) -> Any:
        # What a listing shows of a Secret is not the Secret: applied, it would empty it.
        if info.context is DECLARED and isinstance(given, dict) and "digests" in given:
            message = (
                "shown in place of the values; leave this Secret out, or give data or stringData instead"
            )
            raise misplaced("digests", message)
        return given

    @field_validator("data")
    @classmethod
    def _base64(cls, data: dict[str, str]) -> dict[str, str]:
        for key, value in data.items():
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                raise misplaced(f"[{key}]", "not base64; text goes into stringData") from None
        return data

    @model_validator(mode="after")
    def _storable(self, info: ValidationInfo) -> Self:
        if info.context is not DECLARED:
            return self
        size = sum(map(len, self.data.values()))
        size += sum(-(-len(text.encode()) // 3) * 4 for text in self.string_data.values())
        if size > _MOST_BYTES:
            raise misplaced("data", f"{size:,} bytes in base64; a Secret takes at most {_MOST_BYTES:,}")
        content = size // 4 * 3
        if self.type == AUTH_FILE_TYPE and content > _MOST_LOGIN_BYTES:
            raise misplaced(
                "data", f"{content:,} bytes of login files; a container takes at most {_MOST_LOGIN_BYTES:,}"
            )
        return self
