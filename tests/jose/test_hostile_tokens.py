"""Tokens of an attacker: every way to make a verifier trust what it must not (RFC 8725, rules-and-cases §3)."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.jose.compact import MAX_TOKEN_CHARACTERS, InvalidToken
from tests.jose.conftest import ISSUER, Forger, Keys, encode, forge
from tests.jose.fakes import START

Header = Mapping[str, Any]


@pytest.fixture(scope="module")
def stranger() -> OwnKey:
    """An attacker's own key."""
    return OwnKey.generate(ALGORITHMS["RS256"])


def _refuse(keys: Keys, token: str, *, reason: str = "") -> None:
    """Check that a token is refused in time, and that the reason repeats nothing of it."""
    started = time.perf_counter()
    with pytest.raises(InvalidToken, match=reason or None) as refusal:
        keys.verify(token)
    assert time.perf_counter() - started < 0.2
    assert len(refusal.value.reason) < 80
    assert refusal.value.__cause__ is None


def _hmac(header: object, payload: object, secret: bytes) -> str:
    message = f"{encode(header)}.{encode(payload)}"
    return f"{message}.{encode(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"


def test_the_forger_works(keys: Keys, forged: Forger, good_header: Header) -> None:
    """The tests' own forger makes tokens that count when nothing is wrong with them."""
    assert keys.verify(forged(good_header, keys.claims())) == keys.claims()


@pytest.mark.case("JO-01")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, ["RS256"], 0, {"alg": "RS256"}, "absent"])
def test_alg_none(keys: Keys, forged: Forger, good_header: Header, alg: object) -> None:
    """No spelling of "none", with a signature or without, replaces the algorithm of the key."""
    header = {name: value for name, value in (dict(good_header) | {"alg": alg}).items() if value != "absent"}
    unsigned = f"{encode(header)}.{encode(keys.claims())}"
    for token in (forged(header, keys.claims()), unsigned + ".", unsigned, unsigned + ".AA"):
        _refuse(keys, token)


@pytest.mark.case("JO-02")
def test_public_key_as_hmac_secret(keys: Keys, good_header: Header) -> None:
    """No form of our public key serves as the secret of a symmetric algorithm."""
    signer = keys.ring.signer()
    public = rsa.RSAPublicNumbers(65537, _number(signer.public_jwk["n"])).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pkcs1 = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    forms = [
        *(pem, pem.strip(), pkcs1, der, json.dumps(dict(signer.public_jwk)).encode(), keys.ring.jwks().body),
        *(signer.public_jwk["n"].encode(), base64.urlsafe_b64decode(signer.public_jwk["n"] + "==")),
    ]
    for secret in forms:
        _refuse(keys, _hmac(dict(good_header) | {"alg": "HS256"}, keys.claims(), secret), reason="alg")
        _refuse(keys, _hmac(good_header, keys.claims(), secret), reason="signature")


@pytest.mark.case("JO-03")
def test_client_secret_as_hmac_secret(keys: Keys, good_header: Header) -> None:
    """A client cannot make tokens with its secret."""
    _refuse(keys, _hmac(dict(good_header) | {"alg": "HS256"}, keys.claims(), b"client secret"), reason="alg")
    _refuse(keys, _hmac({"alg": "HS256", "typ": "at+jwt"}, keys.claims(), b"client secret"))


