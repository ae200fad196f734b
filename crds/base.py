"""The object shape that every kind shares: strict models, metadata, conditions, keys.

Field names are snake_case in Python and camelCase on the wire; unknown fields are refused with
the path of the field, so that a typing error in a spec is never silently ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from crds.rules import LABEL, check_annotations, check_labels, misplaced

GROUP = "berth.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


CEL_PREFIX = "x-berth-cel:"
"""Key of a rule in a model's schema, so that a model's rules can be put together with ``|``."""


def cel(rule: str, message: str, *, field: str | None = None) -> dict[str, Any]:
    """A rule over several fields, in the Common Expression Language, for the generated schema.

    A cluster then refuses what the model's validator refuses. ``field`` is the path from the model,
    such as ``.build``, to tell the error at.
    """
    found = {"rule": rule, "message": message} | ({"fieldPath": field} if field else {})
    return {f"{CEL_PREFIX}{rule}": found}


DECLARED: Mapping[str, str] = MappingProxyType({"read": "declared"})
"""Validation context of what a person wrote: there, a field that is null is one that is left out,
as in a cluster, and the value of a template or target shows through it."""


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

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: object, info: ValidationInfo) -> object:
        if info.context is DECLARED and isinstance(data, Mapping):
            return {name: value for name, value in data.items() if value is not None}
        return data


class Key(NamedTuple):
    """What identifies a record of one kind. Cluster-scoped kinds have an empty namespace."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def _check_namespace(value: str) -> str:
    return LABEL.check(value) if value else value


class ObjectMeta(Model):
    """Identity and bookkeeping of a record; all but the first four are set by the store."""

    name: str = Field(min_length=1, max_length=253)
    """Unique among the records of its kind in its namespace; a DNS label."""
    namespace: Annotated[str, AfterValidator(_check_namespace)] = ""
    """The owner's space; empty for cluster-scoped kinds."""
    labels: Annotated[dict[str, str], AfterValidator(check_labels)] = Field(default_factory=dict)
    """To select by."""
    annotations: Annotated[dict[str, str], AfterValidator(check_annotations)] = Field(default_factory=dict)
    """Notes of tools; never a secret."""
    uid: str = ""
    """Drawn once: a record that is declared again is another one."""
    generation: int = 0
    """Grows with every change of the spec, and with a deletion."""
    resource_version: str = ""
    """The revision of the record's last change; a write from an older one is refused."""
    finalizers: tuple[str, ...] = ()
    """Who has something to do before the record may go."""
    creation_timestamp: datetime | None = None
    """When it was declared."""
    deletion_timestamp: datetime | None = None
    """When its deletion was asked for."""


class ConditionStatus(StrEnum):
    """Three-valued, as in Kubernetes: a failed reading is Unknown, never a guess."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One aspect of how a record stands."""

    type: str
    """What is asked, in one CamelCase word."""
    status: ConditionStatus
    """True, False or Unknown; which of them is the good news depends on the type."""
    reason: str
    """Why, in one CamelCase word that programs may rely on."""
    message: str = ""
    """Why, for people; never a secret, never a foreign text that may hold one."""
    observed_generation: int = 0
    """The generation of the record that this speaks of."""
    last_transition_time: datetime
    """When the status last changed; a new reason or message alone does not move it."""


class Resource(Model):
    """Base of the kinds. A subclass names its kind, plural, scope and short names."""

    KIND: ClassVar[str]
    PLURAL: ClassVar[str]
    NAMESPACED: ClassVar[bool] = True
    SHORT_NAMES: ClassVar[tuple[str, ...]] = ()

    api_version: str = API_VERSION
    """Group and version of the kind."""
    kind: str
    """The kind."""
    metadata: ObjectMeta
    """Identity and bookkeeping."""

    @field_validator("metadata")
    @classmethod
    def _check_identity(cls, metadata: ObjectMeta) -> ObjectMeta:
        cls.check_name(metadata.name)
        if metadata.namespace and not cls.NAMESPACED:
            raise misplaced("namespace", f"a {cls.KIND} belongs to no namespace; leave it out")
        return metadata

    @classmethod
    def check_name(cls, name: str) -> None:
        """Refuse what is no name of this kind; raises ValueError."""
        try:
            LABEL.check(name)
        except ValueError as error:
            raise misplaced("name", str(error)) from None

    @property
    def key(self) -> Key:
        """The key of this record within its kind."""
        return Key(self.metadata.namespace, self.metadata.name)
