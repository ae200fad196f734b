"""What Dokploy shall hold for a session: record, template and target made into one configuration.

Pure. The session's own fields win over its template's, these over the session's overrides of the
target, these over the target's defaults. Secrets come in by value here and leave only inside the
configuration's ``SecretStr`` and, under the store's digest key, inside digests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import SecretStr

from container import contract
from controller.effect import lasting
from controller.environment import check_sizes, environment
from controller.errors import Unresolved
from controller.identity import Identity
from controller.layers import Layers
from controller.secrets import SecretValues
from crds.container import Build, ContainerDefaults, HealthCheck, Resources
from crds.session import AppliedFrom, OperatingMode, Session, SessionTemplate
from crds.target import Target
from crds.vocabulary import Reason
from dokploy.dotenv import Unencodable, encode, encode_arguments
from dokploy.port import (
    ApplicationConfig,
    DockerSource,
    Domain,
    GitSource,
    Health,
    VolumeMount,
    VolumeRole,
)

_DIGEST_LENGTH = 16
_NANO = 1_000_000_000
_MOST_REQUEST = 1_000_000
"""Bytes of JSON of all variables: a request to Dokploy may have 1 MiB (FACTS 5), with room for the rest."""
_MAX_LABEL, _MAX_HOST = 63, 253
"""Characters, by RFC 1035."""

HTTP_CHECK = """# berth-http-check: {path}
h=127.0.0.1 p="${{PORT:-{port}}}" b=/opt/berth-probe/bash
d=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PATH="$d:$PATH" e="exec env -i PATH=$d"
unset LD_PRELOAD LD_LIBRARY_PATH
[ -x $b ] && $e $b -c 'exec 3<>"/dev/tcp/$0/$1" || exit
printf "GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n" "$2" "$0:$1" >&3
read -r _ s _ <&3 && [ "$s" -ge 200 ] && [ "$s" -lt 400 ]' $h "$p" {path}
u="http://$h:$p{path}"
c="$(command -v curl)" && $e "$c" -q --noproxy '*' -fsS -m {seconds} -o /dev/null "$u"
c="$(command -v wget)" && $e "$c" -q -T {seconds} -O /dev/null "$u"
$e "$(command -v python3)" -IS -c 'import http.client as c, sys
h = c.HTTPConnection(sys.argv[1], timeout={seconds})
h.request("GET", sys.argv[2])
sys.exit(not 200 <= h.getresponse().status < 400)' "$h:$p" {path}"""
"""The health check where a target gives none, by the cheapest of what the image has.

Each way replaces the shell by one program (``exec``), so that a check is one process. That program
gets no variable of the container (``env -i``): a proxy, a ``PYTHONHOME`` or a ``LD_PRELOAD`` that is
meant for a person's programs would fail the check, and Docker then kills a container with nothing
wrong in it. Berth's own image has a bash that can ask by itself (``Dockerfile.container``). The first
line tells the local Dokploy what is asked; it asks by itself, which costs no process."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What Dokploy shall hold."""

    identity: Identity
    mode: OperatingMode
    config: ApplicationConfig = field(repr=False)
    digest: str
    """Of what a container takes up of it: tells whether it must be written and applied again."""
    described: str
    """Of the rest, which is for people: tells whether it must be written again."""
    revision: str
    """Of all that needs a new container; the container echoes it."""
    build_inputs: str | None
    """Of all that needs a new build; None for a prebuilt image."""
    volumes: tuple[VolumeMount, ...]
    domain: Domain | None
    url: str | None
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Keyed digests of what it was made from, by a name for people; :data:`OWN` is the session's spec."""

    @property
    def origin(self) -> AppliedFrom:
        """What an apply of it is recorded with."""
        return AppliedFrom(revision=self.revision, inputs=dict(self.inputs))


OWN = "spec"
"""The name of the session's own spec among the inputs: what it declares of its container."""

_NOT_THE_CONTAINERS = frozenset(
    {"title", "storage", "route", "idle", "lifetime", "restarted_at", "restart_when_idle_at"}
)
"""Fields of a spec that its container does not take up, or that have a record of their own."""


