"""Hostile answers of browsers and authenticators, by what is wrong: `GET` at sign-in, `CREATE` at registration."""

from collections.abc import Callable, Mapping
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from webauthn.helpers import bytes_to_base64url

from tests.passkeys import AT, BE, BS, ED, ORIGIN, UP, UV, SoftAuthenticator, client_data_of, rp_id_hash

Options = Mapping[str, Any]
Bend = Callable[[SoftAuthenticator, Options], object]
# Each is a change of the client data that both ceremonies refuse.
CLIENT_DATA: Mapping[str, Mapping[str, Any]] = {
    "challenge of another page": {"challenge": bytes_to_base64url(bytes(56))},
    "empty challenge": {"challenge": ""},
    "challenge with padding": {"challenge": "AAAA="},
    "challenge that is no text": {"challenge": 1},
    "http": {"origin": ORIGIN.replace("https", "http")},
    "other port": {"origin": f"{ORIGIN}:8443"},
    "suffix": {"origin": ORIGIN.replace("idp.", "badidp.")},
    "sub-domain": {"origin": ORIGIN.replace("idp.", "a.idp.")},
    "longer": {"origin": f"{ORIGIN}.evil.example"},
    "null": {"origin": "null"},
    "no origin": {"origin": None},
    "in a frame": {"crossOrigin": True},
    "in a frame of somebody": {"topOrigin": "https://evil.example"},
    "wrong type": {"type": "payment.get"},
    "token binding": {"tokenBinding": {"status": "present", "id": "junk"}},
    "token binding junk": {"tokenBinding": "junk"},
}
# Each makes other bytes of the client data that would be right.
CLIENT_DATA_BYTES: Mapping[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "not UTF-8": lambda data: data[:-1] + b',"x":"\xff"}',
    "member twice": lambda data: data[:-1] + b',"origin":"https://evil.example"}',
    "deep": lambda data: data[:-1] + b',"x":' + b"[" * 900 + b"]" * 900 + b"}",
    "deeper": lambda data: data[:-1] + b',"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "a list": lambda data: b"[" + data + b"]",
    "empty": lambda data: b" ",
    "after it": lambda data: data + b"x",
}


def bent(kind: str) -> dict[str, Bend]:
    """Return the cases of both ceremonies."""
    name = kind.partition(".")[2]

    def by_members(members: Mapping[str, Any]) -> Bend:
        return lambda device, options: getattr(device, name)(options, **members)

    def by_bytes(change: Callable[[bytes], bytes]) -> Bend:
        return lambda device, options: getattr(device, name)(
            options, client_data=change(client_data_of(kind, options["challenge"]))
        )

    def replaced(member: str, value: object) -> Bend:
        return lambda device, options: getattr(device, name)(options) | {member: value}

    return (
        {case: by_members(members) for case, members in CLIENT_DATA.items()}
        | {case: by_bytes(change) for case, change in CLIENT_DATA_BYTES.items()}
        | {
            "type of the credential": replaced("type", "password"),
            "another rawId": replaced("rawId", "AAAA"),
            "id with padding": replaced("id", "AAAA="),
            "id of 1,024 bytes": lambda device, options: (
                getattr(device, name)(options) | dict.fromkeys(("id", "rawId"), bytes_to_base64url(bytes(1_024)))
            ),
            "empty id": lambda device, options: getattr(device, name)(options) | {"id": "", "rawId": ""},
            "no response": replaced("response", None),
            "response is a list": replaced("response", []),
            "response is empty": replaced("response", {}),
            "no JSON": lambda _device, _options: "{",
            "a number": lambda _device, _options: "1e400",
            "nothing": lambda _device, _options: "",
            "deep JSON": lambda _device, _options: "[" * 20_000,
            "surrogate": lambda _device, _options: '{"id":"\\ud800"}',
        }
    )


GET: Mapping[str, Bend] = bent("webauthn.get") | {
    "type of a registration": lambda device, options: device.get(options, type="webauthn.create"),
    "other relying party": lambda device, options: device.get(options, rp_hash=rp_id_hash("evil.example")),
    "nobody was present": lambda device, options: device.get(options, flags=UV),
    "user not verified": lambda device, options: device.get(options, flags=UP),
    "copies may exist now": lambda device, options: device.get(options, flags=UP | UV | BE),
    "a copy that cannot be": lambda device, options: device.get(options, flags=UP | UV | BS),
    "signature of another": lambda device, options: SoftAuthenticator(device.credential_id, device.user_handle).get(
        options
    ),
    "no signature": lambda device, options: device.get(options, signature=b"\0"),
    "user handle of another": lambda device, options: device.get(options, user_handle=b"bob"),
    "no user handle": lambda device, options: device.get(options, user_handle=None),
    "unknown credential": lambda _device, options: SoftAuthenticator(b"unknown").get(options),
    "data cut short": lambda device, options: device.get(options, auth_data=device.authenticator_data()[:36]),
    "data with more": lambda device, options: device.get(options, auth_data=device.authenticator_data() + b"\0"),
    "extensions that are none": lambda device, options: device.get(
        options, auth_data=device.authenticator_data(b"\x5a\x3b\x9a\xca\x00", flags=UP | UV | ED)
    ),
    "extensions without end": lambda device, options: device.get(
        options, auth_data=device.authenticator_data(b"\x81" * 30_000, flags=UP | UV | ED)
    ),
}


def with_key(cose_key: object) -> Bend:
    """Register another key."""
    raw = cose_key if isinstance(cose_key, bytes) else cbor2.dumps(cose_key)
    return lambda device, options: device.create(
        options, auth_data=device.authenticator_data(device.credential_data(raw), flags=UP | UV | AT)
    )


