"""Every rule over a single value or several: what is taken, what is refused, at which field."""

from __future__ import annotations

import pytest

from container import contract
from crds.environment import check_unreserved
from crds.errors import InvalidObject
from crds.kinds import parse
from crds.quantity import CpuQuantity, Duration, MemoryQuantity, PollPeriod, PositiveDuration

SECRETS = ("hunter2", "s3cr3t")


def session(**spec):
    return {
        "apiVersion": "berth.dev/v1alpha1",
        "kind": "Session",
        "metadata": {"name": "a", "namespace": "alice"},
        "spec": spec,
    }


def target(**spec):
    return {
        "apiVersion": "berth.dev/v1alpha1",
        "kind": "Target",
        "metadata": {"name": "a"},
        "spec": {"url": "https://dokploy.example.com", "apiKey": {"name": "d", "key": "k"}, **spec},
    }


def secret(**fields):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "alice"}, **fields}


def refused(document):
    with pytest.raises(InvalidObject) as found:
        parse(document)
    assert not any(word in str(found.value) for word in SECRETS)
    return {problem.field: problem.message for problem in found.value.problems}


def env(**variable):
    return session(env=[variable])


def overrides(**container):
    return session(target={"overrides": container})


TAKEN = [
    *(
        session(source={"url": url})
        for url in (
            "https://github.com/acme/app",
            "https://git.example.com:8443/a/b.git",
            "http://127.0.0.1:3000/x.git",
            "http://git_server/x.git",
            "http://[::1]:3000/x",
            "ssh://git@github.com/acme/app",
            "ssh://git@github.com:2222/acme/app",
            "git://example.com/x",
            "git@github.com:acme/app.git",
            "file:///srv/hello.git",
            # Every form that git clone takes.
            "https://acme@dev.azure.com/acme/My%20Project/_git/app",
            "https://ann%40example.com@git.example.com/a/b",
            "https://GitHub.com/acme/app/",
            "git@git.example.com:/srv/git/app.git",
            "git@[::1]:org/app.git",
            "[::1]:org/app.git",
            "git@host:~ann/app.git",
            "git@host:2222/org/app.git",
            "host:org/app.git",
            "host:/srv/git/app.git",
            "ssh://git@[2001:db8::1]:2222/srv/app.git",
            "ssh://host/~ann/app.git",
            "ssh://ann@example.com@source.example.com:2022/p/app",
            "git+ssh://git@host/org/app",
            "file:///srv/my%20app.git",
            "file:///srv/a@b:c.git",
        )
    ),
    *(
        session(source={"url": "https://h/x", "ref": ref})
        for ref in ("main", "v1.2", "feature/new-login", "fix#12", "9fceb02", "a@b")
    ),
    *(
        session(image=image)
        for image in (
            "busybox",
            "berth/session:local",
            "ghcr.io/acme/session:1",
            "localhost:5000/a/b__c:V1",
            f"ghcr.io/a/b:1@sha256:{'0' * 64}",
        )
    ),
    session(author={"name": 'Zoë "Z" Lee', "email": "zoe@example.com"}),
    session(build={"repository": "https://github.com/acme/image", "context": "docker/session"}),
    env(name="_A1", value=""),
    env(name="BERTHA", value="x"),
    env(name="A", secretRef={"name": "my", "key": "to.ken"}),
    session(route={"host": "a.sessions.example.com"}),
    session(resources={"memory": "6Mi"}),
    session(resources={"cpu": "1m", "reserve": {"cpu": "0", "memory": "0"}}),
    session(resources={"reserve": {"cpu": "1m", "memory": "4Mi"}}),
    secret(data={"binary": "AAA="}, stringData={"also": "a\0b"}),
    secret(type="berth.dev/auth-file", stringData={"a.json": "x" * 600_000}),
    session(resources={"cpu": "1", "reserve": {"cpu": "1000m"}}),
    session(restartedAt="2026-11-23T12:00:00+01:00"),
    session(title="Fix the log-in — schön, 日本"),
    session(authFiles={"providers": []}),
    target(url="http://127.0.0.1:3000"),
    target(route={"pattern": "{name}-{namespace}.example.com"}),
    target(limits={"callsPerSecond": 5}),
    secret(data={"tls.key": "aGk="}, stringData={"a": "b"}),
]


@pytest.mark.parametrize("document", TAKEN, ids=lambda document: str(document.get("spec"))[:60])
def test_taken(document):
    assert parse(document).kind == document["kind"]


