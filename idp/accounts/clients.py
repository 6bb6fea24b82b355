"""Clients and their secrets. A secret is 256 random bits, so a plain digest of it is safe to keep.

Where the secret itself is a key, for HMAC (OIDC Core §10.1), it is kept beside the digest, sealed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.jose.sealing import CannotOpen, KeyEncryptionKey
from idp.randomness import digest, is_same, new_handle
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Client

# Compared with when there is no client or no secret, so that every refusal costs the same (R11).
NO_HASH = digest("")


def create_client(
    uow: UnitOfWork,
    *,
    client_id: str,
    metadata: Mapping[str, Any],
    first_party: bool = False,
    secret: str | None = None,
    vault: KeyEncryptionKey | None = None,
    registration_token: str | None = None,
    now: int,
) -> tuple[Client, str | None]:
    """Register a client whose metadata was checked, and return it with its secret: the one given, or a new one; None
    for a client whose method needs none. `vault` seals a secret that serves as a key. Raises `Duplicate`."""
    secret = (secret or _new_secret(metadata)) if needs_secret(metadata) else None
    client = Client(
        client_id=client_id,
        metadata=metadata,
        first_party=first_party,
        secret_hash=digest(secret) if secret else None,
        sealed_secret=_sealed(client_id, metadata, secret, vault),
        registration_token_hash=digest(registration_token) if registration_token else None,
        created_at=now,
        updated_at=now,
    )
    uow.clients.add(client)
    return client, secret


def needs_secret(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a client has a secret: to authenticate by, or as a key."""
    # The methods that prove a secret are named so (OIDC Core §9).
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    return str(method).startswith("client_secret_") or secret_is_key(metadata)


def secret_is_key(metadata: Mapping[str, Any]) -> bool:
    """Tell whether the secret itself is needed, for an HMAC (OIDC Core §10.1), and not only its digest."""
    algorithms = (str(value) for name, value in metadata.items() if name.endswith("_alg"))
    return metadata.get("token_endpoint_auth_method") == "client_secret_jwt" or any(
        algorithm.startswith("HS") for algorithm in algorithms
    )


def open_secrets(client: Client, vault: KeyEncryptionKey, now: int) -> tuple[str, ...]:
    """Return the secrets that serve the client as keys, the current one first; empty where none was kept."""
    in_grace = (client.previous_secret_expires_at or 0) > now
    sealed = (client.sealed_secret, client.previous_sealed_secret if in_grace else None)
    return tuple(_open(client, one, vault) for one in sealed if one is not None)


def opens_secret(client_id: str, sealed: bytes, vault: KeyEncryptionKey) -> bool:
    """Tell whether a client's secret was sealed under this key-encryption key."""
    try:
        vault.open(sealed, _purpose(client_id))
    except CannotOpen:
        return False
    return True


def _sealed(
    client_id: str, metadata: Mapping[str, Any], secret: str | None, vault: KeyEncryptionKey | None
) -> bytes | None:
    if secret is None or not secret_is_key(metadata):
        return None
    if vault is None:
        raise ValueError("a secret that serves as a key needs a vault")
    return vault.seal(secret.encode(), _purpose(client_id))


def _new_secret(metadata: Mapping[str, Any]) -> str:
    # As a key of HS512 it needs 64 octets (RFC 7518 §3.2).
    return new_handle() + new_handle() if secret_is_key(metadata) else new_handle()


def _open(client: Client, sealed: bytes, vault: KeyEncryptionKey) -> str:
    try:
        return vault.open(sealed, _purpose(client.client_id)).decode()
    except CannotOpen as fault:
        raise CannotOpen(f"the secret of client {client.client_id}: {fault}") from None


def _purpose(client_id: str) -> str:
    return f"client-secret {client_id}"


