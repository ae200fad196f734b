"""Secret values that a session refers to, and what is said when one is missing.

Pure: the secrets were read before. Nothing here prints a value.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from container import contract
from controller.errors import Unresolved
from crds.secret import AUTH_FILE_TYPE, Secret
from crds.session import AuthFiles
from crds.vocabulary import Reason

PROVIDER_LABEL = "berth.dev/provider"
TOKEN_USER = "x-access-token"  # noqa: S105 - a user name
"""What the large forges take beside a token."""

_MASKED_LENGTH = 6
"""Shorter values are too common in ordinary text to be masked."""


def mask(lines: Iterable[str], secrets: Iterable[str]) -> tuple[str, ...]:
    """Lines of a container's output without the secrets it was given (law S3)."""
    masked = []
    for line in lines:
        for secret in secrets:
            if secret in line:
                line = line.replace(secret, "•••")  # noqa: PLW2901 - masked one after the other
        masked.append(line)
    return tuple(masked)


@dataclass(frozen=True, slots=True)
class SecretValues:
    """The secrets of one namespace, by name."""

    secrets: Mapping[str, Secret] = field(repr=False)
    noted: dict[str, dict[str, str]] = field(default_factory=dict, repr=False, compare=False)
    """What was read of each, by name and key: what a session is made from, and no more."""

    def noting(self) -> SecretValues:
        """The same, with nothing read yet."""
        return SecretValues(self.secrets)

    @classmethod
    def of(cls, secrets: Iterable[Secret]) -> SecretValues:
        """Index secrets by name."""
        return cls({secret.metadata.name: secret for secret in secrets})

    def versions(self) -> tuple[tuple[str, str], ...]:
        """What tells these secrets from any others: no two states of one share a version."""
        return tuple(
            (secret.metadata.uid, secret.metadata.resource_version) for secret in self.secrets.values()
        )

    def entry(self, name: str, key: str) -> str:
        """One entry as text; raises Unresolved where it is missing or no text."""
        secret = self._secret(name)
        if key not in secret.data:
            raise Unresolved(
                Reason.SECRET_KEY_NOT_FOUND,
                f"the secret {name!r} has no key {key!r}; add it, and the session goes on by itself",
            )
        self.noted.setdefault(name, {})[key] = secret.data[key]
        try:
            return base64.b64decode(secret.data[key], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise Unresolved(
                Reason.INVALID_SPEC, f"the secret {name!r}: key {key!r} is not base64 of UTF-8 text"
            ) from None

    def texts(self) -> tuple[str, ...]:
        """Every value as text, the longest first, for masking what a container prints."""
        found = set()
        for secret in self.secrets.values():
            for encoded in secret.data.values():
                found.add(encoded)
                try:
                    found.add(base64.b64decode(encoded).decode())
                except (binascii.Error, UnicodeDecodeError):
                    continue
        lines = {line for text in found for line in text.splitlines()} | found
        return tuple(sorted((text for text in lines if len(text) >= _MASKED_LENGTH), key=len, reverse=True))

    def git_credentials(self, name: str, *, user: str | None = None) -> tuple[str, str]:
        """User name and password (or token) for a repository; raises Unresolved.

        ``user`` is the one that its URL names: it holds where the secret names none. One
        final line end is no part of either: :func:`container.contract.without_line_end`.
        """
        keys = self._secret(name).data.keys()
        password = next((key for key in ("password", "token") if key in keys), "password")
        username = self._credential(name, "username") if "username" in keys else user or TOKEN_USER
        return username, self._credential(name, password)

    def _credential(self, name: str, key: str) -> str:
        value = contract.without_line_end(self.entry(name, key))
        wrong = contract.wrong_with_credential(value)
        if wrong is not None:
            raise Unresolved(
                Reason.INVALID_SPEC,
                f"spec.source.credentialsSecret: the key {key!r} of the secret {name!r} {wrong}; "
                "correct the secret, and the session goes on by itself",
            )
        return value

    def auth_files(self, wanted: AuthFiles) -> list[tuple[str, list[tuple[str, str]]]]:
        """Login files as (provider, [(file name, base64)]), sorted, so that digests are stable.

        Raises Unresolved where one is missing, or two Secrets hold the same file of one provider.
        """
        found: dict[str, dict[str, tuple[str, str]]] = {}
        for secret in self._login_secrets(wanted.secrets):
            provider = provider_of(secret)
            if wanted.providers is not None and provider not in wanted.providers:
                continue
            files = found.setdefault(provider, {})
            for name, content in secret.data.items():
                if name in files:
                    raise _ambiguous(provider, name, files[name][0], secret.metadata.name)
                files[name] = secret.metadata.name, content
                self.noted.setdefault(secret.metadata.name, {})[name] = content
        for provider in wanted.providers or ():
            if provider not in found:
                raise Unresolved(
                    Reason.SECRET_NOT_FOUND,
                    f"spec.authFiles.providers: no secret of type {AUTH_FILE_TYPE} holds the login of "
                    f"{provider!r}; add one, and the session goes on by itself",
                )
        return [
            (provider, sorted((name, content) for name, (_, content) in files.items()))
            for provider, files in sorted(found.items())
        ]

    def _login_secrets(self, names: tuple[str, ...] | None) -> list[Secret]:
        if names is None:
            return [secret for _, secret in sorted(self.secrets.items()) if secret.type == AUTH_FILE_TYPE]
        chosen = [self._secret(name, "spec.authFiles.secrets: ") for name in sorted(set(names))]
        for secret in chosen:
            if secret.type != AUTH_FILE_TYPE:
                raise Unresolved(
                    Reason.INVALID_SPEC,
                    f"spec.authFiles.secrets: the secret {secret.metadata.name!r} is of type {secret.type}, "
                    f"and not {AUTH_FILE_TYPE}; name another one",
                )
        return chosen

    def _secret(self, name: str, field: str = "") -> Secret:
        if name not in self.secrets:
            raise Unresolved(
                Reason.SECRET_NOT_FOUND,
                f"{field}the secret {name!r} does not exist; add it, and the session goes on by itself",
            )
        return self.secrets[name]


def provider_of(secret: Secret) -> str:
    """Whose login files a Secret holds: its label, else its name."""
    return secret.metadata.labels.get(PROVIDER_LABEL, secret.metadata.name)


def _ambiguous(provider: str, file: str, *secrets: str) -> Unresolved:
    one, other = sorted(secrets)
    return Unresolved(
        Reason.LOGIN_AMBIGUOUS,
        f"two secrets hold {file} of {provider}: {one} and {other}; name the one to take in "
        "spec.authFiles.secrets, and the session goes on by itself",
    )
