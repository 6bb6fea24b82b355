"""Clients as records: their metadata are checked as those of any registration by an operator are."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.accounts.audit import record
from idp.accounts.clients import create_client, give_secret, needs_secret, opens_secret, secret_is_key
from idp.exchange.outcome import Importing, Outcome, Wrong, check_members
from idp.protocol.registry import Registry
from idp.settings import Settings
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Client

MEMBERS: Mapping[str, type] = {
    "kind": str,
    "client_id": str,
    "metadata": dict,
    "first_party": bool,
    "enabled": bool,
    "secrets": dict,
}
DIGESTS = ("secret_hash", "previous_secret_hash", "registration_token_hash")
SEALED = ("sealed_secret", "previous_sealed_secret")
SECRETS: Mapping[str, type] = {
    **dict.fromkeys((*DIGESTS, *SEALED), str),
    "previous_secret_expires_at": int,
}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LATEST = 2**53


def check_client(client_id: str, metadata: Mapping[str, Any], registry: Registry, settings: Settings) -> dict[str, Any]:
    """Return the metadata to store of a client that an operator registers. Raises `Wrong`, `InvalidClientMetadata`,
    `InvalidRedirectUri`."""
    # RFC 6749 §A.1: a client_id is printable ASCII; without spaces it can be named on a command line.
    if not client_id.isascii() or not client_id.isprintable() or " " in client_id or not 0 < len(client_id) <= 200:
        raise Wrong("A client_id is 1 to 200 printable ASCII characters without spaces.")
    # What is not known would be left out, as a registration must (RFC 7591 §2); here it is a slip of the pen.
    if unknown := sorted(set(metadata) - set(registry.client_metadata)):
        raise Wrong(f"No such member of client metadata: {', '.join(unknown)}.")
    if "authorization_code" in metadata.get("grant_types", ("authorization_code",)) and not metadata.get(
        "redirect_uris"
    ):
        raise Wrong("A client that people sign in to needs redirect_uris (--redirect-uri, at least once).")
    return registry.check_client_metadata(metadata, settings)


def describe_client(client: Client, *, secrets: bool) -> dict[str, Any]:
    """Return a client as a record; with the digests of its secrets, and those sealed, if secrets are wanted."""
    described: dict[str, Any] = {
        "kind": "client",
        "client_id": client.client_id,
        "metadata": dict(client.metadata),
        "first_party": client.first_party,
        "enabled": client.enabled,
    }
    if not secrets:
        return described
    values = {name: getattr(client, name) for name in SECRETS}
    sealed = {name: base64.b64encode(values[name]).decode() for name in SEALED if values[name] is not None}
    return described | {"secrets": {name: value for name, value in (values | sealed).items() if value is not None}}


def import_client(uow: UnitOfWork, given: Mapping[str, Any], importing: Importing) -> tuple[Outcome, bool]:
    """Make or change the client that a record describes; return also whether it now has a secret that nobody knows.
    Raises `Wrong`, `ProtocolError`."""
    check_members(given, MEMBERS, ("client_id", "metadata"))
    client_id = given["client_id"]
    checked = check_client(client_id, given["metadata"], importing.registry, importing.settings)
    # As it comes back from a store, so that it can be compared.
    metadata: dict[str, Any] = json.loads(json.dumps(checked))
    secrets = _parse_secrets(client_id, given["secrets"], metadata, importing) if "secrets" in given else None
    known = uow.clients.hold(client_id)
    if known is None:
        made, lacks = _make(uow, given, metadata, secrets, importing)
        record(uow, "client.imported", now=importing.now, client_id=made.client_id, outcome="made")
        return "made", lacks
    first_party, enabled = given.get("first_party", known.first_party), given.get("enabled", known.enabled)
    wanted = replace(known, metadata=metadata, first_party=first_party, enabled=enabled, **(secrets or {}))
    differences = {
        "metadata": metadata != dict(known.metadata),
        "first_party": first_party != known.first_party,
        "enabled": enabled != known.enabled,
        "secrets": any(getattr(wanted, name) != getattr(known, name) for name in SECRETS),
    }
    if not any(differences.values()):
        return "unchanged", False
    if not importing.may_replace(f"the client {client_id!r}", differences):
        return "skipped", False
    lacks = _replace(uow, wanted, is_other=differences["metadata"], importing=importing)
    record(uow, "client.imported", now=importing.now, client_id=client_id, outcome="changed")
    return "changed", lacks


def _make(
    uow: UnitOfWork,
    given: Mapping[str, Any],
    metadata: dict[str, Any],
    secrets: dict[str, Any] | None,
    importing: Importing,
) -> tuple[Client, bool]:
    """Register a client. Without its secrets it gets one that nobody knows: a client that needs one must have one."""
    client, secret = create_client(
        uow,
        client_id=given["client_id"],
        metadata=metadata,
        first_party=given.get("first_party", False),
        vault=importing.vault() if secret_is_key(metadata) else None,
        now=importing.now,
    )
    client = replace(client, enabled=given.get("enabled", True), **(secrets or {}))
    uow.clients.replace(client)
    return client, secret is not None and not (secrets or {}).get("secret_hash")


def _replace(uow: UnitOfWork, wanted: Client, *, is_other: bool, importing: Importing) -> bool:
    """Change a client; a secret is kept while it is needed, and made where it is lacking. Returns whether it was."""
    needs = needs_secret(wanted.metadata)
    lacks = needs and (wanted.secret_hash is None or (secret_is_key(wanted.metadata) and wanted.sealed_secret is None))
    if not needs:
        wanted = replace(wanted, secret_hash=None, previous_secret_hash=None, previous_secret_expires_at=None)
    if not secret_is_key(wanted.metadata):
        wanted = replace(wanted, sealed_secret=None, previous_sealed_secret=None)
    if lacks:
        wanted, _ = give_secret(wanted, importing.vault() if secret_is_key(wanted.metadata) else None)
    uow.clients.replace(replace(wanted, updated_at=importing.now))
    if is_other:
        # It may be another client to whoever consented to the one before (R23).
        uow.consents.remove_of_client(wanted.client_id)
    if not wanted.enabled:
        uow.grants.revoke_of_client(wanted.client_id, importing.now)
    return lacks


def _parse_secrets(
    client_id: str, given: Mapping[str, Any], metadata: Mapping[str, Any], importing: Importing
) -> dict[str, Any]:
    """Return the fields of a client that hold its secrets; what is not said is none."""
    check_members(given, SECRETS, ())
    for name in DIGESTS:
        if name in given and not _DIGEST.fullmatch(given[name]):
            raise Wrong(f"secrets.{name} must be a SHA-256 in 64 hexadecimal digits")
    if not 0 <= given.get("previous_secret_expires_at", 0) <= _LATEST:
        raise Wrong("secrets.previous_secret_expires_at must be in Unix seconds")
    sealed = {name: _unsealable(client_id, name, given[name], importing) for name in SEALED if name in given}
    if needs_secret(metadata) != ("secret_hash" in given) or secret_is_key(metadata) != ("sealed_secret" in given):
        raise Wrong("secrets are not those that a client with these metadata has")
    return dict.fromkeys(SECRETS) | dict(given) | sealed


def _unsealable(client_id: str, name: str, text: str, importing: Importing) -> bytes:
    try:
        sealed = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Wrong(f"secrets.{name} must be base64") from None
    if not opens_secret(client_id, sealed, importing.vault()):
        raise Wrong(f"secrets.{name} was sealed under another key-encryption key; leave `secrets` out")
    return sealed