def rotate_secret(
    uow: UnitOfWork, client: Client, now: int, grace_seconds: int, vault: KeyEncryptionKey | None = None
) -> str:
    """Give the client a new secret and return it; the old one counts for the grace period."""
    client = uow.clients.hold(client.client_id) or client
    secret = _new_secret(client.metadata)
    uow.clients.replace(
        replace(
            client,
            secret_hash=digest(secret),
            sealed_secret=_sealed(client.client_id, client.metadata, secret, vault),
            previous_sealed_secret=client.sealed_secret,
            previous_secret_hash=client.secret_hash,
            previous_secret_expires_at=now + grace_seconds,
            updated_at=now,
        )
    )
    return secret


def give_secret(client: Client, vault: KeyEncryptionKey | None = None) -> tuple[Client, str]:
    """Return the client with a new secret and no older one, and that secret; nothing is kept yet."""
    secret = _new_secret(client.metadata)
    changed = replace(
        client,
        secret_hash=digest(secret),
        sealed_secret=_sealed(client.client_id, client.metadata, secret, vault),
        previous_secret_hash=None,
        previous_secret_expires_at=None,
        previous_sealed_secret=None,
    )
    return changed, secret


def registration_token_matches(client: Client | None, token: str) -> bool:
    """Tell whether a registration access token is the client's (RFC 7592 §1.2); the same work for every refusal."""
    matches = is_same(digest(token), (client.registration_token_hash if client else None) or NO_HASH)
    return bool(token) and matches


def replace_metadata(
    uow: UnitOfWork,
    client: Client,
    metadata: Mapping[str, Any],
    *,
    registration_token: str,
    vault: KeyEncryptionKey,
    now: int,
) -> tuple[Client, str | None]:
    """Give a client other metadata, which were checked, and another registration access token; return it with its new
    secret, None when it keeps the one it has, or needs none. The caller holds the client."""
    needs = needs_secret(metadata)
    lacks = client.secret_hash is None or (secret_is_key(metadata) and client.sealed_secret is None)
    secret = _new_secret(metadata) if needs and lacks else None
    changed = replace(client, metadata=metadata, registration_token_hash=digest(registration_token), updated_at=now)
    if secret is not None or not needs:
        changed = replace(
            changed,
            secret_hash=digest(secret) if secret else None,
            previous_secret_hash=None,
            previous_secret_expires_at=None,
        )
    if secret is not None or not secret_is_key(metadata):
        sealed = _sealed(client.client_id, metadata, secret, vault)
        changed = replace(changed, sealed_secret=sealed, previous_sealed_secret=None)
    uow.clients.replace(changed)
    return changed, secret


def remove_client(uow: UnitOfWork, client: Client, now: int) -> None:
    """Forget a client: its grants end, and whatever was consented to is forgotten with it."""
    uow.grants.revoke_of_client(client.client_id, now)
    uow.consents.remove_of_client(client.client_id)
    uow.clients.remove(client.client_id)


def secret_matches(client: Client | None, secret: str, now: int) -> bool:
    """Tell whether a secret is the client's, exactly as sent; the same work whether there is one or not (R11)."""
    sent = digest(secret)
    current = (client.secret_hash if client else None) or NO_HASH
    previous = (client.previous_secret_hash if client else None) or NO_HASH
    in_grace = client is not None and (client.previous_secret_expires_at or 0) > now
    matches, matched_before = is_same(sent, current), is_same(sent, previous)
    return bool(secret) and (matches or (matched_before and in_grace))


def disable_client(uow: UnitOfWork, client: Client, now: int) -> Client:
    """Disable a client; all its grants end."""
    client = uow.clients.hold(client.client_id) or client
    disabled = replace(client, enabled=False, updated_at=now)
    uow.clients.replace(disabled)
    uow.grants.revoke_of_client(client.client_id, now)
    return disabled


def enable_client(uow: UnitOfWork, client: Client, now: int) -> Client:
    """Let a client be used again; what ended stays ended."""
    client = uow.clients.hold(client.client_id) or client
    enabled = replace(client, enabled=True, updated_at=now)
    uow.clients.replace(enabled)
    return enabled
