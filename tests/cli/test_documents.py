from __future__ import annotations

import json

import yaml

from cli.documents import declared
from tests.cli.samples import session

HELLO = """
apiVersion: berth.dev/v1alpha1
kind: Session
metadata: {name: hello}
spec:
  source: {url: "https://github.com/acme/app"}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: github}
stringData: {password: canary-password}
"""


def test_files_directories_and_stdin_are_applied_in_order(berth, fake, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.yml").write_text(SECRET)
    (tmp_path / "b" / "1.yaml").write_text(f"{HELLO}---\n{HELLO.replace('hello', 'again')}")
    (tmp_path / "b" / "notes.txt").write_text("{")
    target = {"apiVersion": "berth.dev/v1alpha1", "kind": "Target", "metadata": {"name": "default"}}
    target["spec"] = {"url": "http://127.0.0.1:3000", "apiKey": {"name": "dokploy", "key": "key"}}
    result = berth("apply", "-f", str(tmp_path / "b"), "-f", "-", "-n", "alice", stdin=json.dumps(target))
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "session/hello created",
            "session/again created",
            "secret/github created",
            "target/default created",
        ],
    )
    assert set(fake.records) == {
        ("sessions", "alice", "hello"),
        ("sessions", "alice", "again"),
        ("secrets", "alice", "github"),
        ("targets", "", "default"),
    }
    result = berth("apply", "-f", str(tmp_path / "b"), "-n", "alice", "-o", "name")
    assert result.stdout.splitlines() == ["session/hello", "session/again", "secret/github"]


def test_what_changed_and_what_did_not(berth, fake, tmp_path):
    file = tmp_path / "hello.yaml"
    file.write_text(HELLO)
    for expected in ("created", "unchanged"):
        assert berth("apply", "-f", str(file)).stdout == f"session/hello {expected}\n"
    file.write_text(HELLO.replace("acme/app", "acme/other"))
    assert (
        berth("apply", "-f", str(file), "--dry-run=server").stdout
        == "session/hello configured (server dry run)\n"
    )
    assert fake.records["sessions", "default", "hello"]["metadata"]["generation"] == 1
    assert berth("apply", "-f", str(file)).stdout == "session/hello configured\n"
    record = yaml.safe_load(berth("apply", "-f", str(file), "-o", "yaml").stdout)
    assert record == fake.records["sessions", "default", "hello"]


def test_one_bad_document_and_nothing_is_sent(berth, fake, tmp_path):
    (tmp_path / "1.yaml").write_text(HELLO)
    (tmp_path / "2.yaml").write_text(HELLO.replace("hello", "two").replace("url:", "uri:"))
    (tmp_path / "3.yaml").write_text("a: [")
    result = berth("apply", "-f", str(tmp_path))
    assert (result.exit_code, result.stdout, fake.requests) == (3, "", [])
    lines = result.stderr.splitlines()
    assert any(
        line.startswith(f"error: {tmp_path}/2.yaml:6: spec.source.uri: unknown field") for line in lines
    )
    assert any(line.startswith(f"error: {tmp_path}/3.yaml:") and "this is not YAML" in line for line in lines)
    # Every fault of every file is told at once: no third round to find the last one.
    assert len(lines) >= 2


def test_one_record_declared_in_two_files_is_refused(berth, fake, tmp_path):
    for name in ("1.yaml", "2.yaml"):
        (tmp_path / name).write_text(HELLO)
    result = berth("apply", "-f", str(tmp_path))
    assert (result.exit_code, fake.requests) == (3, [])
    assert f"{tmp_path}/2.yaml:2: session/hello is declared already in {tmp_path}/1.yaml:2" in result.stderr
    assert berth("apply", "-f", str(tmp_path / "1.yaml"), "-f", str(tmp_path / "1.yaml")).exit_code == 0


def test_what_cannot_be_read_is_named(berth, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe\xfa")
    for path, said in (
        ("nope.yaml", "nope.yaml: No such file or directory"),
        ("empty", "nothing is declared in"),
        ("latin.yaml", "is not UTF-8 text"),
    ):
        result = berth("apply", "-f", str(tmp_path / path))
        assert result.exit_code == 3
        assert said in result.stderr
    assert berth("apply").exit_code == 2
    assert berth("apply", "-f", "-", "--dry-run=client", stdin=HELLO).exit_code == 2


def test_a_refusal_by_the_server_names_document_and_field(berth, tmp_path):
    (tmp_path / "a.yaml").write_text(HELLO.replace("spec:", "spec:\n  image: bad image"))
    result = berth("apply", "-f", str(tmp_path / "a.yaml"))
    assert result.exit_code == 3
    assert "spec.image: " in result.stderr


def test_only_the_home_is_replaced_in_documents(berth, fake, tmp_path):
    document = HELLO + '  title: "${BERTH_HOME} ${HOME} ${PATH}"\n'
    assert berth("apply", "-f", "-", stdin=document).exit_code == 0
    assert fake.records["sessions", "default", "hello"]["spec"]["title"] == f"{tmp_path} ${{HOME}} ${{PATH}}"


def test_delete_by_file(berth, fake):
    fake.put(session("hello"))
    assert berth("delete", "-f", "-", stdin=HELLO).stdout == "session/hello deleted\n"
    assert not fake.records


# -- diff


def test_diff_shows_fields_and_plan_and_ends_with_1(berth, fake):
    fake.planned = {
        "result": "configured",
        "changes": [
            {"field": "spec.env[LOG].value", "before": "debug", "after": "info"},
            {"field": "spec.env[TOKEN].value", "before": None, "after": "hmac:0a1b2c3d"},
            {"field": "spec.source.depth", "before": 1, "after": None},
        ],
        "plan": {
            "why": "the environment differs",
            "actions": ["Configure it", "Apply it"],
            "waitSeconds": 2.0,
        },
    }
    result = berth("diff", "-f", "-", stdin=HELLO)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "session/hello would be configured",
        '  spec.env[LOG].value: "debug" -> "info"',
        '  spec.env[TOKEN].value: (absent) -> "hmac:0a1b2c3d"',
        "  spec.source.depth: 1 -> (absent)",
        "  then the controller would:",
        "    - Configure it",
        "    - Apply it",
        "    because the environment differs",
        "    looks again in 2s",
    ]
    told = json.loads(berth("diff", "-f", "-", "-o", "json", stdin=HELLO).stdout)
    assert told == [{"record": "session/hello", **fake.planned}]


