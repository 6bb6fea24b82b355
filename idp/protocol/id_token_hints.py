"""`id_token_hint`: an ID Token that we issued comes back, to say whom the client means (OIDC Core §3.1.2.1).

An expired one is still a hint. One that was signed by HMAC is verified with its client's secret; an unsecured one
proves nothing and is refused.
"""

from collections.abc import Mapping
from typing import Any

from idp.jose.claims import check_claims
from idp.jose.compact import InvalidToken, parse_compact, parse_object
from idp.protocol.client_keys import is_hmac, verify_by_client
from idp.protocol.client_responses import id_token_alg
from idp.protocol.context import Context
from idp.protocol.errors import BadIdTokenHint


def verify_id_token_hint(hint: str, context: Context) -> Mapping[str, Any]:
    """Return the claims of a hint; its `aud` is a client_id. Raises `BadIdTokenHint`."""
    try:
        if is_hmac(parse_compact(hint).header.get("alg")):
            claims = _verify_by_secret(hint, context)
        else:
            claims = context.server.tokens.verify(
                hint, expected_typ="JWT", issuer=context.settings.issuer, now=context.now, allow_expired=True
            )
    except InvalidToken as error:
        raise BadIdTokenHint("id_token_hint is not an ID Token of this issuer.", detail=str(error)) from error
    if not isinstance(claims["aud"], str):
        raise BadIdTokenHint("id_token_hint was issued to more than one client.")
    return claims


def _verify_by_secret(hint: str, context: Context) -> Mapping[str, Any]:
    audience = parse_object(parse_compact(hint).payload, "payload").get("aud")
    client = context.uow.clients.find(audience) if isinstance(audience, str) else None
    if client is None or not is_hmac(id_token_alg(client)):
        raise InvalidToken("aud is not a client whose ID Tokens are signed with its secret")
    claims = verify_by_client(hint, client, context, algorithms=(id_token_alg(client),), typ=("jwt",))
    check_claims(
        claims, issuer=context.settings.issuer, audience=None, now=context.now, leeway_seconds=0, allow_expired=True
    )
    return claims
