from __future__ import annotations

from pathlib import Path

import pytest

from container import contract
from container.environment import read_settings
from container.given import is_secret, read_secrets


def _settings(first: bool = False, **environ: str):
    return read_settings(environ, first=first)


def test_an_empty_environment_serves_with_the_defaults():
    settings = _settings()
    assert settings.workspace == Path("/workspace")
    assert settings.database == Path("/data/container.db")
    assert settings.home == Path("/data/home")
    assert settings.port == 3000
    assert settings.repository is None
    assert settings.problems == ()


def test_a_container_listens_on_all_addresses_and_a_plain_machine_on_its_own():
    assert _settings(first=True).bind == "0.0.0.0"
    assert _settings(first=False).bind == "127.0.0.1"
    assert _settings(first=False, BERTH_BIND_ADDRESS="::").bind == "::"


@pytest.mark.parametrize("port", ["0", "1", "65535"])
def test_ports(port):
    assert _settings(PORT=port).port == int(port)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "٣"),
        ("PORT", "http"),
        ("WORKSPACE_PATH", "here"),
        ("DATABASE_PATH", "x.db"),
        ("BERTH_BIND_ADDRESS", "everywhere"),
        ("BERTH_CONSOLE_ORIGIN", "https://a.example; script-src *"),
        ("BERTH_CONSOLE_ORIGIN", "https://a.example/path"),
        ("BERTH_CONSOLE_ORIGIN", "*"),
        ("BERTH_REPOSITORY_DEPTH", "0"),
        ("BERTH_REPOSITORY_DEPTH", "all"),
        ("BERTH_AGENT_COMMAND", "codex-acp"),
        ("BERTH_AGENT_COMMAND", "[]"),
        ("BERTH_AGENT_COMMAND", "[1]"),
        ("BERTH_AGENT_COMMAND", "[" * 100_000),
    ],
)
def test_a_bad_value_is_a_problem_that_names_its_variable_and_no_crash(variable, value):
    settings = _settings(**{"BERTH_REPOSITORY_URL": "https://example.com/a", variable: value})
    assert [problem.variable for problem in settings.problems] == [variable]


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Berth.Example.com:443/", "https://berth.example.com"),
        ("http://berth.example.com:80", "http://berth.example.com"),
        ("https://berth.example.com:80", "https://berth.example.com:80"),
        ("http://[::1]:8443", "http://[::1]:8443"),
    ],
)
def test_the_consoles_origin_is_as_browsers_say_it(given, origin):
    assert _settings(BERTH_CONSOLE_ORIGIN=given).console_origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a/b.git",
        "http://example.com:8080/a",
        "ssh://git@example.com/a.git",
        "git://example.com/a",
        "git@example.com:a/b.git",
        "git@example.com:/srv/a.git",
        "[::1]:a/b.git",
        "https://acme@example.com/a",
        "file:///srv/a.git",
    ],
)
def test_urls_that_can_be_cloned(url):
    settings = _settings(BERTH_REPOSITORY_URL=url, BERTH_REPOSITORY_REF="main", BERTH_REPOSITORY_DEPTH="1")
    assert settings.repository is not None
    assert (settings.repository.url, settings.repository.ref, settings.repository.depth) == (url, "main", 1)


@pytest.mark.parametrize(
    "url",
    [
        "--upload-pack=touch /tmp/x",
        "ext::sh -c touch% /tmp/x",
        "/srv/a.git",
        "a.git",
        "https://ann:secret@example.com/a",
        "git:secret@example.com:a/b",
        "https://",
        "https://[::1/a",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "ssh://-oProxyCommand=x/a",
        "ftp://example.com/a",
    ],
)
def test_urls_that_are_refused_and_never_repeated(url):
    settings = _settings(BERTH_REPOSITORY_URL=url)
    assert settings.repository is None
    problem = settings.problem_of(contract.REPOSITORY_URL)
    assert problem is not None
    assert "secret@" not in problem.message


@pytest.mark.parametrize("ref", ["main", "feature/x-1", "v1.0", "a" * 40, "refs/pull/7/head", "ümlaut"])
def test_refs(ref):
    settings = _settings(BERTH_REPOSITORY_URL="https://example.com/a", BERTH_REPOSITORY_REF=ref)
    assert settings.repository is not None
    assert settings.repository.ref == ref


@pytest.mark.parametrize(
    "ref", ["-x", "--upload-pack=x", "a..b", "a b", "a~1", "x.lock", "/a", "a/", "a\x07"]
)
def test_refs_that_are_refused(ref):
    settings = _settings(BERTH_REPOSITORY_URL="https://example.com/a", BERTH_REPOSITORY_REF=ref)
    assert settings.repository is None
    assert settings.problem_of(contract.REPOSITORY_REF) is not None


