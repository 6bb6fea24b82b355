"""Access tokens for each API, from the refresh token (RFC 6749 §6, RFC 8707 §2.2), and their silent renewal.

One token opens one API: what the Bank's API is shown would be worthless at the Shop's. Refresh tokens rotate, so
that two renewals at once would look like theft to the provider (RFC 9700 §4.14.2); a lock for each session prevents it.
"""

from dataclasses import replace

from demo_clients.relying_party.errors import ProviderMisbehaved, SignInEnded, SignInNeeded, TokenRequestRefused
from demo_clients.relying_party.events import SIGNED_OUT
from demo_clients.relying_party.id_token import ExpectedIdToken, verify_id_token
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sessions import MAX_REMEMBERED, IssuedToken, Session, TokenSet
from demo_clients.relying_party.timeline import step
from demo_clients.relying_party.token_response import TokenResponse

RENEW_BEFORE_SECONDS = 10
"""A token is renewed a little early, so that it does not expire on the way."""


async def access_token_for(party: RelyingParty, session: Session, resource: str, *, renew: bool = False) -> IssuedToken:
    """A valid access token for `resource`, a new one if there is none, if it is about to expire, or if `renew`.

    Raises SignInNeeded, SignInEnded (the session is then signed out), TokenRequestRefused, ProviderUnavailable.
    """
    async with session.lock:
        tokens = _tokens_of(session)
        if resource not in party.settings.registration.resources:
            raise TokenRequestRefused("This application asked the sign-in service for no access to that API.")
        known = tokens.current.get(resource)
        if known is not None and not renew and party.now() < known.expires_at - RENEW_BEFORE_SECONDS:
            return known
        if tokens.refresh_token is None:
            raise TokenRequestRefused("The sign-in service gave this application no refresh token.")
        answer = await _refresh(party, session, tokens.refresh_token, resource)
        await _check_same_person(party, session, answer)
        return _keep(party, session, answer, resource)


def _tokens_of(session: Session) -> TokenSet:
    if session.tokens is None:
        raise SignInNeeded("Nobody is signed in here.", remedy="Please sign in first.")
    return session.tokens


async def _refresh(party: RelyingParty, session: Session, refresh_token: str, resource: str) -> TokenResponse:
    try:
        return await party.code_flow.refresh(refresh_token, resource)
    except SignInEnded as refusal:
        session.forget_person(refusal.reason)
        party.events.publish(session.id, SIGNED_OUT)
        raise


async def _check_same_person(party: RelyingParty, session: Session, answer: TokenResponse) -> None:
    """An ID Token that comes with a refresh must be about the same person (OIDC Core §12.2)."""
    identity = session.identity
    if answer.id_token is None or identity is None:
        return
    expected = ExpectedIdToken(
        party.settings.issuer, party.settings.client_id, None, answer.access_token, subject=identity.subject
    )
    verdict = await verify_id_token(answer.id_token, expected=expected, keys=party.keys, now=party.now())
    if verdict.refusal is not None:
        raise ProviderMisbehaved(
            "The renewed ID Token did not pass its checks.", detail=f"{verdict.refusal.name}: {verdict.refusal.reason}"
        )


def _keep(party: RelyingParty, session: Session, answer: TokenResponse, resource: str) -> IssuedToken:
    tokens = _tokens_of(session)  # the session may have been signed out while the provider was asked
    issued = IssuedToken(answer.access_token, resource, answer.scope, answer.received_at, answer.expires_at)
    previous = tokens.current.get(resource)
    rotated = answer.refresh_token is not None and answer.refresh_token != tokens.refresh_token
    session.tokens = replace(
        tokens,
        refresh_token=answer.refresh_token or tokens.refresh_token,
        current={**tokens.current, resource: issued},
        earlier=(*tokens.earlier, *([previous] if previous else []))[-MAX_REMEMBERED:],
        renewals=tokens.renewals + 1,
        rotations=tokens.rotations + rotated,
    )
    told = [("grant_type", "refresh_token"), ("resource", resource), ("scope", " ".join(answer.scope))]
    what = "Refresh: a token for this API" + (", and the next refresh token" if rotated else "")
    session.timeline.append(step(party.now(), party.settings.defaults.name, "Provider", what, told))
    return issued
