"""Properties of the token parser and verifier: nothing but `InvalidToken` comes out, and no mutation counts."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.jose.compact import CompactJws, InvalidToken, decode_base64url, encode_base64url, parse_compact, parse_object
from tests.jose.conftest import Keys, encode, forge

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _verify(keys: Keys, token: str) -> Any:
    """Return the claims, or None where the token is refused; any other exception fails the test."""
    try:
        return keys.verify(token)
    except InvalidToken:
        return None


@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_any_text_is_refused(keys: Keys, text: str) -> None:
    """No text is taken for a token, and none breaks the parser."""
    assert _verify(keys, text) is None


@given(st.binary(), st.binary(), st.binary())
def test_any_octets_are_parsed_or_refused(header: bytes, payload: bytes, signature: bytes) -> None:
    """Parts of any octets are refused, or come out as they went in."""
    token = f"{encode(header)}.{encode(payload)}.{encode(signature)}"
    try:
        jws = parse_compact(token)
    except InvalidToken:
        return
    assert isinstance(jws, CompactJws)
    assert (jws.payload, jws.signature) == (payload, signature)


@given(st.binary())
def test_base64url_round_trip(octets: bytes) -> None:
    """What was encoded decodes to itself."""
    assert decode_base64url(encode_base64url(octets).decode()) == octets


@given(st.text(ALPHABET + "=+/ \n.é"))
def test_base64url_has_one_spelling(text: str) -> None:
    """A text that decodes is the text that its octets encode to."""
    try:
        octets = decode_base64url(text)
    except InvalidToken:
        return
    assert encode_base64url(octets).decode() == text


@given(VALUES)
def test_json_objects_come_back(value: Any) -> None:
    """Whatever JSON object is written is read back alike."""
    written = {"v": value}
    try:
        assert parse_object(json.dumps(written).encode(), "payload") == written
    except InvalidToken:
        assert json.dumps(written).count("[") + json.dumps(written).count("{") > 200


@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jwk", "crit", "x5c"]), VALUES))
def test_any_header_is_refused(keys: Keys, header: dict[str, Any]) -> None:
    """No header but ours counts, even under a good signature."""
    key = keys.ring.signer()
    good = {"alg": "RS256", "kid": key.kid, "typ": "at+jwt"}
    assert (_verify(keys, forge(key, header, keys.claims())) is not None) == (header == good)
    merged = good | header
    assert (_verify(keys, forge(key, merged, keys.claims())) is not None) == (merged == good)


@given(changes=st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "x"]), VALUES))
def test_any_claims_are_judged(keys: Keys, changes: dict[str, Any]) -> None:
    """Claims of any JSON type are accepted or refused, and what is accepted has the types that it must have."""
    key = keys.ring.signer()
    claims = _verify(keys, forge(key, {"alg": "RS256", "kid": key.kid, "typ": "at+jwt"}, keys.claims() | changes))
    if claims is not None:
        assert isinstance(claims["sub"], str)
        assert type(claims["exp"]) is type(claims["iat"]) is int


def _mutate(token: str, chance: random.Random) -> str:
    """Change a good token somewhere: a character, its length, the order of its parts, a bit, a field."""
    position = chance.randrange(len(token))
    kind = chance.randrange(7)
    if kind == 0:
        return token[:position] + chance.choice(ALPHABET + ".=+/ ") + token[position + 1 :]
    if kind == 1:
        return token[:position] + token[position + 1 :]
    if kind == 2:
        return token[:position] + chance.choice(ALPHABET + ".\n\x00é") + token[position:]
    if kind == 3:
        return token[:position]
    parts = token.split(".")
    if kind == 4:
        chance.shuffle(parts)
        return ".".join(parts)
    number = chance.randrange(3)
    parts[number] = _mutate_part(parts[number], chance, in_json=kind == 6 and number < 2)
    return ".".join(parts)


def _mutate_part(part: str, chance: random.Random, *, in_json: bool) -> str:
    octets = bytearray(decode_base64url(part))
    if in_json:
        members = json.loads(octets)
        name = chance.choice(sorted(members))
        members[name] = chance.choice([None, "evil", 0, [members[name]], str(members[name]) + " "])
        return encode(members)
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
    return encode(bytes(octets))


@pytest.mark.case("JO-30")
def test_no_mutation_counts(keys: Keys) -> None:
    """Of 5,000 mutations of a good token none is accepted and none breaks the verifier."""
    chance = random.Random(20_260_101)
    token = keys.token()
    mutations = [mutated for mutated in (_mutate(token, chance) for _ in range(5_400)) if mutated != token]
    assert len(mutations) >= 5_000
    for mutated in mutations:
        with pytest.raises(InvalidToken):
            keys.verify(mutated)