@pytest.mark.case("JO-04", "JO-05", "JO-06")
def test_keys_in_the_header(keys: Keys, stranger: OwnKey, good_header: Header) -> None:
    """A key in the header, or the address of one, is never used and never fetched."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.05)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/jwks"
        public = dict(stranger.public_jwk)
        bare = {name: public[name] for name in ("kty", "n", "e")}
        for extra in ({"jwk": public}, {"jwk": bare}, {"jku": url}, {"x5u": url}, {"x5c": ["MIIB"]}, {"x5t": "AA"}):
            for kid in (good_header["kid"], stranger.kid, None):
                header = {k: v for k, v in (dict(good_header) | extra | {"kid": kid}).items() if v is not None}
                _refuse(keys, forge(stranger, header, keys.claims()), reason="members")
                # Even under a good signature such a header is not one of ours.
                _refuse(keys, forge(keys.ring.signer(), header, keys.claims()), reason="members")
        with pytest.raises(TimeoutError):
            canary.accept()


@pytest.mark.case("JO-04")
def test_own_key_under_our_kid(keys: Keys, stranger: OwnKey, good_header: Header) -> None:
    """A stranger's signature under our kid does not match, and under its own kid is not looked at."""
    _refuse(keys, forge(stranger, good_header, keys.claims()), reason="signature")
    _refuse(keys, forge(stranger, dict(good_header) | {"kid": stranger.kid}, keys.claims()), reason="kid")


@pytest.mark.case("JO-07")
@pytest.mark.parametrize(
    "kid",
    [
        *(None, "absent", "", "unknown", 7, 1.5, True, [], ["x"], {}, {"kid": "x"}),
        *("../../../../dev/null", "' UNION SELECT 'x'--", "|sleep 5", "$(sleep 5)", "\x00", "a\x00b", "x" * 10_000),
    ],
)
def test_kid(keys: Keys, forged: Forger, good_header: Header, kid: object) -> None:
    """A kid only selects among our own keys; anything else is refused, as fast."""
    header = {name: value for name, value in (dict(good_header) | {"kid": kid}).items() if value != "absent"}
    _refuse(keys, forged(header, keys.claims()))


@pytest.mark.case("JO-07")
def test_kid_in_another_case(keys: Keys, forged: Forger, good_header: Header) -> None:
    """A kid is compared exactly."""
    kid = str(good_header["kid"])
    for near in (kid.swapcase(), kid + " ", " " + kid, kid[:-1], kid + "="):
        _refuse(keys, forged(dict(good_header) | {"kid": near}, keys.claims()), reason="kid")


@pytest.mark.case("JO-10")
@pytest.mark.parametrize("crit", [["x"], "exp", [], ["alg"], ["b64"], ["exp"], None, {}, 1])
def test_crit(keys: Keys, forged: Forger, good_header: Header, crit: object) -> None:
    """A critical header is refused, for we understand none; an empty one too (RFC 7515 §4.1.11)."""
    for extra in ({}, {"b64": False}, {"b64": True}, {"x": 1}):
        _refuse(keys, forged(dict(good_header) | {"crit": crit} | extra, keys.claims()), reason="members")


@pytest.mark.case("JO-10")
def test_unencoded_payload(keys: Keys, good_header: Header) -> None:
    """`b64: false` (RFC 7797) is refused, with the payload in the clear or not."""
    header = dict(good_header) | {"b64": False}
    message = f"{encode(header)}.{json.dumps(keys.claims())}"
    _refuse(keys, f"{message}.{encode(keys.ring.signer().sign(message.encode()))}")
    _refuse(keys, forge(keys.ring.signer(), header, keys.claims()), reason="members")


@pytest.mark.parametrize("member", ["cty", "zip", "enc", "epk", "nonce", "url", "iss", "x", "Alg", "\u0000"])
def test_any_other_member(keys: Keys, forged: Forger, good_header: Header, member: str) -> None:
    """Our headers have three members; one more is not ours."""
    _refuse(keys, forged(dict(good_header) | {member: "1"}, keys.claims()), reason="members")


@pytest.mark.case("JO-13")
@pytest.mark.parametrize(
    "iss",
    [
        *(ISSUER + "/", ISSUER.upper(), "https://OP.example", "http://op.example", "https://op.example:443"),
        *("https://op.example.", " " + ISSUER, ISSUER + "\n", "https://evil.example", "", None, 7, [ISSUER], {}),
    ],
)
def test_issuer(keys: Keys, iss: object) -> None:
    """An issuer that is nearly ours is not ours, under the same key."""
    _refuse(keys, keys.token(iss=iss), reason="iss")


