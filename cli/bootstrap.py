"""What ``berth up`` declares: the target it serves, and the example to see it by."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from cli.client import Client
from cli.failures import ExitCode, Failure
from cli.kinds import Reference, kind_named
from cli.progress import Progress
from cli.record import Record, status
from cli.standing import Predicate, holds
from cli.waiting import Deadline, until
from container import outgoing

SYSTEM_NAMESPACE = "berth-system"
_SECRET, _SECRET_KEY = "dokploy", "key"
_ANSWER_PAUSE, _ANSWER_TIMEOUT = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything of one home lies."""

    home: Path
    database: str | None = None
    dokploy_url: str | None = None
    dokploy_key_file: Path | None = None

    @property
    def token(self) -> Path:
        """The token that opens the API."""
        return self.home / "token"

    @property
    def api_endpoint(self) -> Path:
        """Where the API says where it listens."""
        return self.home / "api.json"

    @property
    def dokploy_endpoint(self) -> Path:
        """Where the local Dokploy says where it listens."""
        return self.home / "dokploy" / "dokploy.json"

    @property
    def dokploy_key(self) -> Path:
        """The key to the Dokploy that is worked on."""
        return self.dokploy_key_file or self.home / "dokploy" / "key"

    @property
    def database_url(self) -> str:
        """Where records live: in the home, where nothing else is said."""
        return self.database or f"sqlite:///{self.home / 'berth.db'}"

    @property
    def is_first_start(self) -> bool:
        """Whether the home's own database is still to be made."""
        return self.database is None and not (self.home / "berth.db").exists()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that API and controller share."""
        return {"BERTH_DATABASE_URL": self.database_url, "BERTH_KEY_FILE": str(self.home / "keys")}

    def dokploy(self) -> dict[str, Any]:
        """What the local Dokploy said of itself."""
        return cast("dict[str, Any]", json.loads(self.dokploy_endpoint.read_text()))


async def declare_target(client: Client, places: Places) -> None:
    """Declare the target ``default`` and its key; what a person changed of it is kept."""
    key = places.dokploy_key.read_text().strip()
    await client.apply(_reference("secret", _SECRET, SYSTEM_NAMESPACE), _secret(key), dry_run="none")
    reference = _reference("target", "default")
    target = await _existing(client, reference) or _new_target()
    spec = target["spec"]
    spec["apiKey"] = {"name": _SECRET, "key": _SECRET_KEY}
    if places.dokploy_url is not None:
        spec["url"] = places.dokploy_url
    else:
        said = places.dokploy()
        router = int(said["router_port"])
        spec["url"] = said["url"]
        spec["route"] = {
            **spec.get("route", {"pattern": "{name}.{namespace}.localhost"}),
            "https": False,
            "certificate": "none",
            "port": router,
            "probeAddress": f"{urlsplit(said['url']).hostname}:{router}",
        }
        container = spec.setdefault("container", _LOCAL_CONTAINER)
        if _is_of_earlier_version(container.get("healthCheck", {})):
            container["healthCheck"] = container["healthCheck"] | _LOCAL_CHECK
        spec.setdefault("poll", _LOCAL_POLL)
        spec.setdefault("limits", _LOCAL_LIMITS)
    await client.apply(reference, target, dry_run="none")


_LOCAL_CHECK = {"interval": "1s", "timeout": "10s", "startPeriod": "30s", "retries": 180}
"""Asked each second, so that a start is seen at once; replaced after three minutes of silence."""
_LOCAL_CONTAINER = {"image": "berth/session:local", "healthCheck": _LOCAL_CHECK}
_EARLIER_CHECK = {"interval": "1s", "timeout": "3s", "startPeriod": "30s", "retries": 3}
"""What an earlier version declared: a container was replaced after three seconds."""
_LOCAL_POLL = {"fast": "500ms", "slow": "1s", "idle": "10s"}
"""A listing of the local Dokploy costs no network: a container's end is seen within a second."""
_LOCAL_LIMITS = {"callsInFlight": 16, "callsPerSecond": 500}


def _is_of_earlier_version(check: Record) -> bool:
    return _EARLIER_CHECK.items() <= {"retries": 3, **check}.items()


def _new_target() -> Record:
    return {"apiVersion": "berth.dev/v1alpha1", "kind": "Target", "metadata": {"name": "default"}, "spec": {}}


def _secret(key: str) -> Record:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _SECRET, "namespace": SYSTEM_NAMESPACE},
        "type": "berth.dev/api-key",
        "data": {_SECRET_KEY: base64.b64encode(key.encode()).decode()},
    }


