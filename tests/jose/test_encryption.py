"""Encrypted tokens: every pair of algorithms there and back, and what an attacker may send instead."""

import json
import warnings
from functools import cache
from typing import Any

import pytest
from joserfc import jwe
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key

from idp.jose.compact import InvalidToken, decode_base64url
from idp.jose.encryption import (
    ENCRYPTION_ALGS,
    ENCRYPTION_ENCS,
    MAX_JWE_CHARACTERS,
    NoEncryptionKey,
    PrivateKey,
    decrypt,
    encrypt,
    select_encryption_key,
)
from idp.jose.foreign import UnknownKey
from tests.jose.conftest import encode
from tests.jose.test_vectors import VECTORS

AGREEMENTS = [alg for alg in ENCRYPTION_ALGS if alg.startswith("ECDH")]
OAEPS = [alg for alg in ENCRYPTION_ALGS if alg.startswith("RSA")]
PAIRS = [(alg, "RSA") for alg in OAEPS] + [(a, kind) for a in AGREEMENTS for kind in ("P-256", "P-521", "X25519")]


def _key(kind: str, number: int = 1) -> PrivateKey:
    """Return a key pair, the same at each call."""
    return _nth_key(kind, number)


@cache
def _nth_key(kind: str, number: int) -> PrivateKey:
    generated: PrivateKey
    if kind == "RSA":
        generated = RSAKey.generate_key(2048)
    elif kind.startswith("P-"):
        generated = ECKey.generate_key(kind)
    else:
        generated = OKPKey.generate_key("X25519")
    members = generated.as_dict(private=True) | {"kid": f"{kind}-{number}"}
    imported = import_key(members)
    assert isinstance(imported, RSAKey | ECKey | OKPKey)
    return imported


def _public(key: PrivateKey, **changes: Any) -> dict[str, Any]:
    members = dict(key.as_dict(private=False)) | changes
    return {name: value for name, value in members.items() if value is not None}


def _token(kind: str = "P-256", alg: str = "ECDH-ES", enc: str = "A128GCM", number: int = 1) -> str:
    return encrypt(b"claims", key=_public(_key(kind, number)), alg=alg, enc=enc, cty="JWT")


