"""Keys that clients encrypt to: their life, what is published of them, and that they do nothing else."""

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from joserfc import jwe
from joserfc.jwk import KeySet

from idp.jose.algorithms import ALGORITHMS, DECRYPTION_ALGS, KEY_MANAGEMENT, DecryptionKey, OwnKey
from idp.jose.compact import InvalidToken, decode_base64url
from idp.jose.encryption import ENCRYPTION_ALGS, NoEncryptionKey, decrypt, encrypt, select_encryption_key
from idp.jose.foreign import UnknownKey, parse_jwks
from idp.jose.key_plan import state_of
from idp.jose.keys import KeyRing, NoSigningKey
from idp.jose.rotation import KeyInUse, KeyLifeCycle
from idp.jose.sealing import KeyEncryptionKey, UnusableKey
from idp.jose.vault import make_record, open_record
from tests.jose.conftest import POLICY, Keys, encode, forge, make_keys
from tests.jose.fakes import START

ALL = replace(POLICY, algorithms=("RS256", "ES256", *KEY_MANAGEMENT))
# No RSA key, so that each test can have its own.
CURVES = replace(POLICY, algorithms=("ES256", "ECDH-ES"))


@pytest.fixture(scope="module")
def shared() -> Keys:
    """Keys to sign and to encrypt to, that no test changes."""
    return make_keys(policy=ALL)


@pytest.fixture
def own() -> Keys:
    """EC keys to sign and to encrypt to, for one test to change."""
    return make_keys(policy=CURVES)


def _published(keys: Keys, use: str | None = None) -> list[dict[str, Any]]:
    keys.ring.refresh()
    found: list[dict[str, Any]] = json.loads(keys.ring.jwks().body)["keys"]
    return [jwk for jwk in found if use in (None, jwk["use"])]


def _encrypted(keys: Keys, alg: str = "ECDH-ES", **changes: Any) -> str:
    """Return what a client encrypts to the published key for `alg`, with changed members; None leaves one out."""
    jwk = dict(select_encryption_key(_published(keys), alg)) | changes
    present = {name: value for name, value in jwk.items() if value is not None}
    return encrypt(b"claims", key=present, alg=alg, enc="A256GCM", cty="JWT")


def _opens(keys: Keys, token: str) -> bool:
    keys.ring.refresh()
    return decrypt(token, keys=keys.ring.decryption_keys(), algs=DECRYPTION_ALGS).payload == b"claims"


def _kids(keys: Keys, alg: str, state: str | None = None) -> list[str]:
    return [key.kid for key in keys.storage.rows.list() if key.alg == alg and state in (None, state_of(key))]


def test_algorithms() -> None:
    """Two kinds of keys serve four algorithms, all of which we know how to decrypt; none of them signs."""
    assert tuple(KEY_MANAGEMENT) == ("RSA-OAEP-256", "ECDH-ES")
    assert DECRYPTION_ALGS == ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
    assert set(DECRYPTION_ALGS) < set(ENCRYPTION_ALGS)
    assert not ALGORITHMS.keys() & KEY_MANAGEMENT.keys()


@pytest.mark.case("JO-25")
@pytest.mark.requirement("RFC 7517", "4.4")
def test_published_keys(shared: Keys) -> None:
    """One key of each kind is there to encrypt to, after those that sign, with public members only.

    The EC key serves three algorithms and so names none.
    """
    published = _published(shared)
    assert [jwk["use"] for jwk in published] == ["sig"] * 4 + ["enc"] * 2
    encryption = {jwk["kty"]: jwk for jwk in published if jwk["use"] == "enc"}
    assert encryption["RSA"].keys() == {"kty", "n", "e", "kid", "use", "alg"}
    assert encryption["EC"].keys() == {"kty", "crv", "x", "y", "kid", "use"}
    assert (encryption["RSA"]["alg"], encryption["EC"]["crv"]) == ("RSA-OAEP-256", "P-256")
    assert (len(decode_base64url(encryption["RSA"]["n"])), encryption["RSA"]["e"]) == (256, "AQAB")
    assert len({jwk["kid"] for jwk in published}) == 6
    assert len(parse_jwks({"keys": published})) == 6
    for key in KeySet.import_key_set({"keys": published}):
        assert key.thumbprint() == key.kid


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"])
@pytest.mark.parametrize("alg", DECRYPTION_ALGS)
def test_client_encrypts_to_us(shared: Keys, alg: str, enc: str) -> None:
    """A client on joserfc that has our JWK Set encrypts to us, and what it changes afterwards does not open."""
    kid = select_encryption_key(_published(shared), alg)["kid"]
    key = KeySet.import_key_set(json.loads(shared.ring.jwks().body)).get_by_kid(str(kid))
    header = {"alg": alg, "enc": enc, "kid": kid}
    token = jwe.encrypt_compact(header, b"claims", key, algorithms=[alg, enc])
    assert _opens(shared, token)
    with pytest.raises(InvalidToken, match="cannot be decrypted"):
        _opens(shared, f"{token.rpartition('.')[0]}.{encode(bytes(16))}")


