"""OIDC Core §4: a sign-in begun elsewhere than at the relying party, which is sent to its `initiate_login_uri`.

The provider only keeps the URI (OIDC Registration §2) and tells it to those who may see the client's metadata; the
redirect, with `iss`, `login_hint` and `target_link_uri`, is made by whoever begins the sign-in.
"""

from typing import Any
from urllib.parse import urlsplit

from idp.protocol.client_metadata import check_web_uri
from idp.protocol.errors import InvalidClientMetadata
from idp.protocol.spec import ClientDraft, ClientMember, Spec


def check_initiate_login_uri(value: Any, draft: ClientDraft) -> str:
    """Accept https only, as OIDC Registration §2 asks; http on loopback where the settings allow such clients."""
    uri = check_web_uri("initiate_login_uri")(value, draft)
    if urlsplit(uri).fragment:
        raise InvalidClientMetadata("initiate_login_uri must have no fragment.")
    return uri


SPEC = Spec(
    name="third_party_initiated_login",
    document="OIDC Core 1.0 section 4",
    requires=("oidc_core",),
    client_metadata={"initiate_login_uri": ClientMember(check=check_initiate_login_uri)},
)