# What is declared, the field that is told, and a fragment of what to do.
REFUSED = [
    (session(source={"url": "https://bob:hunter2@h/x"}), "spec.source.url", "source.credentialsSecret"),
    (session(source={"url": "https://ghp_hunter2@h/x"}), "spec.source.url", "source.credentialsSecret"),
    (session(source={"url": f"https://{'5e' * 20}@h/x"}), "spec.source.url", "source.credentialsSecret"),
    (session(source={"url": "https://hunter2:@h/x"}), "spec.source.url", "no credentials"),
    (session(source={"url": "git:hunter2@h:a/x"}), "spec.source.url", "no credentials"),
    (session(source={"url": "git://hunter2@h/x"}), "spec.source.url", "no credentials"),
    (session(source={"url": "ssh://git@h:org/x"}), "spec.source.url", "user@host:path"),
    (session(source={"url": "https:/github.com/a/b"}), "spec.source.url", "begins with https://"),
    (session(source={"url": "HTTPS://github.com/a/b"}), "spec.source.url", "https:// in lower case"),
    (session(source={"url": "/srv/git/app.git"}), "spec.source.url", "file:///srv/git/app.git"),
    (session(source={"url": "ext::sh"}), "spec.source.url", "begins with https://"),
    (session(source={"url": "git@h:-x"}), "spec.source.url", "begins with https://"),
    (session(source={"url": "https://h/My Project/x"}), "spec.source.url", "%20"),
    (session(source={"url": "https://h/a\u200bb"}), "spec.source.url", "control characters"),
    (session(source={"url": "https://m\u00fcnchen.example/a/b"}), "spec.source.url", "xn--"),
    (session(source={"url": "https://:@h/x"}), "spec.source.url", "no credentials"),
    (session(source={"url": "ssh://git:hunter2@h/x"}), "spec.source.url", "no credentials"),
    (session(source={"url": "https://u:hunter2@ss℀word/x"}), "spec.source.url", "cannot be read"),
    (session(source={"url": "https://u:hunter2@[bad/x"}), "spec.source.url", "cannot be read"),
    (session(source={"url": "https://h:99999/x"}), "spec.source.url", "cannot be read"),
    (session(source={"url": "ftp://h/x"}), "spec.source.url", "begins with https://"),
    (session(source={"url": "github.com/acme/app"}), "spec.source.url", "begins with https://"),
    (session(source={"url": "ext::sh -c x"}), "spec.source.url", "no spaces"),
    (session(source={"url": "https://github.com"}), "spec.source.url", "a host and a path"),
    (session(source={"url": "ssh://-oProxyCommand=x/y"}), "spec.source.url", "a host and a path"),
    (session(source={"url": "-oX@host:path"}), "spec.source.url", "begins with"),
    (session(source={"url": "file://srv/x"}), "spec.source.url", "three slashes"),
    (session(source={"url": "https://h/x\n"}), "spec.source.url", "control characters"),
    (session(source={"url": f"https://h/{'x' * 2048}"}), "spec.source.url", "2048"),
    (session(source={"ref": "main"}), "spec.source.url", "required"),
    (session(author={"name": "a <b>", "email": "a@b"}), "spec.author.name", "without < and >"),
    (session(author={"name": "a\nb", "email": "a@b"}), "spec.author.name", "one line"),
    (session(author={"name": "a", "email": "b"}), "spec.author.email", "ann@example.com"),
    (session(author={"name": "a"}), "spec.author.email", "required"),
    *(
        (session(source={"url": "https://h/x", "ref": ref}), "spec.source.ref", "branch, tag or commit")
        for ref in ("", "-x", "a..b", "a b", "a~1", "a:b", "/a", "a/", "a//b", "x.lock", "a/.b", "@", "a@{1}")
    ),
    (session(source={"url": "https://h/x", "depth": 0}), "spec.source.depth", "at least 1"),
    (session(source={"url": "https://h/x", "depth": True}), "spec.source.depth", "whole number"),
    (session(build={"repository": "git@h:x"}), "spec.build.repository", "https:// and http://"),
    (session(build={"repository": "https://h/$(x)"}), "spec.build.repository", "letters, digits"),
    (session(build={"repository": "https://h/x", "ref": "a;b"}), "spec.build.ref", "letters, digits"),
    (session(build={"repository": "https://h/x", "context": "../x"}), "spec.build.context", "without '..'"),
    (session(build={"repository": "https://h/x", "dockerfile": "/x"}), "spec.build.dockerfile", "relative"),
    (session(build={"repository": "https://h/x", "dockerfile": "a;b"}), "spec.build.dockerfile", "relative"),
    (session(build={"repository": "https://h/x", "args": {"1": ""}}), "spec.build.args.1", "no digit first"),
    (session(image="a", build={"repository": "https://h/x"}), "spec.build", "either image or build"),
    (overrides(image="a", build={"repository": "https://h/x"}), "spec.target.overrides.build", "either"),
    *(
        (session(image=image), "spec.image", "not an image")
        for image in ("", "A b", "foo/Bar", "a:", "x@sha256:1")
    ),
    (env(name="1A", value="x"), "spec.env[0].name", "no digit first"),
    (env(name="A-B", value="x"), "spec.env[0].name", "letters, digits and '_'"),
    (env(name="A", value=1), "spec.env[0].value", "quotes"),
    (env(name="A"), "spec.env[0].value", "required, unless secretRef"),
    (env(name="A", value=None), "spec.env[0].value", "required, unless secretRef"),
    (
        env(name="A", value="hunter2", secretRef={"name": "a", "key": "b"}),
        "spec.env[0].secretRef",
        "not both",
    ),
    (env(name="A", value="hunter2" * 10_000), "spec.env[0].value", "at most 65536 characters"),
    (
        session(env=[{"name": "A", "value": "hunter2"}, {"name": "A", "value": "s3cr3t"}]),
        "spec.env[1].name",
        "env[0] already",
    ),
    (
        overrides(env=[{"name": "A", "value": "x"}, {"name": "A", "value": "y"}]),
        "spec.target.overrides.env[1].name",
        "env[0] already",
    ),
    (session(env=[{"name": f"A{n}", "value": ""} for n in range(201)]), "spec.env", "at most 200 entries"),
    (session(env={"A": "b"}), "spec.env", "must be a list"),
    (session(resources={"memory": "5Mi"}), "spec.resources.memory", "at least 6Mi"),
    (session(resources={"memory": "2 GB"}), "spec.resources.memory", "such as 512Mi or 2Gi"),
    (session(resources={"memory": "9999999Ti"}), "spec.resources.memory", "at most 1024Ti"),
    (session(resources={"cpu": "0"}), "spec.resources.cpu", "more than 0"),
    (session(resources={"cpu": "0.9m"}), "spec.resources.cpu", "at least 1m"),
    (session(resources={"cpu": "0.0001"}), "spec.resources.cpu", "at least 1m"),
    (session(resources={"reserve": {"cpu": "0.5m"}}), "spec.resources.reserve.cpu", "at least 1m"),
    (session(resources={"reserve": {"memory": "1Mi"}}), "spec.resources.reserve.memory", "at least 4Mi"),
    (overrides(resources={"cpu": "0.0001"}), "spec.target.overrides.resources.cpu", "at least 1m"),
    (env(name="A", value="\U0001f511" * 40_000), "spec.env[0].value", "160,002 bytes with its name"),
    (env(name="A", value="x\0y"), "spec.env[0].value", "NUL"),
    (session(agent={"provider": "p", "command": ["a", "\0"]}), "spec.agent.command[1]", "NUL"),
    (
        session(build={"repository": "https://h/x", "args": {"A": "x" * 70_000}}),
        "spec.build.args",
        "at most 65,536",
    ),
    (session(resources={"cpu": 1}), "spec.resources.cpu", "quotes"),
    (session(resources={"cpu": "\u0661"}), "spec.resources.cpu", "such as 500m"),
    (
        session(resources={"memory": "1Gi", "reserve": {"memory": "2Gi"}}),
        "spec.resources.reserve.memory",
        "at most the limit, which is 1Gi",
    ),
    (
        session(resources={"cpu": "1", "reserve": {"cpu": "1001m"}}),
        "spec.resources.reserve.cpu",
        "at most the limit, which is 1",
    ),
    (session(idle={"stopAfter": "soon"}), "spec.idle.stopAfter", "such as 90s"),
    (session(idle={"stopAfter": "0s"}), "spec.idle.stopAfter", "at least 1ms"),
    (session(lifetime={"deleteAfter": "99999999h"}), "spec.lifetime.deleteAfter", "at most 3650d"),
    (session(route={"host": "Example.com"}), "spec.route.host", "lower-case"),
    (session(route={"host": "*.example.com"}), "spec.route.host", "lower-case"),
    (session(route={"host": "a." * 127 + "com"}), "spec.route.host", "lower-case"),
    (session(route={"https": "yes"}), "spec.route.https", "true or false"),
    (session(title="x" * 201), "spec.title", "200 characters"),
    (session(title="a\nb"), "spec.title", "one line"),
    (session(restartedAt="2026-11-23T12:00:00"), "spec.restartedAt", "with its zone"),
    (session(restartedAt=1_700_000_000), "spec.restartedAt", "with its zone"),
    (session(restartedAt="yesterday"), "spec.restartedAt", "with its zone"),
    (session(operatingMode="running"), "spec.operatingMode", "'Running', 'Stopped' or 'Legacy'"),
    (session(storage={"onDelete": "Keep"}), "spec.storage.onDelete", "'Delete' or 'Retain'"),
    (session(template="My Template"), "spec.template", "at most 63"),
    (overrides(port=0), "spec.target.overrides.port", "at least 1"),
    (overrides(port="3000"), "spec.target.overrides.port", "without quotes"),
    (overrides(healthCheck={"path": "readyz"}), "spec.target.overrides.healthCheck.path", "must match"),
    (session(env=[{"name": f"A{n}", "value": "x" * 60_000} for n in range(5)]), "spec", "at most 262,144"),
    (session(operatingmode="Running"), "spec.operatingmode", "did you mean 'operatingMode'?"),
    (session(operating_mode="Running"), "spec.operating_mode", "did you mean 'operatingMode'?"),
    (session(agent={"autoaprove": True}), "spec.agent.autoaprove", "did you mean 'autoApprove'?"),
    (session(zzz=1), "spec.zzz", "known here: agent"),
    ({**session(), "spec": "x"}, "spec", "must be a mapping"),
    (target(url="dokploy.example.com"), "spec.url", "such as https://"),
    (target(url="https://u:hunter2@h"), "spec.url", "without user"),
    (target(url="https://u:hunter2@[h"), "spec.url", "without user"),
    (target(route={"pattern": "sessions.example.com"}), "spec.route.pattern", "share one host"),
    (target(route={"pattern": "{name:>9999999999}.x"}), "spec.route.pattern", "only {name}"),
    (target(route={"pattern": "{name.__class__}.x"}), "spec.route.pattern", "only {name}"),
    (target(route={"pattern": "{user}.x"}), "spec.route.pattern", "only {name}"),
    (target(route={"pattern": "{name}_x.y"}), "spec.route.pattern", "lower-case"),
    (target(consoleOrigin="https://berth.example.com/"), "spec.consoleOrigin", "no path"),
    (target(consoleOrigin="*"), "spec.consoleOrigin", "an origin such as"),
    (target(consoleOrigin="https://a; script-src *"), "spec.consoleOrigin", "an origin such as"),
    (target(poll={"fast": "10ms"}), "spec.poll.fast", "at least 100ms"),
    (target(limits={"callsPerSecond": 0}), "spec.limits.callsPerSecond", "more than 0"),
    (secret(data={"tls.key": "hunter2!"}), "data[tls.key]", "not base64; text goes into stringData"),
    (
        secret(type="berth.dev/auth-file", stringData={"a.json": "hunter2" * 100_000}),
        "data",
        "700,002 bytes of login files",
    ),
    (secret(stringData={"a": "hunter2" * 110_000}), "data", "at most 1,000,000"),
    (secret(stringData={"k": 12_345}), "stringData.k", "quotes"),
    (secret(stringData={"a b": "hunter2"}), "stringData[a b]", "a secret's key"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "field", "fragment"), REFUSED, ids=lambda value: str(value)[:50])
