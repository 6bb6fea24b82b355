"""RFC 6749, the authorization endpoint and the frame of the token endpoint.

Sections 3.1 (authorization endpoint), 3.1.2 (redirection endpoint, with RFC 8252 §7.3 for native clients), 3.2 (token
endpoint), 3.3 (scope), 4.1.2.1 (errors). The grant types are specifications of their own. Left out: the implicit and
password grants, which RFC 9700 §2.1.2 and §2.4 advise against.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.protocol.authorization import AuthorizationRequest, ResponseTarget, authorize, resume
from idp.protocol.context import Context
from idp.protocol.errors import (
    Expired,
    InvalidRequest,
    InvalidScope,
    UnauthorizedClient,
    UnknownApplication,
    UnregisteredUri,
    UnsupportedResponseType,
)
from idp.protocol.messages import NO_STORE, Answer, Request, Response, with_query
from idp.protocol.parameters import (
    CLIENT_ID,
    CLIENT_SECRET,
    GRANT_TYPE,
    REDIRECT_URI,
    RESPONSE_MODE,
    RESPONSE_TYPE,
    SCOPE,
    STATE,
    each_once,
)
from idp.protocol.profiles import admits_legacy
from idp.protocol.registry import Registry
from idp.protocol.spec import Cors, Endpoint, ErrorStyle, Phase, Spec
from idp.protocol.token import exchange
from idp.settings import Settings
from idp.stores.records import Client

# No client has a use for more; a request with thousands is an attack on whoever splits them (R18).
MOST_SCOPES = 100
LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(/.*)?", re.DOTALL)


def find_client(request: AuthorizationRequest, context: Context) -> AuthorizationRequest:
    """Find the client. One text for unknown and disabled, so that neither is told apart (R11)."""
    client = context.uow.clients.find(request.params.require(CLIENT_ID))
    if client is None or not client.enabled:
        raise UnknownApplication("The client_id is not that of an application known here.")
    return replace(request, known_client=client)


def check_redirect_uri(request: AuthorizationRequest, context: Context) -> AuthorizationRequest:
    """Accept only a registered redirect URI, compared as an exact string (RFC 9700 §2.1); never parse it, so that no
    parser's reading can be tricked. Sets the target that later refusals are redirected to."""
    asked = request.params.require(REDIRECT_URI)
    registered = request.client.values("redirect_uris")
    if not any(is_redirect_uri(asked, uri, request.client) for uri in registered):
        raise UnregisteredUri(
            "The redirect_uri is not one that the client registered.",
            hint="It must equal a registered one character by character (RFC 9700 section 2.1).",
            facts=(("Sent redirect_uri", asked), *(("Registered redirect_uri", uri) for uri in registered)),
        )
    target = ResponseTarget(redirect_uri=asked, mode=_error_mode(request, context), state=request.params.get(STATE))
    return replace(request, target=target)


def _error_mode(request: AuthorizationRequest, context: Context) -> str:
    """Return where refusals go while response type and mode are not judged yet: where the client looks for the
    response, as far as it can be told (OAuth Multiple Response Types §2.1, §5)."""
    words = set((request.params.get(RESPONSE_TYPE) or "").split(" "))
    has_tokens = bool(words & {"token", "id_token"}) and admits_legacy(request.client, context.settings)
    fits = "fragment" if has_tokens else "query"
    mode = request.params.get(RESPONSE_MODE) or fits
    return mode if mode in context.registry.response_modes and (mode != "query" or not has_tokens) else fits


def is_redirect_uri(asked: str, registered: str, client: Client) -> bool:
    """Tell whether `asked` is `registered`; for native clients on a loopback address the port may differ, and only
    the port (RFC 8252 §7.3)."""
    if asked == registered:
        return True
    if client.value("application_type") != "native":
        return False
    one, other = LOOPBACK.fullmatch(asked), LOOPBACK.fullmatch(registered)
    return bool(one and other and one.groups() == other.groups())


def check_response_type(request: AuthorizationRequest, context: Context) -> AuthorizationRequest:
    """Accept a response type that is supported and that the client registered; the order of its words is of no
    meaning (OAuth Multiple Response Types §3)."""
    asked = canonical(request.params.require(RESPONSE_TYPE))
    known = context.registry.response_types.get(asked)
    if known is None or (known.legacy and not admits_legacy(request.client, context.settings)):
        raise UnsupportedResponseType(
            "This response_type is not supported.", hint="Use response_type=code with PKCE (RFC 9700 section 2.1.2)."
        )
    if asked not in {canonical(words) for words in request.client.values("response_types")}:
        raise UnauthorizedClient("The client is not registered for this response_type.")
    return replace(request, response_type=asked)


