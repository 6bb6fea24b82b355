"""RFC 9101 and OIDC Core §6: authorization requests as JWTs, by value (`request`) and by reference (`request_uri`).

What the two documents disagree about is decided by the client. Under the profile `strict`, and for who registered
`require_signed_request_object`, only what is in the object counts (RFC 9101 §5). Under `oidc_legacy` a request that has
a `response_type` beside the object is one of OIDC Core: what the object lacks is taken from outside (§6.1).

A `request_uri` must be registered, up to its fragment (OIDC Core §6.2): nothing else is ever fetched (R14). The
fragment is a version, and not compared with the content, which the client's signature protects.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.jose.encryption import ENCRYPTION_ENCS
from idp.jose.foreign import VERIFICATION_ALGORITHMS
from idp.outbound.documents import DocumentUnavailable
from idp.protocol.authorization import AuthorizationRequest
from idp.protocol.client_metadata import check_choice, check_list, is_web_uri
from idp.protocol.client_responses import DEFAULT_ENC
from idp.protocol.context import Context
from idp.protocol.errors import (
    InvalidClientMetadata,
    InvalidRequest,
    InvalidRequestObject,
    InvalidRequestUri,
    ProtocolError,
)
from idp.protocol.parameters import CLIENT_ID, RESPONSE_TYPE, Parameter, Params, parse_text
from idp.protocol.profiles import admits_legacy
from idp.protocol.registry import Registry
from idp.protocol.request_objects import decryption_algs, must_be_signed, read_request_object
from idp.protocol.spec import ClientDraft, ClientMember, Phase, Spec
from idp.settings import Settings
from idp.stores.records import Client

REQUEST = Parameter(name="request", parse=parse_text)
REQUEST_URI = Parameter(name="request_uri", parse=parse_text)

# RFC 9101 §5.2: in ASCII characters.
LONGEST_REQUEST_URI = 512
# Without a new fragment the object may have changed as well; this only spares a reload from fetching it again.
FRESH_SECONDS = 3


def find_source(request: AuthorizationRequest, context: Context) -> AuthorizationRequest | None:
    """Put the parameters of the request object in the place of those that it was sent with."""
    client = context.uow.clients.find(request.params.get(CLIENT_ID) or "")
    if client is None or not client.enabled:
        # For `find_client` to refuse, in the same words with an object and without one (R11).
        return None
    try:
        token = _find_object(request.params, client, context)
        if token is None:
            return None
        inner = read_request_object(token, client, context)
        return replace(request, params=_merge(request.params, inner, client, context))
    except ProtocolError as fault:
        return replace(request, fault=fault)


def _find_object(params: Params, client: Client, context: Context) -> str | None:
    token, uri = params.get(REQUEST), params.get(REQUEST_URI)
    if token is not None and uri is not None:
        raise InvalidRequest("request and request_uri cannot be sent together (RFC 9101 section 5).")
    if uri is not None:
        return _fetch(uri, client, context)
    if token is None and must_be_signed(client):
        raise InvalidRequest("The client registered that it sends signed request objects only (RFC 9101 section 10.5).")
    return token


def _fetch(uri: str, client: Client, context: Context) -> str:
    """Return what is at a registered address, which must be the JWT to the octet: no two readers may differ on it."""
    if len(uri) > LONGEST_REQUEST_URI or not _is_registered(uri, client):
        raise InvalidRequestUri(
            "The request_uri is not one that the client registered.",
            hint=f"Register it in request_uris; {LONGEST_REQUEST_URI} characters are the limit.",
        )
    try:
        return context.document(uri, fresh_seconds=FRESH_SECONDS).decode("ascii")
    except DocumentUnavailable as fault:
        raise InvalidRequestUri("There is nothing to be had at request_uri.", detail=fault.reason) from fault
    except UnicodeDecodeError as fault:
        raise InvalidRequestUri("There is no JWT at request_uri.") from fault


def _is_registered(uri: str, client: Client) -> bool:
    return _unversioned(uri) in map(_unversioned, client.values("request_uris"))


def _unversioned(uri: str) -> str:
    """Return a URI up to its fragment; not parsed, so that no parser's reading can be tricked."""
    return uri.partition("#")[0]