@pytest.mark.case("JO-14")
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value",
    [
        *("1900000000", True, False, None, [], [1900000000], {}, -1, -(10**9), 1.9e9, START + 100.5),
        *(10**12, 2**63, 2**64, 10**30, 10**400),
    ],
)
def test_times(keys: Keys, forged: Forger, good_header: Header, claim: str, value: object) -> None:
    """A time that is not a whole number of seconds before the year 10000 is refused, even in a hint."""
    token = forged(good_header, keys.claims() | {claim: value})
    _refuse(keys, token, reason=claim)
    with pytest.raises(InvalidToken):
        keys.verify(token, allow_expired=True)


@pytest.mark.case("JO-14")
@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e308", "1e309", "1E400", "9" * 5000, "01", "+1"])
def test_numbers_that_are_none(keys: Keys, forged: Forger, good_header: Header, literal: str) -> None:
    """Numbers that JSON does not know, or that no clock shows, are refused."""
    payload = json.dumps(keys.claims(exp=0)).replace('"exp": 0', f'"exp": {literal}')
    assert literal in payload
    _refuse(keys, forged(good_header, payload))


@pytest.mark.case("JO-14")
@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_not_json(keys: Keys, forged: Forger, good_header: Header, literal: str) -> None:
    """What Python would read as a number but JSON does not know is refused in any claim."""
    payload = json.dumps(keys.claims(x=[0])).replace("[0]", f"[{literal}]")
    assert literal in payload
    _refuse(keys, forged(good_header, payload), reason="strict JSON")


@pytest.mark.case("JO-14")
@pytest.mark.parametrize("claim", ["exp", "iat"])
def test_missing_times(keys: Keys, claim: str) -> None:
    """A token without end or beginning is refused."""
    _refuse(keys, keys.token(**{claim: None}), reason=claim)


@pytest.mark.case("JO-15")
@pytest.mark.parametrize("member", ["sub", "client_id", "aud", "iss", "exp", "jti"])
def test_duplicate_claims(keys: Keys, forged: Forger, good_header: Header, member: str) -> None:
    """A claim that comes twice, alike or not, first or last, is refused."""
    text = json.dumps(keys.claims())
    for value in ("evil", keys.claims()[member]):
        twice = json.dumps({member: value})[1:-1]
        _refuse(keys, forged(good_header, f"{{{twice}, {text[1:]}"), reason="strict JSON")
        _refuse(keys, forged(good_header, f"{text[:-1]}, {twice}}}"), reason="strict JSON")


@pytest.mark.case("JO-15")
def test_duplicates_deeper_and_in_the_header(keys: Keys, forged: Forger, good_header: Header) -> None:
    """The same goes for the header, for inner objects, and for names that escapes spell differently."""
    header, payload = json.dumps(good_header), json.dumps(keys.claims())
    _refuse(keys, forged(f'{{"alg":"none",{header[1:]}', payload), reason="strict JSON")
    _refuse(keys, forged(good_header, f'{payload[:-1]}, "x": {{"y": 1, "y": 2}}}}'), reason="strict JSON")
    _refuse(keys, forged(good_header, f'{payload[:-1]}, "\\u0073ub": "evil"}}'), reason="strict JSON")


@pytest.mark.case("JO-16")
def test_numbers_of_parts(keys: Keys) -> None:
    """A token has three parts, none of them empty."""
    head, body, signature = keys.token().split(".")
    for parts in (
        *([], [head], [head, body], [head, body, ""], [head, "", signature], ["", body, signature], ["", "", ""]),
        *([head, body, signature, ""], [head, body, signature, signature], [head] * 5, ["", head, body, signature]),
    ):
        _refuse(keys, ".".join(parts))
    _refuse(keys, "." * 1_000_000)
    _refuse(keys, "." * 10_000)


