"""Clients that send request objects. They sign and encrypt with joserfc, and keep to no rule of the provider's."""

import base64
import hmac
import json
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx2
from joserfc import jwe, jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, OctKey, OKPKey, RSAKey

from tests.provider import CHALLENGE, Browser, House

KeyPair = RSAKey | ECKey | OKPKey
CALLBACK = "https://rp.example/cb"


def key_for(alg: str, owner: str = "jar") -> KeyPair:
    """Return the key pair of an owner for an algorithm, made once."""
    return _make_key(alg, owner)


@cache
def _make_key(alg: str, _owner: str) -> KeyPair:
    if alg.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg])
    return OKPKey.generate_key("Ed25519") if alg == "EdDSA" else RSAKey.generate_key(2048)


def jwks(*algs: str, owner: str = "jar") -> dict[str, Any]:
    """Return these keys as a client registers them: without `kid`, as the conformance suite does."""
    made = []
    for alg in algs:
        public = dict(key_for(alg, owner).as_dict(private=False))
        public.pop("kid", None)
        made.append(public | {"alg": alg, "use": "sig"})
    return {"keys": made}


def register(house: House, client_id: str = "jar", **more: Any) -> None:
    """Add a client with an RSA key of its own."""
    house.add_client(client_id, **{"jwks": jwks("RS256")} | more)


def members(client_id: str = "jar", **changes: Any) -> dict[str, Any]:
    """Return a whole authorization request as members of a request object; a change to None leaves one out."""
    whole = {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": "inside",
        "nonce": "n-inside",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def sign(claims: Mapping[str, Any], alg: str = "RS256", key: KeyPair | OctKey | None = None, **header: Any) -> str:
    """Return a JWS of these claims, by default under the client's own key; a header member None is left out."""
    protected = {name: value for name, value in ({"alg": alg} | header).items() if value is not None}
    with warnings.catch_warnings():
        # joserfc warns of the name EdDSA (RFC 9864), which clients go on to use.
        warnings.simplefilter("ignore", SecurityWarning)
        return jws.serialize_compact(protected, json.dumps(claims).encode(), key or key_for(alg), algorithms=[alg])


def unsigned(claims: Mapping[str, Any]) -> str:
    """Return an unsecured JWS (RFC 7515 §A.5)."""
    return f"{_encode({'alg': 'none'})}.{_encode(claims)}."


def hmac_signed(claims: Mapping[str, Any], secret: bytes) -> str:
    """Return a JWS under HS256 with any secret, keys that are public included."""
    message = f"{_encode({'alg': 'HS256'})}.{_encode(claims)}"
    return f"{message}.{encode_base64url(hmac.digest(secret, message.encode(), 'sha256'))}"


def encrypt(plaintext: str, key: KeyPair, alg: str = "RSA-OAEP-256", enc: str = "A128CBC-HS256", **header: Any) -> str:
    """Return a JWE to this key."""
    protected = {"alg": alg, "enc": enc, "cty": "JWT"} | header
    present = {name: value for name, value in protected.items() if value is not None}
    algorithms = [alg, enc, "DEF"] if "zip" in header else [alg, enc]
    return jwe.encrypt_compact(present, plaintext, key, algorithms=algorithms)


def providers_key(house: House, kty: str = "RSA") -> RSAKey | ECKey:
    """Return what the provider publishes to be encrypted to."""
    keys = house.browser().get("/.well-known/jwks.json").json()["keys"]
    (found,) = (key for key in keys if key["use"] == "enc" and key["kty"] == kty)
    imported = JWKRegistry.import_key(found)
    assert isinstance(imported, RSAKey | ECKey)
    return imported


def ask(browser: Browser, token: str | None, method: str = "GET", **outside: Any) -> httpx2.Response:
    """Send a request object by value, with little beside it; a parameter given as None is left out."""
    params = {"client_id": "jar", "request": token, "redirect_uri": CALLBACK, "state": "st"} | outside
    present = {name: value for name, value in params.items() if value is not None}
    if method == "POST":
        return browser.post("/oauth2/authorize", data=present)
    return browser.get("/oauth2/authorize", params=present)


def _encode(value: Mapping[str, Any]) -> str:
    return encode_base64url(json.dumps(value).encode())


def encode_base64url(octets: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
