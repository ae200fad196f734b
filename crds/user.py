"""The User: who may use Berth."""

from __future__ import annotations

from typing import ClassVar, Literal

from crds.base import Model, Resource
from crds.container import SecretKeyReference


class UserSpec(Model):
    """Name, role and where the password's hash lies."""

    display_name: str | None = None
    role: Literal["admin", "member"] = "member"
    password_hash: SecretKeyReference | None = None


class User(Resource):
    """A person or tool that owns the namespace of its name."""

    KIND: ClassVar[str] = "User"
    PLURAL: ClassVar[str] = "users"
    NAMESPACED: ClassVar[bool] = False

    kind: Literal["User"] = "User"
    spec: UserSpec = UserSpec()
