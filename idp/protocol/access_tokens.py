"""Our own access tokens, presented back to us: who they speak for, and whether they still count.

A signature proves that we issued a token, not that its account, client, session and grant are still good; that is asked
anew each time (R7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.accounts.grants import grant_is_live
from idp.jose.signing import InvalidToken
from idp.protocol.context import Context
from idp.protocol.issuance import ACCESS_TOKEN_TYPE, grant_id_of
from idp.randomness import digest
from idp.stores.records import Account, Artifact, Client, Grant

REVOKED = "revoked_access_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A live access token: its claims, the client it was issued to and, unless a client acts for itself, the grant and
    account behind it."""

    claims: Mapping[str, Any]
    client: Client
    grant: Grant | None
    account: Account | None

    @property
    def audience(self) -> tuple[str, ...]:
        """The `aud` as a tuple."""
        audience = self.claims["aud"]
        return (audience,) if isinstance(audience, str) else tuple(audience)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The `scope` as a tuple."""
        return tuple(str(self.claims.get("scope", "")).split())


def find_access(token: str, context: Context) -> Access | None:
    """Return what a token gives access to now, or None when it is not ours, expired, or was taken away."""
    try:
        claims = context.server.tokens.verify(
            token, expected_typ=ACCESS_TOKEN_TYPE, issuer=context.settings.issuer, now=context.now
        )
    except InvalidToken:
        return None
    if context.uow.artifacts.find(REVOKED, digest(claims["jti"])) is not None:
        return None
    if claims["sub"] == claims["client_id"]:
        client = context.uow.clients.find(claims["client_id"])
        return Access(claims=claims, client=client, grant=None, account=None) if client and client.enabled else None
    standing = context.uow.grants.find_standing(grant_id_of(claims["jti"]))
    if standing is None or standing.client is None or standing.account is None:
        return None
    if standing.client.client_id != claims["client_id"] or not grant_is_live(standing, context.now):
        return None
    return Access(claims=claims, client=standing.client, grant=standing.grant, account=standing.account)


def revoke_access_token(access: Access, context: Context) -> None:
    """Make one access token worthless until it would have expired anyway."""
    context.uow.artifacts.add(
        Artifact(
            kind=REVOKED,
            handle_hash=digest(access.claims["jti"]),
            payload={},
            created_at=context.now,
            expires_at=int(access.claims["exp"]),
        )
    )