def _merge(outer: Params, inner: Params, client: Client, context: Context) -> Params:
    """Return what counts of the parameters within and without."""
    asked = outer.get(RESPONSE_TYPE)
    if asked is None or must_be_signed(client) or not admits_legacy(client, context.settings):
        return Params.stored(outer.select((CLIENT_ID,))).overlaid(inner)
    if _words(inner.get(RESPONSE_TYPE) or asked) != _words(asked):
        raise InvalidRequestObject("response_type in the request object differs from the one beside it.")
    return outer.without(REQUEST).without(REQUEST_URI).overlaid(inner)


def _words(response_type: str) -> list[str]:
    return sorted(response_type.split(" "))


def check_request_uris(value: Any, draft: ClientDraft) -> tuple[str, ...]:
    """Accept https URIs, with a fragment or without (OIDC Registration §2)."""
    uris = check_list("request_uris")(value, draft)
    for uri in uris:
        is_text = len(uri) <= LONGEST_REQUEST_URI and uri.isascii() and uri.isprintable() and " " not in uri
        if not is_text or not is_web_uri(_unversioned(uri), draft):
            raise InvalidClientMetadata(f"request_uris must be https URLs of at most {LONGEST_REQUEST_URI} characters.")
    return uris


def check_signing_alg(value: Any, draft: ClientDraft) -> str:
    """Accept what can be verified; `none` unless the client wants its requests signed."""
    alg = check_choice("request_object_signing_alg", (*VERIFICATION_ALGORITHMS, "none"))(value, draft)
    if alg == "none" and draft.metadata.get("require_signed_request_object"):
        raise InvalidClientMetadata(
            "request_object_signing_alg=none and require_signed_request_object exclude another."
        )
    return alg


def check_encryption_alg(value: Any, draft: ClientDraft) -> str:
    """Accept what we have keys for."""
    return check_choice("request_object_encryption_alg", decryption_algs(draft.settings))(value, draft)


def check_encryption_enc(value: Any, draft: ClientDraft) -> str:
    """Accept a content encryption, beside the `alg` that it needs (OIDC Registration §2)."""
    if draft.metadata.get("request_object_encryption_alg") is None:
        raise InvalidClientMetadata("request_object_encryption_enc needs request_object_encryption_alg.")
    return check_choice("request_object_encryption_enc", ENCRYPTION_ENCS)(value, draft)


def _default_enc(metadata: Mapping[str, Any]) -> str | None:
    return DEFAULT_ENC if metadata.get("request_object_encryption_alg") is not None else None


def check_require_signed(value: Any, _draft: ClientDraft) -> bool:
    """Accept true and false; what only looks like true must not be taken for false."""
    if not isinstance(value, bool):
        raise InvalidClientMetadata("require_signed_request_object must be true or false.")
    return value


def server_metadata(_registry: Registry, settings: Settings) -> Mapping[str, Any]:
    """Return the members of OIDC Discovery §3; `none` where every client may leave its objects unsigned."""
    unsigned = ["none"] if settings.profile == "oidc_legacy" else []
    members: dict[str, Any] = {
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": [*VERIFICATION_ALGORITHMS, *unsigned],
    }
    if algs := decryption_algs(settings):
        members["request_object_encryption_alg_values_supported"] = list(algs)
        members["request_object_encryption_enc_values_supported"] = list(ENCRYPTION_ENCS)
    return members


SPEC = Spec(
    name="request_objects",
    document="RFC 9101",
    requires=("oauth2", "oidc_core", "profiles"),
    parameters=(REQUEST, REQUEST_URI),
    authorization_checks=((Phase.SOURCE, find_source),),
    client_metadata={
        "request_uris": ClientMember(check=check_request_uris),
        "request_object_signing_alg": ClientMember(check=check_signing_alg),
        "request_object_encryption_alg": ClientMember(check=check_encryption_alg),
        "request_object_encryption_enc": ClientMember(check=check_encryption_enc, default=_default_enc),
        "require_signed_request_object": ClientMember(check=check_require_signed),
    },
    server_metadata=server_metadata,
)
