"""The claims of our own tokens, checked (RFC 7519 §4.1): who issued it, to whom, for whom, and when."""

from collections.abc import Mapping
from typing import Any

from idp.jose.compact import InvalidToken

Claims = Mapping[str, Any]

# OIDC Core §2: a sub must not exceed 255 ASCII characters.
_MOST_SUBJECT_CHARACTERS = 255

# The end of the year 9999; a "time" beyond it is an attempt at something.
_LATEST_INSTANT = 253_402_300_799


def check_claims(
    claims: Claims, *, issuer: str, audience: str | None, now: int, leeway_seconds: int, allow_expired: bool
) -> None:
    """Refuse claims that do not fit. `exp` and `iat` are required, `nbf` is optional; `audience`, if given, must be
    among `aud`. Raises `InvalidToken`."""
    if claims.get("iss") != issuer:
        raise InvalidToken("iss is not this issuer")
    _check_subject(claims.get("sub"))
    if audience is None:
        _audiences(claims.get("aud"))
    elif audience not in _audiences(claims.get("aud")):
        raise InvalidToken("aud names somebody else")
    _check_times(claims, now, leeway_seconds, allow_expired=allow_expired)


def _check_subject(subject: object) -> None:
    if not isinstance(subject, str) or not 0 < len(subject) <= _MOST_SUBJECT_CHARACTERS:
        raise InvalidToken("sub is not a string of 1 to 255 characters")


def _audiences(audience: object) -> list[str]:
    """Return `aud` as a list, which it may be by RFC 7519 §4.1.3."""
    listed: list[object] = audience if isinstance(audience, list) else [audience]
    named = [one for one in listed if isinstance(one, str) and one]
    if not named or len(named) != len(listed):
        raise InvalidToken("aud is neither a string nor a list of strings")
    return named


def _check_times(claims: Claims, now: int, leeway_seconds: int, *, allow_expired: bool) -> None:
    expires_at = _instant(claims, "exp")
    if expires_at + leeway_seconds <= now and not allow_expired:
        raise InvalidToken("the token has expired")
    if _instant(claims, "iat") > now + leeway_seconds:
        raise InvalidToken("iat is in the future")
    if "nbf" in claims and _instant(claims, "nbf") > now + leeway_seconds:
        raise InvalidToken("the token is not valid yet")


def _instant(claims: Claims, name: str) -> int:
    """Return a NumericDate. Ours are whole seconds; a bool is an int in Python and must not pass for one."""
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= _LATEST_INSTANT:
        raise InvalidToken(f"{name} is not a whole number of seconds")
    return value