def resolve(
    session: Session,
    *,
    template: SessionTemplate | None,
    target: Target,
    secrets: SecretValues,
    identity: Identity,
    digest_key: bytes,
) -> Desired:
    """Make the one configuration; raise Unresolved where a person has to act."""
    layers, secrets = Layers(session, template, target), secrets.noting()
    image, build = layers.image()
    volumes = _volumes(identity)
    domain = _domain(session, target, layers, identity)
    # Made from what stays the same: it is part of the revision, and a restart draws no other.
    entry_key = contract.entry_key(digest_key, identity.session_id)
    env = environment(
        session,
        identity,
        layers,
        secrets,
        entry_key=entry_key,
        console_origin=target.spec.console_origin,
    )
    check_sizes(env)
    running = session.spec.operating_mode is OperatingMode.RUNNING
    config = ApplicationConfig(
        name="",
        description="",
        source=_source(image, build),
        env=_encode_env(lasting(env)),
        replicas=1,
        health=_health(layers.container),
        stop_grace=_nanoseconds(layers.container.stop_grace.seconds),
        restart_delay=_nanoseconds(layers.container.restart_delay.seconds),
        labels=(
            ("berth.dev/namespace", session.metadata.namespace),
            ("berth.dev/session", session.metadata.name),
        ),
        **_limits(layers.resources()),
    )
    revision = digest_of(digest_key, config, volumes)[:12]
    # The revision goes in last: it cannot be part of what it is the digest of.
    env[contract.REVISION] = revision
    config = replace(config, env=_encode_env(lasting(env)), replicas=1 if running else 0)
    name, description = str(session.key), session.spec.title or f"Berth session {session.key}"
    whole = replace(config, name=name, description=description, env=_encode_env(env))
    _check_request(whole, env)
    return Desired(
        identity=identity,
        mode=session.spec.operating_mode,
        config=whole,
        digest=digest_of(digest_key, config),
        described=digest_of(digest_key, name, description, env[contract.SESSION_TITLE]),
        revision=revision,
        build_inputs=digest_of(digest_key, config.source) if build else None,
        volumes=volumes,
        domain=domain,
        url=_url(domain, target),
        inputs=_inputs(session, template, target, secrets, digest_key),
    )


def _inputs(
    session: Session,
    template: SessionTemplate | None,
    target: Target,
    secrets: SecretValues,
    key: bytes,
) -> dict[str, str]:
    """Digests of all that a container is made from, by name: to tell what a change came from."""
    spec = session.spec
    declared = spec.model_dump(mode="json", exclude_unset=True, exclude=set(_NOT_THE_CONTAINERS))
    # By value: a mode or a target that is named is the same as one that is left to its default.
    declared |= {"operating_mode": spec.operating_mode.value, "target": spec.target.model_dump(mode="json")}
    order = declared.get("auth_files", {}).pop("take_given_at", None)
    found = {OWN: digest_of(key, declared)}
    if order is not None:
        found["the order to take newer logins"] = digest_of(key, order)
    if template is not None:
        shared = template.spec.model_dump(mode="json", exclude_unset=True, exclude=set(_NOT_THE_CONTAINERS))
        found[f"the template {template.metadata.name}"] = digest_of(key, shared)
    given = target.spec.container.model_dump(mode="json"), target.spec.console_origin
    found[f"the Target {target.metadata.name}"] = digest_of(key, *given)
    for name, values in secrets.noted.items():
        found[f"the Secret {name}"] = digest_of(key, sorted(values.items()))
    return found


def digest_of(key: bytes, *parts: object) -> str:
    """A keyed digest: equal for equal parts, and no help in guessing a secret among them."""
    text = json.dumps([_plain(part) for part in parts], sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:_DIGEST_LENGTH]


def _plain(value: Any) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _source(image: str | None, build: Build | None) -> DockerSource | GitSource:
    if build is None:
        return DockerSource(image=str(image))
    context = build.context.strip("/")
    return GitSource(
        url=build.repository,
        branch=build.ref,
        build_path="/",
        dockerfile=build.dockerfile,
        # Relative to the repository's root; empty stands for the Dockerfile's folder (FACTS-2 1).
        context="." if context in {"", "."} else context,
        build_args=_encode_arguments(build.args),
    )