@pytest.mark.parametrize(
    ("variable", "secret"),
    [
        ("CODEX_AUTH_FILE_1", True),
        ("CODEX_AUTH_FILE_1_NAME", True),
        ("CODEX_AUTH_FILE_ONE", True),
        ("AUTH_FILE_CODEX_X", True),
        ("BERTH_GIT_USERNAME", True),
        ("BERTH_GIT_PASSWORD", True),
        ("BERTH_TOKEN_KEY", True),
        ("REGISTRY_AUTH_FILE", False),
        ("BERTH_REPOSITORY_URL", False),
        ("PATH", False),
    ],
)
def test_what_leaves_the_environment(variable, secret):
    assert is_secret(variable) is secret


def test_auth_files_in_order_with_a_provider_of_two_words():
    secrets = read_secrets(
        {
            contract.auth_file_variable("github-copilot", 1): "YQ==",
            contract.auth_file_name_variable("github-copilot", 1): "hosts.json",
            "CODEX_AUTH_FILE_10": "Yg==",
            "CODEX_AUTH_FILE_2": "Yw==",
            "CODEX_AUTH_FILE_2_NAME": "auth.json",
        }
    )
    assert [(f.provider, f.index, f.name) for f in secrets.auth_files] == [
        ("codex", 2, "auth.json"),
        ("codex", 10, ""),
        ("github-copilot", 1, "hosts.json"),
    ]
    assert "YQ==" not in repr(secrets)


@pytest.mark.parametrize("length", [0, 7, contract.AUTH_FILE_PART, contract.AUTH_FILE_PART + 1, 900_000])
def test_a_login_file_of_any_size_arrives_in_parts_that_linux_takes(length):
    content = "".join(chr(65 + number % 26) for number in range(length))
    variables = contract.auth_file_variables("codex", 1, content)
    assert all(len(f"{name}={value}") < 128 * 1024 for name, value in variables.items())
    assert all(map(is_secret, variables))
    [file] = read_secrets(dict(reversed(variables.items()))).auth_files
    assert file.content == content


def test_the_seeds_misspelt_auth_variable_is_told():
    secrets = read_secrets({"AUTH_FILE_CODEX_X": "YQ=="})
    assert [problem.variable for problem in secrets.problems] == ["AUTH_FILE_CODEX_X"]


def test_the_token_key_is_shown_nowhere():
    secrets = read_secrets({"BERTH_TOKEN_KEY": "canary-of-the-key"})
    assert secrets.token_key == "canary-of-the-key"
    assert "canary" not in repr(secrets)
    assert read_secrets({"BERTH_TOKEN_KEY": ""}).token_key is None


def test_credentials_are_one_line_each_and_shown_nowhere():
    secrets = read_secrets({"BERTH_GIT_PASSWORD": "tok"})
    assert secrets.git is not None
    assert secrets.git.username == "x-access-token"
    assert "tok" not in repr(secrets.git).replace("x-access-token", "")
    broken = read_secrets({"BERTH_GIT_PASSWORD": "tok\nhost=evil"})
    assert broken.git is None
    assert [problem.variable for problem in broken.problems] == ["BERTH_GIT_PASSWORD"]
    misnamed = read_secrets({"BERTH_GIT_PASSWORD": "tok", "BERTH_GIT_USERNAME": "a\nb"})
    assert misnamed.git is None
    assert [problem.variable for problem in misnamed.problems] == ["BERTH_GIT_USERNAME"]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_line_end_is_no_part_of_a_credential(end):
    secrets = read_secrets({"BERTH_GIT_USERNAME": f"ann{end}", "BERTH_GIT_PASSWORD": f"tok{end}"})
    assert secrets.git is not None
    assert (secrets.git.username, secrets.git.password) == ("ann", "tok")
    assert secrets.problems == ()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PATH", "/workspace/bin:$PATH", True),
        ("PATH", "/workspace/bin:${PATH}", True),
        ("LD_LIBRARY_PATH", "$LD_LIBRARY_PATH:/lib", True),
        ("PATH", "/usr/bin", False),
        ("PRICE", "$5", False),
        ("PS1", "$PWD", False),
        ("A", "$APPLE", False),
    ],
)
def test_a_variable_that_refers_to_itself_is_told(name, value, told):
    problem = _settings(**{name: value}).problem_of(name)
    assert (problem is not None) == told
    assert problem is None or "not expanded" in problem.message
