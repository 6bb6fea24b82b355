"""JWT access token validation by a resource server (RFC 9068 §4), every step a named check.

Whether the *caller may do what it asks* (scope, role) is `bearer`'s question; here it is only whether the token is
genuine, meant for this resource and alive.
"""

from collections.abc import Sequence

from demo_clients.relying_party.checks import Verdict, unreadable
from demo_clients.relying_party.claim_checks import (
    check_audience,
    check_expiry,
    check_issued_at,
    check_issuer,
    check_not_before,
    check_subject,
    check_text,
)
from demo_clients.relying_party.header_checks import check_header, find_key
from demo_clients.relying_party.jwks import KeyCache
from demo_clients.relying_party.jws import MalformedToken, parse_compact

_PROFILE = "RFC 9068 §4"


async def verify_access_token(raw: str, *, issuer: str, resource: str, keys: KeyCache, now: int) -> Verdict:
    """All checks of an access token shown to `resource`. Raises ProviderUnavailable, ProviderMisbehaved."""
    try:
        token = parse_compact(raw)
    except MalformedToken as error:
        return unreadable(str(error), now)
    key = await find_key(token, keys)
    claims = token.claims
    checks = (
        *check_header(token, key, types=("at+jwt",)),
        check_issuer(claims, issuer, _PROFILE),
        check_audience(claims, resource, f"{_PROFILE}, RFC 8707 §2"),
        check_expiry(claims, now, _PROFILE),
        check_issued_at(claims, now, "RFC 9068 §2.2"),
        check_not_before(claims, now),
        check_subject(claims, "RFC 9068 §2.2"),
        check_text(claims, "client_id", "RFC 9068 §2.2"),
        check_text(claims, "jti", "RFC 9068 §2.2"),
    )
    return Verdict(checks, verified_at=now, token=token, key=key)


def scopes_of(verdict: Verdict) -> tuple[str, ...]:
    """The scopes of an accepted access token (RFC 9068 §2.2.3, RFC 8693 §4.2)."""
    scope = verdict.claims.get("scope")
    return tuple(scope.split()) if isinstance(scope, str) else ()


def roles_of(verdict: Verdict) -> Sequence[str]:
    """The roles of an accepted access token (RFC 9068 §2.2.3.1)."""
    roles = verdict.claims.get("roles")
    return tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else ()
