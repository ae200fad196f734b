"""The controller's settings: environment variables with the prefix ``BERTH_``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ControllerSettings(BaseSettings):
    """What the controller needs beyond the records; every default serves."""

    model_config = SettingsConfigDict(env_prefix="BERTH_", frozen=True, use_attribute_docstrings=True)

    database_url: SecretStr
    """Where the records live: ``sqlite:///path`` or ``postgresql://host/name``."""
    key_file: Path
    """The key ring that encrypts secrets; made at the first start, mode 0600."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    metrics_host: str = "127.0.0.1"
    """Address on which metrics and probes are served."""
    metrics_port: int | None = None
    """Port of ``/metrics``, ``/livez`` and ``/readyz``; 0 for a free one, unset for none."""
    metrics_endpoint_file: Path | None = None
    """Where ``{"url", "pid"}`` is written once it listens."""
    workers: int = Field(default=16, ge=1, le=256)
    """Sessions worked on at a time."""
    report_seconds: float = Field(default=30.0, gt=0)
    """Seconds after which a running container's own report is read again."""
    sweep_seconds: float = Field(default=300.0, gt=0)
    """Seconds between two sweeps for applications without a record."""
    resync_seconds: float = Field(default=300.0, gt=0)
    """Seconds after which all records are listed again, in case that a change of one was missed."""
    lease_seconds: float = Field(default=15.0, gt=1)
    """Seconds after which a standby takes over from a controller that is silent."""
