"""The two ceremonies of WebAuthn (Level 3 §7), as far as they need no store: read what a browser sends, and verify it.

Reading is strict, so that the library below sees only what a browser may send. No attestation is asked for, for which
authenticator it is makes no difference here: what is sent all the same must verify, and certificates are not looked at.
"""

import base64
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography, parse_cbor
from webauthn.helpers.cose import COSECRV, COSEKTY, COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedRSAPublicKey
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    CredentialDeviceType,
    RegistrationCredential,
)

from idp.authentication.cbor import check_one_item, end_of_item

# ES256, EdDSA, RS256, the best first: every authenticator has one of them (WebAuthn §5.8.5).
ALGORITHMS = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
_KINDS = dict(
    zip(ALGORITHMS, ((COSEKTY.EC2, COSECRV.P256), (COSEKTY.OKP, COSECRV.ED25519), (COSEKTY.RSA, None)), strict=True)
)
# WebAuthn §5.8.1 has no bound; browsers write some 200 bytes.
LONGEST_CLIENT_DATA = 2_048
# What browsers write has one; members to come may have a few (WebAuthn §5.8.1.2).
MOST_BRACKETS = 16
LONGEST_CREDENTIAL_ID = 1_023
_RSA_BITS = range(2_048, 4_097)
# rpIdHash, flags, signCount, AAGUID, length of the credential id (WebAuthn §6.1, §6.5.1).
_BEFORE_CREDENTIAL_ID = 32 + 1 + 4 + 16 + 2
_FLAGS_AT, _EXTENSIONS = 32, 0x80
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class NotAccepted(Exception):
    """What was sent proves nothing; the text says why, for the log alone."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who we are to an authenticator: the host of the issuer, and the one origin that ceremonies come from."""

    rp_id: str
    origin: str
    name: str

    @classmethod
    def of(cls, issuer: str, name: str) -> "RelyingParty | None":
        """Return the relying party; None where browsers allow no passkeys: at an address instead of a name, or over
        http elsewhere than on this machine."""
        parts = urlsplit(issuer)
        host = (parts.hostname or "").lower()
        try:
            ipaddress.ip_address(host)
        except ValueError:
            is_local = host == "localhost" or host.endswith(".localhost")
            if parts.scheme == "https" or is_local:
                default = {"https": 443, "http": 80}[parts.scheme]
                port = f":{parts.port}" if parts.port not in {None, default} else ""
                return cls(host, f"{parts.scheme}://{host}{port}", name)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What `navigator.credentials.get()` gave, read but not verified."""

    credential_id: bytes
    user_handle: bytes | None
    challenge: bytes
    message: AuthenticationCredential = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What `navigator.credentials.create()` gave, read but not verified."""

    challenge: bytes
    transports: tuple[str, ...]
    message: RegistrationCredential = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What an authenticator proved: the credential, its key in COSE (at registration alone), the signature counter, and
    whether copies of it may be and are kept elsewhere."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    backed_up: bool


