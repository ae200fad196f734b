from __future__ import annotations

import io
import tarfile

import pytest

from container.tree.routes import routes
from tests.container.serving import serving


@pytest.fixture
async def at(world):
    async with serving(routes(world.tree)) as served:
        yield served.http


async def test_a_file_from_making_to_removing(world, at):
    made = await at.put(
        "/api/tree/file", params={"path": "a b#?.txt"}, content="one", headers={"if-none-match": "*"}
    )
    assert made.status_code == 201
    read = await at.get("/api/tree/file", params={"path": "a b#?.txt"})
    assert read.json()["text"] == "one"
    assert read.headers["etag"] == made.headers["etag"] == f'"{made.json()["version"]}"'
    written = await at.put(
        "/api/tree/file",
        params={"path": "a b#?.txt"},
        content="two",
        headers={"if-match": read.headers["etag"]},
    )
    assert written.status_code == 200
    late = await at.put(
        "/api/tree/file",
        params={"path": "a b#?.txt"},
        content="three",
        headers={"if-match": read.headers["etag"]},
    )
    assert late.status_code == 409
    assert late.json()["error"]["field"] == "version"
    assert (await at.post("/api/tree/directories", json={"path": "sub"})).status_code == 201
    moved = await at.post("/api/tree/renames", json={"path": "a b#?.txt", "to": "sub/b"})
    assert moved.status_code == 204
    assert (world.workspace / "sub" / "b").read_text() == "two"
    assert (await at.delete("/api/tree", params={"path": "sub"})).status_code == 409
    assert (await at.delete("/api/tree", params={"path": "sub", "content": "remove"})).status_code == 204
    listing = (await at.get("/api/tree")).json()
    assert listing == {"path": "", "entries": [], "more": False, "git": "none"}


async def test_a_write_that_names_no_version_is_refused(world, at):
    answer = await at.put("/api/tree/file", params={"path": "a"}, content="x")
    assert answer.status_code == 428
    assert answer.json()["error"]["field"] == "If-Match"
    assert not (world.workspace / "a").exists()


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "field"),
    [
        ("GET", "/api/tree?path=../outside", {}, 400, "path"),
        ("GET", "/api/tree/file?path=/etc/passwd", {}, 400, "path"),
        ("GET", "/api/tree/file?path=nowhere", {}, 404, "path"),
        ("GET", "/api/tree/download?path=out/private", {}, 403, "path"),
        ("GET", "/api/tree/download?path=&archive=rar", {}, 400, "archive"),
        ("PUT", "/api/tree/upload?path=.git/hooks/x", {"content": "x"}, 403, "path"),
        ("PUT", "/api/tree/upload?path=x&clash=perhaps", {"content": "x"}, 400, "clash"),
        ("POST", "/api/tree/renames", {"json": {"path": "a"}}, 400, "to"),
        ("POST", "/api/tree/renames", {"json": {"path": "a", "to": "b", "force": True}}, 400, "force"),
        ("POST", "/api/tree/directories", {"content": '{"path": "a"}'}, 400, "Content-Type"),
        ("DELETE", "/api/tree?path=", {}, 400, "path"),
        ("DELETE", "/api/tree?path=.git&content=remove", {}, 403, "path"),
    ],
)
async def test_what_cannot_be_is_named(world, at, method, path, sent, status, field):
    (world.workspace / "out").symlink_to(world.outside)
    answer = await at.request(method, path, **sent)
    assert answer.status_code == status
    assert answer.json()["error"]["field"] == field
    assert answer.json()["error"]["message"]
    assert world.unharmed()


async def test_upload_and_download(world, at):
    content = bytes(range(256)) * 5000
    sent = await at.put("/api/tree/upload", params={"path": "žluť.bin"}, content=content)
    assert sent.json() == {"bytes": len(content)}
    again = await at.put("/api/tree/upload", params={"path": "žluť.bin"}, content=b"x")
    assert again.status_code == 409
    got = await at.get("/api/tree/download", params={"path": "žluť.bin"})
    assert got.content == content
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''%C5%BElu%C5%A5.bin"
    assert got.headers["content-type"] == "application/octet-stream"
    tar = await at.get("/api/tree/download", params={"archive": "tar"})
    with tarfile.open(fileobj=io.BytesIO(tar.content)) as file:
        assert file.getnames() == ["workspace", "workspace/žluť.bin"]


async def test_an_image_may_not_run_a_program(world, at):
    (world.workspace / "a").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    )
    answer = await at.get("/api/tree/image", params={"path": "a"})
    assert answer.headers["content-type"] == "image/svg+xml"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "allow" not in policy


async def test_reading_changes_nothing(world, at):
    (world.workspace / "a").write_text("a")
    for path in ("/api/tree", "/api/tree/file?path=a", "/api/tree/download?path=a", "/api/tree/image?path=a"):
        await at.get(path)
        await at.head(path)
    assert world.changes == 0
    assert [path.name for path in world.workspace.iterdir()] == ["a"]
