"""The real world of a Berth: records, Dokploy's rows and services, processes, directories.

:meth:`World.violations` is the oracle: laws L1 and L3 over what is really there, one sentence for
each thing that is not as declared. Nothing here asks the controller.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.e2e.berth import PATIENCE, Berth, condition

SMALL_IMAGE = "tests/small:1"
_SMALL = Path(__file__).with_name("small_session.py")
_APP_NAME = re.compile(r"(?P<instance>[a-z][a-z0-9]{7})-(?P<session>.+)-[a-z0-9]{12}-[a-z0-9]{6}")
_VOLUME = re.compile(r"(?P<instance>[a-z][a-z0-9]{7})-(?P<session>.+)-[a-z0-9]{12}-(workspace|data)")
_QUIET = 3.0
"""Seconds: three slow ticks of the local Dokploy."""

Record = dict[str, Any]


@dataclass
class World:
    """What a test declares of one Berth, and what is really there."""

    berth: Berth
    wanted: dict[str, str] = field(default_factory=dict)
    """The operating mode of every session that is declared; what is not in it shall not exist."""

    # -- what a person does -----------------------------------------------------------------

    def register_small_image(self) -> None:
        """Make ``tests/small:1`` known to the local Dokploy of this home."""
        images = self.berth.home / "dokploy" / "images"
        images.mkdir(parents=True, exist_ok=True, mode=0o700)
        image = {"image": SMALL_IMAGE, "command": [sys.executable, "-I", "-S", str(_SMALL)]}
        (images / "small.json").write_text(json.dumps(image))

    def insist(self, method: str, path: str, body: object = None, *, within: float = 40.0) -> Record:
        """The same until it is answered: what a person does while programs die and come back."""
        deadline = time.monotonic() + within
        while True:
            try:
                answer = self.berth.ask(method, path, body)
                if answer.is_success or answer.status_code == httpx.codes.NOT_FOUND:
                    return dict(answer.json())
                last = answer.text
            except (httpx.HTTPError, OSError, ValueError) as error:
                last = repr(error)
            assert time.monotonic() < deadline, f"{method} {path}: {last}\n{self.berth.said()}"
            time.sleep(0.1)

    def declare(self, name: str, *, mode: str = "Running", **spec: object) -> None:
        """Declare a session; without an image it is Berth's own container."""
        metadata = {"name": name, "namespace": "default"}
        record = {
            "apiVersion": "berth.dev/v1alpha1",
            "kind": "Session",
            "metadata": metadata,
            "spec": {"operatingMode": mode, **spec},
        }
        self.put(f"/api/namespaces/default/sessions/{name}", record)
        self.wanted[name] = mode

    def put(self, path: str, record: Record) -> None:
        """Declare any record at its path; its metadata may be left out."""
        *_, name = path.split("/")
        namespace = path.split("/")[3] if path.startswith("/api/namespaces/") else ""
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        self.insist("PUT", path, {"metadata": metadata, **record})

    def act(self, name: str, verb: str) -> None:
        """``start``, ``stop`` or ``restart`` a session."""
        self.insist("POST", f"/api/namespaces/default/sessions/{name}/{verb}")
        self.wanted[name] = "Stopped" if verb == "stop" else "Running"

    def delete(self, name: str) -> None:
        """Delete a session, whatever is in it."""
        self.insist("DELETE", f"/api/namespaces/default/sessions/{name}?force=true")
        self.wanted.pop(name, None)

    # -- what is there ----------------------------------------------------------------------

    def sessions(self) -> dict[str, Record]:
        """Every session's record."""
        items = self.insist("GET", "/api/sessions?limit=500")["items"]
        return {item["metadata"]["name"]: item for item in items}

    def condition(self, name: str, kind: str = "Ready") -> Record:
        """One condition of one session; empty while there is none."""
        return condition(self.sessions().get(name, {}), kind)

    def ready(self, name: str) -> str:
        """The reason of a session's Ready, or nothing while it has none."""
        return str(self.condition(name).get("reason", ""))

    def applications(self) -> Counter[str]:
        """How many applications Dokploy has of each session."""
        rows = self.berth.dokploy("overview.services").raise_for_status().json()
        return Counter(_session_of(row["appName"], _APP_NAME) for row in rows)

    def services(self) -> Counter[str]:
        """How many services Swarm has of each session."""
        rows = self.berth.dokploy("swarm.getNodeApps").raise_for_status().json()
        return Counter(_session_of(row["Name"], _APP_NAME) for row in rows)

    def volumes(self) -> Counter[str]:
        """How many volume directories there are of each session."""
        directory = self.berth.home / "dokploy" / "volumes"
        return Counter(_session_of(entry.name, _VOLUME) for entry in directory.iterdir())

    def scratch(self) -> int:
        """How many scratch directories of containers there are."""
        return len(list((self.berth.home / "dokploy" / "containers").iterdir()))

    def programs(self) -> dict[int, tuple[str, psutil.Process]]:
        """Every process of a container of this home that is no child of another: pid to session."""
        scratch = str(self.berth.home.resolve() / "dokploy" / "containers")
        found = {}
        for process in psutil.process_iter(["ppid"]):
            try:
                environment = process.environ()
                words = process.cmdline()
            except psutil.Error:
                continue
            if environment.get("HOME", "").startswith(scratch) and words:
                found[process.pid] = (process, environment.get("SESSION_ID", "?"), words)
        shims = {pid for pid, (_, _, words) in found.items() if any("process_shim" in word for word in words)}
        return {
            pid: (session.rpartition("-")[0], process)
            for pid, (process, session, _) in found.items()
            if pid not in shims and (process.info["ppid"] in shims or process.info["ppid"] not in found)
        }

    # -- the oracle -------------------------------------------------------------------------

    def violations(self) -> list[str]:
        """Laws L1 and L3: a sentence for each thing that is not as declared."""
        running = {name for name, mode in self.wanted.items() if mode == "Running"}
        one_each = Counter(dict.fromkeys(self.wanted, 1))
        found = [
            *_differences("application", self.applications(), one_each),
            *_differences("service", self.services(), one_each),
            *_differences("container process", self._processes(), Counter(dict.fromkeys(running, 1))),
            *(f"{n} has volumes and no session" for n in self.volumes().keys() - self.wanted.keys()),
            *(f"{n} has {count} of its 2 volumes" for n in running if (count := self.volumes()[n]) != 2),
        ]
        if self.scratch() != len(running):
            found.append(f"{self.scratch()} scratch directories for {len(running)} containers")
        return found + self._wrong_records(running)

    def _processes(self) -> Counter[str]:
        return Counter(session for session, _ in self.programs().values())

    def _wrong_records(self, running: set[str]) -> list[str]:
        records = self.sessions()
        found = [f"{name} has a record" for name in records.keys() - self.wanted.keys()]
        found += [f"{name} has no record" for name in self.wanted.keys() - records.keys()]
        for name in self.wanted.keys() & records.keys():
            ready = condition(records[name], "Ready")
            wanted = ("True", "Running") if name in running else ("False", "Stopped")
            if (ready.get("status"), ready.get("reason")) != wanted:
                found.append(f"{name} is not {wanted}: {ready}")
            generation = records[name]["metadata"]["generation"]
            seen = records[name].get("status", {}).get("observedGeneration")
            if seen != generation:
                found.append(f"{name} is at generation {generation}, and {seen} was seen")
        return found

    def settles(self, *, within: float = 60.0) -> float:
        """Wait until there is no violation and nothing is written any more (law L2).

        Returns the seconds until the last violation was gone.
        """
        started = time.monotonic()
        while time.monotonic() - started < max(within, PATIENCE):
            wrong = self._violations_now()
            if wrong:
                time.sleep(0.3)
                continue
            took = time.monotonic() - started
            changed = self._changes(_QUIET)
            if not changed:
                return took
            wrong = [f"it goes on changing: {changed}"]
        raise AssertionError("\n".join([*wrong[:20], self.berth.said()]))

    def _violations_now(self) -> list[str]:
        try:
            return self.violations()
        except (httpx.HTTPError, OSError, AssertionError) as error:
            return [f"it cannot be asked: {error!r}"]

    def _changes(self, seconds: float) -> list[object]:
        """What was written to a record or a row meanwhile, and what was wrong after it."""
        before = self._written()
        time.sleep(seconds)
        after = self._written()
        return sorted(set(before) ^ set(after)) + self._violations_now()

    def _written(self) -> list[tuple[str, str]]:
        kinds = ("sessions", "targets")
        items = [item for kind in kinds for item in self.insist("GET", f"/api/{kind}?limit=500")["items"]]
        records = [(item["metadata"]["name"], item["metadata"]["resourceVersion"]) for item in items]
        rows = self.berth.dokploy("overview.services").json()
        return sorted(records) + sorted((row["appName"], str(row["lastDeployAt"])) for row in rows)

    def boots(self) -> dict[str, str]:
        """Which start of its container each session reports."""
        return {n: str(r["status"]["dokploy"].get("boot")) for n, r in self.sessions().items()}


def _session_of(name: str, pattern: re.Pattern[str]) -> str:
    match = pattern.fullmatch(name)
    return match["session"] if match else f"?{name}"


def _differences(what: str, there: Counter[str], wanted: Counter[str]) -> list[str]:
    return [
        f"{name} has {there[name]} of {wanted[name]} {what}"
        for name in sorted(there.keys() | wanted.keys())
        if there[name] != wanted[name]
    ]