def with_flags(flags: int, rest: bytes = b"") -> Bend:
    """Register with other flags, and with bytes after the key."""
    return lambda device, options: device.create(
        options, auth_data=device.authenticator_data(device.credential_data() + rest, flags=flags)
    )


def with_object(change: Callable[[dict[str, Any]], object]) -> Bend:
    """Register with another attestation object."""

    def bend(device: SoftAuthenticator, options: Options) -> object:
        auth_data = device.authenticator_data(device.credential_data(), flags=UP | UV | AT)
        made = change({"fmt": "none", "attStmt": {}, "authData": auth_data})
        return device.create(options, attestation=made if isinstance(made, bytes) else cbor2.dumps(made))

    return bend


def rsa_key(bits: int, exponent: int = 65_537) -> dict[int, object]:
    """Return an RSA key in COSE; one that is too small for the library is made up."""
    modulus = (
        rsa.generate_private_key(65_537, bits).public_key().public_numbers().n if bits >= 1_024 else (1 << bits) - 569
    )
    return {1: 3, 3: -257, -1: modulus.to_bytes((bits + 7) // 8), -2: exponent.to_bytes(3)}


def ec_key(curve: ec.EllipticCurve, crv: int, alg: int) -> dict[int, object]:
    """Return a key on a curve in COSE."""
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    return {1: 2, 3: alg, -1: crv, -2: numbers.x.to_bytes(size), -3: numbers.y.to_bytes(size)}


ED25519 = {1: 1, 3: -8, -1: 6, -2: ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()}
CREATE: Mapping[str, Bend] = bent("webauthn.create") | {
    "type of a sign-in": lambda device, options: device.create(options, type="webauthn.get"),
    "other relying party": lambda device, options: device.create(
        options,
        auth_data=device.authenticator_data(
            device.credential_data(), flags=UP | UV | AT, rp_hash=rp_id_hash("evil.example")
        ),
    ),
    "nobody was present": with_flags(UV | AT),
    "user not verified": with_flags(UP | AT),
    "no credential": with_flags(UP | UV),
    "a copy that cannot be": with_flags(UP | UV | AT | BS),
    "bytes after the key": with_flags(UP | UV | AT, b"\0"),
    "extensions that are missing": with_flags(UP | UV | AT | ED),
    "extensions twice": with_flags(UP | UV | AT | ED, b"\xa0\xa0"),
    "algorithm not offered": with_key(ec_key(ec.SECP384R1(), 2, -35)),
    "curve of another algorithm": with_key(ec_key(ec.SECP384R1(), 2, -7)),
    "point off the curve": with_key({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: b"\1" * 32}),
    "short point": with_key({1: 2, 3: -7, -1: 1, -2: b"\1", -3: b"\1"}),
    "coordinates of text": with_key({1: 2, 3: -7, -1: 1, -2: "x" * 32, -3: "y" * 32}),
    "no algorithm": with_key({1: 2, -1: 1}),
    "kind of another algorithm": with_key(ED25519 | {3: -7}),
    "RSA of 512": with_key(rsa_key(512)),
    "RSA of 1,024": with_key(rsa_key(1_024)),
    "RSA of 16,384": with_key(rsa_key(2_048) | {-1: b"\xff" * 2_048}),
    "even exponent": with_key(rsa_key(2_048, 65_536)),
    "a key that is a list": with_key([1, 2]),
    "a bare point": with_key(b"\x04" + bytes(64)),
    "key twice": with_key(b"\xa2\x01\x02\x01\x02"),
    "key of indefinite length": with_key(b"\xbf\x01\x02\x03\x26\xff"),
    "deep key": with_key(b"\x81" * 30_000),
    "long key": with_key(b"\x5a\x3b\x9a\xca\x00"),
    "no attestation object": with_object(lambda _made: b"\0"),
    "object with more": with_object(lambda made: cbor2.dumps(made) + b"\0"),
    "object of indefinite length": with_object(lambda made: b"\xbf" + cbor2.dumps(made)[1:] + b"\xff"),
    "object with a member twice": with_object(
        lambda made: b"\xa4" + cbor2.dumps(made)[1:] + cbor2.dumps("fmt") + b"\0"
    ),
    "many members": with_object(lambda _made: b"\xbb\x00\x00\x00\x00\x3b\x9a\xca\x00"),
    "deep object": with_object(lambda _made: b"\x81" * 30_000),
    "tag": with_object(lambda made: b"\xc1" + cbor2.dumps(made)),
    "no authenticator data": with_object(lambda made: {"fmt": "none", "attStmt": {}}),
    "data of text": with_object(lambda made: made | {"authData": "x" * 100}),
    "none with a statement": with_object(lambda made: made | {"attStmt": {"sig": b"x"}}),
    "statement that is a list": with_object(lambda made: made | {"attStmt": []}),
    "unknown format": with_object(lambda made: made | {"fmt": "junk"}),
    "format that is a number": with_object(lambda made: made | {"fmt": 1}),
    "broken certificate": with_object(
        lambda made: made | {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"", "x5c": [b"x"]}}
    ),
    "self attestation that is wrong": with_object(
        lambda made: made | {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x"}}
    ),
    "TPM": with_object(lambda made: made | {"fmt": "tpm", "attStmt": {"ver": "2.0"}}),
    "id that is another": lambda device, options: device.create(
        options, auth_data=device.authenticator_data(SoftAuthenticator(b"x").credential_data(), flags=UP | UV | AT)
    ),
}