def _by_hand(header: Mapping[str, Any], encrypted_key: bytes, content_key: bytes) -> str:
    """Return a JWE under A256GCM (RFC 7516 §5.1)."""
    head, nonce = encode(header), os.urandom(12)
    sealed = AESGCM(content_key).encrypt(nonce, b"claims", head.encode())
    return ".".join([head, encode(encrypted_key), encode(nonce), encode(sealed[:-16]), encode(sealed[-16:])])


def _number(text: str) -> int:
    return int.from_bytes(decode_base64url(text))


@pytest.mark.requirement("RFC 7518", "4.3")
def test_rsa_by_hand(shared: Keys) -> None:
    """The published numbers and RFC 7518 §4.3, without any JOSE library, encrypt to us; with SHA-1 they do not."""
    jwk = select_encryption_key(_published(shared), "RSA-OAEP-256")
    public = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    header, content_key = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": jwk["kid"]}, os.urandom(32)
    hash_: hashes.HashAlgorithm = hashes.SHA256()
    assert _opens(shared, _by_hand(header, public.encrypt(content_key, _oaep(hash_)), content_key))
    older = public.encrypt(content_key, _oaep(hashes.SHA1()))
    with pytest.raises(InvalidToken, match="cannot be decrypted"):
        _opens(shared, _by_hand(header, older, content_key))
    # The key was published for RSA-OAEP-256 and nothing else.
    with pytest.raises(InvalidToken, match="may use"):
        _opens(shared, _by_hand(header | {"alg": "RSA-OAEP"}, older, content_key))
    with pytest.raises(InvalidToken, match="none of our keys fits"):
        decrypt(
            _by_hand(header | {"alg": "RSA-OAEP"}, older, content_key),
            keys=shared.ring.decryption_keys(),
            algs=ENCRYPTION_ALGS,
        )


def _oaep(algorithm: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(algorithm), algorithm, None)


@pytest.mark.requirement("RFC 7518", "4.6")
def test_elliptic_curve_by_hand(shared: Keys) -> None:
    """The published point and RFC 7518 §4.6.2, without any JOSE library, encrypt to us."""
    jwk = select_encryption_key(_published(shared), "ECDH-ES")
    public = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()).public_key()
    pair = ec.generate_private_key(ec.SECP256R1())
    point = pair.public_key().public_numbers()
    epk = {"kty": "EC", "crv": "P-256", "x": encode(point.x.to_bytes(32)), "y": encode(point.y.to_bytes(32))}
    about = b"".join((struct.pack(">I", 7), b"A256GCM", bytes(4), bytes(4), struct.pack(">I", 256)))
    content_key = ConcatKDFHash(hashes.SHA256(), 32, about).derive(pair.exchange(ec.ECDH(), public))
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": jwk["kid"], "epk": epk}
    assert _opens(shared, _by_hand(header, b"", content_key))
    with pytest.raises(InvalidToken, match="cannot be decrypted"):
        _opens(shared, _by_hand(header, b"", content_key[::-1]))


def test_keys_that_are_not_to_be_encrypted_to(shared: Keys) -> None:
    """A client finds no key for RSA-OAEP, nor among those that sign, and what it encrypts to these stays shut."""
    published = _published(shared)
    for alg, jwks in (("RSA-OAEP", published), ("RSA-OAEP-256", _published(shared, "sig"))):
        with pytest.raises(NoEncryptionKey):
            select_encryption_key(jwks, alg)
    for alg, signing in (("RSA-OAEP-256", "RS256"), ("ECDH-ES", "ES256")):
        jwk = {n: v for n, v in shared.ring.signer(signing).public_jwk.items() if n not in ("use", "alg")}
        named = encrypt(b"claims", key=jwk, alg=alg, enc="A256GCM", cty=None)
        with pytest.raises(UnknownKey):
            _opens(shared, named)
        del jwk["kid"]
        with pytest.raises(InvalidToken, match="cannot be decrypted"):
            _opens(shared, encrypt(b"claims", key=jwk, alg=alg, enc="A256GCM", cty=None))


