"""Profiles: which dialects of OAuth 2.0 a client may speak. The strict one follows RFC 9700 and is the default.

`oidc_legacy` admits what OpenID Connect Core allows and RFC 9700 advises against: tokens in the authorization response
and codes without PKCE. A client's own profile counts before the server's, so one old client does not loosen the rest.
"""

from collections.abc import Mapping
from typing import Any, Literal

from idp.settings import Settings
from idp.stores.records import Client

Profile = Literal["strict", "oidc_legacy"]
PROFILES: tuple[Profile, ...] = ("strict", "oidc_legacy")


def admits_legacy(client: Client, settings: Settings) -> bool:
    """Tell whether the client may use the older dialects."""
    return metadata_admits_legacy(client.metadata, settings)


def metadata_admits_legacy(metadata: Mapping[str, Any], settings: Settings) -> bool:
    """Tell the same of a client whose metadata is still being checked."""
    return (metadata.get("profile") or settings.profile) == "oidc_legacy"
