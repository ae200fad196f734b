from __future__ import annotations

import json
import os

import pytest

from cli.client import connect
from cli.connection import Connection, home, locate
from cli.failures import ExitCode, Failure
from cli.kinds import SESSION, Reference


@pytest.fixture
def place(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps({"url": "http://127.0.0.1:7431/", "pid": os.getpid()}))
    (tmp_path / "token").write_text("canary-home\n")
    return tmp_path


def test_the_one_of_the_home_is_found(place):
    found = locate({"BERTH_HOME": str(place)})
    assert (found.url, found.token, found.pid, found.local) == (
        "http://127.0.0.1:7431",
        "canary-home",
        os.getpid(),
        True,
    )
    assert "canary" not in repr(found)
    assert locate({"BERTH_HOME": str(place), "BERTH_TOKEN": "canary-mine"}).token == "canary-mine"


def test_a_named_server_wins_and_never_gets_the_token_of_the_home(place):
    environment = {"BERTH_HOME": str(place), "BERTH_URL": "https://berth.example.com"}
    with pytest.raises(Failure) as caught:
        locate(environment)
    assert caught.value.code is ExitCode.NOT_AUTHORISED
    found = locate({**environment, "BERTH_TOKEN": "canary-theirs"})
    assert (found.url, found.token, found.local) == ("https://berth.example.com", "canary-theirs", False)
    found = locate({**environment, "BERTH_TOKEN": "t"}, server="http://other:1")
    assert (found.url, found.found) == ("http://other:1", "--server")
    # Unless it is the very server that the home belongs to.
    assert locate({"BERTH_HOME": str(place), "BERTH_URL": "http://127.0.0.1:7431"}).token == "canary-home"


@pytest.mark.parametrize(
    "url", ["berth.example.com", "ftp://x", "http://", "https://me:canary@berth.example.com"]
)
def test_what_is_no_url_of_a_server_is_refused_without_repeating_it(url, tmp_path):
    with pytest.raises(Failure) as caught:
        locate({"BERTH_HOME": str(tmp_path), "BERTH_TOKEN": "t", "BERTH_URL": url})
    assert caught.value.code is ExitCode.USAGE
    assert "canary" not in "\n".join(caught.value.lines())


def test_none_runs(tmp_path):
    with pytest.raises(Failure) as caught:
        locate({"BERTH_HOME": str(tmp_path)})
    assert caught.value.code is ExitCode.UNREACHABLE
    assert caught.value.lines()[1].startswith("  try: start it with: berth up")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"url": 3}', "\xff"])
def test_a_broken_api_json_is_named(tmp_path, text):
    (tmp_path / "api.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(Failure) as caught:
        locate({"BERTH_HOME": str(tmp_path)})
    assert caught.value.code is ExitCode.UNREACHABLE
    assert str(tmp_path / "api.json") in caught.value.message


def test_no_token_in_the_home(place):
    (place / "token").unlink()
    with pytest.raises(Failure) as caught:
        locate({"BERTH_HOME": str(place)})
    assert caught.value.code is ExitCode.NOT_AUTHORISED


def test_the_home_is_the_platforms_place_unless_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home({}).name == "berth"
    assert home({"BERTH_HOME": "~/x"}).is_absolute()


def test_a_proxy_is_one_that_is_named_for_berth(tmp_path):
    environment = {"BERTH_HOME": str(tmp_path), "BERTH_URL": "https://berth.example.com", "BERTH_TOKEN": "t"}
    found = locate({**environment, "https_proxy": "http://127.0.0.1:9"})
    assert (found.proxy, found.unused_proxy) == (None, "https_proxy")
    found = locate(
        {**environment, "https_proxy": "http://127.0.0.1:9", "BERTH_PROXY": "http://me:canary@p:1"}
    )
    assert (found.proxy, found.unused_proxy) == ("http://me:canary@p:1", None)
    assert "canary" not in repr(found)


async def test_a_failure_tells_of_a_proxy_that_is_not_used():
    elsewhere = Connection(
        url="http://berth.invalid", token="t", found="BERTH_URL", unused_proxy="HTTPS_PROXY"
    )
    with pytest.raises(Failure) as caught:
        async with connect(lambda: elsewhere) as client:
            await client.get(Reference(SESSION, "a", "default"))
    assert "HTTPS_PROXY is not used" in "\n".join(caught.value.lines())
    assert "BERTH_PROXY" in "\n".join(caught.value.lines())


async def test_what_is_no_proxy_is_refused_by_name():
    elsewhere = Connection(
        url="http://berth.invalid", token="t", found="BERTH_URL", proxy="ftp://me:canary@p"
    )
    with pytest.raises(Failure) as caught:
        async with connect(lambda: elsewhere):
            pass
    assert caught.value.code is ExitCode.USAGE
    assert "BERTH_PROXY" in "\n".join(caught.value.lines())
    assert "canary" not in "\n".join(caught.value.lines())