def test_refused(document, field, fragment):
    found = refused(document)
    assert list(found) == [field]
    assert fragment in found[field]


METADATA = [
    ({"name": "A"}, "metadata.name", "at most 63 of a-z"),
    ({"name": "a" * 64}, "metadata.name", "at most 63"),
    ({"name": "a.b"}, "metadata.name", "at most 63"),
    ({}, "metadata.name", "required"),
    ({"name": "a", "namespace": "A"}, "metadata.namespace", "at most 63"),
    ({"name": "a", "labels": {"-x": "y"}}, "metadata.labels", "a key is [prefix/]name"),
    ({"name": "a", "labels": {"Example.com/x": "y"}}, "metadata.labels", "DNS name"),
    ({"name": "a", "labels": {"a..b/x": "y"}}, "metadata.labels", "DNS name"),
    ({"name": "a", "labels": {"x": "a b"}}, "metadata.labels", "at most 63"),
    ({"name": "a", "labels": {"example.com/x": 1}}, "metadata.labels[example.com/x]", "quotes"),
    ({"name": "a", "annotations": {"a b": "y"}}, "metadata.annotations", "a key is [prefix/]name"),
    ({"name": "a", "annotations": {"a": "x" * 2**18}}, "metadata.annotations", "256 KiB"),
    ({"name": "a", "label": {}}, "metadata.label", "did you mean 'labels'?"),
]


