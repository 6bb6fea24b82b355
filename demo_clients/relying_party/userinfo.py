"""Claims about the End-User from the UserInfo endpoint (OIDC Core §5.3)."""

from collections.abc import Mapping
from typing import Any

import httpx2

from demo_clients.relying_party.discovery import Discovery
from demo_clients.relying_party.errors import SignInRefused
from demo_clients.relying_party.outbound import fetch_document


async def fetch_userinfo(
    client: httpx2.AsyncClient, discovery: Discovery, access_token: str, *, subject: str
) -> Mapping[str, Any]:
    """The claims, which must be about `subject`, the `sub` of the verified ID Token.

    Raises SignInRefused if they are about somebody else: an access token that was swapped for another's must not
    mix two people (OIDC Core §5.3.2). Raises ProviderUnavailable, ProviderMisbehaved.
    """
    metadata = await discovery.metadata()
    claims, _ = await fetch_document(client, metadata.userinfo_endpoint, access_token=access_token)
    if claims.get("sub") != subject:
        raise SignInRefused("The details about you came with another person's identifier than the ID Token.")
    return claims
