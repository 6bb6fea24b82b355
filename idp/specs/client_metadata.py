"""RFC 7591 §2 and OIDC Registration §2: the client metadata that every client has.

Only the members are here; a registration endpoint is a specification of its own.
"""

from collections.abc import Mapping
from typing import Any

from idp.protocol.client_metadata import (
    check_choice,
    check_list,
    check_name,
    check_redirect_uris,
    check_scope_list,
    check_web_uri,
)
from idp.protocol.spec import ClientMember, Spec

DEFAULT_SCOPE = "openid profile email address phone offline_access roles"


def _default_response_types(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    return ("code",) if "authorization_code" in metadata.get("grant_types", ("authorization_code",)) else ()


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
        "redirect_uris": ClientMember(check=check_redirect_uris, default=()),
        "grant_types": ClientMember(check=check_list("grant_types"), default=("authorization_code",)),
        "response_types": ClientMember(check=check_list("response_types"), default=_default_response_types),
        "scope": ClientMember(
            check=check_scope_list, default="openid profile email address phone offline_access roles"
        ),
    },
)
