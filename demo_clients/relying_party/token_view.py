"""A token laid out for the eye: its three parts, every claim with its meaning, the key, the checks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo_clients.relying_party.checks import Verdict
from demo_clients.relying_party.claim_checks import instant
from demo_clients.relying_party.pages import moment

_MEANINGS = {
    "alg": "Algorithm of the signature",
    "typ": "Kind of token",
    "kid": "Name of the key that signed it",
    "iss": "Issuer: who made it",
    "sub": "Subject: whom it is about, as the provider names them to this client",
    "aud": "Audience: whom it was made for",
    "azp": "Authorized party: at whose request it was made",
    "exp": "Expires",
    "iat": "Issued",
    "nbf": "Not valid before",
    "auth_time": "When the person last signed in",
    "nonce": "Ties it to the request of this browser",
    "at_hash": "Ties the access token to it",
    "sid": "Session at the provider",
    "acr": "How strong the sign-in was",
    "amr": "By what the person signed in",
    "jti": "Identifier of this very token",
    "client_id": "The client that asked for it",
    "scope": "What the bearer may do",
    "roles": "Roles of the person",
}
_INSTANTS = ("exp", "iat", "nbf", "auth_time")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the header or of the payload."""

    name: str
    value: str
    meaning: str
    in_words: str = ""


@dataclass(frozen=True, slots=True)
class TokenView:
    """What the template `_token.html` shows."""

    anchor: str
    title: str
    purpose: str
    verdict: Verdict
    parts: tuple[str, str, str]
    header: tuple[Member, ...]
    payload: tuple[Member, ...]
    signature_bytes: int
    jwk: str


def view_of(anchor: str, title: str, purpose: str, verdict: Verdict, now: int) -> TokenView | None:
    """The view of a token that could be read, else None."""
    token = verdict.token
    if token is None:
        return None
    return TokenView(
        anchor=anchor,
        title=title,
        purpose=purpose,
        verdict=verdict,
        parts=token.parts,
        header=_members(token.header, now),
        payload=_members(token.claims, now),
        signature_bytes=len(token.signature),
        jwk=json.dumps(verdict.key.jwk, indent=2) if verdict.key else "",
    )


def duration(seconds: int) -> str:
    """A number of seconds in words: `4 min 12 s`."""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days or hours:
        return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _members(members: Mapping[str, Any], now: int) -> tuple[Member, ...]:
    return tuple(
        Member(name, json.dumps(value, ensure_ascii=False), _MEANINGS.get(name, ""), _time_in_words(members, name, now))
        for name, value in members.items()
    )


def _time_in_words(members: Mapping[str, Any], name: str, now: int) -> str:
    at = instant(members, name) if name in _INSTANTS else None
    if at is None:
        return ""
    return f"{moment(at)}, " + (f"in {duration(at - now)}" if at > now else f"{duration(now - at)} ago")
