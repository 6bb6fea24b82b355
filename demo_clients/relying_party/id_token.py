"""ID Token validation (OIDC Core §3.1.3.7, §3.1.3.8), every step a named check.

The token comes straight from the token endpoint, so that OIDC Core would allow to skip the signature; it is
verified all the same. Left out: `acr` and `auth_time` as conditions, since these applications ask for neither.
"""

import hashlib
import hmac
from dataclasses import dataclass

from demo_clients.relying_party.checks import Check, Verdict, judge, not_applicable, unreadable
from demo_clients.relying_party.claim_checks import (
    Claims,
    check_audience,
    check_expiry,
    check_issued_at,
    check_issuer,
    check_not_before,
    check_subject,
)
from demo_clients.relying_party.header_checks import check_header, find_key
from demo_clients.relying_party.jwks import KeyCache
from demo_clients.relying_party.jws import MalformedToken, encode_base64url, parse_compact

MAX_AGE_SECONDS = 300
"""An ID Token is verified within moments of its making; an older `iat` means an old token or a wrong clock."""

_CORE = "OIDC Core §3.1.3.7"


@dataclass(frozen=True, slots=True)
class ExpectedIdToken:
    """What the client knows by itself. `nonce` is None after a refresh, `subject` after a sign-in."""

    issuer: str
    client_id: str
    nonce: str | None
    access_token: str
    subject: str | None = None


async def verify_id_token(raw: str, *, expected: ExpectedIdToken, keys: KeyCache, now: int) -> Verdict:
    """All checks of an ID Token. May fetch keys: raises ProviderUnavailable, ProviderMisbehaved."""
    try:
        token = parse_compact(raw)
    except MalformedToken as error:
        return unreadable(str(error), now)
    key = await find_key(token, keys)
    claims = token.claims
    checks = (
        *check_header(token, key, types=("jwt", None)),
        check_issuer(claims, expected.issuer, f"{_CORE} (2)"),
        check_audience(claims, expected.client_id, f"{_CORE} (3)"),
        _check_authorized_party(claims, expected.client_id),
        check_expiry(claims, now, f"{_CORE} (9)"),
        check_issued_at(claims, now, f"{_CORE} (10)", max_age_seconds=MAX_AGE_SECONDS),
        check_not_before(claims, now),
        _check_nonce(claims, expected.nonce),
        _check_access_token_hash(claims, expected.access_token),
        check_subject(claims, "OIDC Core §2", subject=expected.subject),
    )
    return Verdict(checks, verified_at=now, token=token, key=key)


def access_token_hash(access_token: str) -> str:
    """`at_hash` for RS256: the left half of the token's SHA-256, base64url (OIDC Core §3.1.3.6)."""
    return encode_base64url(hashlib.sha256(access_token.encode()).digest()[:16])


def _check_authorized_party(claims: Claims, client_id: str) -> Check:
    audience, party = claims.get("aud"), claims.get("azp")
    several = isinstance(audience, list) and len(audience) > 1
    if party is None and not several:
        return not_applicable(
            "authorized party", rule=f"{_CORE} (4, 5)", reason="One audience, no azp: nothing to compare."
        )
    return judge(
        "authorized party",
        party == client_id,
        rule=f"{_CORE} (4, 5)",
        good="The token was made at our own request.",
        bad="The token was made at the request of another client.",
        found="no azp" if party is None else party,
        expected=client_id,
    )


def _check_nonce(claims: Claims, nonce: str | None) -> Check:
    if nonce is None:
        return not_applicable(
            "nonce", rule="OIDC Core §12.2", reason="A renewed ID Token answers no authorization request."
        )
    found = claims.get("nonce")
    return judge(
        "nonce",
        isinstance(found, str) and hmac.compare_digest(found.encode(), nonce.encode()),
        rule=f"{_CORE} (11)",
        good="The token answers the very request that this browser sent.",
        bad="The token does not answer the request that this browser sent.",
        found="no nonce" if found is None else found,
        expected=nonce,
    )


def _check_access_token_hash(claims: Claims, access_token: str) -> Check:
    found = claims.get("at_hash")
    if found is None:
        return not_applicable(
            "access token hash", rule="OIDC Core §3.1.3.8", reason="The token has no at_hash, which is optional."
        )
    wanted = access_token_hash(access_token)
    return judge(
        "access token hash",
        found == wanted,
        rule="OIDC Core §3.1.3.8",
        good="The access token beside it belongs to it.",
        bad="The access token beside it was swapped for another.",
        found=found,
        expected=wanted,
    )
