"""A software authenticator and what a browser makes of it, bent at will: every part of an answer can be another."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
import httpx2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from idp.authentication.ceremonies import RelyingParty
from idp.authentication.methods import passkey
from idp.authentication.methods.passkey import Ceremony
from idp.stores.records import Authenticator
from tests.provider import ISSUER, Browser, House
from tests.second_factors import account_id

RP_ID = ISSUER.partition("://")[2].partition("/")[0].partition(":")[0]
ORIGIN = "/".join(ISSUER.split("/")[:3])
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


def rp_id_hash(rp_id: str = RP_ID) -> bytes:
    """Return what stands first in authenticator data."""
    return hashlib.sha256(rp_id.encode()).digest()


@dataclass
class SoftAuthenticator:
    """One passkey: `counter` is what it says next, `flags` what it says of its user and of copies."""

    credential_id: bytes = b"credential-0001"
    user_handle: bytes = b""
    counter: int = 0
    flags: int = UP | UV
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def cose_key(self) -> dict[int, Any]:
        """The public key (RFC 9053 §7.1)."""
        numbers = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}

    def credential_data(self, cose_key: bytes | None = None) -> bytes:
        """Return the attested credential data (WebAuthn §6.5.1)."""
        length = len(self.credential_id).to_bytes(2)
        return bytes(16) + length + self.credential_id + (cose_key or cbor2.dumps(self.cose_key))

    def authenticator_data(self, rest: bytes = b"", *, flags: int | None = None, rp_hash: bytes | None = None) -> bytes:
        """Return authenticator data (WebAuthn §6.1)."""
        said = self.flags if flags is None else flags
        return (rp_hash or rp_id_hash()) + bytes([said]) + self.counter.to_bytes(4) + rest

    def create(self, options: Mapping[str, Any], **bent: Any) -> dict[str, Any]:
        """Return what `navigator.credentials.create()` gives. `bent` replaces parts: `auth_data`, `attestation` (the
        bytes of the object), `client_data` (its bytes), or members of the client data."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        auth_data = bent.pop("auth_data", None) or self.authenticator_data(
            self.credential_data(), flags=self.flags | AT
        )
        attestation = bent.pop("attestation", None)
        if attestation is None:
            attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": auth_data})
        client_data = client_data_of("webauthn.create", options["challenge"], **bent)
        return self._credential({"clientDataJSON": client_data, "attestationObject": attestation})

    def get(self, options: Mapping[str, Any], **bent: Any) -> dict[str, Any]:
        """Return what `navigator.credentials.get()` gives; beside the parts above `user_handle`, `signature`, `rp_hash`
        and `flags`."""
        auth_data = self.authenticator_data(flags=bent.pop("flags", None), rp_hash=bent.pop("rp_hash", None))
        auth_data = bent.pop("auth_data", None) or auth_data
        handle, signature = bent.pop("user_handle", self.user_handle), bent.pop("signature", None)
        client_data = client_data_of("webauthn.get", options["challenge"], **bent)
        signed = auth_data + hashlib.sha256(client_data).digest()
        signature = signature or self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client_data, "authenticatorData": auth_data, "signature": signature}
        return self._credential(parts | ({} if handle is None else {"userHandle": handle}))

    def _credential(self, parts: Mapping[str, bytes]) -> dict[str, Any]:
        name = bytes_to_base64url(self.credential_id)
        response = {key: bytes_to_base64url(value) for key, value in parts.items()}
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


def client_data_of(kind: str, challenge: str, /, client_data: bytes | None = None, **members: Any) -> bytes:
    """Return clientDataJSON as a browser writes it, with other members where they are given."""
    if client_data is not None:
        return client_data
    said = {"type": kind, "challenge": challenge, "origin": ORIGIN, "crossOrigin": False}
    return json.dumps(said | members, separators=(",", ":")).encode()


def options_of(page: httpx2.Response) -> dict[str, Any]:
    """Return the options that a page gives to the browser."""
    found = re.search(r'data-options="([^"]+)"', page.text)
    assert found, page.text
    options: dict[str, Any] = json.loads(html.unescape(found.group(1)))
    return options


def give_passkey(house: House, name: str = "alice", device: SoftAuthenticator | None = None) -> SoftAuthenticator:
    """Let an account have a passkey."""
    device = device or SoftAuthenticator(credential_id=f"credential of {name}".encode())
    register(house, device, name)
    return device


def register(house: House, device: SoftAuthenticator, name: str = "alice", **bent: Any) -> Authenticator:
    """Register a passkey through the method itself. Raises `NotAccepted`."""
    ceremony, owner = ceremony_of(house), account_id(house, name)
    with house.storage.begin() as uow:
        mine = passkey.of_account(uow, owner)
        options = passkey.begin_registration(ceremony, account_id=owner, username=name, display_name=name, mine=mine)
        response = json.dumps(device.create(options, **bent))
        return passkey.finish_registration(uow, ceremony, account_id=owner, response=response, user_agent="")


def ceremony_of(house: House, bound_to: str = "page") -> Ceremony:
    """Return the ceremony of a page that only this test has."""
    relying_party = RelyingParty.of(ISSUER, "Signet")
    assert relying_party is not None
    return Ceremony(relying_party=relying_party, bound_to=bound_to, vault=house.server.vault, now=house.clock.now())


def send_passkey(browser: Browser, page: httpx2.Response, credential: object, **more: str) -> httpx2.Response:
    """Send the form of the sign-in page with a passkey's answer."""
    text = credential if isinstance(credential, str) else json.dumps(credential)
    return browser.submit(page, passkey=text, **({"action": "passkey"} | more))