@pytest.mark.parametrize(("metadata", "field", "fragment"), METADATA, ids=lambda value: str(value)[:50])
def test_metadata_refused(metadata, field, fragment):
    found = refused({**session(), "metadata": metadata})
    assert list(found) == [field]
    assert fragment in found[field]


def test_a_cluster_scoped_kind_takes_no_namespace():
    document = {**target(), "metadata": {"name": "a", "namespace": "alice"}}
    assert refused(document) == {"metadata.namespace": "a Target belongs to no namespace; leave it out"}


def test_every_mistake_is_told_at_once():
    document = session(image="A b", route={"host": "X"}, env=[{"name": "1", "value": "x"}])
    assert set(refused(document)) == {"spec.image", "spec.route.host", "spec.env[0].name"}


def test_a_name_of_63_characters_is_taken():
    document = {**session(), "metadata": {"name": "a" * 63, "namespace": "b" * 63}}
    assert parse(document).key.name == "a" * 63


def contract_variables():
    """Every variable that the contract names, and both that a login file makes."""
    named = {
        value
        for name, value in vars(contract).items()
        if name.isupper()
        and isinstance(value, str)
        and not name.startswith(("DEFAULT_", "ENTRY_", "QUESTION"))
        and not value.startswith("/")
    }
    made = {
        make(provider, index)
        for make in (contract.auth_file_variable, contract.auth_file_name_variable)
        for provider in ("codex", "claude", "my-agent")
        for index in (1, 12)
    }
    return sorted(named | made)


