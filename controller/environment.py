"""The variables a container is started with. Pure.

Those of :mod:`container.contract` win over declared ones: they are how both sides find each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from container import contract
from container.addresses import address_of
from controller.errors import Unresolved
from controller.identity import Identity
from controller.layers import Layers
from controller.secrets import SecretValues
from crds.container import MOST_VARIABLE_BYTES
from crds.session import Session
from crds.vocabulary import Reason


def environment(
    session: Session,
    identity: Identity,
    layers: Layers,
    secrets: SecretValues,
    *,
    entry_key: str,
    console_origin: str | None,
) -> dict[str, str]:
    """All variables but the revision; raises Unresolved for a secret that is missing."""
    return {
        **_declared_env(layers, secrets),
        **_contract_env(session, identity, layers, secrets),
        contract.TOKEN_KEY: entry_key,
        **({contract.CONSOLE_ORIGIN: console_origin} if console_origin else {}),
    }


def check_sizes(variables: Mapping[str, str]) -> None:
    """Refuse a variable that Linux gives no program; raises Unresolved with its field and its size."""
    for name, value in variables.items():
        size = len(f"{name}={value}".encode())
        if size > MOST_VARIABLE_BYTES:
            raise Unresolved(
                Reason.INVALID_SPEC,
                f"{_FIELDS.get(name, 'spec.env')}: {name} has {size:,} bytes with its name, and Linux takes "
                f"at most {MOST_VARIABLE_BYTES:,} in one variable; give less, or take it from a file",
            )


_FIELDS = {
    contract.GIT_USERNAME: "spec.source.credentialsSecret",
    contract.GIT_PASSWORD: "spec.source.credentialsSecret",
    contract.AGENT_COMMAND: "spec.agent.command",
}
"""What declares a variable of the contract; all others are declared as such."""


def _declared_env(layers: Layers, secrets: SecretValues) -> dict[str, str]:
    return {
        variable.name: (
            _one_line(secrets.entry(variable.secret_ref.name, variable.secret_ref.key))
            if variable.secret_ref
            else variable.value or ""
        )
        for variable in layers.env()
    }


def _one_line(text: str) -> str:
    """A secret's entry without the line end of its only line, as ``$(cat file)`` gives it.

    A pipe or an editor puts it there, and no request with such an API key is taken. Text of several
    lines, such as a PEM key, stays as it is.
    """
    line = contract.without_line_end(text)
    return text if "\n" in line or "\r" in line else line


def _contract_env(
    session: Session, identity: Identity, layers: Layers, secrets: SecretValues
) -> dict[str, str]:
    """The variables of :mod:`container.contract`; they win over declared ones."""
    agent = layers.get("agent")
    env = {
        contract.SESSION_ID: identity.session_id,
        contract.SESSION_NAME: session.metadata.name,
        contract.SESSION_NAMESPACE: session.metadata.namespace,
        contract.SESSION_TITLE: session.spec.title or session.metadata.name,
        contract.PORT: str(layers.container.port),
        contract.WORKSPACE_PATH: contract.DEFAULT_WORKSPACE,
        contract.DATABASE_PATH: contract.DEFAULT_DATABASE,
        contract.AGENT_PROVIDER: agent.provider,
        contract.AGENT_AUTO_APPROVE: "1" if agent.auto_approve else "0",
    }
    if agent.start_seconds != contract.DEFAULT_AGENT_START_SECONDS:
        # Left out where nobody asked for it: so the sessions that run keep their revision.
        env[contract.AGENT_START_SECONDS] = str(agent.start_seconds)
    if agent.command:
        env[contract.AGENT_COMMAND] = json.dumps(agent.command)
    author = layers.get("author")
    if author is not None:
        env |= {contract.AUTHOR_NAME: author.name, contract.AUTHOR_EMAIL: author.email}
    env.update(_source_env(layers, secrets))
    env.update(_auth_env(layers, secrets))
    return env


def _source_env(layers: Layers, secrets: SecretValues) -> dict[str, str]:
    source = layers.get("source")
    if source is None:
        return {}
    env = {contract.REPOSITORY_URL: source.url}
    if source.ref:
        env[contract.REPOSITORY_REF] = source.ref
    if source.depth:
        env[contract.REPOSITORY_DEPTH] = str(source.depth)
    if source.credentials_secret:
        address = address_of(source.url)
        user = address.user if address and address.family == "http" else None
        username, password = secrets.git_credentials(source.credentials_secret, user=user)
        env[contract.GIT_USERNAME] = username
        env[contract.GIT_PASSWORD] = password
    return env


def _auth_env(layers: Layers, secrets: SecretValues) -> Mapping[str, str]:
    wanted = layers.auth_files()

    def variables() -> Iterator[tuple[str, str]]:
        for provider, files in secrets.auth_files(wanted):
            for index, (name, content) in enumerate(files, start=1):
                yield from contract.auth_file_variables(provider, index, content).items()
                yield contract.auth_file_name_variable(provider, index), name

        if wanted.take_given_at is not None:
            yield contract.TAKE_LOGINS, wanted.take_given_at.isoformat()

    return dict(variables())
