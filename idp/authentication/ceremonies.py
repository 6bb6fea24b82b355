"""The two ceremonies of WebAuthn (Level 3 §7): what a browser sends, read and not yet verified.

Reading is strict, so that the library that verifies (`verifying`) sees only what a browser may send.
"""

import base64
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

# ES256, EdDSA, RS256, the best first: every authenticator has one of them (WebAuthn §5.8.5, RFC 9053).
ALGORITHMS = (-7, -8, -257)
# WebAuthn §5.8.1 has no bound; browsers write some 200 bytes.
LONGEST_CLIENT_DATA = 2_048
# What browsers write has one; members to come may have a few (WebAuthn §5.8.1.2).
MOST_BRACKETS = 16
LONGEST_CREDENTIAL_ID = 1_023
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
    client_data: bytes = field(repr=False)
    authenticator_data: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What `navigator.credentials.create()` gave, read but not verified."""

    credential_id: bytes
    challenge: bytes
    transports: tuple[str, ...]
    client_data: bytes = field(repr=False)
    attestation_object: bytes = field(repr=False)


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
    return Assertion(
        credential_id=credential_id,
        user_handle=_bytes(response, "userHandle") if response.get("userHandle") is not None else None,
        challenge=_challenge_of(client_data),
        client_data=client_data,
        authenticator_data=_bytes(response, "authenticatorData"),
        signature=_bytes(response, "signature"),
    )


def read_attestation(text: str) -> Attestation:
    """Read a `RegistrationResponseJSON` (WebAuthn §5.1.8). Raises `NotAccepted`."""
    credential_id, response = _read(text)
    client_data, attestation = _bytes(response, "clientDataJSON"), _bytes(response, "attestationObject")
    transports = response.get("transports") or []
    if not isinstance(transports, list) or not all(isinstance(each, str) for each in transports):
        raise NotAccepted("transports")
    return Attestation(
        credential_id=credential_id,
        challenge=_challenge_of(client_data),
        transports=tuple(sorted({each for each in transports if re.fullmatch(r"[a-z-]{1,20}", each)}))[:8],
        client_data=client_data,
        attestation_object=attestation,
    )


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