@pytest.mark.parametrize("name", contract_variables())
def test_what_the_contract_sets_nobody_else_may(name):
    with pytest.raises(ValueError, match="is set by Berth"):
        check_unreserved(name)
    assert "is set by Berth" in refused(env(name=name, value="x"))["spec.env[0].name"]


def test_the_contract_is_found_whole():
    assert {"SESSION_ID", "PORT", "BERTH_REVISION", "CODEX_AUTH_FILE_1_NAME"} <= set(contract_variables())


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 10**9), ("500m", 5 * 10**8), ("0.25", 25 * 10**7), ("1.5", 15 * 10**8), ("0", 0)],
)
def test_cpu(text, value):
    assert CpuQuantity(text).nano_cpus == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1048576", 2**20),
        ("2Gi", 2**31),
        ("1.5Gi", 3 * 2**29),
        ("1k", 1000),
        ("2M", 2 * 10**6),
        ("1Ti", 2**40),
    ],
)
def test_memory(text, value):
    assert MemoryQuantity(text).bytes == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", 90),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1d", 86_400),
        ("5m5ms", 300.005),
        ("0s", 0),
        ("1.5s", 1.5),
    ],
)
def test_duration(text, value):
    assert Duration(text).seconds == pytest.approx(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((CpuQuantity, text) for text in ("", "1k", "-1", "1e3", ".5", "1.", "1 ", "1\n", "10000001")),
        *((MemoryQuantity, text) for text in ("", "1m", "1gi", "1 Gi", "-1", "1e3", "1Pi")),
        *((Duration, text) for text in ("", "1", "m", "1h 30m", "30m1h", "-1s", "1.5m", "4000d", "1s\n")),
        (PositiveDuration, "0s"),
        (PollPeriod, "99ms"),
        (Duration, "1" * 1_000_000 + "s"),
    ],
)
def test_no_quantity(kind, text):
    with pytest.raises(ValueError, match=r"is not|at most|at least") as found:
        kind(text)
    assert len(str(found.value)) < 120
