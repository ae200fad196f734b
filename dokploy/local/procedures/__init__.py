"""Dokploy's procedures, one module per router or part of one. Importing it registers them all."""

from __future__ import annotations

from dokploy.local.procedures import (
    application,
    application_service,
    application_sources,
    containers,
    deployment,
    domain,
    environment,
    mounts,
    project,
    settings,
    user,
    volumes,
)

__all__ = [
    "application",
    "application_service",
    "application_sources",
    "containers",
    "deployment",
    "domain",
    "environment",
    "mounts",
    "project",
    "settings",
    "user",
    "volumes",
]
