from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.preview.addresses import Addresses, Passing
from container.preview.headers import policy, preflight, relocated, shared, to_browser, to_program
from container.preview.ports import Listener, parse
from container.refusal import Refusal

PREFIX = "/preview/3000/key/"


def test_what_reaches_the_program():
    given_ = [
        ("host", "s.example.com"),
        ("cookie", "berth=secret"),
        ("connection", "keep-alive, X-Hop"),
        ("x-hop", "1"),
        ("upgrade", "h2c"),
        ("transfer-encoding", "chunked"),
        ("origin", "null"),
        ("referer", "https://s.example.com/preview/3000/key/"),
        ("x-forwarded-host", "s.example.com"),
        ("sec-fetch-site", "cross-site"),
        ("authorization", "Bearer of-the-program"),
        ("accept", "text/html"),
        ("accept", "*/*"),
    ]
    assert to_program(given_, 3000, PREFIX) == [
        ("host", "localhost:3000"),
        ("origin", "http://localhost:3000"),
        ("authorization", "Bearer of-the-program"),
        ("accept", "text/html"),
        ("accept", "*/*"),
        ("x-forwarded-prefix", "/preview/3000/key"),
    ]


def test_what_comes_back():
    given_ = [
        ("Set-Cookie", "berth=stolen; Path=/"),
        ("Clear-Site-Data", '"cookies"'),
        ("Service-Worker-Allowed", "/"),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "unsafe-url"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Strict-Transport-Security", "max-age=1"),
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Type", "text/html"),
        ("Content-Security-Policy", "default-src 'self'"),
        ("Cache-Control", "no-cache"),
        ("Location", "/login"),
    ]
    assert to_browser(given_, 3000, PREFIX, whole=False) == [
        ("content-type", "text/html"),
        ("content-security-policy", "default-src 'self'"),
        ("cache-control", "no-cache"),
        ("location", "/preview/3000/key/login"),
    ]


@pytest.mark.parametrize(
    ("location", "short", "whole"),
    [
        ("/a?b#c", "/preview/3000/key/a?b#c", "/a?b#c"),
        ("http://localhost:3000/a", "/preview/3000/key/a", "/a"),
        ("http://127.0.0.1:3000", "/preview/3000/key/", "/"),
        ("http://[::1]:3000/a", "/preview/3000/key/a", "/a"),
        ("http://localhost:4000/a", "http://localhost:4000/a", "http://localhost:4000/a"),
        ("https://example.com/a", "https://example.com/a", "https://example.com/a"),
        ("//example.com/a", "//example.com/a", "//example.com/a"),
        ("a/b", "a/b", "a/b"),
        ("?page=2", "?page=2", "?page=2"),
    ],
)
def test_a_redirection_stays_in_the_preview(location, short, whole):
    assert relocated(location, 3000, PREFIX, whole=False) == short
    assert relocated(location, 3000, PREFIX, whole=True) == whole


def test_the_policy_never_gives_the_apps_origin():
    for console in (None, "https://berth.example.com"):
        told = dict(policy(console))
        assert told["content-security-policy"].startswith("sandbox ")
        assert "allow-same-origin" not in told["content-security-policy"]
        assert "allow-top-navigation" not in told["content-security-policy"]
        assert "escape-sandbox" not in told["content-security-policy"]
    assert "frame-ancestors 'self' https://berth.example.com" in told["content-security-policy"]


def test_only_a_page_in_the_sandbox_may_read():
    assert dict(shared("null", ["etag", "etag"]))["access-control-expose-headers"] == "etag"
    for origin in (None, "https://evil.example.com", "http://localhost:3000"):
        assert shared(origin, ["etag"]) == []
    assert ("access-control-allow-methods", "PUT") in preflight("PUT", "x-a")


@given(st.integers(1, 65535), st.sampled_from(Passing), st.text(max_size=20))
def test_an_address_leads_back_to_its_port(port, passing, rest):
    addresses = Addresses()
    address = addresses.of(port, passing)
    seen = addresses.find(address + rest)
    assert (seen.port, seen.passing, seen.prefix) == (port, passing, address)
    assert Addresses().find(address) is None, "another start has other keys"
    other = port % 65535 + 1
    assert addresses.find(address.replace(f"/{port}/", f"/{other}/", 1)) is None


@pytest.mark.parametrize(
    "path",
    ["/preview/3000/", "/preview/3000/x/", "/preview//x/", "/preview/3000", "/", "", "/preview/9999999/x/"],
)
def test_what_is_no_address(path):
    assert Addresses().find(path) is None


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_no_port(port):
    with pytest.raises(Refusal) as caught:
        Addresses().of(port, Passing.SHORT)
    assert caught.value.field == "port"


TABLE = """  sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 101 1 0 100 0 0 10 0
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 102 1 0 100 0 0 10 0
   2: 0B00007F:A001 00000000:0000 0A 00000000:00000000 00:00000000 00000000    0 0 103 1 0 100 0 0 10 0
   3: 0100007F:0BB8 0100007F:B000 01 00000000:00000000 00:00000000 00000000 1000 0 104 1 0 20 4 0 10 -1
"""
TABLE_6 = (
    "  sl  local_address remote_address st\n"
    "   0: 00000000000000000000000001000000:1435 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000 1000 0 105 1 0 100 0 0 10 0\n"
)


def test_the_kernels_table():
    assert list(parse(TABLE)) == [Listener(3000, "127.0.0.1", "101"), Listener(8080, "127.0.0.1", "102")]
    assert list(parse(TABLE_6)) == [Listener(5173, "::1", "105")]
