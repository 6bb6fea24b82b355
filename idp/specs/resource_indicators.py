"""RFC 8707: `resource` says for whom an access token is meant, and becomes its `aud`.

The issuer itself is the resource of UserInfo; every other resource is registered with its scopes. Without `resource` a
token is for the issuer. A token for one resource carries only the scopes that this resource knows, so what one
resource server receives is of no use at another.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.context import Context
from idp.protocol.errors import InvalidTarget
from idp.protocol.issuance import Issuance
from idp.protocol.parameters import Parameter, Params
from idp.protocol.spec import Phase, Spec
from idp.stores.records import Client

MOST_RESOURCES = 10


def parse_resource(text: str) -> str:
    """Parse a resource indicator: an absolute URI without a fragment (RFC 8707 §2)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not (parts.netloc or parts.path) or "#" in text:
        raise InvalidTarget("resource must be an absolute URI without a fragment (RFC 8707 section 2).")
    return text


RESOURCE = Parameter(name="resource", parse=parse_resource, many=True)


def check_resource(request: AuthorizationRequest, context: Context) -> AuthorizationRequest:
    """Accept resources that are known and of which the client may have some scope; they are what the grant covers."""
    resources = request.params.all(RESOURCE)
    _check_allowed(resources, request.client, context)
    return replace(request, resources=resources)


def narrow(issuance: Issuance, params: Params, context: Context) -> Issuance:
    """Choose the audience among the granted resources (RFC 8707 §2.2) and leave only the scopes that it knows."""
    asked = params.all(RESOURCE)
    if issuance.account is None:
        _check_allowed(asked, issuance.client, context)
    elif not set(asked) <= set(issuance.audience):
        raise InvalidTarget("The resource was not granted; ask for it in the authorization request.")
    audience = asked or issuance.audience
    scopes = _known_scopes(issuance.scopes, audience, context)
    if audience == issuance.audience and scopes == issuance.scopes:
        return issuance
    return replace(issuance, audience=audience, scopes=scopes)


def _check_allowed(resources: tuple[str, ...], client: Client, context: Context) -> None:
    if len(resources) > MOST_RESOURCES:
        raise InvalidTarget(f"More than {MOST_RESOURCES} resources were asked for.")
    allowed = set(client.metadata.get("scope", "").split())
    for identifier in resources:
        if identifier == context.settings.issuer:
            continue
        resource = context.uow.resources.find(identifier)
        if resource is None or not allowed & set(resource.scopes):
            raise InvalidTarget("The resource is unknown, or not one that the client may use.")


def _known_scopes(scopes: tuple[str, ...], audience: tuple[str, ...], context: Context) -> tuple[str, ...]:
    """Return the scopes that have a meaning at some resource of the audience: one of its own, or one of ours that goes
    everywhere. The issuer knows all of ours, and those that no resource claims."""
    ours = context.registry.scopes
    is_issuer = context.settings.issuer in audience
    theirs = _scopes_by_resource(context) if any(scope not in ours for scope in scopes) else {}

    def is_known(scope: str) -> bool:
        if scope in ours:
            return is_issuer or ours[scope].everywhere
        claimed = any(scope in theirs.get(identifier, ()) for identifier in audience)
        return claimed or (is_issuer and not any(scope in claims for claims in theirs.values()))

    return tuple(scope for scope in scopes if is_known(scope))


def _scopes_by_resource(context: Context) -> Mapping[str, frozenset[str]]:
    return {resource.identifier: frozenset(resource.scopes) for resource in context.uow.resources.list()}


SPEC = Spec(
    name="resource_indicators",
    document="RFC 8707",
    requires=("oauth2",),
    parameters=(RESOURCE,),
    token_parameters=(RESOURCE,),
    authorization_checks=((Phase.REQUEST, check_resource),),
    token_checks=(narrow,),
)