@pytest.mark.case("JO-17")
def test_other_spellings(keys: Keys) -> None:
    """Neither padding, nor white space, nor the other base64 alphabet spells the same token."""
    token = keys.token()
    head, body, signature = token.split(".")
    standard = signature.replace("-", "+").replace("_", "/")
    assert standard != signature
    for other in (
        *(token + "=", token + "==", f"{head}=.{body}.{signature}", f"{head}.{body}=.{signature}"),
        *(token + "\n", token + " ", " " + token, "\n" + token, token + "\x00", token + "\r\n", "Bearer " + token),
        *(f"{head}.{body}.{standard}", f"{head}. {body}.{signature}", f"{head}.\n{body}.{signature}"),
        *(token + "%3D", token.replace(".", "%2E"), token.replace(".", "．"), "\ufeff" + token),
    ):
        _refuse(keys, other)


@pytest.mark.case("JO-17")
def test_loose_trailing_bits(keys: Keys) -> None:
    """The bits that a last character has to spare must be zero."""
    token = keys.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 256 octets leave 4 loose bits in the last of 342 characters.
    base = alphabet.index(token[-1]) & ~0x0F
    spellings = [token[:-1] + alphabet[base | loose] for loose in range(16)]
    assert spellings[0] == token
    for other in spellings[1:]:
        _refuse(keys, other, reason="canonical")


@pytest.mark.case("JO-18")
def test_json_serialization(keys: Keys) -> None:
    """The JSON serializations of JWS are not taken, flattened or general, with one signature or two."""
    head, body, signature = keys.token().split(".")
    one = {"protected": head, "signature": signature}
    for document in (
        {"payload": body, **one},
        {"payload": body, "signatures": [one]},
        {"payload": body, "signatures": [one, one]},
        {"payload": body, "header": {"alg": "none"}, **one},
    ):
        _refuse(keys, json.dumps(document))
        _refuse(keys, encode(document))


@pytest.mark.case("JO-19")
def test_pkcs1_forgeries(keys: Keys, good_header: Header) -> None:
    """Signatures that are zero, one, out of range, or a cube root with rubbish behind the digest do not match."""
    modulus = _number(keys.ring.signer().public_jwk["n"])
    message = f"{encode(good_header)}.{encode(keys.claims())}"
    prefix = bytes.fromhex("0001ff003031300d060960864801650304020105000420")
    block = int.from_bytes((prefix + hashlib.sha256(message.encode()).digest()).ljust(256, b"\x00"))
    root = _cube_root(block) + 1
    for number in (0, 1, modulus - 1, modulus, modulus + 1, 2**2048 - 1, root):
        _refuse(keys, f"{message}.{encode(number.to_bytes(256))}", reason="signature")
    for length in (1, 64, 255, 257, 512):
        _refuse(keys, f"{message}.{encode(bytes(length))}", reason="signature")


@pytest.mark.case("JO-20")
def test_jwe(keys: Keys, forged: Forger) -> None:
    """An encrypted token is refused before anything is decrypted, derived or unpacked."""
    for header in (
        {"alg": "RSA1_5", "enc": "A128CBC-HS256"},
        {"alg": "dir", "enc": "A256GCM", "zip": "DEF"},
        {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 10**7, "p2s": "AAAA"},
    ):
        _refuse(
            keys, ".".join([encode(header), encode(b"k" * 256), encode(b"i" * 12), encode(b"c"), encode(b"t" * 16)])
        )
        _refuse(keys, forged(header, keys.claims()), reason="members")


@pytest.mark.case("JO-21")
def test_large_tokens(keys: Keys, forged: Forger, good_header: Header) -> None:
    """A token over 16 KiB is refused before any work; one just below it counts."""
    _refuse(keys, "A" * 1_000_000, reason="too long")
    _refuse(keys, "a.b." + "c" * 1_000_000, reason="too long")
    _refuse(keys, forged(dict(good_header) | {"x": "y" * 100_000}, keys.claims()), reason="too long")
    _refuse(keys, forged(good_header, keys.claims(x="y" * 1_000_000)), reason="too long")
    largest = forged(good_header, keys.claims(x="y" * 11_700))
    assert MAX_TOKEN_CHARACTERS - 200 < len(largest) <= MAX_TOKEN_CHARACTERS
    assert keys.verify(largest)


