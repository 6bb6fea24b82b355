"""What the tests of keys and tokens share: a provider's keys as after its first start."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from idp.jose.algorithms import OwnKey
from idp.jose.compact import encode_base64url
from idp.jose.key_plan import KeyPolicy
from idp.jose.keys import KeyRing
from idp.jose.rotation import KeyLifeCycle
from idp.jose.sealing import KeyEncryptionKey
from idp.jose.signing import Claims, TokenSigner
from tests.jose.fakes import START, KeyStorage, SetClock

ISSUER = "https://op.example"
POLICY = KeyPolicy(rotation_seconds=90 * 86_400, publish_ahead_seconds=86_400, published_after_seconds=600)


@dataclass
class Keys:
    """The keys of one provider and all that works on them."""

    storage: KeyStorage
    clock: SetClock
    vault: KeyEncryptionKey
    life: KeyLifeCycle
    ring: KeyRing
    tokens: TokenSigner

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good access token; a change to None leaves the claim out."""
        claims = {
            "iss": ISSUER,
            "sub": "248289761001",
            "aud": "https://api.example",
            "iat": START,
            "exp": START + 300,
            "client_id": "web",
            "jti": "j-1",
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, **changes: Any) -> str:
        """Return a good access token with changed claims."""
        return self.tokens.sign(self.claims(**changes), typ="at+jwt")

    def verify(self, token: str, **changes: Any) -> Claims:
        """Verify as a resource of ours would."""
        arguments: dict[str, Any] = {"expected_typ": "at+jwt", "issuer": ISSUER, "now": START} | changes
        return self.tokens.verify(token, **arguments)


def make_keys(
    storage: KeyStorage | None = None, vault: KeyEncryptionKey | None = None, policy: KeyPolicy = POLICY
) -> Keys:
    """Return one instance of a provider, on a storage that another may share, after its start."""
    storage, clock, vault = storage or KeyStorage(), SetClock(), vault or KeyEncryptionKey(bytes(range(32)))
    life = KeyLifeCycle(storage.as_storage(), vault, policy)
    life.tick(START)
    ring = KeyRing(storage.as_storage(), vault, clock)
    return Keys(storage, clock, vault, life, ring, TokenSigner(ring))


def encode(value: object) -> str:
    """Return base64url of JSON, of a text, or of bytes."""
    if not isinstance(value, bytes):
        value = (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()
    return encode_base64url(value).decode("ascii")


def forge(key: OwnKey, header: object, payload: object) -> str:
    """Return a compact JWS with any header and payload, truly signed."""
    message = f"{encode(header)}.{encode(payload)}"
    return f"{message}.{encode(key.sign(message.encode()))}"


@pytest.fixture(scope="session")
def keys() -> Keys:
    """A provider's keys that no test changes."""
    return make_keys()


@pytest.fixture
def own_keys() -> Keys:
    """A provider's keys for one test to change."""
    return make_keys()


@pytest.fixture
def good_header(keys: Keys) -> Mapping[str, Any]:
    """The header that the provider writes."""
    return {"alg": "RS256", "kid": keys.ring.signer().kid, "typ": "at+jwt"}


Forger = Callable[[object, object], str]


@pytest.fixture
def forged(keys: Keys) -> Forger:
    """Sign any header and payload with the provider's own active key."""
    return lambda header, payload: forge(keys.ring.signer(), header, payload)
