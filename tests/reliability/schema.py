"""What people may write into a session's spec, property by property: sound, impossible, refused.

A choice is named, so that a failing example tells what was done. In a patch None takes the property
away, and ``{name}`` in a host stands for the session's name: no two sessions want the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crds.base import Key, ObjectMeta
from crds.secret import Secret
from crds.session import Session, SessionFields, SessionSpec, SessionTemplate
from dokploy.local.simulation import BuildScript
from tests.controller.world import NAMESPACE, World

Patch = Mapping[str, Any]

SOUND: Mapping[str, Patch] = {
    "no title": {"title": None},
    "a title": {"title": "Fix the login bug"},
    "an odd title": {"title": "Ü {{.Node.ID}} ${X} '\"` #"},
    "image of the target": {"image": None, "build": None},
    "image ok": {"image": "sim/ok", "build": None},
    "image slow to start": {"image": "sim/slow-start:4", "build": None},
    "image slow to stop": {"image": "sim/stubborn:4", "build": None},
    "built": {"image": None, "build": {"repository": "https://git.test/image"}},
    "built otherwise": {
        "image": None,
        "build": {"repository": "https://git.test/image", "ref": "next", "args": {"NODE": "22"}},
    },
    "no source": {"source": None},
    "a source": {"source": {"url": "https://git.test/app", "ref": "main", "depth": 1}},
    "a private source": {"source": {"url": "https://git.test/app", "credentials_secret": "github"}},
    "no env": {"env": None},
    "env of one": {"env": [{"name": "LOG", "value": "debug"}]},
    "env with odd values": {
        "env": [
            {"name": "A", "value": "{{.Service.Name}} ${{X}} ${LOG} # '\""},
            {"name": "LOG", "value": ""},
        ]
    },
    "env with a secret": {"env": [{"name": "TOKEN", "secret_ref": {"name": "my", "key": "token"}}]},
    "all logins": {"auth_files": None},
    "no login": {"auth_files": {"providers": []}},
    "one login": {"auth_files": {"providers": ["codex"]}},
    "the usual agent": {"agent": None},
    "another agent": {"agent": {"provider": "mine", "command": ["my-agent", "--acp"], "auto_approve": True}},
    "no limits": {"resources": None},
    "limits": {"resources": {"cpu": "1", "memory": "512Mi"}},
    "limits and reservations": {
        "resources": {"cpu": "500m", "memory": "2Gi", "reserve": {"cpu": "250m", "memory": "1Gi"}}
    },
    "storage goes": {"storage": {"on_delete": "Delete"}},
    "storage stays": {"storage": {"on_delete": "Retain"}},
    "the usual route": {"route": None},
    "a host": {"route": {"host": "{name}.example.test"}},
    "another host by https": {"route": {"host": "{name}.other.test", "https": True}},
    "never idle": {"idle": None},
    "idle": {"idle": {"stop_after": "30m"}},
    "no end": {"lifetime": None},
    "an end": {"lifetime": {"delete_after": "720h"}},
    "no template": {"template": None},
    "a template": {"template": "python"},
    "another template": {"template": "large"},
    "target as it is": {"target": None},
    "target overridden": {
        "target": {
            "overrides": {
                "image": "sim/ok:2",
                "env": [{"name": "LOG", "value": "of the target"}],
                "resources": {"memory": "1Gi"},
                "port": 8080,
                "stop_grace": "5s",
                "restart_delay": "1s",
            }
        }
    },
    "target checks otherwise": {
        "target": {"overrides": {"health_check": {"command": "true", "interval": "2s", "retries": 5}}}
    },
}
"""Each property of a spec, set in several ways and taken away; all can be done."""


@dataclass(frozen=True)
class Impossible:
    """What the schema takes and cannot be done, with the reason that Ready gives."""

    patch: Patch
    reason: str


IMPOSSIBLE: Mapping[str, Impossible] = {
    "env of no secret": Impossible(
        {"env": [{"name": "TOKEN", "secret_ref": {"name": "absent", "key": "token"}}]}, "SecretNotFound"
    ),
    "env of no entry": Impossible(
        {"env": [{"name": "TOKEN", "secret_ref": {"name": "my", "key": "absent"}}]}, "SecretKeyNotFound"
    ),
    "source without login": Impossible(
        {"source": {"url": "https://git.test/app", "credentials_secret": "absent"}}, "SecretNotFound"
    ),
    "login of nobody": Impossible({"auth_files": {"providers": ["absent"]}}, "SecretNotFound"),
    "no such template": Impossible({"template": "absent"}, "TemplateNotFound"),
    "another target": Impossible({"target": {"name": "absent"}}, "TargetChangeRefused"),
    "no such image": Impossible({"image": "sim/missing", "build": None}, "ImageNotFound"),
    "image that crashes": Impossible({"image": "sim/crash:3", "build": None}, "ContainerFailing"),
    "build that fails": Impossible(
        {"image": None, "build": {"repository": "https://git.test/broken"}}, "BuildFailed"
    ),
}

REFUSED: Mapping[str, Patch] = {
    "two lines of title": {"title": "a\nb"},
    "image of no name": {"image": "not an image", "build": None},
    "image and build": {"image": "sim/ok", "build": {"repository": "https://git.test/image"}},
    "password in the source": {"source": {"url": "https://me:secret@git.test/app"}},
    "depth of nothing": {"source": {"url": "https://git.test/app", "depth": 0}},
    "variable of ours": {"env": [{"name": "BERTH_REVISION", "value": "1"}]},
    "variable twice": {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
    "variable of nothing": {"env": [{"name": "A"}]},
    "agent of no name": {"agent": {"provider": ""}},
    "memory in GB": {"resources": {"memory": "2GB"}},
    "no cpu": {"resources": {"cpu": "0"}},
    "more reserved than allowed": {"resources": {"cpu": "1", "reserve": {"cpu": "2"}}},
    "storage forgotten": {"storage": {"on_delete": "Forget"}},
    "host in capitals": {"route": {"host": "UPPER.test"}},
    "idle at once": {"idle": {"stop_after": "0s"}},
    "never born": {"lifetime": {"delete_after": "-1h"}},
    "no time": {"restarted_at": "yesterday"},
    "template of no name": {"template": "No Template"},
    "port of none": {"target": {"overrides": {"port": 0}}},
    "mode of none": {"operating_mode": "Paused"},
    "unknown field": {"replicas": 2},
}


def patched(values: Patch, patch: Patch, name: str) -> dict[str, Any]:
    """The fields of a spec with a patch laid over them."""
    new = {**values, **patch}
    if isinstance(new.get("route"), dict) and "host" in new["route"]:
        new["route"] = {**new["route"], "host": new["route"]["host"].replace("{name}", name)}
    return {field_: value for field_, value in new.items() if value is not None}


@dataclass
class Declared:
    """One session as its owner has it in a file."""

    values: dict[str, Any] = field(default_factory=dict)
    sound: dict[str, Any] = field(default_factory=dict)
    """The same without what cannot be done."""

    def take(self, patch: Patch, name: str) -> SessionSpec:
        """Change the file, soundly; raises ValidationError, and the file stays as it is."""
        new = patched(self.values, patch, name)
        spec = SessionSpec.model_validate(new)
        self.values = new
        self.sound = patched(self.sound, patch, name)
        return spec

    def spoil(self, patch: Patch, name: str) -> SessionSpec:
        """Change the file to what cannot be done."""
        self.values = patched(self.values, patch, name)
        return SessionSpec.model_validate(self.values)

    def mend(self) -> SessionSpec:
        """Undo all that cannot be done."""
        self.values = dict(self.sound)
        return SessionSpec.model_validate(self.values)


async def furnish(of: World) -> None:
    """The secrets and templates that sound choices refer to, and the build that fails."""
    for secret in (
        Secret(metadata=_meta("my"), string_data={"token": "canary-token"}),
        Secret(metadata=_meta("github"), string_data={"username": "me", "password": "canary-password"}),
        Secret(
            metadata=ObjectMeta(name="codex", namespace=NAMESPACE, labels={"berth.dev/provider": "codex"}),
            type="berth.dev/auth-file",
            string_data={"auth.json": '{"canary": 1}'},
        ),
    ):
        await of.records.create(secret)
    for name, fields in (
        ("python", {"image": "sim/ok:python", "env": [{"name": "PYTHON", "value": "3.13"}]}),
        ("large", {"resources": {"memory": "8Gi"}, "agent": {"provider": "claude"}, "title": "Large"}),
    ):
        spec = SessionFields.model_validate(fields)
        await of.records.create(SessionTemplate(metadata=_meta(name), spec=spec))
    of.simulation.builds["https://git.test/broken"] = BuildScript(builds=False)


def _meta(name: str) -> ObjectMeta:
    return ObjectMeta(name=name, namespace=NAMESPACE)


async def write(of: World, name: str, spec: SessionSpec) -> Session:
    """Put a spec into the record, as ``berth apply`` does."""
    old = await of.records.get(Session, Key(NAMESPACE, name))
    return await of.records.update(old.model_copy(update={"spec": spec}))
