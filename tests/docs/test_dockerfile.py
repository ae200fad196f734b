"""The image can be made of what is there. No container engine is needed to know that much."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from api.settings import ApiSettings
from controller.settings import ControllerSettings
from tests.docs.pages import ROOT

SETTINGS = {f"BERTH_{name}".upper() for of in (ApiSettings, ControllerSettings) for name in of.model_fields}


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line.strip()]


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def copied() -> list[tuple[list[str], str]]:
    """What is copied from the repository, and to where."""
    pairs = [rest.split() for rest in of("COPY") if "--from=" not in rest]
    return [(words[:-1], words[-1]) for words in pairs]


def environment() -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(of("ENV"))))


def test_every_path_that_is_copied_exists_and_is_let_in():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    for sources, _ in copied():
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in let_in), (
                source
            )
    assert "*" in ignored
    assert all((ROOT / path).exists() for path in let_in)


def test_dependencies_are_installed_by_hash_and_the_code_without_any():
    runs = " && ".join(of("RUN"))
    assert "pip install --require-hashes -r deploy/locks/server.lock" in runs
    assert "pip install --no-build-isolation --no-deps ." in runs
    assert runs.count("pip install") == 2


def test_the_base_is_one_pinned_argument_and_the_user_has_no_rights():
    assert of("ARG") == ["BASE=python:3.12-slim"]
    assert all(rest.startswith("${BASE}") for rest in of("FROM"))
    assert of("USER") == ["berth"]
    assert len(of("FROM")) == 2


def test_the_two_programs_run_from_what_is_copied_alone(tmp_path):
    for sources, target in copied():
        for source in sources:
            path = ROOT / source
            place = tmp_path / target
            if path.is_dir():
                shutil.copytree(path, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place = place / path.name if target.endswith("/") else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)
    assert json.loads(of("ENTRYPOINT")[0]) == ["python", "-m"]
    assert json.loads(of("CMD")[0]) == ["api"]
    # -S keeps an editable installation from lending what was not copied.
    packages = [path for path in sys.path if path.endswith("site-packages")]
    said = subprocess.run(
        [sys.executable, "-S", "-c", _IMPORTS],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *packages])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert {Path(line).parent.parent for line in said.stdout.split()} == {tmp_path}


_IMPORTS = """
import api.program, controller.program, cli.app, cli.up, container.signals
print(api.program.__file__, controller.program.__file__, cli.app.__file__)
"""


def test_the_image_sets_what_is_required_and_nothing_that_is_no_setting():
    given = {name for name in environment() if name.startswith("BERTH_")}
    assert given <= SETTINGS
    required = {
        f"BERTH_{name}".upper()
        for settings in (ApiSettings, ControllerSettings)
        for name, field in settings.model_fields.items()
        if field.is_required()
    }
    assert required <= given
    assert {environment()["BERTH_API_PORT"], environment()["BERTH_METRICS_PORT"]} == set(
        of("EXPOSE")[0].split()
    )


class Probe(http.server.BaseHTTPRequestHandler):
    def __init__(self, *arguments, status: int) -> None:
        self.status = status
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("variable", ["BERTH_API_PORT", "BERTH_METRICS_PORT"])
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_asks_whichever_program_runs(variable, status, healthy, tmp_path):
    (tmp_path / "python").symlink_to(sys.executable)
    command = of("HEALTHCHECK")[0].partition(" CMD ")[2]
    with http.server.HTTPServer(("127.0.0.1", 0), functools.partial(Probe, status=status)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports = {"BERTH_API_PORT": "1", "BERTH_METRICS_PORT": "1", variable: str(server.server_port)}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", **ports},
            timeout=30,
            check=False,
        )
        server.shutdown()
    assert (done.returncode == 0) is healthy


def test_compose_runs_the_image_with_settings_that_exist():
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    services, volumes = compose["services"], compose["volumes"]
    assert set(services) == {"api", "controller", "postgres"}
    for name in ("api", "controller"):
        service = services[name]
        assert service["command"] == [name]
        assert set(service["environment"]) <= SETTINGS
        assert (ROOT / "deploy" / service["build"]["context"] / "Dockerfile").exists()
        # No password in the file: it comes from a secret, as the environment of the program alone.
        assert "@" in service["environment"]["BERTH_DATABASE_URL"]
        assert ":" not in service["environment"]["BERTH_DATABASE_URL"].partition("://")[2].partition("@")[0]
    for service in services.values():
        assert set(service["secrets"]) <= set(compose["secrets"])
        assert {mount.partition(":")[0] for mount in service["volumes"]} <= set(volumes)