def _made_by_others(header: dict[str, Any], key: Any, payload: bytes = b"claims") -> str:
    """Return a JWE of joserfc's with any header that it agrees to write."""
    names = [value for value in (header["alg"], header["enc"], header.get("zip")) if value]
    registry = jwe.JWERegistry(algorithms=names, strict_check_header=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return jwe.encrypt_compact(header, payload, key, registry=registry)


def _header(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decode_base64url(token.split(".")[0]))
    return header


def _reheaded(token: str, **changes: Any) -> str:
    """Return the token with other members in its header; None takes one out."""
    members = {name: value for name, value in (_header(token) | changes).items() if value is not None}
    return f"{encode(members)}.{token.partition('.')[2]}"


@pytest.mark.requirement("RFC 7518", "4.1")
@pytest.mark.parametrize("enc", ENCRYPTION_ENCS)
@pytest.mark.parametrize(("alg", "kind"), PAIRS)
def test_there_and_back(alg: str, kind: str, enc: str) -> None:
    """What is encrypted for a key comes back with it, and joserfc reads it by itself."""
    key = _key(kind)
    token = encrypt("ü".encode() * 999, key=_public(key), alg=alg, enc=enc, cty="JWT")
    opened = decrypt(token, keys=[key])
    assert opened.payload == "ü".encode() * 999
    assert {name: opened.header[name] for name in ("alg", "enc", "kid", "cty")} == {
        "alg": alg,
        "enc": enc,
        "cty": "JWT",
        "kid": f"{kind}-1",
    }
    assert jwe.decrypt_compact(token, key, algorithms=[alg, enc]).plaintext == opened.payload


def test_header_without_cty_and_kid() -> None:
    """A payload that is no JWT has no cty, and a key without a name gives none."""
    token = encrypt(b"{}", key=_public(_key("P-256"), kid=None), alg="ECDH-ES", enc="A128GCM", cty=None)
    assert _header(token).keys() == {"alg", "enc", "epk"}
    assert decrypt(token, keys=[_key("P-256")]).payload == b"{}"


def test_no_two_are_alike() -> None:
    """Content keys, ephemeral keys and initialization vectors are never used twice."""
    tokens = [_token().split(".") for _ in range(3)]
    assert all(len({token[part] for token in tokens}) == 3 for part in (0, 2, 3, 4))


@pytest.mark.requirement("RFC 7516", "A.1")
def test_token_of_the_rfc() -> None:
    """The RFC's token opens with the RFC's key."""
    vector = json.loads((VECTORS / "RFC7516-appendix-A.1.json").read_text())
    key = RSAKey.import_key(vector["jwk"])
    opened = decrypt(vector["compact"], keys=[key])
    assert (opened.header, opened.payload.decode()) == (vector["header"], vector["plaintext"])


@pytest.mark.parametrize(
    ("alg", "enc"),
    [
        *(("RSA1_5", "A128GCM"), ("dir", "A128GCM"), ("A128KW", "A128GCM"), ("PBES2-HS256+A128KW", "A128GCM")),
        *(("ECDH-ES+A192KW", "A128GCM"), ("ECDH-ES", "A192GCM"), ("ECDH-ES", ""), ("none", "A128GCM")),
    ],
)
def test_encrypts_with_listed_algorithms_only(alg: str, enc: str) -> None:
    """No other algorithm can be asked for."""
    with pytest.raises(ValueError, match="not supported"):
        encrypt(b"", key=_public(_key("P-256")), alg=alg, enc=enc, cty=None)


@pytest.mark.requirement("RFC 7517", "4.2")
def test_client_key_is_chosen() -> None:
    """The first key that fits is taken, one meant for encryption before one that may be."""
    rsa, other, curve = _public(_key("RSA")), _public(_key("RSA", 2), use="enc"), _public(_key("P-256"))
    assert select_encryption_key([rsa, curve], "RSA-OAEP-256") == rsa
    assert select_encryption_key([rsa, curve], "ECDH-ES") == curve
    assert select_encryption_key([rsa, other], "RSA-OAEP") == other
    assert select_encryption_key([curve, rsa | {"key_ops": ["wrapKey"]}], "RSA-OAEP")["kid"] == "RSA-1"


@pytest.mark.parametrize(
    "changes",
    [
        *({"use": "sig"}, {"alg": "RS256"}, {"alg": "RSA-OAEP"}, {"key_ops": ["verify"]}, {"key_ops": "encrypt"}),
        *({"key_ops": [{}]}, {"kty": "oct"}, {"n": "AQAB"}, {"n": None}, {"e": 3}),
    ],
)
def test_client_key_that_does_not_fit(changes: dict[str, Any]) -> None:
    """A key for signing, for another algorithm, too small or broken is never encrypted to."""
    key = _public(_key("RSA"), **changes)
    with pytest.raises(NoEncryptionKey):
        select_encryption_key([key], "RSA-OAEP-256")
    with pytest.raises(NoEncryptionKey):
        encrypt(b"", key=key, alg="RSA-OAEP-256", enc="A128GCM", cty=None)


def test_client_key_on_another_curve() -> None:
    """Ed25519 keys sign only, and an EC point off its curve is no key."""
    point = _public(_key("P-256"))
    for key in (_public(OKPKey.generate_key("Ed25519")), point | {"y": point["x"]}, point | {"crv": "P-384"}):
        with pytest.raises(NoEncryptionKey):
            select_encryption_key([key], "ECDH-ES")


def test_kid_selects_our_key() -> None:
    """A kid that we know selects, one that we do not is told apart, and without one each key is tried."""
    keys = [_key("P-256", 1), _key("P-256", 2)]
    assert decrypt(_token(number=2), keys=keys).payload == b"claims"
    with pytest.raises(UnknownKey):
        decrypt(_token(number=2), keys=keys[:1])
    nameless = encrypt(b"claims", key=_public(keys[1], kid=None), alg="ECDH-ES", enc="A128GCM", cty=None)
    assert decrypt(nameless, keys=keys).payload == b"claims"
    with pytest.raises(InvalidToken, match="cannot be decrypted"):
        decrypt(nameless, keys=keys[:1])
    with pytest.raises(InvalidToken, match="none of our keys"):
        decrypt(nameless, keys=[])


def test_our_keys_keep_to_their_purpose() -> None:
    """A key of ours that signs, or is for another algorithm, decrypts nothing."""
    members: dict[str, Any] = dict(_key("P-256").as_dict(private=True))
    for changes in ({"use": "sig"}, {"alg": "ECDH-ES+A128KW"}, {"alg": "ES256"}):
        key = import_key(members | changes)
        assert isinstance(key, ECKey)
        with pytest.raises(InvalidToken, match="none of our keys"):
            decrypt(_token(), keys=[key])


def test_client_may_be_narrowed() -> None:
    """What the client did not register is refused, though we could."""
    for arguments in ({"algs": ("RSA-OAEP",)}, {"encs": ("A256GCM",)}):
        with pytest.raises(InvalidToken, match="may use"):
            decrypt(_token(), keys=[_key("P-256")], **arguments)


@pytest.mark.requirement("RFC 8725", "3.6")
def test_compressed_token() -> None:
    """A decompression bomb is refused before it is decrypted, and so is a name for compression that nobody knows."""
    bomb = _made_by_others({"alg": "ECDH-ES", "enc": "A128GCM", "zip": "DEF"}, _key("P-256"), bytes(10_000_000))
    assert len(bomb) < MAX_JWE_CHARACTERS
    for token in (bomb, _reheaded(_token(), zip="DEF"), _reheaded(_token(), zip="x"), _reheaded(_token(), zip=[])):
        with pytest.raises(InvalidToken, match="compressed"):
            decrypt(token, keys=[_key("P-256")])


def test_password_and_shared_secret() -> None:
    """No iteration count of an attacker's is worked off, and no symmetric or PKCS #1 v1.5 key management is done."""
    secret = OctKey.generate_key(128)
    for header, key in (
        ({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 300_000}, secret),
        ({"alg": "dir", "enc": "A128GCM"}, secret),
        ({"alg": "A128KW", "enc": "A128GCM"}, secret),
        ({"alg": "RSA1_5", "enc": "A128GCM"}, _key("RSA")),
        ({"alg": "ECDH-ES", "enc": "A192GCM"}, _key("P-256")),
    ):
        with pytest.raises(InvalidToken, match="may use"):
            decrypt(_made_by_others(header, key), keys=[_key("RSA"), _key("P-256")])


@pytest.mark.requirement("RFC 7516", "4.1.13")
@pytest.mark.parametrize("crit", [["x"], ["exp"], [], None, "enc", ["enc"], 1])
def test_crit(crit: object) -> None:
    """A critical header is refused, for we understand none."""
    token = _token()
    header = _header(token) | {"crit": crit, "x": 1}
    with pytest.raises(InvalidToken, match="crit"):
        decrypt(f"{encode(header)}.{token.partition('.')[2]}", keys=[_key("P-256")])


def test_unknown_members_are_ignored() -> None:
    """Members that nobody must understand do no harm, claims in the header among them (RFC 7519 §5.3)."""
    token = _made_by_others({"alg": "ECDH-ES", "enc": "A256GCM", "iss": "client", "x": {"y": 1}}, _key("P-256"))
    assert decrypt(token, keys=[_key("P-256")]).header["iss"] == "client"


@pytest.mark.requirement("RFC 8725", "3.4")
def test_invalid_curve_point() -> None:
    """An ephemeral key off its curve, on another one, of low order, or private is refused."""
    token, good = _token(), _public(_key("P-256", 2))
    other, pair = _public(_key("P-384")), _key("P-256", 2).as_dict(private=True)
    forgeries: list[Any] = [
        *(good | {"y": good["x"]}, good | {"x": encode(bytes(32)), "y": encode(bytes(32))}, good | {"crv": "P-384"}),
        *(good | {"x": encode(b"\xff" * 32)}, good | {"y": None}, good | {"y": 7}, other, pair, {}, [], "x", None, 1),
        *({"kty": "oct", "k": "AA"}, _public(_key("RSA")), _public(_key("X25519"))),
    ]
    for epk in forgeries:
        with pytest.raises(InvalidToken):
            decrypt(_reheaded(token, epk=epk), keys=[_key("P-256")])
    with pytest.raises(InvalidToken, match="none of our keys fits"):
        decrypt(_reheaded(token, epk=other), keys=[_key("P-256")])
    with pytest.raises(InvalidToken, match="not a public key"):
        decrypt(_reheaded(token, epk=pair), keys=[_key("P-256")])
    low = {"kty": "OKP", "crv": "X25519", "x": encode(bytes(32))}
    with pytest.raises(InvalidToken, match="cannot be decrypted"):
        decrypt(_reheaded(_token("X25519"), epk=low), keys=[_key("X25519")])


@pytest.mark.parametrize(("alg", "kind"), [("RSA-OAEP-256", "RSA"), ("ECDH-ES", "P-256"), ("ECDH-ES+A128KW", "P-256")])
@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256GCM"])
def test_any_change_shows(alg: str, kind: str, enc: str) -> None:
    """A bit changed in any part is noticed, and the reason is the same wherever it was (no oracle)."""
    token = _token(kind, alg, enc)
    assert decrypt(token, keys=[_key(kind)]).payload == b"claims"
    parts = token.split(".")
    for number in range(1, 5):
        octets = bytearray(decode_base64url(parts[number]))
        for changed in [octets[:-1], bytes([octets[0] ^ 1]) + octets[1:]] if octets else []:
            forged = [*parts[:number], encode(bytes(changed)), *parts[number + 1 :]]
            with pytest.raises(InvalidToken, match=r"^the token cannot be decrypted$") as refusal:
                decrypt(".".join(forged), keys=[_key(kind)])
            assert refusal.value.__cause__ is None
    with pytest.raises(InvalidToken, match=r"^the token cannot be decrypted$"):
        decrypt(_reheaded(".".join(parts), cty="x"), keys=[_key(kind)])


def test_encrypted_key_where_none_belongs() -> None:
    """Direct agreement has no encrypted key, and all else has one."""
    head, _, *rest = _token().split(".")
    with pytest.raises(InvalidToken, match="encrypted key"):
        decrypt(".".join([head, "AAAA", *rest]), keys=[_key("P-256")])
    head, _, *rest = _token("RSA", "RSA-OAEP").split(".")
    with pytest.raises(InvalidToken, match="encrypted key"):
        decrypt(".".join([head, "", *rest]), keys=[_key("RSA")])


def test_malformed() -> None:
    """What is not a compact JWE in its one spelling is refused, and what is too long before any work."""
    token = _token()
    duplicate = encode('{"alg":"ECDH-ES","alg":"ECDH-ES","enc":"A128GCM"}') + "." + token.partition(".")[2]
    forms = ["", ".", "....", "a.b.c", token + ".", token + "=", token + "\n", " " + token, token[:-1], duplicate]
    for text in (*forms, _reheaded(token, alg=["ECDH-ES"]), _reheaded(token, enc=None), _reheaded(token, kid=7)):
        with pytest.raises(InvalidToken):
            decrypt(text, keys=[_key("P-256")])
    with pytest.raises(InvalidToken, match="too long"):
        decrypt("A" * (MAX_JWE_CHARACTERS + 1), keys=[])
    most = encrypt(bytes(48_000), key=_public(_key("P-256")), alg="ECDH-ES", enc="A128GCM", cty=None)
    assert decrypt(most, keys=[_key("P-256")]).payload == bytes(48_000)
    large = encrypt(bytes(50_000), key=_public(_key("P-256")), alg="ECDH-ES", enc="A128GCM", cty=None)
    with pytest.raises(InvalidToken, match="too long"):
        decrypt(large, keys=[_key("P-256")])