@pytest.mark.case("JO-09")
@pytest.mark.parametrize(
    ("alg", "signing"), [("RSA-OAEP-256", "RS256"), ("RSA-OAEP-256", "PS256"), ("ECDH-ES", "ES256")]
)
def test_encryption_key_signs_nothing(shared: Keys, alg: str, signing: str) -> None:
    """The kid of a key to encrypt to is refused with RS256, whether a signing key of ours signed or that key itself."""
    assert shared.verify(forge(shared.ring.signer(), _header("RS256", shared.ring.signer().kid), shared.claims()))
    for record in (key for key in shared.storage.rows.list() if key.alg == alg):
        pair = open_record(record, shared.vault)
        itself = OwnKey.parse(ALGORITHMS[signing], pair.private_der())
        assert pair.kid == itself.kid not in shared.ring.public_keys()
        for signer in (itself, shared.ring.signer("RS256"), shared.ring.signer("ES256")):
            for name in ("RS256", signing, alg):
                with pytest.raises(InvalidToken, match="kid is not one of our keys"):
                    shared.verify(forge(signer, _header(name, pair.kid), shared.claims()))


def _header(alg: str, kid: str) -> dict[str, str]:
    return {"alg": alg, "kid": kid, "typ": "at+jwt"}


def test_purposes_are_apart(shared: Keys) -> None:
    """Keys to encrypt to neither sign nor verify, and have no means to; those that sign decrypt nothing."""
    for alg in DECRYPTION_ALGS:
        with pytest.raises(NoSigningKey):
            shared.ring.signer(alg)
    assert {key.alg for key in shared.ring.public_keys().values()} == {"RS256", "ES256"}
    assert {key.kid for key in shared.ring.decryption_keys()} == {
        *_kids(shared, "RSA-OAEP-256"),
        *_kids(shared, "ECDH-ES"),
    }
    assert {(key.get("use"), key.get("alg")) for key in shared.ring.decryption_keys()} == {
        ("enc", "RSA-OAEP-256"),
        ("enc", None),
    }
    assert not {"sign", "verify"} & set(dir(DecryptionKey))
    assert "private" not in dir(OwnKey)


def test_first_start_and_rotation_are_by_algorithm(own: Keys) -> None:
    """Each algorithm has an active and a next key, and a rotation of one leaves the others alone."""
    for alg in CURVES.algorithms:
        assert (len(_kids(own, alg, "active")), len(_kids(own, alg, "next"))) == (1, 1)
    signing = _kids(own, "ES256")
    changes = own.life.rotate(START, "ECDH-ES")
    assert [(change.action, change.alg) for change in changes] == [
        ("created", "ECDH-ES"),
        ("activated", "ECDH-ES"),
        ("retired", "ECDH-ES"),
    ]
    assert _kids(own, "ES256") == signing
    assert own.life.tick(START) == ()


@pytest.mark.requirement("OIDC Core", "10.2.1")
def test_retired_key_decrypts_but_is_not_published(own: Keys) -> None:
    """After a rotation the new key only is published; the old one decrypts until its time is over, removed or not."""
    token, old = _encrypted(own), _kids(own, "ECDH-ES", "active")
    coming = _kids(own, "ECDH-ES", "next")
    assert [jwk["kid"] for jwk in _published(own, "enc")] == old
    own.life.rotate(START, "ECDH-ES")
    assert [jwk["kid"] for jwk in _published(own, "enc")] == coming
    own.clock.at = START + 599
    assert _opens(own, token)
    assert _opens(own, _encrypted(own))
    own.clock.at = START + 600
    with pytest.raises(UnknownKey):
        _opens(own, token)
    assert len(_kids(own, "ECDH-ES")) == 3
    assert [change.action for change in own.life.tick(START + 600)] == ["removed"]


def test_instance_that_lags_behind_decrypts(own: Keys) -> None:
    """What is encrypted to a key that another instance has just published opens here: it was known as the next one."""
    behind = KeyRing(own.storage.as_storage(), own.vault, own.clock)
    behind.refresh()
    own.life.rotate(START, "ECDH-ES")
    token = _encrypted(own)
    assert decrypt(token, keys=behind.decryption_keys()).payload == b"claims"
    own.life.rotate(START, "ECDH-ES")
    with pytest.raises(UnknownKey):
        decrypt(_encrypted(own), keys=behind.decryption_keys())


