"""RFC 6749 §6 and RFC 9700 §4.14.2: refresh tokens that rotate at each use.

Reuse of a spent token revokes its grant and with it the whole family. An honest race, where the same client sends the
same token twice within `refresh_grace_seconds`, is refused without punishment: one of the two has the successor. A
client that lost the answer finds the family alive but has to sign in again; nobody ever holds two live tokens.

A client registered for the grant type gets a refresh token with each code. Without `offline_access` it ends with the
session; with it, it lives on until it is idle for `refresh_token_seconds` or the grant is `grant_seconds` old.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from idp.accounts.grants import grant_is_live
from idp.accounts.subjects import subject_of
from idp.languages import translatable as _
from idp.protocol.context import Context
from idp.protocol.errors import InvalidGrant, InvalidScope
from idp.protocol.issuance import Issuance
from idp.protocol.parameters import SCOPE, Parameter, Params, parse_text
from idp.protocol.spec import GrantType, Scope, Spec
from idp.randomness import digest, new_handle
from idp.stores.records import Client, Grant, RefreshToken

REFRESH_TOKEN = Parameter(name="refresh_token", parse=parse_text)


def redeem_refresh_token(params: Params, client: Client, context: Context) -> Issuance:
    """Redeem a refresh token. It is consumed only when its successor is stored, so a refused request costs nothing."""
    found = context.uow.refresh_tokens.find_standing(digest(params.require(REFRESH_TOKEN)))
    if found is None or found[1].grant.client_id != client.client_id:
        raise InvalidGrant("The refresh token is unknown or belongs to another client (RFC 6749 section 6).")
    # Roles and claims are read anew, so what was taken away is gone from the next token on (R7).
    token, standing = found
    grant, account = standing.grant, standing.account
    if token.consumed_at is not None:
        _refuse_spent(token, grant, context)
    if token.expires_at <= context.now or not grant_is_live(standing, context.now):
        raise InvalidGrant("The refresh token has expired or was revoked.", hint="The End-User has to sign in again.")
    return Issuance(
        client=client,
        account=account,
        subject=subject_of(context.uow, client, account.account_id) if account else client.client_id,
        grant=grant,
        scopes=_narrowed(grant, params),
        audience=grant.resources or (context.settings.issuer,),
        replaces=token,
    )


def _narrowed(grant: Grant, params: Params) -> tuple[str, ...]:
    """Return the scopes asked for, within those granted (RFC 6749 §6); the grant itself stays as wide as it was."""
    asked = params.get(SCOPE)
    if asked is None:
        return grant.scopes
    if not asked or not set(asked) <= set(grant.scopes):
        raise InvalidScope("A refresh cannot ask for scopes that were not granted (RFC 6749 section 6).")
    return asked


def _refuse_spent(token: RefreshToken, grant: Grant, context: Context) -> NoReturn:
    age_seconds = context.now - (token.consumed_at or 0)
    if age_seconds > context.settings.lifetimes.refresh_grace_seconds:
        context.uow.grants.revoke(grant.grant_id, context.now)
        context.audit(
            "refresh_token.replayed", result="invalid_grant", client_id=grant.client_id, account_id=grant.account_id
        )
    raise InvalidGrant("The refresh token was used before (RFC 9700 section 4.14.2).")


def rotate(issuance: Issuance, context: Context) -> Mapping[str, Any]:
    """Store the next refresh token of the grant, consuming the one used. Raises `InvalidGrant` when a racing request
    consumed it first."""
    if issuance.account is None or "refresh_token" not in issuance.client.values("grant_types"):
        return {}
    used = issuance.replaces
    if used is not None and context.uow.refresh_tokens.consume(used.token_hash, context.now) is None:
        raise InvalidGrant("The refresh token was used before (RFC 9700 section 4.14.2).")
    refresh_token = new_handle()
    expires_at = min(context.now + context.settings.lifetimes.refresh_token_seconds, issuance.grant.expires_at)
    context.uow.refresh_tokens.add(
        RefreshToken(
            token_hash=digest(refresh_token),
            grant_id=issuance.grant.grant_id,
            created_at=context.now,
            expires_at=expires_at,
        )
    )
    return {"refresh_token": refresh_token}


SPEC = Spec(
    name="refresh_tokens",
    document="RFC 6749 section 6",
    requires=("oauth2",),
    token_parameters=(REFRESH_TOKEN,),
    scopes={"offline_access": Scope(title=_("Stay connected"), detail=_("Keep access when you are not using it."))},
    grant_types={"refresh_token": GrantType(redeem=redeem_refresh_token)},
    token_response=(rotate,),
)
