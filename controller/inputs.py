"""Gathers what a session refers to: its template, its secrets, and whether there is room for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from container.contract import entry_key
from controller.admission import Admission
from controller.desired import Desired
from controller.errors import Failure, Next, Unresolved
from controller.identity import Identity
from controller.placing import change_refused, not_found
from controller.resolver import Resolver
from controller.secrets import SecretValues
from crds.base import Key
from crds.secret import Secret
from crds.session import Session, SessionTemplate, Storage
from crds.target import Target
from crds.vocabulary import Reason
from records.errors import NotFound
from records.port import Records

SHARED_NAMESPACE = "berth-shared"
"""Templates that every owner may use live here."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """A session resolved, or why it cannot be, and what a deletion needs of it in either case."""

    identity: Identity
    want: Desired | Failure
    storage: Storage
    claimed: bool = True
    """Whether an application was ever asked for; only a deletion asks."""
    obstacle: Failure | None = None
    """Why nothing of it can be seen or done: the target on which it is cannot be had."""
    secrets: SecretValues = field(default=SecretValues({}), repr=False)
    entry_key: str = field(default="", repr=False)

    @property
    def hidden(self) -> tuple[str, ...]:
        """What must never be repeated from a container's output (law S3)."""
        return (*self.secrets.texts(), self.entry_key) if self.entry_key else self.secrets.texts()


async def gather(
    records: Records,
    session: Session,
    target: Target | None,
    *,
    identity: Identity,
    resolver: Resolver,
    admission: Admission,
) -> Inputs:
    """Resolve a session; raises RecordsError when the store does not answer.

    ``target`` is the one on which the session is (:attr:`crds.session.Session.target_name`).
    """
    gone = not_found(session) if target is None else None
    if session.metadata.deletion_timestamp is not None:
        return replace(await _for_deletion(records, session, identity), obstacle=gone)
    refused = change_refused(session)
    if refused is not None or target is None:
        failure = refused or not_found(session)
        return Inputs(identity, failure, session.spec.storage, obstacle=gone)
    template: SessionTemplate | None = None
    try:
        template = await read_template(records, session)
        admission.check(session, target)
        secrets = await read_secrets(records, session.metadata.namespace)
        want = resolver.resolve(session, template=template, target=target, secrets=secrets, identity=identity)
        admission.claim_host(session, want.domain.host if want.domain else None)
        key = entry_key(resolver.digest_key, identity.session_id)
        return Inputs(identity, want, _storage(session, template), secrets=secrets, entry_key=key)
    except Unresolved as unresolved:
        failure = Failure(Next.STALL, unresolved.reason, unresolved.message)
        return Inputs(identity, failure, _storage(session, template))


async def storage_of(records: Records, session: Session) -> Storage:
    """What becomes of its volumes, its template asked; raises RecordsError."""
    try:
        return _storage(session, await read_template(records, session))
    except Unresolved:
        # The template that said what becomes of the volumes is gone: nobody asks to remove them (S9).
        return session.spec.storage if _declares_storage(session) else Storage(on_delete="Retain")


async def _for_deletion(records: Records, session: Session, identity: Identity) -> Inputs:
    """What a deletion needs; it must not fail for a secret or a target that went first."""
    going = Failure(Next.WAIT, Reason.DELETING, "It is being deleted")
    claimed = identity.session_id in await records.claims()
    return Inputs(identity, going, await storage_of(records, session), claimed)


async def read_secrets(records: Records, namespace: str) -> SecretValues:
    """The secrets of one namespace."""
    page = await records.list(Secret, namespace=namespace)
    return SecretValues.of(page.items)


async def read_template(records: Records, session: Session) -> SessionTemplate | None:
    """The template that a session names, of its namespace or of all; raises Unresolved."""
    name = session.spec.template
    if name is None:
        return None
    for namespace in (session.metadata.namespace, SHARED_NAMESPACE):
        try:
            return await records.get(SessionTemplate, Key(namespace, name))
        except NotFound:
            continue
    raise Unresolved(
        Reason.TEMPLATE_NOT_FOUND,
        f"spec.template: there is no template {name!r} in {session.metadata.namespace} or {SHARED_NAMESPACE}",
    )


def _storage(session: Session, template: SessionTemplate | None) -> Storage:
    if _declares_storage(session) or template is None:
        return session.spec.storage
    return template.spec.storage


def _declares_storage(session: Session) -> bool:
    """Whether the session itself says what becomes of its volumes, and not its template alone."""
    return "storage" in session.spec.model_fields_set
