"""A client that reads what was made for it with joserfc alone: by our JWKS, its secret, or its private keys."""

import json
import warnings
from typing import Any

from joserfc import jwe, jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey

from tests.provider import SECRET, Browser, House

LONG_SECRET = SECRET + SECRET
HASHES = ("HS256", "HS384", "HS512")
RSA_KEY = RSAKey.generate_key(2048, {"kid": "r", "use": "enc"})
EC_KEY = ECKey.generate_key("P-256", {"kid": "e", "use": "enc"})
X_KEY = OKPKey.generate_key("X25519", {"kid": "x", "use": "enc"})
KEYS = {"keys": [key.as_dict(private=False) for key in (RSA_KEY, EC_KEY)]}


def published_keys(house: House) -> KeySet:
    """Return our JWK Set as any relying party gets it."""
    return KeySet.import_key_set(house.browser().get("/.well-known/jwks.json").json())


def read_jws(house: House, token: str, alg: str, secret: str = LONG_SECRET) -> tuple[dict[str, Any], dict[str, Any]]:
    """Verify a JWS under exactly this algorithm and return its header and payload."""
    if alg == "none":
        head, payload, signature = token.split(".")
        assert signature == ""
        found = jws.extract_compact(f"{head}.{payload}.AA".encode())
    else:
        key: Any = OctKey.import_key(secret) if alg in HASHES else published_keys(house)
        with warnings.catch_warnings():
            # EdDSA goes by a newer name since RFC 9864.
            warnings.simplefilter("ignore", SecurityWarning)
            found = jws.deserialize_compact(token, key, algorithms=[alg])
    assert found.headers()["alg"] == alg
    return dict(found.headers()), json.loads(found.payload)


def decrypt(token: str, alg: str, enc: str, key: Key | None = None) -> tuple[dict[str, Any], str]:
    """Decrypt a JWE under exactly these algorithms and return its header and what was in it."""
    key = key or (RSA_KEY if alg.startswith("RSA") else EC_KEY)
    registry = jwe.JWERegistry(algorithms=[alg, enc])
    found = jwe.decrypt_compact(token, key, registry=registry)
    header = dict(found.headers())
    assert (header["alg"], header["enc"], header["kid"]) == (alg, enc, key.kid)
    assert found.plaintext is not None
    return header, found.plaintext.decode()


def signed_in(house: House, client_id: str, browser: Browser | None = None, **more: Any) -> dict[str, Any]:
    """Sign in through a client and return its token response."""
    browser = browser or house.browser()
    answer = browser.exchange(browser.code_flow(client_id, **more)["code"], client_id, secret=LONG_SECRET)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