def _reference(kind: str, name: str, namespace: str = "") -> Reference:
    return Reference(kind_named(kind), name, namespace)


async def _existing(client: Client, reference: Reference) -> Record | None:
    try:
        record = await client.get(reference)
    except Failure as failure:
        if failure.code is ExitCode.NOT_FOUND:
            return None
        raise
    metadata = {"name": reference.name, "labels": record["metadata"].get("labels", {})}
    annotations = record["metadata"].get("annotations", {})
    return {**record, "metadata": {**metadata, "annotations": annotations}, "status": {}}


async def run_example(client: Client, places: Places, say: Callable[[str], None], *, patience: int) -> None:
    """Declare examples/hello.yaml unless its session is there, and wait until it is Ready.

    ``patience`` is in seconds. Raises Failure after it, with what the session waits for.
    """
    reference = _reference("session", "hello", "default")
    if await _existing(client, reference) is None:
        path = Path(__file__).resolve().parent.parent / "examples" / "hello.yaml"
        if not path.exists():
            say("example   none: this is an installed Berth, without its repository")
            return
        await _declare_example(client, places, path)
    elif (await client.get(reference)).get("spec", {}).get("operatingMode", "Running") != "Running":
        say("session   hello is declared Stopped")
        return
    started = time.monotonic()
    with Progress() as progress:
        record = await until(
            client,
            reference,
            _is_reached(places),
            deadline=Deadline(patience),
            progress=progress,
            wish="Ready",
        )
        url = str(status(record).get("url")) if record else ""
        await _answers(url, started + patience)
    say(f"session   hello is Ready after {time.monotonic() - started:.1f} s at {url}")


def _is_reached(places: Places) -> Predicate:
    """That the session is Ready, and by the router that serves it now.

    What an earlier run left in the record speaks of containers that ended with it.
    """
    router = None if places.dokploy_url else int(places.dokploy()["router_port"])

    def predicate(record: Record | None) -> bool:
        if record is None or not holds("Ready")(record):
            return False
        return router is None or urlsplit(str(status(record).get("url"))).port == router

    return predicate


async def _answers(url: str, deadline: float) -> None:
    """Wait until the session's own page answers; ``deadline`` is of the monotonic clock."""
    where = urlsplit(url)
    if not (where.hostname or "").endswith(".localhost"):
        return  # elsewhere the way to it is the network's business
    address = f"http://127.0.0.1:{where.port}/readyz"
    async with outgoing.client(timeout=httpx.Timeout(_ANSWER_TIMEOUT), verify=False) as http:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                answer = await http.get(address, headers={"Host": where.netloc})
                if answer.is_success:
                    return
            await asyncio.sleep(_ANSWER_PAUSE)
    raise Failure(f"{url} does not answer", code=ExitCode.SERVER_FAILED, remedy="berth logs hello")


async def _declare_example(client: Client, places: Places, path: Path) -> None:
    from crds.documents import read_documents  # noqa: PLC0415 - only the first start needs the models
    from crds.kinds import dump  # noqa: PLC0415 - the same

    make_example_repository(places.home / "examples" / "hello.git")
    variables = {"BERTH_HOME": str(places.home)}
    for document in read_documents(path.read_text(), origin=path.name, variables=variables):
        resource = document.resource
        reference = _reference(resource.kind, resource.metadata.name, resource.metadata.namespace)
        await client.apply(reference, dump(resource), dry_run="none")


def make_example_repository(path: Path) -> None:
    """A bare git repository on disk with one commit, to be cloned by its URL."""
    if (path / "HEAD").exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _git("init", "--quiet", "--bare", "--initial-branch", "main", str(path))
    blob = _git("-C", str(path), "hash-object", "-w", "--stdin", given=_README)
    tree = _git("-C", str(path), "mktree", given=f"100644 blob {blob}\tREADME.md\n")
    commit = _git("-C", str(path), *_AUTHOR, "commit-tree", tree, "-m", "Say hello")
    _git("-C", str(path), "update-ref", "refs/heads/main", commit)


_README = "# Hello\n\nThis repository was cloned into the session's workspace.\n"
_AUTHOR = ("-c", "user.name=Berth", "-c", "user.email=berth@localhost")


def _git(*arguments: str, given: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and paths of our own
            ["git", *arguments],  # noqa: S607 - the git of the person's PATH
            input=given,
            capture_output=True,
            check=True,
            text=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise Failure(
            f"the example's repository cannot be made: {error}",
            code=ExitCode.SERVER_FAILED,
            remedy="is git installed? or start with --no-example",
        ) from None
    return done.stdout.strip()
