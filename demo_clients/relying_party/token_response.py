"""The token endpoint's answer (RFC 6749 §5.1, OIDC Core §3.1.3.3) as a value, checked for shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from demo_clients.relying_party.errors import ProviderMisbehaved

DEFAULT_LIFETIME_SECONDS = 300
"""Assumed for an access token when the answer leaves `expires_in` out, as RFC 6749 §5.1 allows."""

MAX_LIFETIME_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """Tokens as received, not yet verified. Bearer values stay out of the representation, and so out of logs."""

    access_token: str = field(repr=False)
    received_at: int
    expires_at: int
    scope: tuple[str, ...]
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)


def parse_token_response(answer: Mapping[str, Any], *, asked_scope: str, now: int) -> TokenResponse:
    """Read a successful answer. A missing `scope` means: as asked (RFC 6749 §5.1). Raises ProviderMisbehaved."""
    access_token, token_type = answer.get("access_token"), answer.get("token_type")
    if not isinstance(access_token, str) or not access_token:
        raise ProviderMisbehaved("The sign-in service gave no access token.")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise ProviderMisbehaved("The sign-in service gave a kind of token that we do not know.")
    scope = answer.get("scope")
    return TokenResponse(
        access_token=access_token,
        received_at=now,
        expires_at=now + _lifetime(answer.get("expires_in")),
        scope=tuple((scope if isinstance(scope, str) else asked_scope).split()),
        id_token=_text_or_none(answer.get("id_token")),
        refresh_token=_text_or_none(answer.get("refresh_token")),
    )


def _lifetime(expires_in: object) -> int:
    if isinstance(expires_in, bool) or not isinstance(expires_in, int) or expires_in < 0:
        return DEFAULT_LIFETIME_SECONDS
    return min(expires_in, MAX_LIFETIME_SECONDS)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