def to_base64url(value: bytes) -> str:
    """Return bytes as WebAuthn writes them in JSON: base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Return the bytes of a text in base64url: without padding, in its one spelling. Raises ValueError."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("no base64url")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(decoded) != text:
        raise ValueError("another spelling")
    return decoded


def read_assertion(text: str) -> Assertion:
    """Read an `AuthenticationResponseJSON` (WebAuthn §5.1.8). Raises `NotAccepted`."""
    credential_id, response = _read(text)
    client_data = _bytes(response, "clientDataJSON")
    handle = _bytes(response, "userHandle") if response.get("userHandle") is not None else None
    inner = AuthenticatorAssertionResponse(
        client_data_json=client_data,
        authenticator_data=_bytes(response, "authenticatorData"),
        signature=_bytes(response, "signature"),
        user_handle=handle,
    )
    message = AuthenticationCredential(id=to_base64url(credential_id), raw_id=credential_id, response=inner)
    challenge = _challenge_of(client_data)
    return Assertion(credential_id=credential_id, user_handle=handle, challenge=challenge, message=message)


def read_attestation(text: str) -> Attestation:
    """Read a `RegistrationResponseJSON` (WebAuthn §5.1.8). Raises `NotAccepted`."""
    credential_id, response = _read(text)
    client_data, attestation = _bytes(response, "clientDataJSON"), _bytes(response, "attestationObject")
    transports = response.get("transports") or []
    if not isinstance(transports, list) or not all(isinstance(each, str) for each in transports):
        raise NotAccepted("transports")
    inner = AuthenticatorAttestationResponse(client_data_json=client_data, attestation_object=attestation)
    message = RegistrationCredential(id=to_base64url(credential_id), raw_id=credential_id, response=inner)
    known = tuple(sorted({each for each in transports if re.fullmatch(r"[a-z-]{1,20}", each)}))[:8]
    return Attestation(challenge=_challenge_of(client_data), transports=known, message=message)


def verify_assertion(assertion: Assertion, relying_party: RelyingParty, public_key: bytes) -> Verified:
    """Verify an assertion whose challenge is ours (WebAuthn §7.2), with user verification. Raises `NotAccepted`. The
    signature counter is the caller's to judge."""
    try:
        verified = verify_authentication_response(
            credential=assertion.message,
            expected_challenge=assertion.challenge,
            expected_rp_id=relying_party.rp_id,
            expected_origin=relying_party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as fault:
        # The library lets errors of what is below it through; whatever a stranger's bytes bring about is a refusal.
        raise NotAccepted(str(fault)) from fault
    return Verified(
        credential_id=assertion.credential_id,
        public_key=public_key,
        sign_count=verified.new_sign_count,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def verify_attestation(attestation: Attestation, relying_party: RelyingParty) -> Verified:
    """Verify a new credential whose challenge is ours (WebAuthn §7.1), with user verification. Raises `NotAccepted`."""
    try:
        _check_attestation_object(attestation.message.response.attestation_object)
        verified = verify_registration_response(
            credential=attestation.message,
            expected_challenge=attestation.challenge,
            expected_rp_id=relying_party.rp_id,
            expected_origin=relying_party.origin,
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
        _check_public_key(verified.credential_public_key)
    except Exception as fault:
        raise NotAccepted(str(fault)) from fault
    if verified.credential_id != attestation.message.raw_id:
        raise NotAccepted("the credential's id is not the one that was attested")
    return Verified(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def _check_attestation_object(attestation_object: bytes) -> None:
    check_one_item(attestation_object)
    parsed = parse_cbor(attestation_object)
    _check_credential_data(parsed["authData"])
    kind, statement = parsed["fmt"], parsed["attStmt"]
    # Self attestation is what some authenticators send although none is asked for (WebAuthn §5.4.7).
    is_self = kind == "packed" and isinstance(statement, dict) and "x5c" not in statement
    if not is_self and (kind, statement) != ("none", {}):
        raise NotAccepted("an attestation that was not asked for")


def _check_credential_data(authenticator_data: bytes) -> None:
    """Raises `ValueError` unless what follows the credential id is exactly its key, and the extensions that the flags
    announce."""
    length = int.from_bytes(authenticator_data[_BEFORE_CREDENTIAL_ID - 2 : _BEFORE_CREDENTIAL_ID])
    end = end_of_item(authenticator_data, _BEFORE_CREDENTIAL_ID + length)
    if authenticator_data[_FLAGS_AT] & _EXTENSIONS:
        end = end_of_item(authenticator_data, end)
    if end != len(authenticator_data):
        raise ValueError("bytes after the authenticator data")


def _check_public_key(public_key: bytes) -> None:
    """Raises unless the key is one that can verify: a point on the curve of its algorithm (RFC 9053 §2), an RSA key of
    a size that counts."""
    decoded = decode_credential_public_key(public_key)
    decoded_public_key_to_cryptography(decoded)
    if _KINDS[decoded.alg] != (decoded.kty, getattr(decoded, "crv", None)):
        raise NotAccepted("a key of another kind than its algorithm")
    if isinstance(decoded, DecodedRSAPublicKey) and int.from_bytes(decoded.n).bit_length() not in _RSA_BITS:
        raise NotAccepted("the size of the RSA key")


def _read(text: str) -> tuple[bytes, Mapping[str, Any]]:
    message = _object(text)
    credential_id = _bytes(message, "id")
    if message.get("type") != "public-key" or message.get("rawId", message["id"]) != message["id"]:
        raise NotAccepted("no public-key credential, or one with two ids")
    if not 0 < len(credential_id) <= LONGEST_CREDENTIAL_ID:
        raise NotAccepted("the length of the credential id")
    response = message.get("response")
    if not isinstance(response, dict):
        raise NotAccepted("no response")
    return credential_id, response


def _challenge_of(client_data_json: bytes) -> bytes:
    """Return the challenge, after a look at what the library does not mind: keys that come twice, frames."""
    if len(client_data_json) > LONGEST_CLIENT_DATA or sum(map(client_data_json.count, b"[{")) > MOST_BRACKETS:
        raise NotAccepted("client data that long or deep")
    try:
        client_data = _object(client_data_json.decode())
    except UnicodeDecodeError as fault:
        raise NotAccepted("client data in another encoding") from fault
    if client_data.get("crossOrigin", False) is not False or "topOrigin" in client_data:
        # In somebody's frame: nobody may frame our pages.
        raise NotAccepted("a ceremony in a frame")
    if client_data.get("tokenBinding", None) not in (None, {"status": "supported"}, {"status": "not-supported"}):
        raise NotAccepted("token binding")
    return _bytes(client_data, "challenge")


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as fault:
        raise NotAccepted("no JSON") from fault
    if not isinstance(found, dict):
        raise NotAccepted("no JSON object")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _bytes(members: Mapping[str, Any], name: str) -> bytes:
    value = members.get(name)
    if not isinstance(value, str):
        raise NotAccepted(name)
    try:
        return from_base64url(value)
    except ValueError as fault:
        raise NotAccepted(name) from fault
