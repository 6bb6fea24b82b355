"""Clients and their secrets. A secret is 256 random bits, so a plain digest of it is safe to keep."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
    now: int,
) -> tuple[Client, str | None]:
    """Register a client whose metadata was checked, and return it with its secret: the one given, or a new one; None
    for a client whose method needs none. Raises `Duplicate`."""
    # The methods that prove a secret are named so (OIDC Core §9).
    needs_secret = metadata.get("token_endpoint_auth_method", "client_secret_basic").startswith("client_secret_")
    secret = (secret or new_handle()) if needs_secret else None
    client = Client(
        client_id=client_id,
        metadata=metadata,
        first_party=first_party,
        secret_hash=digest(secret) if secret else None,
        created_at=now,
        updated_at=now,
    )
    uow.clients.add(client)
    return client, secret


def rotate_secret(uow: UnitOfWork, client: Client, now: int, grace_seconds: int) -> str:
    """Give the client a new secret and return it; the old one counts for the grace period."""
    secret = new_handle()
    uow.clients.replace(
        replace(
            client,
            secret_hash=digest(secret),
            previous_secret_hash=client.secret_hash,
            previous_secret_expires_at=now + grace_seconds,
            updated_at=now,
        )
    )
    return secret


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
    disabled = replace(client, enabled=False, updated_at=now)
    uow.clients.replace(disabled)
    uow.grants.revoke_of_client(client.client_id, now)
    return disabled


def enable_client(uow: UnitOfWork, client: Client, now: int) -> Client:
    """Let a client be used again; what ended stays ended."""
    enabled = replace(client, enabled=True, updated_at=now)
    uow.clients.replace(enabled)
    return enabled
