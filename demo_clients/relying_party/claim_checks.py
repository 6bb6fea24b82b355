"""Checks of the claims that several kinds of token have in common (RFC 7519 §4.1, OIDC Core §2).

Every function takes the unverified claims of a token and gives one named check.
"""

from collections.abc import Mapping
from typing import Any

from demo_clients.relying_party.checks import Check, judge, not_applicable

CLOCK_SKEW_SECONDS = 10
"""How far the two clocks may be apart. Minutes would prolong the life of every token."""

_MAX_INSTANT = 2**40  # Unix seconds; beyond it a number is no time but an attack on arithmetic
_MAX_SUBJECT_CHARS = 255  # OIDC Core §2

Claims = Mapping[str, Any]


def instant(claims: Claims, name: str) -> int | None:
    """A time claim in whole Unix seconds, or None when it is missing or no such number."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < _MAX_INSTANT else None


def check_issuer(claims: Claims, issuer: str, rule: str) -> Check:
    """`iss` equals the issuer byte by byte: no trailing slash more or less, no other case."""
    return judge(
        "issuer",
        claims.get("iss") == issuer,
        rule=rule,
        good="The issuer is exactly the one that we trust.",
        bad="The token is from another issuer.",
        found=claims.get("iss", "no iss"),
        expected=issuer,
    )


def check_audience(claims: Claims, audience: str, rule: str) -> Check:
    """`aud` is, or contains, the verifier."""
    found = claims.get("aud")
    audiences = found if isinstance(found, list) else [found]
    return judge(
        "audience",
        audience in audiences and all(isinstance(one, str) for one in audiences),
        rule=rule,
        good="The token was made for us.",
        bad="The token was made for somebody else.",
        found=found or "no aud",
        expected=audience,
    )


def check_expiry(claims: Claims, now: int, rule: str) -> Check:
    """`exp` is there and lies ahead, give or take CLOCK_SKEW_SECONDS."""
    expires_at = instant(claims, "exp")
    return judge(
        "expiry",
        expires_at is not None and now < expires_at + CLOCK_SKEW_SECONDS,
        rule=rule,
        good="The token has not expired.",
        bad="The token has expired, or does not say when it does.",
        found=claims.get("exp", "no exp"),
        expected=f"after {now}",
    )


def check_not_before(claims: Claims, now: int) -> Check:
    """`nbf`, where there is one, has passed."""
    if "nbf" not in claims:
        return not_applicable("not before", rule="RFC 7519 §4.1.5", reason="The token has no such claim.")
    not_before = instant(claims, "nbf")
    return judge(
        "not before",
        not_before is not None and not_before <= now + CLOCK_SKEW_SECONDS,
        rule="RFC 7519 §4.1.5",
        good="The token is valid already.",
        bad="The token is not valid yet.",
        found=claims["nbf"],
        expected=f"not after {now}",
    )


def check_issued_at(claims: Claims, now: int, rule: str, *, max_age_seconds: int | None = None) -> Check:
    """`iat` is there, not in the future, and not older than `max_age_seconds`."""
    issued_at = instant(claims, "iat")
    plausible = issued_at is not None and issued_at <= now + CLOCK_SKEW_SECONDS
    fresh = max_age_seconds is None or (issued_at is not None and now - issued_at <= max_age_seconds)
    return judge(
        "issued at",
        plausible and fresh,
        rule=rule,
        good="The token was made recently." if max_age_seconds else "The token was made in the past.",
        bad="The token was not made at a believable time.",
        found=claims.get("iat", "no iat"),
        expected=f"close to {now}" if max_age_seconds else f"not after {now}",
    )


def check_subject(claims: Claims, rule: str, *, subject: str | None = None) -> Check:
    """`sub` is a text of 1 to 255 ASCII characters and, where `subject` is given, that one."""
    found = claims.get("sub")
    well_formed = isinstance(found, str) and 0 < len(found) <= _MAX_SUBJECT_CHARS and found.isascii()
    return judge(
        "subject",
        well_formed and subject in (None, found),
        rule=rule,
        good="The token says whom it is about.",
        bad="The token does not say properly whom it is about.",
        found="no sub" if found is None else found,
        expected=subject or "1 to 255 ASCII characters",
    )


def check_text(claims: Claims, name: str, rule: str) -> Check:
    """A claim that must be there and be a text that is not empty."""
    found = claims.get(name)
    return judge(
        name,
        isinstance(found, str) and found != "",
        rule=rule,
        good="The claim is there.",
        bad=f"The claim {name} is missing.",
        found=f"no {name}" if found is None else found,
    )
