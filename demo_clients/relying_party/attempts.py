"""The buttons of the page "Try it": real requests to the peer's API with good and bad tokens, run by the server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2

from demo_clients.relying_party.attempt_result import AttemptResult, Ending
from demo_clients.relying_party.claim_checks import CLOCK_SKEW_SECONDS
from demo_clients.relying_party.errors import ProviderMisbehaved, SignInNeeded
from demo_clients.relying_party.forgery import (
    with_flipped_byte,
    with_no_algorithm,
    with_other_times,
    with_public_key_as_secret,
)
from demo_clients.relying_party.header_checks import find_key
from demo_clients.relying_party.jwks import PublicKey
from demo_clients.relying_party.jws import CompactJws, MalformedToken, parse_compact
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sessions import IssuedToken, Session
from demo_clients.relying_party.tokens import access_token_for

_MAX_BODY_CHARS = 600


@dataclass(frozen=True, slots=True)
class Attempt:
    """A button: its wire name, its label, what it does in words, and how it should end."""

    key: str
    title: str
    explanation: str
    should_end: Ending
    run: Callable[[RelyingParty, Session], Awaitable["Made"]]


@dataclass(frozen=True, slots=True)
class Made:
    """The token that an attempt made, or why it could not make one."""

    token: str | None
    why_not: str = ""


async def run_attempt(party: RelyingParty, session: Session, attempt: Attempt) -> AttemptResult:
    """Make the token and call the peer's API with it. Raises RelyingPartyError when no token can be had."""
    made = await attempt.run(party, session)
    if made.why_not:
        return AttemptResult(attempt.title, Ending.NOT_RUN, None, made.why_not, at=party.now())
    return await call_peer(party, attempt.title, attempt.should_end, made.token)


async def call_peer(party: RelyingParty, title: str, should_end: Ending, token: str | None) -> AttemptResult:
    """GET the peer's API with a bearer token, or with none."""
    url = party.settings.peer_url + party.settings.defaults.peer_api_path
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    try:
        response = await party.client.get(url, headers=headers)
    except httpx2.HTTPError:
        reason = f"The {party.settings.defaults.peer_name} does not answer at the moment."
        return AttemptResult(title, Ending.NOT_RUN, None, reason, at=party.now())
    ending = Ending.ACCEPTED if response.status_code == 200 else Ending.REFUSED
    return AttemptResult(
        title=title,
        ending=ending,
        as_it_should=ending is should_end,
        reason=_reason(response),
        status=response.status_code,
        www_authenticate=response.headers.get("www-authenticate", ""),
        body=response.text[:_MAX_BODY_CHARS],
        at=party.now(),
    )


def _reason(response: httpx2.Response) -> str:
    if response.status_code == 200:
        return "The token was accepted."
    try:
        return str(response.json()["error_description"])
    except (ValueError, KeyError, TypeError):
        return "The API gave no reason."


async def _proper(party: RelyingParty, session: Session) -> Made:
    return Made((await _peer_token(party, session)).value)


async def _none_at_all(party: RelyingParty, session: Session) -> Made:  # noqa: ARG001
    return Made(None)


async def _id_token(party: RelyingParty, session: Session) -> Made:  # noqa: ARG001
    if session.identity is None or session.identity.id_token.token is None:
        raise SignInNeeded("Nobody is signed in here.")
    return Made(session.identity.id_token.token.raw)


async def _other_audience(party: RelyingParty, session: Session) -> Made:
    return Made((await access_token_for(party, session, party.settings.resource)).value)


async def _expired(party: RelyingParty, session: Session) -> Made:
    current = await _peer_token(party, session)
    over = [one for one in _earlier(session, current.resource) if one.expires_at + CLOCK_SKEW_SECONDS <= party.now()]
    if over:
        return Made(over[-1].value)
    first = min((current, *_earlier(session, current.resource)), key=lambda one: one.expires_at)
    left = first.expires_at + CLOCK_SKEW_SECONDS - party.now()
    return Made(None, f"No token of this session has expired yet; the first will in {left} seconds. Come back then.")


async def _forged_times(party: RelyingParty, session: Session) -> Made:
    token, _ = await _genuine(party, session)
    return Made(with_other_times(token, expires_at=party.now() - 3600))


async def _flipped_byte(party: RelyingParty, session: Session) -> Made:
    token, _ = await _genuine(party, session)
    return Made(with_flipped_byte(token))


async def _no_algorithm(party: RelyingParty, session: Session) -> Made:
    token, _ = await _genuine(party, session)
    return Made(with_no_algorithm(token))


async def _public_key_as_secret(party: RelyingParty, session: Session) -> Made:
    token, key = await _genuine(party, session)
    if key is None:
        return Made(None, "The key of this token is not published any more.")
    return Made(with_public_key_as_secret(token, key))


async def _peer_token(party: RelyingParty, session: Session) -> IssuedToken:
    return await access_token_for(party, session, party.settings.peer_resource)


def _earlier(session: Session, resource: str) -> list[IssuedToken]:
    return [one for one in session.tokens.earlier if one.resource == resource] if session.tokens else []


async def _genuine(party: RelyingParty, session: Session) -> tuple[CompactJws, PublicKey | None]:
    try:
        token = parse_compact((await _peer_token(party, session)).value)
    except MalformedToken as error:
        raise ProviderMisbehaved("The access token is no signed JWT.", detail=str(error)) from error
    return token, await find_key(token, party.keys)


ATTEMPTS = (
    Attempt(
        "proper",
        "The token meant for this API",
        "An access token with this API as its audience, from the refresh token.",
        Ending.ACCEPTED,
        _proper,
    ),
    Attempt("none", "No token", "The same request without any token.", Ending.REFUSED, _none_at_all),
    Attempt(
        "id-token",
        "The ID Token",
        "It proves who signed in, to this application. It opens no API.",
        Ending.REFUSED,
        _id_token,
    ),
    Attempt(
        "other-audience",
        "A token for another API",
        "Genuine, alive, with scopes and roles, but made for our own API.",
        Ending.REFUSED,
        _other_audience,
    ),
    Attempt(
        "expired",
        "An expired token",
        "A genuine earlier token of this session, kept until it had expired.",
        Ending.REFUSED,
        _expired,
    ),
    Attempt(
        "forged-times",
        "A token with forged times",
        "Forged: the expiry was rewritten to an hour ago. It is the signature that gives it away.",
        Ending.REFUSED,
        _forged_times,
    ),
    Attempt(
        "flipped-byte",
        "A token with one bit flipped",
        "One single bit of the signature is turned over.",
        Ending.REFUSED,
        _flipped_byte,
    ),
    Attempt(
        "alg-none",
        "A token without signature",
        "The header says alg: none and the signature is empty.",
        Ending.REFUSED,
        _no_algorithm,
    ),
    Attempt(
        "hs256",
        "A token signed with the public key",
        "The header says HS256, and the provider's public key is used as the shared secret.",
        Ending.REFUSED,
        _public_key_as_secret,
    ),
)
"""Calls of the peer's API, in the order of the page."""
