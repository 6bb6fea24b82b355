"""OIDC Registration 1.0, RFC 7591 and RFC 7592: clients that register themselves, and manage what they registered.

The setting `registration` says who may: nobody, who brings an initial access token, anyone. Management goes on whatever
it says, for those who registered before. What such a client may be is in `idp.protocol.self_registration`. Left out:
software statements, which are ignored (RFC 7591 §2.3), for no issuer of them is trusted; members in other languages.
"""

from collections.abc import Callable, Mapping
from typing import Any

from idp.accounts.clients import (
    create_client,
    registration_token_matches,
    remove_client,
    replace_metadata,
    secret_matches,
)
from idp.accounts.invitations import consume_invitation, find_invitation
from idp.accounts.registration_answers import find_answer, keep_answer
from idp.protocol.bearer import read_bearer_token
from idp.protocol.context import Context
from idp.protocol.errors import InvalidClientMetadata, InvalidToken, TooManyRequests
from idp.protocol.messages import NO_STORE, Answer, Request, Response, json_response
from idp.protocol.registry import Registry
from idp.protocol.self_registration import check_registration, client_information, parse_metadata
from idp.protocol.spec import Endpoint, ErrorStyle, Spec
from idp.randomness import new_handle, new_identifier
from idp.settings import Settings
from idp.stores.records import Client

PATH = "/oauth2/register"
# When a full server may have room again cannot be known; an hour keeps the asking quiet.
FULL_SECONDS = 3_600
# RFC 7592 §2.2: these must not be sent back.
READ_ONLY = frozenset(
    {"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}
)
# What an End-User saw when they consented, beside where the response goes.
SHOWN = ("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri")


def handle_registration(request: Request, context: Context) -> Answer:
    """Register a client (RFC 7591 §3).

    All is checked before anything is written: a refusal leaves an initial access token as it was. Raises
    `InvalidToken`, `TooManyRequests`, `InvalidRedirectUri`, `InvalidClientMetadata`."""
    if context.settings.registration == "off":
        raise InvalidToken("Dynamic client registration is off.", hint="Ask the operator of this server.")
    _check_limits(request, context)
    token = read_bearer_token(request) if context.settings.registration == "token" else None
    invitation_id = find_invitation(context.uow, token, context.now) if token else None
    if token and invitation_id is None:
        raise _refused_invitation(context)
    metadata = check_registration(parse_metadata(request), context)
    if token and not consume_invitation(context.uow, token, context.now):
        raise _refused_invitation(context)
    registration_token = new_handle()
    client, secret = create_client(
        context.uow,
        client_id=new_identifier(),
        metadata=metadata,
        vault=context.server.vault,
        registration_token=registration_token,
        now=context.now,
    )
    invited = {"invitation_id": invitation_id} if invitation_id else {}
    context.audit("client.registered", client_id=client.client_id, **invited)
    return _information(client, registration_token, secret, context, status=201)


def handle_management(request: Request, context: Context) -> Answer:
    """Read, replace or remove a registration (RFC 7592 §2) by the registration access token of that client.

    Raises `InvalidToken`, with one text for a client that is unknown, disabled, or another's (R11)."""
    token = read_bearer_token(request)
    # Held: of two requests with one registration access token the second finds it replaced, and what replaced it.
    client = context.uow.clients.hold(request.path.rpartition("/")[2])
    known = registration_token_matches(client, token)
    if client is not None and client.enabled and not known and request.method == "PUT":
        answered = _answer_again(client, token, request, context)
        if answered is not None:
            return answered
    if client is None or not known or not client.enabled:
        raise _refused_manager("client disabled" if known else "registration access token", request, context)
    return MANAGEMENT[request.method](client, token, request, context)


def _read(client: Client, token: str, _request: Request, context: Context) -> Answer:
    return _information(client, token, None, context)


def _replace(client: Client, token: str, request: Request, context: Context) -> Answer:
    """Replace all metadata (RFC 7592 §2.2): a member that is not sent has its default again. The registration access
    token is another one from then on; the one before gets the same change answered alike for a minute."""
    sent = parse_metadata(request)
    _check_identity(sent, client, context.now)
    metadata = check_registration(sent, context)
    registration_token = new_handle()
    changed, secret = replace_metadata(
        context.uow,
        client,
        metadata,
        registration_token=registration_token,
        vault=context.server.vault,
        now=context.now,
    )
    if _appearance(changed) != _appearance(client):
        # It is another client to whoever consented to the one before (R23).
        context.uow.consents.remove_of_client(client.client_id)
    answer = (registration_token, secret)
    keep_answer(context.uow, context.server.vault, token, sent, answer=answer, now=context.now)
    context.audit("client.changed", client_id=client.client_id)
    return _information(changed, registration_token, secret, context)


def _answer_again(client: Client, token: str, request: Request, context: Context) -> Answer | None:
    """Return the answer that was lost; None unless it still tells what is so."""
    try:
        sent = parse_metadata(request)
    except InvalidClientMetadata:
        # What is wrong with it nobody is told whose token does not count (R11).
        return None
    found = find_answer(context.uow, context.server.vault, token, sent, context.now) if token else None
    if found is None or not registration_token_matches(client, found[0]):
        return None
    return _information(client, found[0], found[1], context)


def _appearance(client: Client) -> tuple[object, ...]:
    return (client.values("redirect_uris"), *(client.value(name) for name in SHOWN))


def _remove(client: Client, _token: str, _request: Request, context: Context) -> Answer:
    """Forget the client (RFC 7592 §2.3): its codes and tokens are dead from then on."""
    remove_client(context.uow, client, context.now)
    context.audit("client.removed", client_id=client.client_id)
    return Response(status=204, headers=NO_STORE)


MANAGEMENT: Mapping[str, Callable[[Client, str, Request, Context], Answer]] = {
    "GET": _read,
    "PUT": _replace,
    "DELETE": _remove,
}


def _check_limits(request: Request, context: Context) -> None:
    """Count the try, and refuse it when there were too many from its address, or when the server is full (R18)."""
    paused = context.server.throttle.count_registration(context.uow, request.address, context.now)
    if paused is not None:
        raise TooManyRequests("Too many registrations from this address.", retry_after_seconds=paused)
    if context.uow.clients.count_registered() >= context.settings.most_registered_clients:
        raise TooManyRequests("This server has no room for more clients.", retry_after_seconds=FULL_SECONDS)


def _check_identity(sent: Mapping[str, Any], client: Client, now: int) -> None:
    """Refuse to change what the server alone decides (RFC 7592 §2.2, R9)."""
    if not READ_ONLY.isdisjoint(sent):
        raise InvalidClientMetadata(f"These members must not be sent: {', '.join(sorted(READ_ONLY))}.")
    if sent.get("client_id", client.client_id) != client.client_id:
        raise InvalidClientMetadata("client_id is not that of this client.")
    secret = sent.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and secret_matches(client, secret, now)):
        raise InvalidClientMetadata("client_secret is not that of this client; a secret cannot be chosen.")


