"""OIDC Discovery 1.0 and RFC 8414: one document at two addresses, generated from what is registered; and the JWKS.

Both are public, cacheable and carry an ETag, so relying parties verify tokens with nothing else.
"""

from functools import lru_cache

from idp.protocol.context import Context
from idp.protocol.messages import Answer, Fields, Request, Response, encode_json
from idp.protocol.registry import Registry
from idp.protocol.spec import Cors, Endpoint, Spec
from idp.randomness import digest
from idp.settings import Settings

JWKS_PATH = "/.well-known/jwks.json"


def handle_discovery(request: Request, context: Context) -> Answer:
    """Return the metadata of this issuer."""
    body, etag = _document(context.registry, context.settings)
    return _cacheable(request, body, etag, "application/json", context.settings)


def handle_jwks(request: Request, context: Context) -> Answer:
    """Return the public keys (RFC 7517 §5): the next, the active and the retired ones until their tokens expired."""
    published = context.server.keys.jwks()
    return _cacheable(request, published.body, published.etag, "application/jwk-set+json", context.settings)


@lru_cache(maxsize=4)
def _document(registry: Registry, settings: Settings) -> tuple[bytes, str]:
    body = encode_json(registry.server_metadata(settings))
    return body, f'"{digest(body.decode())[:32]}"'


def _cacheable(request: Request, body: bytes, etag: str, media_type: str, settings: Settings) -> Response:
    headers: Fields = (
        ("content-type", media_type),
        ("cache-control", f"public, max-age={settings.keys.jwks_max_age_seconds}"),
        ("etag", etag),
    )
    if etag in request.headers.get("if-none-match", ""):
        return Response(status=304, headers=headers)
    return Response(headers=headers, body=body)


SPEC = Spec(
    name="discovery",
    document="OIDC Discovery 1.0, RFC 8414",
    requires=("oauth2",),
    endpoints=(
        Endpoint(
            path="/.well-known/openid-configuration",
            methods=("GET",),
            handle=handle_discovery,
            at_once=lambda _: True,
            cors=Cors.ANY,
        ),
        Endpoint(
            path="/.well-known/oauth-authorization-server",
            methods=("GET",),
            handle=handle_discovery,
            at_once=lambda _: True,
            cors=Cors.ANY,
            at_root=True,
        ),
        Endpoint(
            path=JWKS_PATH,
            methods=("GET",),
            handle=handle_jwks,
            metadata="jwks_uri",
            at_once=lambda server: server.keys.is_current(),
            cors=Cors.ANY,
        ),
    ),
)
