"""Logout token validation (OIDC Back-Channel Logout §2.6), every step a named check.

A logout token ends sessions of people who are not at the keyboard, so that nothing of it is optional here: `typ`,
`exp` and a fresh `jti` are required although an older provider might leave the first two out. The `typ` can be
waived for such a provider (§2.4 only recommends it): the event and the absence of a nonce tell it from an ID Token.
"""

from demo_clients.relying_party.checks import Check, Verdict, judge, unreadable
from demo_clients.relying_party.claim_checks import (
    Claims,
    check_audience,
    check_expiry,
    check_issued_at,
    check_issuer,
    check_subject,
    check_text,
)
from demo_clients.relying_party.header_checks import check_header, find_key
from demo_clients.relying_party.jwks import KeyCache
from demo_clients.relying_party.jws import MalformedToken, parse_compact
from demo_clients.relying_party.replay import ReplayMemory

EVENT = "http://schemas.openid.net/event/backchannel-logout"
MAX_AGE_SECONDS = 300
"""A notice may be retried, but one that is older says nothing about the sessions of now."""

_TYPES: tuple[str | None, ...] = ("logout+jwt",)
_RULE = "Back-Channel Logout §2.6"


async def verify_logout_token(
    raw: str,
    *,
    issuer: str,
    client_id: str,
    keys: KeyCache,
    seen: ReplayMemory,
    now: int,
    is_typed: bool = True,
) -> Verdict:
    """All checks of a logout token. Reads `seen` but does not write it: only an accepted token is spent.

    `is_typed` is False for a provider that leaves `typ` out or writes the general `JWT`."""
    try:
        token = parse_compact(raw)
    except MalformedToken as error:
        return unreadable(str(error), now)
    key = await find_key(token, keys)
    claims = token.claims
    checks = (
        *check_header(token, key, types=_TYPES if is_typed else (*_TYPES, "jwt", None)),
        check_issuer(claims, issuer, f"{_RULE} (4)"),
        check_audience(claims, client_id, f"{_RULE} (4)"),
        check_issued_at(claims, now, f"{_RULE} (4)", max_age_seconds=MAX_AGE_SECONDS),
        check_expiry(claims, now, f"{_RULE} (4)"),
        _check_about_somebody(claims),
        _check_event(claims),
        _check_no_nonce(claims),
        check_text(claims, "jti", "Back-Channel Logout §2.4"),
        _check_first_use(claims, seen, now),
    )
    return Verdict(checks, verified_at=now, token=token, key=key)


def _check_about_somebody(claims: Claims) -> Check:
    if "sid" not in claims:
        return check_subject(claims, f"{_RULE} (5)")
    sid_is_text = isinstance(claims["sid"], str) and claims["sid"] != ""
    subject_is_text = isinstance(claims.get("sub", "-"), str)
    return judge(
        "session or subject",
        sid_is_text and subject_is_text,
        rule=f"{_RULE} (5)",
        good="The token names the session that ended.",
        bad="The token does not name a session or a subject properly.",
        found=claims["sid"],
    )


def _check_event(claims: Claims) -> Check:
    events = claims.get("events")
    return judge(
        "event",
        isinstance(events, dict) and isinstance(events.get(EVENT), dict),
        rule=f"{_RULE} (6)",
        good="The token announces a logout.",
        bad="The token does not announce a logout.",
        found=events or "no events",
        expected=EVENT,
    )


def _check_no_nonce(claims: Claims) -> Check:
    return judge(
        "no nonce",
        "nonce" not in claims,
        rule=f"{_RULE} (7)",
        good="The token cannot be an ID Token in disguise.",
        bad="The token has a nonce, as ID Tokens have.",
    )


def _check_first_use(claims: Claims, seen: ReplayMemory, now: int) -> Check:
    jti = claims.get("jti")
    return judge(
        "first use",
        isinstance(jti, str) and not seen.has(jti, now),
        rule=f"{_RULE} (8)",
        good="The token was not used before.",
        bad="The token was used before.",
    )
