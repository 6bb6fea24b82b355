"""RFC 7662: a resource server or the owning client asks whether a token still counts.

Only confidential clients may ask, and only about tokens issued to them or meant for a resource that they serve; about
any other token the answer is `{"active": false}` and nothing more (§2.2, §4).
"""

from collections.abc import Mapping
from typing import Any

from idp.accounts.grants import grant_is_live
from idp.accounts.subjects import subject_of
from idp.protocol.access_tokens import Access, find_access
from idp.protocol.client_authentication import authenticate_client
from idp.protocol.context import Context
from idp.protocol.errors import InvalidClient
from idp.protocol.messages import Answer, Request, json_response
from idp.protocol.parameters import TOKEN, TOKEN_TYPE_HINT
from idp.protocol.registry import Registry
from idp.protocol.spec import Endpoint, Spec
from idp.protocol.token import read_form
from idp.randomness import digest
from idp.settings import Settings
from idp.stores.records import Client

SHOWN = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "roles", "auth_time", "acr", "amr", "sid")


def handle_introspection(request: Request, context: Context) -> Answer:
    """Answer for a live token with its claims (RFC 7662 §2.2), otherwise with `active: false`."""
    params = read_form(request, context)
    client = authenticate_client(request, params, context)
    if client.value("token_endpoint_auth_method") == "none":
        raise InvalidClient("a public client cannot introspect")
    token = params.require(TOKEN)
    access = find_access(token, context)
    if access is not None and _may_see(client, access, context):
        return json_response(_describe(access))
    return json_response(_describe_refresh_token(token, client, context))


def _may_see(client: Client, access: Access, context: Context) -> bool:
    if access.client.client_id == client.client_id:
        return True
    resources = (context.uow.resources.find(identifier) for identifier in access.audience)
    return any(resource is not None and resource.client_id == client.client_id for resource in resources)


def _describe(access: Access) -> dict[str, Any]:
    members: dict[str, Any] = {"active": True, "token_type": "Bearer"}
    members |= {name: access.claims[name] for name in SHOWN if name in access.claims}
    if access.account is not None:
        members["username"] = access.account.username
    return members


def _describe_refresh_token(token: str, client: Client, context: Context) -> dict[str, Any]:
    """Describe a refresh token to its own client only; a resource server has no business with one."""
    found = context.uow.refresh_tokens.find_standing(digest(token))
    if found is None or found[1].grant.client_id != client.client_id:
        return {"active": False}
    refresh_token, standing = found
    spent = refresh_token.consumed_at is not None or refresh_token.expires_at <= context.now
    if spent or not grant_is_live(standing, context.now):
        return {"active": False}
    grant = standing.grant
    return {
        "active": True,
        "iss": context.settings.issuer,
        "sub": subject_of(context.uow, client, grant.account_id) if grant.account_id else client.client_id,
        "client_id": grant.client_id,
        "scope": " ".join(grant.scopes),
        "iat": refresh_token.created_at,
        "exp": refresh_token.expires_at,
    }


def server_metadata(registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the member of RFC 8414 §2; `none` is left out, for a public client cannot introspect."""
    methods = sorted(set(registry.client_authentication) - {"none"})
    return {"introspection_endpoint_auth_methods_supported": methods}


SPEC = Spec(
    name="introspection",
    document="RFC 7662",
    requires=("oauth2",),
    token_parameters=(TOKEN, TOKEN_TYPE_HINT),
    endpoints=(
        Endpoint(
            path="/oauth2/introspect",
            methods=("POST",),
            handle=handle_introspection,
            # Writing is for clients that fail to prove themselves, or do so by an assertion, which counts once.
            reads_first=True,
            metadata="introspection_endpoint",
        ),
    ),
    server_metadata=server_metadata,
)
