"""The API's settings: environment variables with the prefix ``BERTH_``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """What the API needs beyond the records; every default serves."""

    model_config = SettingsConfigDict(env_prefix="BERTH_", frozen=True, use_attribute_docstrings=True)

    database_url: SecretStr
    """Where the records live: ``sqlite:///path`` or ``postgresql://host/name``."""
    key_file: Path
    """The key ring that encrypts secrets; made at the first start, mode 0600."""
    token_file: Path
    """The token that opens the API; made at the first start, mode 0600."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    api_host: str = "127.0.0.1"
    """Address on which the API is served."""
    api_port: int = Field(default=0, ge=0, le=65535)
    """Port of the API; 0 for a free one."""
    api_endpoint_file: Path | None = None
    """Where ``{"url", "pid"}`` is written once it listens."""
    api_body_limit_bytes: int = Field(default=1024 * 1024, ge=1024)
    """Bytes that a request's body may have."""
    api_request_timeout_seconds: float = Field(default=20.0, gt=0)
    """Seconds in which a request's header, and then its body, must arrive."""
    api_watchers: int = Field(default=256, ge=1)
    """Streams (watches and followed logs) that are served at a time."""
    api_bookmark_seconds: float = Field(default=15.0, gt=0)
    """Seconds of silence after which a watch says how far it is."""
    api_log_poll_seconds: float = Field(default=1.0, gt=0)
    """Seconds between two readings of a log that is followed."""
