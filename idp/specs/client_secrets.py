"""RFC 6749 §2.3.1 and OIDC Core §9: client authentication by `client_secret_basic`, `client_secret_post` and `none`.

A public client that sends HTTP Basic with an empty password is accepted as `none`: some native clients do so.
"""

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

from idp.accounts.clients import secret_matches
from idp.protocol.client_authentication import check_registered_method
from idp.protocol.context import Context
from idp.protocol.errors import InvalidClient
from idp.protocol.messages import Request
from idp.protocol.parameters import CLIENT_ID, CLIENT_SECRET, Params
from idp.protocol.spec import ClientAuthentication, ClientDraft, ClientMember, Spec
from idp.stores.records import Client


def is_basic(request: Request, _params: Params) -> bool:
    """Tell whether the request carries HTTP Basic credentials."""
    return any(header[:6].lower() == "basic " for header in request.authorization)


def is_post(_request: Request, params: Params) -> bool:
    """Tell whether the request carries a secret in its body."""
    return params.get(CLIENT_SECRET) is not None


def is_none(request: Request, params: Params) -> bool:
    """Tell whether the request names its client without any Authorization."""
    return not request.authorization and params.get(CLIENT_ID) is not None


def verify_basic(request: Request, params: Params, context: Context) -> Client:
    """Verify HTTP Basic: both parts are form-urlencoded before they are joined (RFC 6749 §2.3.1)."""
    client_id, secret = parse_basic(request.authorization[0])
    if params.get(CLIENT_ID) not in (None, client_id):
        raise InvalidClient("client_id in the body differs from the one in Authorization")
    client = context.uow.clients.find(client_id)
    if client is not None and not secret and client.value("token_endpoint_auth_method") == "none":
        return client
    return _verify_secret(client, secret, "client_secret_basic", context)


def parse_basic(header: str) -> tuple[str, str]:
    """Return client_id and secret of a Basic header; raises `InvalidClient` when it is malformed."""
    try:
        decoded = base64.b64decode(header[6:].strip(), validate=True).decode()
        client_id, _, secret = decoded.partition(":")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient("malformed Basic credentials") from error


def verify_post(_request: Request, params: Params, context: Context) -> Client:
    """Verify client_id and client_secret of the body."""
    client = context.uow.clients.find(params.get(CLIENT_ID) or "")
    return _verify_secret(client, params.require(CLIENT_SECRET), "client_secret_post", context)


def verify_none(_request: Request, params: Params, context: Context) -> Client:
    """Accept a public client by its name; PKCE and the redirect URI are what binds its requests."""
    return check_registered_method(context.uow.clients.find(params.require(CLIENT_ID)), "none")


def _verify_secret(client: Client | None, secret: str, method: str, context: Context) -> Client:
    """The secret is compared even for an unknown client: the same work for every refusal (R11)."""
    matches = secret_matches(client, secret, context.now)
    registered = check_registered_method(client, method)
    if not matches:
        raise InvalidClient(f"wrong secret for client {registered.client_id}")
    return registered


def _check_method(value: Any, _draft: ClientDraft) -> str:
    return str(value)


SPEC = Spec(
    name="client_secrets",
    document="RFC 6749 section 2.3.1",
    requires=("oauth2",),
    client_authentication={
        "client_secret_basic": ClientAuthentication(presented=is_basic, verify=verify_basic),
        "client_secret_post": ClientAuthentication(presented=is_post, verify=verify_post),
        "none": ClientAuthentication(presented=is_none, verify=verify_none),
    },
    client_metadata={
        "token_endpoint_auth_method": ClientMember(check=_check_method, default="client_secret_basic"),
    },
)
