"""OIDC Core §5.5: the `claims` parameter, by which a client asks for single claims, in UserInfo or in the ID Token.

No claim is given that the client may not have by its scopes, and the consent page names the scope it belongs to.
Voluntary and essential claims are treated alike: what the account has is given. Only `acr` and `sub` may refuse
(§5.5.1.1, §5.5.1): they say who must be here, and how well they must have signed in.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.accounts.claims import SCOPE_CLAIMS, select_claims, split_name
from idp.accounts.subjects import account_id_of
from idp.authentication.policy import acr_values_supported
from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.claims_request import CLAIMS, ClaimsRequest, remembered_locales, scopes_of_claims
from idp.protocol.context import Context
from idp.protocol.errors import UnmetAuthenticationRequirements
from idp.protocol.issuance import Issuance
from idp.protocol.parameters import Params
from idp.protocol.registry import Registry
from idp.protocol.spec import AcrWish, Disclosure, Phase, Spec
from idp.settings import Settings
from idp.stores.records import Account, Client, Grant


def check_claims(request: AuthorizationRequest, context: Context) -> AuthorizationRequest | None:
    """Note what is asked for beyond the scopes, so that the End-User is asked too."""
    asked = request.params.get(CLAIMS)
    if asked is None:
        return None
    _check_acr(asked)
    subjects = _values(asked.get("id_token", {}).get("sub"))
    allowed = request.client.metadata.get("scope", "").split()
    disclosed = tuple(s for s in scopes_of_claims(asked) if s in allowed and s not in request.scopes)
    hinted = account_id_of(context.uow, request.client, subjects[0]) if subjects else None
    return replace(request, disclosed=disclosed, hinted_account_id=hinted or request.hinted_account_id)


def _check_acr(asked: ClaimsRequest) -> None:
    wish = asked.get("id_token", {}).get("acr")
    wanted = _values(wish)
    if wish and wish.get("essential") is True and wanted and not set(wanted) & set(acr_values_supported()):
        raise UnmetAuthenticationRequirements(
            "None of the acr values that the claims parameter calls essential can be met (OIDC Core section 5.5.1.1)."
        )


def wished_acr(params: Params, _client: Client) -> AcrWish | None:
    """Return which `acr` is asked for in the ID Token (§5.5.1.1)."""
    wish = (params.get(CLAIMS) or {}).get("id_token", {}).get("acr")
    values = _values(wish)
    return AcrWish(values=values, essential=wish.get("essential") is True) if wish and values else None


def _values(wish: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the texts of `value` or `values` (§5.5.1)."""
    if not wish:
        return ()
    values = wish.get("values")
    listed = values if isinstance(values, list) else [wish.get("value")]
    return tuple(value for value in listed if isinstance(value, str))


def _given(place: str, grant: Grant, account: Account, client: Client) -> Mapping[str, Any]:
    asked = grant.requested_claims.get(place)
    if not asked:
        return {}
    allowed = client.metadata.get("scope", "").split()
    free = {name for scope, claims in SCOPE_CLAIMS.items() if scope in allowed for name in claims}
    names = [name for name in asked if split_name(name)[0] in free]
    given = select_claims(account.claims, names, remembered_locales(grant))
    return given | {"roles": list(account.roles)} if "roles" in asked and "roles" in allowed else given


def userinfo_claims(disclosure: Disclosure) -> Mapping[str, Any]:
    """Return what was asked for under `userinfo`."""
    return _given("userinfo", disclosure.grant, disclosure.account, disclosure.client)


def id_token_claims(issuance: Issuance) -> Mapping[str, Any]:
    """Return what was asked for under `id_token`; nothing where no ID Token is made."""
    if issuance.account is None or "openid" not in issuance.grant.scopes:
        return {}
    return _given("id_token", issuance.grant, issuance.account, issuance.client)


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the member of OIDC Discovery §3."""
    return {"claims_parameter_supported": True}


SPEC = Spec(
    name="claims_parameter",
    document="OIDC Core 1.0 section 5.5",
    requires=("oidc_core", "userinfo"),
    parameters=(CLAIMS,),
    authorization_checks=((Phase.POLICY, check_claims),),
    acr_wishes=(wished_acr,),
    userinfo_claims=(userinfo_claims,),
    id_token_claims=(id_token_claims,),
    server_metadata=server_metadata,
)
