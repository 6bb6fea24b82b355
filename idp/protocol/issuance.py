"""Issuance: what a token request proved, and the tokens made from it.

All that must be stored is written first, inside the unit of work; the signatures are made after it has committed. A
crash between the two costs the client one repeated sign-in or refresh, never a token that nothing remembers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from idp.jose.algorithms import ALGORITHMS, DEFAULT_ALGORITHM
from idp.protocol.client_responses import SIGNED, Protection, id_token_alg, protect, protection_of_id_token
from idp.protocol.context import Context, Server
from idp.protocol.messages import NO_STORE, Response, encode_json
from idp.protocol.parameters import Params
from idp.randomness import new_identifier
from idp.settings import Settings
from idp.stores.records import Account, Client, Grant, RefreshToken

NOTHING_CARRIED = Params({})
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068 §2.1, no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """What is about to be issued. `scopes` and `audience` are those of this access token, within what `grant` covers;
    `carried` are the parameters of the authorization request that came along. `account` is None for a client acting
    for itself. `is_new` says that the grant is not stored yet; `replaces` is the refresh token that was used.
    `subject` is the `sub` that the client sees. `access_token` is set once it is signed, and `code` when both go out
    together, for claims of the ID Token that depend on them."""

    client: Client
    account: Account | None
    subject: str
    grant: Grant
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    carried: Params = NOTHING_CARRIED
    is_new: bool = False
    replaces: RefreshToken | None = None
    access_token: str = ""
    code: str = ""


def issue(issuance: Issuance, context: Context) -> Response:
    """Store what is issued and return the token response (RFC 6749 §5.1), whose body is signed after the commit.

    Writes the grant when it is new, and what the specifications' `token_response` write. Raises as `protection_of`
    before it writes anything; and `NoSigningKey`, which undoes what was written before, so that nothing is spent on
    tokens that cannot be signed."""
    protection = protection_of_id_token(issuance.client, context) if issuance.account else SIGNED
    for alg in (_access_token_alg(issuance, context.settings), protection.alg):
        if alg is not None and alg in ALGORITHMS:
            context.server.keys.signer(alg)
    if issuance.is_new:
        context.uow.grants.add(issuance.grant)
    members: dict[str, Any] = {}
    for contribute in context.registry.token_response:
        members |= contribute(issuance, context)
    server, now = context.server, context.now
    return Response(
        headers=(("content-type", "application/json"), *NO_STORE),
        body=lambda: encode_json(_sign_all(issuance, protection, server, now) | members),
    )


def access_token_identifier(grant: Grant) -> str:
    """Return a fresh `jti`. It begins with the grant's id, so a token leads to its grant without a row of its own."""
    return f"{grant.grant_id}.{new_identifier()}"


def grant_id_of(jti: str) -> str:
    """Return the id of the grant that an access token came from."""
    return jti.partition(".")[0]


def _sign_all(issuance: Issuance, protection: Protection, server: Server, now: int) -> dict[str, Any]:
    access_token = sign_access_token(issuance, server, now)
    members: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": server.settings.lifetimes.access_token_seconds,
        "scope": " ".join(issuance.scopes),
    }
    id_token = sign_id_token(replace(issuance, access_token=access_token), protection, server, now)
    return members if id_token is None else members | {"id_token": id_token}


def sign_access_token(issuance: Issuance, server: Server, now: int) -> str:
    """Return the access token (RFC 9068)."""
    alg = _access_token_alg(issuance, server.settings)
    return server.tokens.sign(_access_token_claims(issuance, server, now), typ=ACCESS_TOKEN_TYPE, alg=alg)


def _access_token_alg(issuance: Issuance, settings: Settings) -> str:
    """Return RS256, which every resource server understands (RFC 9068 §4); but a token that nobody reads except
    ourselves is signed as the client's ID Tokens are."""
    alg = id_token_alg(issuance.client)
    is_ours = issuance.audience == (settings.issuer,) and alg in settings.keys.algorithms
    return alg if is_ours else DEFAULT_ALGORITHM


def sign_id_token(issuance: Issuance, protection: Protection, server: Server, now: int) -> str | None:
    """Return the ID Token, or None when no specification makes one for this issuance."""
    claims = _id_token_claims(issuance, server, now)
    return protect(claims, protection, server.tokens, typ="JWT") if claims else None


def _access_token_claims(issuance: Issuance, server: Server, now: int) -> dict[str, Any]:
    audience = issuance.audience
    claims: dict[str, Any] = {
        "iss": server.settings.issuer,
        "sub": issuance.subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "iat": now,
        "exp": now + server.settings.lifetimes.access_token_seconds,
        "jti": access_token_identifier(issuance.grant),
    }
    for contribute in server.registry.access_token_claims:
        claims |= contribute(issuance)
    return claims


def _id_token_claims(issuance: Issuance, server: Server, now: int) -> Mapping[str, Any]:
    """Return the claims of the ID Token, empty when no specification makes one for this issuance."""
    claims: dict[str, Any] = {}
    for contribute in server.registry.id_token_claims:
        claims |= contribute(issuance)
    if not claims:
        return claims
    return {
        "iss": server.settings.issuer,
        "sub": issuance.subject,
        "aud": issuance.client.client_id,
        "iat": now,
        "exp": now + server.settings.lifetimes.id_token_seconds,
        **claims,
    }