def canonical(response_type: str) -> str:
    """Return the response type with its words in alphabetical order; what is no plain list of words stays as it is,
    and so is none that exists."""
    return " ".join(sorted(response_type.split(" ")))


def check_response_mode(request: AuthorizationRequest, context: Context) -> AuthorizationRequest | None:
    """Use the response mode asked for, or refuse: never silently another (OAuth Multiple Response Types §2.1)."""
    default = context.registry.response_types[request.response_type].default_mode
    mode = request.params.get(RESPONSE_MODE) or default
    if mode not in context.registry.response_modes:
        raise InvalidRequest("This response_mode is not supported; response_modes_supported in discovery lists them.")
    if mode == "query" and default == "fragment":
        # Servers log queries (Multiple Response Types §3.0, §5).
        raise InvalidRequest("response_mode=query is not allowed for a response_type with tokens.")
    return replace(request, target=replace(request.target, mode=mode)) if request.target else None


def check_scope(request: AuthorizationRequest, _context: Context) -> AuthorizationRequest:
    """Keep the scopes that exist and that the client may have; others are ignored (OIDC Core §3.1.2.1), and the token
    response says what was given (RFC 6749 §3.3)."""
    asked = request.params.get(SCOPE) or ()
    if len(asked) > MOST_SCOPES:
        raise InvalidScope(f"More than {MOST_SCOPES} scopes were asked for.")
    allowed = request.client.metadata.get("scope", "").split()
    scopes = tuple(scope for scope in asked if scope in allowed)
    if not scopes:
        raise InvalidScope("None of the scopes asked for is one that the client may have.")
    return replace(request, scopes=scopes)


def handle_authorization(request: Request, context: Context) -> Answer:
    """Answer the authorization endpoint (RFC 6749 §3.1)."""
    return authorize(request, context)


def handle_continue(request: Request, context: Context) -> Answer:
    """Go on with the stored request that `flow` names."""
    handle = each_once(request.query).get("flow", "")
    if not handle:
        raise Expired("This page does not exist any more.")
    return resume(handle, context)


def render_query(target: ResponseTarget, members: Mapping[str, str]) -> Response:
    """Redirect with the members in the query (RFC 6749 §4.1.2); the Location is sent exactly as composed."""
    return Response(status=303, headers=(("location", with_query(target.redirect_uri, members)), *NO_STORE))


def server_metadata(registry: Registry, settings: Settings) -> Mapping[str, Any]:
    """Return what RFC 8414 §2 says of the registered parts; the older ones are told where every client may use them."""
    legacy = settings.profile == "oidc_legacy"
    return {
        "response_types_supported": sorted(n for n, r in registry.response_types.items() if legacy or not r.legacy),
        "response_modes_supported": sorted(registry.response_modes),
        "grant_types_supported": sorted(n for n, g in registry.grant_types.items() if legacy or not g.legacy),
        "token_endpoint_auth_methods_supported": sorted(registry.client_authentication),
        "scopes_supported": sorted(registry.scopes),
    }


SPEC = Spec(
    name="oauth2",
    document="RFC 6749",
    parameters=(CLIENT_ID, REDIRECT_URI, RESPONSE_TYPE, RESPONSE_MODE, SCOPE, STATE),
    token_parameters=(CLIENT_ID, CLIENT_SECRET, GRANT_TYPE, REDIRECT_URI, SCOPE),
    authorization_checks=(
        (Phase.CLIENT, find_client),
        (Phase.REDIRECT, check_redirect_uri),
        (Phase.REQUEST, check_response_type),
        (Phase.REQUEST, check_response_mode),
        (Phase.REQUEST, check_scope),
    ),
    response_modes={"query": render_query},
    endpoints=(
        Endpoint(
            path="/oauth2/token",
            methods=("POST",),
            handle=exchange,
            metadata="token_endpoint",
            cors=Cors.CLIENTS,
        ),
        Endpoint(
            path="/oauth2/authorize",
            methods=("GET", "POST"),
            handle=handle_authorization,
            metadata="authorization_endpoint",
            errors=ErrorStyle.PAGE,
        ),
        Endpoint(
            path="/oauth2/authorize/continue",
            methods=("GET",),
            handle=handle_continue,
            errors=ErrorStyle.PAGE,
        ),
    ),
    server_metadata=server_metadata,
)
