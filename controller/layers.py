"""Where each field of a session comes from. Pure.

The session's own fields win over its template's, these over what the session overrides of its
target, these over the target's defaults.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from controller.errors import Unresolved
from crds.base import Model
from crds.container import Build, ContainerDefaults, EnvVar, Resources
from crds.session import AuthFiles, Session, SessionFields, SessionTemplate
from crds.target import Target
from crds.vocabulary import Reason

_M = TypeVar("_M", bound=Model)

_CHOICE = frozenset({"providers", "secrets"})
"""The fields of AuthFiles that say which login files are taken."""


class Layers:
    """Where each field of a session is taken from."""

    def __init__(self, session: Session, template: SessionTemplate | None, target: Target) -> None:
        self.session = session
        self._specs: tuple[SessionFields, ...] = (
            (session.spec, template.spec) if template else (session.spec,)
        )
        overrides, defaults = session.spec.target.overrides, target.spec.container
        self._defaults: tuple[ContainerDefaults, ...] = (overrides, defaults) if overrides else (defaults,)
        self._all: tuple[SessionFields | ContainerDefaults, ...] = (*self._specs, *self._defaults)
        self.container = _merged(self._defaults)

    def get(self, name: str) -> Any:
        """A field as the nearest layer that sets it has it."""
        for spec in self._specs:
            if name in spec.model_fields_set:
                return getattr(spec, name)
        return getattr(self._specs[0], name)

    def image(self) -> tuple[str | None, Build | None]:
        """Image or build: the nearest layer that has either decides both."""
        for layer in self._all:
            if layer.image or layer.build:
                return layer.image, layer.build
        raise Unresolved(
            Reason.INVALID_SPEC,
            "spec.image: neither the session, its template nor its target names an image or a build",
        )

    def env(self) -> tuple[EnvVar, ...]:
        """Variables by name, the nearest layer's value winning."""
        merged: dict[str, EnvVar] = {}
        for layer in reversed(self._all):
            merged.update({variable.name: variable for variable in layer.env})
        return tuple(merged.values())

    def auth_files(self) -> AuthFiles:
        """Which login files: the nearest layer that names providers or secrets decides both."""
        chosen = [spec.auth_files for spec in self._specs if _CHOICE & spec.auth_files.model_fields_set]
        orders = [spec.auth_files.take_given_at for spec in self._specs]
        order = next((order for order in orders if order is not None), None)
        return (chosen[0] if chosen else AuthFiles()).model_copy(update={"take_given_at": order})

    def resources(self) -> Resources:
        """Limits and reservations, each from the nearest layer that sets it."""
        return _merged(tuple(layer.resources for layer in self._all))


def _merged(layers: tuple[_M, ...]) -> _M:
    """One model of several: each field from the first that sets it, nested models likewise."""
    if len(layers) == 1:
        return layers[0]
    values: dict[str, Any] = {}
    for name in type(layers[0]).model_fields:
        having = [getattr(layer, name) for layer in layers if name in layer.model_fields_set]
        having = [value for value in having if value is not None]
        if having and isinstance(having[0], Model):
            values[name] = _merged(tuple(value for value in having if isinstance(value, Model)))
        elif having:
            values[name] = having[0]
    return cast("_M", type(layers[0]).model_construct(None, **values))
