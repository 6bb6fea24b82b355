"""RFC 7009: a client gives back a token. A refresh token ends its grant and all that came from it; an access token
ends alone."""

from collections.abc import Mapping
from typing import Any

from idp.protocol.access_tokens import find_access, revoke_access_token
from idp.protocol.client_authentication import authenticate_client
from idp.protocol.context import Context
from idp.protocol.messages import NO_STORE, Answer, Request, Response
from idp.protocol.parameters import TOKEN, TOKEN_TYPE_HINT
from idp.protocol.registry import Registry
from idp.protocol.spec import Cors, Endpoint, Spec
from idp.protocol.token import read_form
from idp.randomness import digest
from idp.settings import Settings
from idp.stores.records import Client


def handle_revocation(request: Request, context: Context) -> Answer:
    """Revoke a token of the client that asks. The answer is 200 for any other token too, so it tells nothing of
    tokens that belong to others (RFC 7009 §2.2)."""
    params = read_form(request, context)
    client = authenticate_client(request, params, context)
    token = params.require(TOKEN)
    if not _revoke_refresh_token(token, client, context):
        access = find_access(token, context)
        if access is not None and access.client.client_id == client.client_id:
            revoke_access_token(access, context)
    return Response(headers=NO_STORE)


def _revoke_refresh_token(token: str, client: Client, context: Context) -> bool:
    found = context.uow.refresh_tokens.find(digest(token))
    if found is None:
        return False
    grant = context.uow.grants.find(found.grant_id)
    if grant is not None and grant.client_id == client.client_id:
        context.uow.grants.revoke(grant.grant_id, context.now)
        context.audit("grant.revoked", client_id=client.client_id, account_id=grant.account_id)
    return True


def server_metadata(registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the member of RFC 8414 §2."""
    return {"revocation_endpoint_auth_methods_supported": sorted(registry.client_authentication)}


SPEC = Spec(
    name="revocation",
    document="RFC 7009",
    requires=("oauth2",),
    token_parameters=(TOKEN, TOKEN_TYPE_HINT),
    endpoints=(
        Endpoint(
            path="/oauth2/revoke",
            methods=("POST",),
            handle=handle_revocation,
            metadata="revocation_endpoint",
            cors=Cors.CLIENTS,
        ),
    ),
    server_metadata=server_metadata,
)
