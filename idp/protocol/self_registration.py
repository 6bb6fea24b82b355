"""What a client that registers itself may be (RFC 7591 §2, OIDC Registration §2), and what it is told about itself.

It is self-asserted, so it is given less than an operator would give (R9): only flows in which an End-User decides, only
the issuer's own scopes, never `profile` or the standing of a first-party client. What goes beyond in `grant_types` and
`scope` is left out, and the answer says what is registered (RFC 7591 §3.2.1); what contradicts itself is refused.
"""

import json
from collections.abc import Mapping
from typing import Any

from idp.jose.compact import InvalidToken, parse_object
from idp.protocol.context import Context
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from idp.protocol.messages import Request
from idp.protocol.registry import Registry
from idp.settings import Settings
from idp.stores.records import Client

# Each of them needs an End-User at the authorization endpoint, and so a redirect URI.
GRANT_TYPES = ("authorization_code", "implicit", "refresh_token")
OPERATORS_MEMBERS = frozenset({"profile"})
# Which words of a response type need which grant type (OIDC Registration §2).
FLOWS: Mapping[str, frozenset[str]] = {
    "authorization_code": frozenset({"code"}),
    "implicit": frozenset({"token", "id_token"}),
}


def parse_metadata(request: Request) -> dict[str, Any]:
    """Return the members of a JSON body; those that are null are not there (RFC 7592 §2.2).

    Raises `InvalidClientMetadata` for any other media type, and for JSON that has two readings (R3)."""
    if request.media_type != "application/json":
        raise InvalidClientMetadata("Send the client metadata as application/json (RFC 7591 section 3.1).")
    try:
        members = parse_object(request.content, "body")
    except InvalidToken as fault:
        raise InvalidClientMetadata(
            "The body is not a JSON object in UTF-8 with each member once.", detail=fault.reason
        ) from fault
    if not _can_be_kept(members):
        raise InvalidClientMetadata("The body holds a character or a number that not every JSON parser knows.")
    return {name: value for name, value in members.items() if value is not None}


def _can_be_kept(members: Mapping[str, Any]) -> bool:
    """Tell whether every database and every client takes this JSON: no lone surrogates, no NUL, no infinity."""
    try:
        return b"\\u0000" not in json.dumps(members, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False


def check_registration(sent: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the metadata to store for a client that sends these about itself.

    Raises `InvalidRedirectUri`, `InvalidClientMetadata`; `DocumentNeeded` when a document of another party has to be
    looked at."""
    registry, settings = context.registry, context.settings
    permitted = _permitted_grant_types(registry, settings)
    asked = {name: value for name, value in sent.items() if name not in OPERATORS_MEMBERS}
    asked["grant_types"] = _cut(sent.get("grant_types", ["authorization_code"]), permitted)
    asked["scope"] = _cut_scope(sent.get("scope", " ".join(registry.scopes)), registry)
    metadata = registry.check_client_metadata(asked, settings)
    if not metadata["redirect_uris"]:
        raise InvalidRedirectUri("redirect_uris is missing; every flow that a client may register for needs one.")
    _check_flows(metadata, registry, permitted)
    for check in registry.registration_checks:
        check(metadata, context)
    return metadata


def client_information(client: Client, registration_uri: str, *, token: str, secret: str | None) -> dict[str, Any]:
    """Return the client information response (RFC 7591 §3.2.1, RFC 7592 §3): all that is registered.

    A secret is in it when it is new only: its digest alone is kept, and what is kept sealed is not shown twice (R19).
    RFC 7592 §3 has it in every answer; a client that lost it registers anew."""
    members = dict(client.metadata) | {"client_id": client.client_id, "client_id_issued_at": client.created_at}
    if secret is not None:
        members["client_secret"] = secret
    if client.secret_hash is not None:
        # Zero: it never expires.
        members["client_secret_expires_at"] = 0
    return members | {"registration_client_uri": registration_uri, "registration_access_token": token}


def _permitted_grant_types(registry: Registry, settings: Settings) -> tuple[str, ...]:
    legacy = settings.profile == "oidc_legacy"
    known = {name: kind for name, kind in registry.grant_types.items() if legacy or not kind.legacy}
    return tuple(name for name in GRANT_TYPES if name in known)


def _cut(value: Any, permitted: tuple[str, ...]) -> Any:
    """Return those values of a list that are permitted; what is no list is for the member's check to refuse."""
    return [one for one in value if one in permitted] if isinstance(value, list) else value


def _cut_scope(value: Any, registry: Registry) -> Any:
    if not isinstance(value, str):
        return value
    kept = " ".join(scope for scope in value.split() if scope in registry.scopes)
    if not kept:
        raise InvalidClientMetadata("None of the scopes can be had; scopes_supported in discovery lists them.")
    return kept


def _check_flows(metadata: Mapping[str, Any], registry: Registry, permitted: tuple[str, ...]) -> None:
    """Refuse response types without the grant types that they need (OIDC Registration §2), and flows that lead to
    nothing."""
    grant_types = set(metadata["grant_types"])
    if not metadata["response_types"] or not grant_types:
        raise InvalidClientMetadata(
            f"No flow is left: grant_types may hold {', '.join(permitted)}, and response_types what fits them."
        )
    for response_type in metadata["response_types"]:
        words = set(response_type.split())
        needed = {name for name, parts in FLOWS.items() if words & parts}
        if registry.response_types[response_type].legacy and "implicit" not in permitted:
            raise InvalidClientMetadata("response_types has a value that this server does not offer.")
        if not needed <= grant_types:
            raise InvalidClientMetadata(
                "response_types needs other grant_types: code needs authorization_code, token and id_token need "
                "implicit (OIDC Registration section 2)."
            )
