"""The object shape that every kind shares: strict models, metadata, conditions, keys.

Field names are snake_case in Python and camelCase on the wire; unknown fields are refused with
the path of the field, so that a typing error in a spec is never silently ignored.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "berth.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


class Model(BaseModel):
    """Base of every type: camelCase on the wire, strict about unknown fields, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )


class Key(NamedTuple):
    """What identifies a record of one kind. Cluster-scoped kinds have an empty namespace."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class ObjectMeta(Model):
    """Identity and bookkeeping of a record; all but the first four are set by the store."""

    name: str
    namespace: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    finalizers: tuple[str, ...] = ()
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class ConditionStatus(StrEnum):
    """Three-valued, as in Kubernetes: a failed reading is Unknown, never a guess."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One aspect of how a record stands."""

    type: str
    status: ConditionStatus
    reason: str
    message: str = ""
    observed_generation: int = 0
    last_transition_time: datetime


class Resource(Model):
    """Base of the kinds. A subclass names its kind, plural, scope and short names."""

    KIND: ClassVar[str]
    PLURAL: ClassVar[str]
    NAMESPACED: ClassVar[bool] = True
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ()

    api_version: str = API_VERSION
    kind: str
    metadata: ObjectMeta

    @property
    def key(self) -> Key:
        """The key of this record within its kind."""
        return Key(self.metadata.namespace, self.metadata.name)