def test_withdrawal(own: Keys) -> None:
    """The active key cannot be withdrawn; once it is retired it can, and opens nothing more."""
    token, kid = _encrypted(own), _kids(own, "ECDH-ES", "active")[0]
    with pytest.raises(KeyInUse):
        own.life.withdraw(kid, START)
    own.life.rotate(START, "ECDH-ES")
    assert _opens(own, token)
    own.life.withdraw(kid, START)
    with pytest.raises(UnknownKey):
        _opens(own, token)


def test_many_rotations_do_not_hide_the_active_key(own: Keys) -> None:
    """However many keys have retired, a token without kid opens if it is for a young one."""
    oldest, named = _encrypted(own, kid=None), _encrypted(own)
    for turn in range(12):
        own.life.rotate(START + turn, "ECDH-ES")
    assert _opens(own, _encrypted(own, kid=None))
    assert _opens(own, named)
    with pytest.raises(InvalidToken, match="cannot be decrypted"):
        _opens(own, oldest)


def test_rows_changed_in_the_database_do_not_open(own: Keys) -> None:
    """A key that signs cannot be made one that decrypts by its row, nor the other way round."""
    for alg, other in (("ES256", "ECDH-ES"), ("ECDH-ES", "ES256"), ("ES256", "RSA-OAEP-256"), ("ES256", "unheard-of")):
        record = next(key for key in own.storage.rows.list() if key.alg == alg)
        assert open_record(record, own.vault).alg == alg
        with pytest.raises(UnusableKey):
            open_record(replace(record, alg=other), own.vault)


def test_wrong_key_encryption_key(own: Keys) -> None:
    """A key to encrypt to that does not open is told at start, and left out later without harm to the rest."""
    stranger = make_record("ECDH-ES", KeyEncryptionKey(bytes(range(64, 96))), START)
    own.storage.rows.add(replace(stranger, activated_at=START + 1))
    with pytest.raises(UnusableKey, match=r"The key .* Restore the key-encryption key"):
        own.ring.refresh()
    fresh = KeyRing(own.storage.as_storage(), own.vault, own.clock)
    assert stranger.kid.encode() not in fresh.jwks().body
    assert len(fresh.decryption_keys()) == 2


def _with(keys: Keys, *algorithms: str) -> KeyLifeCycle:
    return KeyLifeCycle(keys.storage.as_storage(), keys.vault, replace(POLICY, algorithms=algorithms))


def test_algorithm_taken_out_of_the_policy(own: Keys) -> None:
    """It signs no more and is encrypted to no more, but what was made before counts until its keys' time is over."""
    signed, encrypted = own.tokens.sign(own.claims(), typ="at+jwt", alg="ES256"), _encrypted(own)
    changes = _with(own, "EdDSA").tick(START)
    assert {(change.action, change.alg) for change in changes} == {
        *(("created", "EdDSA"), ("activated", "EdDSA")),
        *((action, alg) for action in ("retired", "removed") for alg in ("ES256", "ECDH-ES")),
    }
    assert _opens(own, encrypted)
    assert own.verify(signed)
    assert _published(own, "enc") == []
    with pytest.raises(NoSigningKey):
        own.tokens.sign(own.claims(), typ="at+jwt", alg="ES256")
    assert _with(own, "EdDSA").tick(START + 599) == ()
    assert len(_with(own, "EdDSA").tick(START + 600)) == 2
    own.ring.refresh()
    with pytest.raises(InvalidToken, match="kid"):
        own.verify(signed)
    with pytest.raises(UnknownKey):
        _opens(own, encrypted)
    assert {key.alg for key in own.storage.rows.list()} == {"EdDSA"}


def test_algorithm_taken_back_in(own: Keys) -> None:
    """An algorithm that returns to the policy starts anew; its retired keys go their way."""
    encrypted = _encrypted(own)
    _with(own, "ES256").tick(START)
    own.life.tick(START + 1)
    assert [len(_kids(own, "ECDH-ES", state)) for state in ("next", "active", "retired")] == [1, 1, 1]
    assert _opens(own, encrypted)
    assert _opens(own, _encrypted(own))


def test_algorithms_that_nobody_knows(own: Keys) -> None:
    """A misspelt algorithm in the policy is an error; a row of one retires and is removed like any other."""
    with pytest.raises(KeyError):
        _with(own, "ES256", "ECDH-ES", "ECDH-ES+A128KW").tick(START)
    record = make_record("ES256", own.vault, START)
    own.storage.rows.add(replace(record, kid="x", alg="unheard-of", activated_at=START))
    assert [change.action for change in own.life.tick(START)] == ["retired"]
    assert [change.action for change in own.life.tick(START + 600)] == ["removed"]
