"""Which tokens are good, and for how long."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import jwt
import pytest

from container.contract import ENTRY_SECONDS, EntryUse, entry_key
from container.entry.refusal import Refused, Why
from container.entry.tokens import LEEWAY, Tokens
from tests.container.entry.world import KEY, SESSION, START, resigned

TOKENS = Tokens(KEY.encode(), SESSION)
ALL = frozenset(EntryUse)


def made(use: EntryUse = EntryUse.ENTER) -> str:
    return TOKENS.make(use, owner="alice", now=START)


def refused(text: str, *, uses=ALL, now: int = START) -> Why:
    with pytest.raises(Refused) as caught:
        TOKENS.read(text, uses=uses, now=now)
    assert text == "" or text not in caught.value.message
    return caught.value.why


@pytest.mark.parametrize("use", EntryUse)
def test_a_token_lasts_as_long_as_its_use_says_and_no_longer(use):
    token = TOKENS.read(made(use), uses={use}, now=START)
    assert (token.use, token.owner, token.issued) == (use, "alice", START)
    last = START + ENTRY_SECONDS[use] + LEEWAY - 1
    assert TOKENS.read(made(use), uses={use}, now=last).use is use
    assert refused(made(use), now=last + 1) is Why.EXPIRED


def test_a_token_of_a_clock_that_is_ahead_is_taken_within_the_leeway():
    assert TOKENS.read(made(), uses=ALL, now=START - LEEWAY).owner == "alice"
    assert refused(made(), now=START - LEEWAY - 1) is Why.INVALID


@pytest.mark.parametrize("use", EntryUse)
def test_a_token_of_one_use_is_good_for_no_other(use):
    assert refused(made(use), uses=ALL - {use}) is Why.INVALID


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-session"},
        {"aud": [SESSION]},
        {"iss": "somebody"},
        {"use": "admin"},
        {"use": ["enter"]},
        {"sub": 7},
        {"sub": None},
        {"jti": None},
        {"exp": None},
        {"iat": None},
        {"exp": START + 61},
        {"exp": START + 3600},
        {"exp": START},
        {"exp": str(START + 60)},
        {"exp": float(START + 60)},
        {"iat": True},
        {"use": "cookie", "exp": START + 12 * 3600 + 1},
    ],
    ids=str,
)
def test_claims_that_are_not_ours_are_refused_although_signed(claims):
    assert refused(resigned(made(), **claims)) is Why.INVALID


def test_only_our_algorithm_and_key_are_taken():
    claims = jwt.decode(made(), options={"verify_signature": False})
    assert refused(jwt.encode(claims, None, algorithm="none")) is Why.INVALID
    assert refused(jwt.encode(claims, KEY * 2, algorithm="HS512")) is Why.INVALID
    assert refused(jwt.encode(claims, "another" + KEY, algorithm="HS256")) is Why.INVALID
    assert refused(_signed({"alg": "hs256"}, claims)) is Why.INVALID
    assert refused(_signed({"alg": "HS256", "crit": ["exp"]}, claims)) is Why.INVALID
    assert TOKENS.read(_signed({"alg": "HS256"}, claims), uses=ALL, now=START).owner == "alice"


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.b.c", "…", "\udcff", "e30.e30.", "x" * 100_000, made() + "x"],
    ids=["empty", "dot", "three", "no ASCII", "no character", "no signature", "long", "one more"],
)
def test_rubbish_is_refused(text):
    assert refused(text) is Why.INVALID


def test_the_key_is_the_sessions_own_and_the_same_over_restarts():
    store = bytes(range(32))
    key = entry_key(store, SESSION)
    assert key == entry_key(store, SESSION)
    assert len(key) == 43
    assert len({key, entry_key(store, SESSION + "0"), entry_key(bytes(32), SESSION)}) == 3
    # HKDF-Expand of RFC 5869 for one block: HMAC(key, info || 0x01).
    block = hmac.new(store, b"berth entry key\0" + SESSION.encode() + b"\x01", hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(key + "=") == block


def _signed(header: dict[str, object], claims: dict[str, object]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    mark = hmac.new(KEY.encode(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(mark).rstrip(b"=")]).decode()
