"""Client authentication (RFC 6749 §2.3): find the one method that a request uses, and verify it."""

from idp.protocol.context import Context
from idp.protocol.errors import InvalidClient, InvalidRequest, TooManyRequests
from idp.protocol.messages import Request
from idp.protocol.parameters import Params
from idp.stores.records import Client


def authenticate_client(request: Request, params: Params, context: Context) -> Client:
    """Return the client that sent the request.

    Raises `InvalidRequest` when two methods are used at once (RFC 6749 §2.3), `InvalidClient` when none is, when the
    one used fails, or when the client registered another; `TooManyRequests` after too many failures from one address.
    """
    methods = context.registry.client_authentication
    used = [name for name, method in methods.items() if method.presented(request, params)]
    # A request that proves itself may name its client as well: `none` is only what is left (OIDC Core §9).
    used = [name for name in used if name != "none"] or used
    if len(used) > 1 or len(request.authorization) > 1:
        raise InvalidRequest("Use one client authentication method only (RFC 6749 section 2.3).")
    try:
        if not used:
            raise InvalidClient("no client authentication method used")
        client = methods[used[0]].verify(request, params, context)
        if not client.enabled:
            raise InvalidClient("client disabled")
    except InvalidClient as error:
        _count_failure(request, context, error)
        raise
    return client


def check_registered_method(client: Client | None, method: str) -> Client:
    """Return the client if `method` is the one it registered; raises `InvalidClient` otherwise (R16)."""
    if client is None:
        raise InvalidClient("unknown client")
    if client.value("token_endpoint_auth_method") != method:
        raise InvalidClient(f"client {client.client_id} registered another method than {method}")
    return client


def _count_failure(request: Request, context: Context, error: InvalidClient) -> None:
    context.audit("client.authentication_failed", result="invalid_client", reason=error.detail)
    paused = context.server.throttle.count_client_failure(context.uow, request.address, context.now)
    if paused is not None:
        raise TooManyRequests(
            "Too many failed client authentications from this address.", retry_after_seconds=paused
        ) from error
