"""The provider's metadata (OIDC Discovery §3, §4; RFC 8414), the only thing that has to be configured: its issuer.

The document is believed only if it names that issuer byte by byte (OIDC Discovery §4.3): otherwise whoever can put a
document there could hand out endpoints of its own in a trusted name. It must also offer what we will not go without:
RS256, PKCE with S256 and the `iss` response parameter. For older providers the last two can be waived: S256 is used
then without an announcement, but not against one of other methods only.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from demo_clients.relying_party.errors import ProviderMisbehaved, ProviderUnavailable
from demo_clients.relying_party.outbound import fetch_document

LIFETIME_SECONDS = 600
MAX_URL_CHARS = 2048
WELL_KNOWN = "/.well-known/openid-configuration"

_REQUIRED_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The checked members that a relying party uses. Endpoints that are optional for a provider may be None.

    `names_itself`: the provider promises `iss` in its authorization responses (RFC 9207 §3).
    """

    issuer: str
    names_itself: bool
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    revocation_endpoint: str | None


class Discovery:
    """Fetches the metadata when it is first needed and keeps it for LIFETIME_SECONDS."""

    def __init__(
        self, issuer: str, client: httpx2.AsyncClient, now: Callable[[], int], *, allow_older: bool = False
    ) -> None:
        self._issuer = issuer
        self._allow_older = allow_older
        self._client = client
        self._now = now
        self._known: ProviderMetadata | None = None
        self._fetched_at = 0
        self._lock = asyncio.Lock()

    async def metadata(self) -> ProviderMetadata:
        """The metadata. Raises ProviderUnavailable if it was never seen, ProviderMisbehaved if it is wrong."""
        async with self._lock:
            if self._known is not None and self._now() < self._fetched_at + LIFETIME_SECONDS:
                return self._known
            try:
                document, _ = await fetch_document(self._client, metadata_url(self._issuer))
            except ProviderUnavailable:
                if self._known is None:
                    raise
                return self._known
            self._known = parse_metadata(document, self._issuer, allow_older=self._allow_older)
            self._fetched_at = self._now()
            return self._known

    @property
    def known(self) -> ProviderMetadata | None:
        """The metadata as last fetched, without asking."""
        return self._known

    async def key_document(self) -> tuple[Mapping[str, Any], str]:
        """The JWK Set document and its Cache-Control, for KeyCache."""
        metadata = await self.metadata()
        document, headers = await fetch_document(self._client, metadata.jwks_uri)
        return document, headers.get("cache-control", "")


def metadata_url(issuer: str) -> str:
    """Where the document is: the issuer without a final slash, then the well-known path (OIDC Discovery §4.1)."""
    return issuer.removesuffix("/") + WELL_KNOWN


def parse_metadata(document: Mapping[str, Any], issuer: str, *, allow_older: bool = False) -> ProviderMetadata:
    """Check a discovery document against the configured issuer. Raises ProviderMisbehaved.

    `allow_older` lets pass a document that is silent about PKCE and about `iss` in responses."""
    stated = document.get("issuer")
    if stated != issuer:
        raise ProviderMisbehaved(
            "The discovery document speaks for another issuer than the one that we trust.",
            remedy="Compare the configured issuer with the document, character by character.",
            detail=f"configured {issuer}, stated {stated}",
        )
    if "code_challenge_methods_supported" in document or not allow_older:
        _require(document, "code_challenge_methods_supported", "S256")
    _require(document, "id_token_signing_alg_values_supported", "RS256")
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    if not names_itself and not allow_older:
        # Without `iss` in the response there is no defence against mix-up (RFC 9207 §1).
        raise ProviderMisbehaved("The provider does not say who it is in its answers (RFC 9207).")
    required = {name: _endpoint(document, name, issuer) for name in _REQUIRED_ENDPOINTS}
    return ProviderMetadata(
        issuer=issuer,
        names_itself=names_itself,
        **required,
        end_session_endpoint=_optional_endpoint(document, "end_session_endpoint", issuer),
        revocation_endpoint=_optional_endpoint(document, "revocation_endpoint", issuer),
    )


def origin_of(url: str) -> str:
    """Scheme, host and port of an absolute URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _require(document: Mapping[str, Any], member: str, value: str) -> None:
    offered = document.get(member)
    if not isinstance(offered, list) or value not in offered:
        raise ProviderMisbehaved(f"The provider does not offer {value}.", detail=member)


def _optional_endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str | None:
    return _endpoint(document, name, issuer) if name in document else None


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    url = document.get(name)
    # An https provider must not send codes or secrets over http.
    schemes = ("https", "http") if issuer.startswith("http://") else ("https",)
    if not isinstance(url, str) or not _is_absolute(url, schemes):
        raise ProviderMisbehaved("The discovery document lacks an endpoint, or states one badly.", detail=name)
    return url


def _is_absolute(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        httpx2.URL(url)  # what will be used to send the request
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except (httpx2.InvalidURL, ValueError):
        return False
    return len(url) <= MAX_URL_CHARS and parts.scheme in schemes and bool(host)
