"""OAuth 2.0 Multiple Response Type Encoding Practices and OIDC Core §3.2, §3.3: the implicit and hybrid flows.

For clients that cannot be changed; only the profile `oidc_legacy` admits them, since tokens in a URL leak (RFC 9700
§2.1.2). What is in a redirect's URL must exist when it is sent, so these tokens are signed within the unit of work.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from idp.accounts.subjects import subject_of
from idp.protocol.assurance import acr_to_tell
from idp.protocol.authorization import AuthorizationRequest, Authorized, ResponseTarget
from idp.protocol.claims_request import claims_to_remember
from idp.protocol.client_responses import protection_of_id_token
from idp.protocol.context import Context
from idp.protocol.errors import InvalidRequest, InvalidScope
from idp.protocol.issuance import Issuance, sign_access_token, sign_id_token
from idp.protocol.messages import NO_STORE, Response, with_fragment
from idp.protocol.parameters import NONCE, Params
from idp.protocol.spec import GrantType, Phase, ResponseType, Spec
from idp.randomness import new_identifier
from idp.stores.records import Grant


def check_front_channel(request: AuthorizationRequest, _context: Context) -> None:
    """Refuse an ID Token without `openid` or without a nonce, which alone ties it to the browser that asked (OIDC Core
    §3.2.2.1, §3.3.2.11)."""
    if "id_token" not in request.response_type.split():
        return
    if "openid" not in request.scopes:
        raise InvalidScope("An ID Token needs the scope openid (OIDC Core section 3.1.2.1).")
    if request.params.get(NONCE) is None:
        raise InvalidRequest("nonce is missing (OIDC Core section 3.2.2.1).")


def respond_with(*parts: str) -> Callable[[Authorized, Context], Mapping[str, str]]:
    """Return what answers the response type of these parts; each later one may depend on those before."""

    def respond(authorized: Authorized, context: Context) -> Mapping[str, str]:
        members: dict[str, str] = {}
        protection = protection_of_id_token(authorized.request.client, context) if "id_token" in parts else None
        if "code" in parts:
            members |= context.registry.response_types["code"].respond(authorized, context)
        issuance = _issuance(authorized, members.get("code", ""), context)
        if "token" in parts or "code" not in parts:
            # A code makes its own grant when it is redeemed. Even a lone ID Token needs one: by its grants a session
            # knows which clients to tell when it ends.
            context.uow.grants.add(issuance.grant)
        if "token" in parts:
            access_token = sign_access_token(issuance, context.server, context.now)
            issuance = replace(issuance, access_token=access_token)
            members |= _token_members(issuance, context)
        if protection is not None:
            members["id_token"] = sign_id_token(issuance, protection, context.server, context.now) or ""
        return members

    return respond


def _token_members(issuance: Issuance, context: Context) -> Mapping[str, str]:
    """Return the members of RFC 6749 §4.2.2."""
    return {
        "access_token": issuance.access_token,
        "token_type": "Bearer",
        "expires_in": str(context.settings.lifetimes.access_token_seconds),
        "scope": " ".join(issuance.scopes),
    }


def _issuance(authorized: Authorized, code: str, context: Context) -> Issuance:
    request, session = authorized.request, authorized.session
    grant = Grant(
        grant_id=new_identifier(),
        client_id=request.client.client_id,
        account_id=session.account_id,
        session_id=session.session_id,
        scopes=request.scopes,
        resources=request.resources,
        authenticated_at=session.authenticated_at,
        acr=acr_to_tell(request.params, request.client, session.acr, context),
        amr=session.amr,
        offline=False,
        requested_claims=claims_to_remember(request.params),
        created_at=context.now,
        expires_at=session.expires_at,
    )
    return Issuance(
        client=request.client,
        account=authorized.account,
        subject=subject_of(context.uow, request.client, session.account_id),
        grant=grant,
        scopes=request.scopes,
        audience=request.resources or (context.settings.issuer,),
        carried=Params.stored(request.params.select(context.registry.carried)),
        code=code,
    )


def render_fragment(target: ResponseTarget, members: Mapping[str, str]) -> Response:
    """Redirect with the members in the fragment, which no server sees."""
    return Response(status=303, headers=(("location", with_fragment(target.redirect_uri, members)), *NO_STORE))


def _legacy(*parts: str) -> ResponseType:
    return ResponseType(respond=respond_with(*parts), default_mode="fragment", legacy=True)


SPEC = Spec(
    name="multiple_response_types",
    document="OAuth 2.0 Multiple Response Type Encoding Practices",
    requires=("oidc_core", "authorization_code", "profiles"),
    authorization_checks=((Phase.REQUEST, check_front_channel),),
    response_types={
        "id_token": _legacy("id_token"),
        "id_token token": _legacy("token", "id_token"),
        "code id_token": _legacy("code", "id_token"),
        "code token": _legacy("code", "token"),
        "code id_token token": _legacy("code", "token", "id_token"),
    },
    response_modes={"fragment": render_fragment},
    grant_types={"implicit": GrantType(redeem=None, legacy=True)},
)