def _limits(resources: Resources) -> dict[str, int | None]:
    reserve = resources.reserve
    return {
        "cpu_limit": resources.cpu.nano_cpus if resources.cpu else None,
        "memory_limit": resources.memory.bytes if resources.memory else None,
        "cpu_reservation": reserve.cpu.nano_cpus if reserve.cpu else None,
        "memory_reservation": reserve.memory.bytes if reserve.memory else None,
    }


def _health(container: ContainerDefaults) -> Health:
    check: HealthCheck = container.health_check
    command = check.command or HTTP_CHECK.format(
        path=check.path, port=container.port, seconds=math.ceil(check.timeout.seconds)
    )
    return Health(
        test=("CMD-SHELL", command),
        interval=_nanoseconds(check.interval.seconds),
        timeout=_nanoseconds(check.timeout.seconds),
        start_period=_nanoseconds(check.start_period.seconds),
        retries=check.retries,
    )


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANO)


def _volumes(identity: Identity) -> tuple[VolumeMount, ...]:
    return (
        VolumeMount(identity.volume(VolumeRole.WORKSPACE), contract.DEFAULT_WORKSPACE),
        VolumeMount(identity.volume(VolumeRole.DATA), contract.DEFAULT_DATA),
    )


def _encode_env(variables: Mapping[str, str]) -> SecretStr:
    try:
        return SecretStr(encode(variables))
    except Unencodable as error:
        # Only a secret's entry holds what no variable can: all else was checked when it was written.
        raise Unresolved(Reason.INVALID_SPEC, f"spec.env: {error}") from None


def _check_request(config: ApplicationConfig, variables: Mapping[str, str]) -> None:
    """Refuse what Dokploy refuses for its size (FACTS 5); raises Unresolved.

    All of a container's variables are far below what Linux gives a program (2 MiB) then.
    """
    build = config.source.build_args.get_secret_value() if isinstance(config.source, GitSource) else ""
    size = len(json.dumps([config.env.get_secret_value(), build]))
    if size <= _MOST_REQUEST:
        return
    largest = sorted(variables, key=lambda name: len(variables[name]), reverse=True)[:3]
    told = ", ".join(f"{name} ({len(variables[name].encode()):,} bytes)" for name in largest)
    raise Unresolved(
        Reason.INVALID_SPEC,
        f"spec.env, spec.authFiles: all variables together make {size:,} bytes of a request, and Dokploy "
        f"takes {_MOST_REQUEST:,}; the largest are {told}",
    )


def _encode_arguments(arguments: Mapping[str, str]) -> SecretStr:
    try:
        return SecretStr(encode_arguments(arguments))
    except Unencodable as error:
        raise Unresolved(Reason.INVALID_SPEC, f"spec.build.args: {error}") from None


def _domain(session: Session, target: Target, layers: Layers, identity: Identity) -> Domain | None:
    route, declared = target.spec.route, layers.get("route")
    host = declared.host
    if host is None and route.pattern:
        host = route.pattern.format(
            name=session.metadata.name, namespace=session.metadata.namespace, id=identity.session_id
        )
    if host is None:
        return None
    if any(len(label) > _MAX_LABEL for label in host.split(".")) or len(host) > _MAX_HOST:
        raise Unresolved(
            Reason.INVALID_SPEC,
            f"spec.route.host: {host} is too long for a host name; name a shorter one",
        )
    https = route.https if declared.https is None else declared.https
    return Domain(
        host=host,
        port=layers.container.port,
        https=https,
        certificate=route.certificate if https else "none",
        resolver=route.certificate_resolver if https and route.certificate == "custom" else None,
    )


def _url(domain: Domain | None, target: Target) -> str | None:
    if domain is None:
        return None
    port = f":{target.spec.route.port}" if target.spec.route.port else ""
    return f"{'https' if domain.https else 'http'}://{domain.host}{port}/"
