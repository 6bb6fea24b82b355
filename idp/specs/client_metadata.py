"""RFC 7591 §2 and OIDC Registration §2: the client metadata that every client has.

Only the members are here; a registration endpoint is a specification of its own. Members in other languages
(`client_name#de`) are left out, as are software statements: nobody's word is taken for another's client.
"""

from collections.abc import Mapping
from typing import Any

from idp.protocol.client_metadata import (
    check_choice,
    check_list,
    check_name,
    check_redirect_uris,
    check_response_types,
    check_scope_list,
    check_text,
    check_web_uri,
)
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.spec import ClientDraft, ClientMember, Spec

DEFAULT_SCOPE = "openid profile email address phone offline_access roles"


def _default_response_types(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    return ("code",) if "authorization_code" in metadata.get("grant_types", ("authorization_code",)) else ()


def check_jwks_uri(value: Any, draft: ClientDraft) -> str:
    """Accept an address of keys, not beside the keys themselves: which of them count must be plain (RFC 7591 §2)."""
    if draft.metadata.get("jwks") is not None:
        raise InvalidClientMetadata("jwks and jwks_uri must not both be there (RFC 7591 section 2).")
    return check_web_uri("jwks_uri")(value, draft)


SPEC = Spec(
    name="client_metadata",
    document="RFC 7591",
    client_metadata={
        "application_type": ClientMember(check=check_choice("application_type", ("web", "native")), default="web"),
        "client_name": ClientMember(check=check_name),
        "client_uri": ClientMember(check=check_web_uri("client_uri")),
        "logo_uri": ClientMember(check=check_web_uri("logo_uri")),
        "policy_uri": ClientMember(check=check_web_uri("policy_uri")),
        "tos_uri": ClientMember(check=check_web_uri("tos_uri")),
        "contacts": ClientMember(check=check_list("contacts")),
        "jwks_uri": ClientMember(check=check_jwks_uri),
        "software_id": ClientMember(check=check_text("software_id")),
        "software_version": ClientMember(check=check_text("software_version")),
        "redirect_uris": ClientMember(check=check_redirect_uris, default=()),
        "grant_types": ClientMember(check=check_list("grant_types"), default=("authorization_code",)),
        "response_types": ClientMember(check=check_response_types, default=_default_response_types),
        "scope": ClientMember(
            check=check_scope_list, default="openid profile email address phone offline_access roles"
        ),
    },
)
