"""The provider's public keys (RFC 7517): fetched from `jwks_uri`, kept, and fetched again when a new `kid` appears.

A rotation needs no restart: a token that names an unknown key causes one fetch. Since anybody can write a token
with an invented `kid`, such fetches are rate-limited. Keys that cannot verify RS256 are left out on reading.
"""

import asyncio
import re
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from demo_clients.relying_party.errors import ProviderMisbehaved, ProviderUnavailable

DEFAULT_LIFETIME_SECONDS = 300
MIN_LIFETIME_SECONDS = 30
MAX_LIFETIME_SECONDS = 3600
REFETCH_INTERVAL_SECONDS = 5
"""At most one fetch for an unknown `kid` in this time, whatever tokens are sent: a flood must not pass on."""
RETRY_INTERVAL_SECONDS = 1
"""The same while no keys are known at all, because the provider was away when they were wanted first."""
STALE_SECONDS = 3600
"""How long known keys stay good while the provider cannot be reached."""

_MAX_KEYS = 50
_MIN_MODULUS_BITS = 2048  # RFC 7518 §3.3
_PUBLIC_MEMBERS = ("kty", "n", "e", "kid", "use", "alg", "key_ops")
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One RSA key for RS256: its JWK as published (public members only) and the imported key.

    A provider with one key only may leave it without a name (OIDC Core §10.1).
    """

    kid: str | None
    jwk: Mapping[str, Any]
    rsa: RSAKey


@dataclass(frozen=True, slots=True)
class KeySet:
    """A JWK Set as it was at `fetched_at` (Unix seconds); use it until `fresh_until`."""

    keys: tuple[PublicKey, ...]
    fetched_at: int
    fresh_until: int

    def named(self, kid: str) -> PublicKey | None:
        """The key of that name."""
        return next((key for key in self.keys if key.kid == kid), None)

    @property
    def only(self) -> PublicKey | None:
        """The key, if there is no other: with several, a token has to say which one it means."""
        return self.keys[0] if len(self.keys) == 1 else None


FetchKeySet = Callable[[], Awaitable[tuple[Mapping[str, Any], str]]]
"""Gives the JWK Set document and the answer's Cache-Control. Raises ProviderUnavailable, ProviderMisbehaved."""


class KeyCache:
    """The provider's keys by `kid`. One instance for an application; safe for concurrent tasks."""

    def __init__(self, fetch: FetchKeySet, now: Callable[[], int]) -> None:
        self._fetch = fetch
        self._now = now
        self._key_set: KeySet | None = None
        self._tried_at: int | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> PublicKey | None:
        """The key of that name, or None. Raises ProviderUnavailable or ProviderMisbehaved if no keys are known."""
        known = (await self.current()).named(kid)
        return known or (await self.refetch()).named(kid)

    async def current(self) -> KeySet:
        """The keys, fetched first if there are none yet or their lifetime has passed."""
        async with self._lock:
            known = self._key_set
            if known is not None and self._now() < known.fresh_until:
                return known
            return await self._fetch_or_keep()

    async def refetch(self) -> KeySet:
        """Ask again before the lifetime has passed, at most once in REFETCH_INTERVAL_SECONDS."""
        async with self._lock:
            return await self._fetch_or_keep()

    def _may_ask_again(self) -> bool:
        interval = REFETCH_INTERVAL_SECONDS if self._key_set else RETRY_INTERVAL_SECONDS
        return self._tried_at is None or self._now() - self._tried_at >= interval

    async def _fetch_or_keep(self) -> KeySet:
        known = self._key_set
        if not self._may_ask_again():
            if known is None:
                raise ProviderUnavailable("The provider's keys could not be fetched a moment ago.")
            return known
        self._tried_at = self._now()
        try:
            document, cache_control = await self._fetch()
            self._key_set = _key_set(document, cache_control, self._now())
        except (ProviderUnavailable, ProviderMisbehaved):
            if known is None or self._now() - known.fetched_at > STALE_SECONDS:
                raise
            return known
        return self._key_set


def parse_key_set(document: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The usable keys of a JWK Set; others are skipped (RFC 7517 §5). Raises ProviderMisbehaved when it is none.

    Of several keys with one name the first counts."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise ProviderMisbehaved("The provider's key document is not a JWK Set.")
    usable = [key for jwk in listed[:_MAX_KEYS] if (key := _parse_key(jwk)) is not None]
    first_of_name = {key.kid: key for key in reversed(usable)}
    return tuple(key for key in usable if key.kid is None or first_of_name[key.kid] is key)


def _parse_key(jwk: object) -> PublicKey | None:
    if not isinstance(jwk, dict) or not _is_for_rs256(jwk):
        return None
    public = {name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a short key is refused below, not only warned about
            rsa = RSAKey.import_key(public)
    except (JoseError, ValueError, TypeError):
        return None
    if rsa.public_key.key_size < _MIN_MODULUS_BITS:
        return None
    return PublicKey(public.get("kid"), public, rsa)


def _is_for_rs256(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("kty") == "RSA"
        and isinstance(jwk.get("kid", ""), str)
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", "RS256") == "RS256"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _key_set(document: Mapping[str, Any], cache_control: str, now: int) -> KeySet:
    stated = _MAX_AGE.search(cache_control.lower())
    lifetime = int(stated.group(1)) if stated else DEFAULT_LIFETIME_SECONDS
    bounded = min(max(lifetime, MIN_LIFETIME_SECONDS), MAX_LIFETIME_SECONDS)
    return KeySet(parse_key_set(document), fetched_at=now, fresh_until=now + bounded)
