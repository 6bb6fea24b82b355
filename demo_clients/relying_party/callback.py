"""The authorization response: what must hold before anybody is signed in.

RFC 6749 §4.1.2, RFC 9207, OIDC Core §3.1.2.7 and §3.1.3.

Order matters. Whether the answer belongs to this browser comes first, whether it comes from the right provider
second, and the code is sent nowhere before both are certain.
"""

from starlette.datastructures import QueryParams

from demo_clients.relying_party.authorization_response import (
    START_AGAIN,
    check_not_repeated,
    check_response_issuer,
    declined,
)
from demo_clients.relying_party.code_flow import PendingSignIn
from demo_clients.relying_party.cookies import Browser
from demo_clients.relying_party.errors import SignInRefused
from demo_clients.relying_party.events import SIGNED_OUT
from demo_clients.relying_party.id_token import ExpectedIdToken, verify_id_token
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sessions import (
    PENDING_SECONDS,
    Identity,
    IssuedToken,
    Session,
    SpentCode,
    TokenSet,
)
from demo_clients.relying_party.timeline import step
from demo_clients.relying_party.token_response import TokenResponse
from demo_clients.relying_party.userinfo import fetch_userinfo


async def finish_sign_in(party: RelyingParty, browser: Browser, query: QueryParams) -> str:
    """Sign the person in and return the path to go to. Raises SignInRefused and other RelyingPartyError."""
    pending = take_pending(party, browser.session, query)
    await _check_sender(party, query)
    if "error" in query:
        raise declined(query)
    code = query.get("code")
    if not code:
        raise SignInRefused("The answer has neither a code nor an error.", remedy=START_AGAIN)
    tokens = await party.code_flow.redeem(code, pending.code_verifier)
    identity = await _identify(party, pending, tokens)
    _begin_session(party, browser, identity, tokens, SpentCode(code, pending.state, pending.code_verifier))
    _note_steps(party, browser, query, tokens)
    return pending.return_path


async def _check_sender(party: RelyingParty, query: QueryParams) -> None:
    """The answer comes from our provider. Only an older one that promised no `iss` may leave it out."""
    is_required = not party.settings.allow_older_provider or (await party.discovery.metadata()).names_itself
    check_response_issuer(party.settings.issuer, query, required=is_required)


def take_pending(party: RelyingParty, session: Session | None, query: QueryParams) -> PendingSignIn:
    """The pending sign-in of this browser that the `state` names; it is used up by this. Raises SignInRefused."""
    check_not_repeated(query)
    state = query.get("state", "")
    pending = session.pending.pop(state, None) if session is not None else None
    if session is not None and pending is not None:
        session.spent_states.append(state)
        if party.now() - pending.started_at > PENDING_SECONDS:
            raise SignInRefused("The sign-in took too long, and its answer has expired.", remedy=START_AGAIN)
        return pending
    if session is not None and state in session.spent_states:
        raise SignInRefused("This answer was used already, and an answer works once.", remedy=START_AGAIN)
    # Login CSRF: an attacker's answer in the victim's browser (RFC 6749 §10.12).
    raise SignInRefused("This answer belongs to no sign-in that this browser has begun.", remedy=START_AGAIN)


async def _identify(party: RelyingParty, pending: PendingSignIn, tokens: TokenResponse) -> Identity:
    settings = party.settings
    if tokens.id_token is None:
        raise SignInRefused("The sign-in service sent no ID Token.", remedy=START_AGAIN)
    expected = ExpectedIdToken(settings.issuer, settings.client_id, pending.nonce, tokens.access_token)
    verdict = await verify_id_token(tokens.id_token, expected=expected, keys=party.keys, now=party.now())
    if verdict.refusal is not None:
        raise SignInRefused(
            "The ID Token did not pass its checks.",
            remedy=START_AGAIN,
            detail=f"{verdict.refusal.name}: {verdict.refusal.reason}",
        )
    if party.ended_sessions.covers(verdict.claims):
        raise SignInRefused("The sign-in ended at the sign-in service before it was complete.", remedy=START_AGAIN)
    subject = verdict.claims["sub"]
    userinfo = await fetch_userinfo(party.client, party.discovery, tokens.access_token, subject=subject)
    session_id = verdict.claims.get("sid")
    return Identity(subject, session_id if isinstance(session_id, str) else None, verdict, userinfo)


def _begin_session(
    party: RelyingParty, browser: Browser, identity: Identity, tokens: TokenResponse, spent: SpentCode
) -> None:
    if browser.session is not None:
        party.events.publish(browser.session.id, SIGNED_OUT)  # pages of whoever was signed in before
    session = browser.renew()  # session fixation: the id from before the sign-in is worth nothing now
    resource = party.settings.issuer
    session.identity = identity
    session.spent_code = spent
    session.tokens = TokenSet(
        refresh_token=tokens.refresh_token,
        current={
            resource: IssuedToken(tokens.access_token, resource, tokens.scope, tokens.received_at, tokens.expires_at)
        },
    )


def _note_steps(party: RelyingParty, browser: Browser, query: QueryParams, tokens: TokenResponse) -> None:
    now, name = party.now(), party.settings.defaults.name
    received = [
        (member, value)
        for member, value in (
            ("access_token", tokens.access_token),
            ("id_token", tokens.id_token),
            ("refresh_token", tokens.refresh_token),
            ("scope", " ".join(tokens.scope)),
        )
        if value
    ]
    sent = [("grant_type", "authorization_code"), ("code", query["code"])]
    if (resource := party.settings.registration.userinfo_resource) is not None:
        sent.append(("resource", resource))
    browser.open().timeline.extend(
        (
            step(now, "Browser", name, "Authorization response", query.multi_items()),
            step(now, name, "Provider", "Token request, from server to server", sent),
            step(now, "Provider", name, "Token response", received),
            step(now, name, "Provider", "UserInfo request: the same subject as in the ID Token"),
        )
    )
