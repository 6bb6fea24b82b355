"""RFC 6749 §4.4: a confidential client acts for itself. No account, no ID Token, no refresh token."""

from idp.protocol.context import Context
from idp.protocol.errors import InvalidScope, UnauthorizedClient
from idp.protocol.issuance import Issuance
from idp.protocol.parameters import SCOPE, Params
from idp.protocol.spec import GrantType, Spec
from idp.randomness import new_identifier
from idp.stores.records import Client, Grant


def redeem_client_credentials(params: Params, client: Client, context: Context) -> Issuance:
    """Grant a client what it may have for itself. Nothing is stored: the token lives as long as the client does."""
    if client.value("token_endpoint_auth_method") == "none":
        raise UnauthorizedClient("A public client has no credentials of its own (RFC 6749 section 4.4).")
    scopes = _scopes(params, client, context)
    grant = Grant(
        grant_id=new_identifier(),
        client_id=client.client_id,
        account_id=None,
        session_id=None,
        scopes=scopes,
        resources=(),
        authenticated_at=None,
        acr=None,
        amr=(),
        offline=False,
        created_at=context.now,
        expires_at=context.now + context.settings.lifetimes.access_token_seconds,
    )
    return Issuance(
        client=client,
        account=None,
        subject=client.client_id,
        grant=grant,
        scopes=scopes,
        audience=(context.settings.issuer,),
    )


def _scopes(params: Params, client: Client, context: Context) -> tuple[str, ...]:
    """Return the scopes asked for; those that speak about an End-User are refused."""
    allowed = [s for s in client.metadata.get("scope", "").split() if s not in context.registry.scopes]
    asked = params.get(SCOPE)
    if asked is None:
        return tuple(allowed)
    if not set(asked) <= set(allowed):
        raise InvalidScope("A scope is not one that this client may have for itself (RFC 6749 section 4.4).")
    return asked


SPEC = Spec(
    name="client_credentials",
    document="RFC 6749 section 4.4",
    requires=("oauth2",),
    grant_types={"client_credentials": GrantType(redeem=redeem_client_credentials)},
)
