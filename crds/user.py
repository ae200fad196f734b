"""The User: who may use Berth."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from crds.base import Model, Resource
from crds.container import SecretKeyReference
from crds.rules import Title


class UserSpec(Model):
    """Name, role and where the password's hash lies."""

    display_name: Title | None = Field(default=None, examples=["Alice"])
    """How people call them."""
    role: Literal["admin", "member"] = "member"
    """An admin sees every namespace; a member the one of their name."""
    password_hash: SecretKeyReference | None = None
    """Where the hash of the password lies: a Secret in the namespace berth-system."""


class User(Resource):
    """A person or tool that owns the namespace of its name."""

    KIND: ClassVar[str] = "User"
    PLURAL: ClassVar[str] = "users"
    NAMESPACED: ClassVar[bool] = False

    kind: Literal["User"] = "User"
    """Always User."""
    spec: UserSpec = UserSpec()
    """What is declared."""
