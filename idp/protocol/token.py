"""The token request (RFC 6749 §3.2): authenticate the client, redeem its grant type, check, issue."""

from idp.protocol.client_authentication import authenticate_client
from idp.protocol.context import Context
from idp.protocol.errors import InvalidRequest, UnauthorizedClient, UnsupportedGrantType
from idp.protocol.issuance import issue
from idp.protocol.messages import Answer, Request
from idp.protocol.parameters import GRANT_TYPE, Params


def exchange(request: Request, context: Context) -> Answer:
    """Answer the token endpoint. Parameters are read from the form alone, never from the query (RFC 6749 §3.2)."""
    params = read_form(request, context)
    client = authenticate_client(request, params, context)
    grant_type = context.registry.grant_types.get(params.require(GRANT_TYPE))
    if grant_type is None or grant_type.redeem is None:
        raise UnsupportedGrantType("This grant_type is not supported; grant_types_supported in discovery lists them.")
    if params.require(GRANT_TYPE) not in client.values("grant_types"):
        raise UnauthorizedClient("The client is not registered for this grant_type.")
    issuance = grant_type.redeem(params, client, context)
    for check in context.registry.token_checks:
        issuance = check(issuance, params, context)
    return issue(issuance, context)


def read_form(request: Request, context: Context) -> Params:
    """Return the parameters of a form that a client posts.

    Raises `InvalidRequest` when the body is no form, or when a known parameter stands in the query: secrets and tokens
    there would end up in logs (R19)."""
    known = context.registry.token_parameters
    if any(name in known for name, _ in request.query):
        raise InvalidRequest("Send parameters in the body only, not in the query (RFC 6749 section 3.2).")
    if request.form is None:
        raise InvalidRequest("Send the parameters as application/x-www-form-urlencoded.")
    return Params.read(request.form, known)
