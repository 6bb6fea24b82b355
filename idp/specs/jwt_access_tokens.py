"""RFC 9068: access tokens are JWTs of type `at+jwt`, which a resource server verifies on its own."""

from collections.abc import Mapping
from typing import Any

from idp.languages import translatable as _
from idp.protocol.issuance import Issuance
from idp.protocol.spec import Scope, Spec


def access_token_claims(issuance: Issuance) -> Mapping[str, Any]:
    """Return the claims of RFC 9068 §2.2 beyond those that every token has.

    The authentication claims (§2.2.1) are there when an End-User stands behind the token, `roles` (§2.2.3.1) when the
    scope `roles` was granted; a role removed from the account is gone from the next token on."""
    grant = issuance.grant
    claims: dict[str, Any] = {"client_id": issuance.client.client_id, "scope": " ".join(issuance.scopes)}
    if issuance.account is None:
        return claims
    claims |= {
        "auth_time": grant.authenticated_at,
        "acr": grant.acr,
        "amr": list(grant.amr),
        "sid": grant.session_id,
    }
    if "roles" in issuance.scopes:
        claims["roles"] = list(issuance.account.roles)
    return claims


SPEC = Spec(
    name="jwt_access_tokens",
    document="RFC 9068",
    requires=("oauth2",),
    scopes={"roles": Scope(title=_("See your roles"), detail=_("What you are allowed to do."), everywhere=True)},
    access_token_claims=(access_token_claims,),
)
