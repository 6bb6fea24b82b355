"""Cross-origin reads (Fetch §3.2): anyone may read discovery and the JWKS, registered browser clients the token
endpoint and UserInfo; never with credentials, so no cookie ever helps another origin."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from idp.clock import monotonic
from idp.protocol.messages import Fields
from idp.protocol.spec import Cors
from idp.stores.interfaces import Storage

PREFLIGHT_SECONDS = 600
# A client that is disabled loses its origin within this time (R7).
REFRESH_SECONDS = 1.0


class ClientOrigins:
    """The origins of the redirect URIs of all enabled public clients; re-read at most once a second."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._origins: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    def has(self, origin: str) -> bool:
        """Tell whether a browser client lives at this origin."""
        if monotonic() - self._read_at > REFRESH_SECONDS:
            self._origins, self._read_at = frozenset(self._read()), monotonic()
        return origin in self._origins

    def _read(self) -> set[str]:
        origins, after = set(), ""
        with self._storage.snapshot() as uow:
            while page := uow.clients.list(after=after, limit=500):
                after = page[-1].client_id
                for client in page:
                    if client.enabled and client.value("token_endpoint_auth_method") == "none":
                        origins |= {_origin(uri) for uri in client.values("redirect_uris")}
        return origins - {""}


def cors_headers(cors: Cors, headers: Mapping[str, str], origins: ClientOrigins) -> Fields:
    """Return the headers that let an allowed origin read an answer."""
    if cors is Cors.ANY:
        return (("access-control-allow-origin", "*"),)
    origin = headers.get("origin")
    if origin is None:
        return ()
    if not origins.has(origin):
        return (("vary", "origin"),)
    return (
        ("access-control-allow-origin", origin),
        ("access-control-expose-headers", "www-authenticate, retry-after, x-request-id"),
        ("vary", "origin"),
    )


def preflight(cors: Cors, methods: tuple[str, ...], headers: Mapping[str, str], origins: ClientOrigins) -> Fields:
    """Return the headers that answer a preflight."""
    allowed = cors_headers(cors, headers, origins)
    if not any(name == "access-control-allow-origin" for name, _ in allowed):
        return allowed
    return (
        *allowed,
        ("access-control-allow-methods", ", ".join(methods)),
        ("access-control-allow-headers", "authorization, content-type"),
        ("access-control-max-age", str(PREFLIGHT_SECONDS)),
    )


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else ""