def _refused_invitation(context: Context) -> InvalidToken:
    context.audit("client.registration_refused", result="invalid_token", reason="initial access token")
    return InvalidToken("The initial access token is unknown, expired, or was used.")


def _refused_manager(reason: str, request: Request, context: Context) -> InvalidToken | TooManyRequests:
    context.audit("client.registration_refused", result="invalid_token", reason=reason)
    paused = context.server.throttle.count_client_failure(context.uow, request.address, context.now)
    if paused is not None:
        return TooManyRequests("Too many refused tokens from this address.", retry_after_seconds=paused)
    return InvalidToken("The registration access token does not count here.")


def _information(client: Client, token: str, secret: str | None, context: Context, *, status: int = 200) -> Response:
    uri = context.server.url(f"{PATH}/{client.client_id}")
    return json_response(client_information(client, uri, token=token, secret=secret), status=status)


def server_metadata(_registry: Registry, settings: Settings) -> Mapping[str, Any]:
    """Return the member of OIDC Discovery §3, where there is something at its address."""
    return {} if settings.registration == "off" else {"registration_endpoint": settings.issuer + PATH}


SPEC = Spec(
    name="registration",
    document="OIDC Registration 1.0, RFC 7591, RFC 7592",
    requires=("client_metadata", "profiles"),
    endpoints=(
        Endpoint(path=PATH, methods=("POST",), handle=handle_registration, errors=ErrorStyle.BEARER),
        Endpoint(
            path=f"{PATH}/{{client_id}}",
            methods=("GET", "PUT", "DELETE"),
            handle=handle_management,
            errors=ErrorStyle.BEARER,
        ),
    ),
    server_metadata=server_metadata,
)