def test_diff_without_differences_says_nothing(berth, fake):
    fake.planned = {"result": "unchanged", "changes": [], "plan": {"why": "settled", "actions": []}}
    result = berth("diff", "-f", "-", stdin=HELLO)
    assert (result.exit_code, result.output) == (0, "")


def test_diff_of_a_secret_shows_hashes_and_stores_nothing(berth, fake):
    result = berth("diff", "-f", "-", stdin=SECRET)
    assert (result.exit_code, fake.records) == (1, {})
    assert result.stdout.splitlines() == [
        "secret/github would be created",
        '  digests.password: (absent) -> "hmac:0a1b2c3d"',
    ]
    assert "canary" not in result.output


# -- create secret


def test_whom_a_secret_concerns_is_said_beside_the_result(berth, fake, tmp_path):
    fake.concerns = "2 sessions take it up at their next idle moment: default/a, default/b"
    words = ("create", "secret", "github", "--from-literal=a=canary", "--replace")
    assert berth(*words).stderr == f"{fake.concerns}\n"
    assert berth(*words, "-o", "name").stdout == "secret/github\n"
    (tmp_path / "s.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: github}\nstringData: {a: other}\n"
    )
    applied = berth("apply", "-f", str(tmp_path / "s.yaml"), "--dry-run=server")
    assert applied.stdout == "secret/github configured (server dry run)\n"
    assert applied.stderr == f"{fake.concerns}\n"


def test_a_secret_from_files_stdin_and_literals(berth, fake, tmp_path):
    (tmp_path / "auth.json").write_bytes(b"\x00canary")
    result = berth(
        "create", "secret", "codex", "--type=berth.dev/auth-file",
        f"--from-file={tmp_path / 'auth.json'}", "--from-file=in=-", "--from-literal=user=alice=1",
        stdin=b"canary-stdin\n",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, "secret/codex created\n")
    stored = fake.records["secrets", "default", "codex"]
    assert stored["type"] == "berth.dev/auth-file"
    assert stored["data"] == {
        "auth.json": "AGNhbmFyeQ==",
        "in": "Y2FuYXJ5LXN0ZGluCg==",
        "user": "YWxpY2U9MQ==",
    }


def test_a_secret_that_is_there_is_replaced_only_if_asked(berth, fake):
    words = ("create", "secret", "github", "--from-literal=a=canary")
    assert berth(*words).exit_code == 0
    result = berth(*words)
    assert result.exit_code == 5
    assert "try: the same with --replace" in result.stderr
    assert berth(*words, "--replace").stdout == "secret/github unchanged\n"
    assert "canary" not in berth(*words, "--replace", "-o", "json").stdout


def test_values_are_never_repeated_in_an_error(berth, tmp_path):
    for words in (
        ["--from-literal=canary"],
        ["--from-literal=a=canary", "--from-literal=a=canary"],
        ["--from-literal=a b=canary"],
        ["--from-file=-"],
        [],
    ):
        result = berth("create", "secret", "github", *words)
        assert result.exit_code == 2
        assert "canary" not in result.output
    assert berth("create", "secret", "github", f"--from-file={tmp_path}/nope").exit_code == 3
    assert berth("create", "session", "x", "--from-literal=a=b").exit_code == 2


def test_what_get_wrote_is_applied_whatever_status_came_since(tmp_path):
    """Each status moves the version; a version that a person wrote is theirs, and stays."""
    text = "kind: Session\nmetadata: {name: a, uid: u, resourceVersion: '7'}\n"
    (tmp_path / "a.yaml").write_text(text + "status: {phase: Running}\n")
    (written,) = declared([str(tmp_path / "a.yaml")], namespace="default", home=tmp_path)
    assert "resourceVersion" not in written.record["metadata"]
    (tmp_path / "a.yaml").write_text(text)
    (guarded,) = declared([str(tmp_path / "a.yaml")], namespace="default", home=tmp_path)
    assert guarded.record["metadata"]["resourceVersion"] == "7"
