"""OIDC Core §5.3: UserInfo, a resource protected by bearer tokens (RFC 6750).

The response is JSON, or a JWT where the client registered for a signature or encryption (§5.3.2). That JWT has no `typ`
and no `exp`, so it is never taken for an ID Token.
"""

from collections.abc import Mapping
from typing import Any

from idp.accounts.claims import SCOPE_CLAIMS, select_claims
from idp.languages import translatable as _
from idp.protocol.access_tokens import find_access
from idp.protocol.bearer import read_bearer_token
from idp.protocol.claims_request import remembered_locales
from idp.protocol.client_responses import protect, protection_of
from idp.protocol.context import Context
from idp.protocol.errors import InsufficientScope, InvalidToken
from idp.protocol.issuance import Issuance
from idp.protocol.messages import NO_STORE, Answer, Request, Response, json_response
from idp.protocol.registry import Registry
from idp.protocol.spec import Cors, Disclosure, Endpoint, ErrorStyle, Scope, Spec
from idp.settings import Settings
from idp.stores.records import Client


def handle_userinfo(request: Request, context: Context) -> Answer:
    """Return the claims of the granted scopes (OIDC Core §5.3.2).

    Raises `InvalidToken` for a token that is not ours, not for us, or no longer good; `InsufficientScope` for one
    without `openid`."""
    access = find_access(read_bearer_token(request), context)
    if access is None or context.settings.issuer not in access.audience:
        raise InvalidToken("The access token is invalid, expired, revoked, or meant for another resource.")
    if access.account is None or access.grant is None or "openid" not in access.scopes:
        raise InsufficientScope("UserInfo needs an access token with the scope openid (OIDC Core section 5.3).")
    disclosure = Disclosure(account=access.account, client=access.client, grant=access.grant, scopes=access.scopes)
    claims: dict[str, Any] = {"sub": access.claims["sub"]}
    for contribute in context.registry.userinfo_claims:
        claims |= contribute(disclosure)
    return _response(claims, access.client, context)


def _response(claims: Mapping[str, Any], client: Client, context: Context) -> Response:
    """Return the claims as the client registered for them; a signature is made after the unit of work."""
    alg = client.value("userinfo_signed_response_alg")
    if alg is None and client.value("userinfo_encrypted_response_alg") is None:
        return json_response(claims)
    protection, tokens = protection_of("userinfo", alg, client, context), context.server.tokens
    if alg is not None:
        claims = {**claims, "iss": context.settings.issuer, "aud": client.client_id}
    return Response(
        headers=(("content-type", "application/jwt"), *NO_STORE),
        body=lambda: protect(claims, protection, tokens, typ=None).encode(),
    )


def scope_claims(disclosure: Disclosure) -> Mapping[str, Any]:
    """Return the standard claims that the scopes ask for (OIDC Core §5.4), as far as the account has them, in the
    languages that the client asked for (§5.2)."""
    wanted = [name for scope in disclosure.scopes for name in SCOPE_CLAIMS.get(scope, ())]
    return select_claims(disclosure.account.claims, wanted, remembered_locales(disclosure.grant))


def claims_without_userinfo(issuance: Issuance) -> Mapping[str, Any]:
    """Return the scopes' claims for an ID Token that comes without any access token (OIDC Core §5.4)."""
    if issuance.account is None or issuance.access_token or issuance.code or "openid" not in issuance.grant.scopes:
        return {}
    return scope_claims(
        Disclosure(account=issuance.account, client=issuance.client, grant=issuance.grant, scopes=issuance.grant.scopes)
    )


def role_claims(disclosure: Disclosure) -> Mapping[str, Any]:
    """Return `roles` when the scope `roles` was granted."""
    return {"roles": list(disclosure.account.roles)} if "roles" in disclosure.scopes else {}


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the claims that can be had (OIDC Discovery §3)."""
    from_scopes = [name for names in SCOPE_CLAIMS.values() for name in names]
    protocol = [
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "sid",
        "at_hash",
        "c_hash",
        "roles",
    ]
    return {"claims_supported": [*protocol, *from_scopes]}


SPEC = Spec(
    name="userinfo",
    document="OIDC Core 1.0 section 5.3",
    requires=("oidc_core", "jwt_access_tokens"),
    scopes={
        "profile": Scope(title=_("See your profile"), detail=_("Name, picture, birthday, language and the like.")),
        "email": Scope(title=_("See your e-mail address"), detail=_("And whether it was verified.")),
        "address": Scope(title=_("See your postal address")),
        "phone": Scope(title=_("See your phone number"), detail=_("And whether it was verified.")),
    },
    userinfo_claims=(scope_claims, role_claims),
    id_token_claims=(claims_without_userinfo,),
    endpoints=(
        Endpoint(
            path="/oauth2/userinfo",
            methods=("GET", "POST"),
            handle=handle_userinfo,
            metadata="userinfo_endpoint",
            writes=False,
            errors=ErrorStyle.BEARER,
            cors=Cors.CLIENTS,
        ),
    ),
    server_metadata=server_metadata,
)