@pytest.mark.case("JO-22")
@pytest.mark.parametrize("depth", [150, 5_000, 40_000])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_deep_nesting(keys: Keys, forged: Forger, good_header: Header, depth: int, bracket: str) -> None:
    """Nesting that would exhaust a parser's stack is refused, in the header and in the payload."""
    deep = bracket * depth
    closed = deep + "1" + ("]" if bracket == "[" else "}") * depth
    for text in (deep, closed, f'{{"x":{closed}}}'):
        _refuse(keys, forged(text, keys.claims()))
    for text in (deep, closed, f'{{"x":{closed}}}'):
        _refuse(keys, forged(good_header, text))


@pytest.mark.case("JO-22")
def test_nesting_is_counted_not_tried(keys: Keys, forged: Forger, good_header: Header) -> None:
    """Nesting is refused by counting brackets, so that how deep the server's own stack is plays no part."""
    shallow, deep = (json.dumps(keys.claims(x=0)).replace('"x": 0', f'"x": {"[" * n}{"]" * n}') for n in (150, 250))
    assert keys.verify(forged(good_header, shallow))
    _refuse(keys, forged(good_header, deep), reason="brackets")


@pytest.mark.case("JO-23")
def test_other_encodings(keys: Keys, forged: Forger, good_header: Header) -> None:
    """Text that is not UTF-8, or begins with a byte order mark, is refused in the header and in the payload."""
    for part in ("header", "payload"):
        text = json.dumps(good_header if part == "header" else keys.claims())
        for octets in (
            *(b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-32")),
            *(text.encode() + b"\xff", text.encode().replace(b"a", b"\xc0\xae", 1), b"\xed\xa0\x80" + text.encode()),
            *(text.encode() + b"\x00", text.encode().replace(b'"', b'"\xff', 1), b"", b"\x00"),
        ):
            _refuse(keys, forged(octets, keys.claims()) if part == "header" else forged(good_header, octets))


@pytest.mark.case("JO-29")
@pytest.mark.parametrize(
    "alg", ["RS384", "RS512", "PS256", "PS384", "ES256", "HS256", "EdDSA", "rs256", "RS256 ", "RS1"]
)
def test_swapped_algorithm(keys: Keys, forged: Forger, good_header: Header, alg: str) -> None:
    """Another algorithm over the same signature, or truly signed by our key's, is refused."""
    header = dict(good_header) | {"alg": alg}
    _, body, signature = keys.token().split(".")
    _refuse(keys, f"{encode(header)}.{body}.{signature}", reason="alg")
    _refuse(keys, forged(header, keys.claims()), reason="alg")


@pytest.mark.case("JO-32")
@pytest.mark.parametrize("sub", [7, 0, 1.5, True, None, "", [], ["a"], {}, "x" * 256, "x" * 10_000])
def test_subject(keys: Keys, forged: Forger, good_header: Header, sub: object) -> None:
    """The subject is a string of 1 to 255 characters."""
    _refuse(keys, forged(good_header, keys.claims() | {"sub": sub}), reason="sub")
    assert keys.verify(forged(good_header, keys.claims(sub="x" * 255)))


@pytest.mark.case("JO-32")
def test_missing_subject(keys: Keys) -> None:
    """A token about nobody is refused."""
    _refuse(keys, keys.token(sub=None), reason="sub")


def test_text_beyond_ascii(keys: Keys) -> None:
    """Letters that look like base64url, lone surrogates and NUL are refused without a crash."""
    token = keys.token()
    for other in ("é", "\ud800.\ud800.\ud800", token.replace("e", "е", 1), "\x00", "", ".", "..", "١.٢.٣"):
        _refuse(keys, other)


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=="))


def _cube_root(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle - 1)
    return low
