"""The buttons that attack this application's own sign-in: each runs the very code that the real routes run."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from demo_clients.relying_party.attempt_result import AttemptResult, Ending
from demo_clients.relying_party.callback import finish_sign_in
from demo_clients.relying_party.cookies import Browser
from demo_clients.relying_party.errors import RelyingPartyError, SignInRefused
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.return_path import return_path
from demo_clients.relying_party.sessions import Session, SpentCode
from demo_clients.relying_party.tokens import access_token_for

EVIL_RETURN = "//evil.example/"


@dataclass(frozen=True, slots=True)
class Attack:
    """A button: its wire name, its label, and what it does in words. All attacks should be refused."""

    key: str
    title: str
    explanation: str
    run: Callable[[RelyingParty, Browser], Awaitable[str]]


class _AttackWorked(Exception):
    """Nothing refused the attack."""


async def run_attack(party: RelyingParty, browser: Browser, attack: Attack) -> AttemptResult:
    """The result of an attack. Its `run` gives the reason why it was refused."""
    try:
        reason, ending = await attack.run(party, browser), Ending.REFUSED
    except _AttackWorked:
        reason, ending = "Nothing refused it. This is a fault of this application.", Ending.ACCEPTED
    return AttemptResult(attack.title, ending, ending is Ending.REFUSED, f"Refused because: {reason}", at=party.now())


async def _wrong_state(party: RelyingParty, browser: Browser) -> str:
    answer = {"code": secrets.token_urlsafe(32), "state": secrets.token_urlsafe(32)}
    return await _refusal_of_callback(party, browser, answer)


async def _response_replay(party: RelyingParty, browser: Browser) -> str:
    spent = _spent_code(browser.session)
    return await _refusal_of_callback(party, browser, {"code": spent.code, "state": spent.state})


async def _other_provider(party: RelyingParty, browser: Browser) -> str:
    pending = await party.code_flow.begin("/")
    browser.open().remember(pending)
    answer = {"code": secrets.token_urlsafe(32), "state": pending.state, "iss": "https://evil.example"}
    return await _refusal_of_callback(party, browser, answer)


async def _code_replay(party: RelyingParty, browser: Browser) -> str:
    session = browser.open()
    spent = _spent_code(session)
    try:
        await party.code_flow.redeem(spent.code, spent.code_verifier)
    except SignInRefused as refusal:
        return f"{refusal.reason} ({refusal.detail}). {await _what_was_revoked(party, session)}"
    raise _AttackWorked


async def _open_redirect(party: RelyingParty, browser: Browser) -> str:  # noqa: ARG001
    chosen = return_path(EVIL_RETURN, party.settings.defaults.pages)
    if chosen.honoured:
        raise _AttackWorked
    return f"{EVIL_RETURN} is none of our own pages. After the sign-in one stays here, on {chosen.path}"


async def _refusal_of_callback(party: RelyingParty, browser: Browser, answer: dict[str, str]) -> str:
    parameters = {"iss": party.settings.issuer, **answer}
    try:
        await finish_sign_in(party, browser, QueryParams(urlencode(parameters)))
    except RelyingPartyError as refusal:
        return refusal.reason
    raise _AttackWorked


async def _what_was_revoked(party: RelyingParty, session: Session) -> str:
    """Whether the replay cost the tokens of the first use too, as RFC 6749 §4.1.2 asks of the provider."""
    if party.settings.sign_in_only:
        return "Whether it cost the tokens of the first use too cannot be seen here, where none is ever renewed"
    try:
        await access_token_for(party, session, party.settings.peer_resource, renew=True)
    except RelyingPartyError as refusal:
        return f"And the tokens that came from the first use are dead: {refusal.reason}"
    return "The tokens of the first use still live."


def _spent_code(session: Session | None) -> SpentCode:
    if session is None or session.spent_code is None:
        raise SignInRefused("There is no code of an earlier sign-in to replay.", remedy="Please sign in first.")
    return session.spent_code


ATTACKS = (
    Attack(
        "wrong-state",
        "Sign-in with a wrong state",
        "An attacker's answer is slipped into your browser, to sign you in as somebody else.",
        _wrong_state,
    ),
    Attack(
        "response-replay",
        "The same answer twice",
        "The answer of your own sign-in, as found in a log or a history, comes in once more.",
        _response_replay,
    ),
    Attack(
        "mix-up",
        "An answer from another provider",
        "The state is right, but the answer comes from https://evil.example.",
        _other_provider,
    ),
    Attack(
        "open-redirect",
        "A way out after sign-in",
        f"Somebody sent you a link that wants you on {EVIL_RETURN} after the sign-in.",
        _open_redirect,
    ),
    Attack(
        "code-replay",
        "The same code twice",
        "The spent code goes to the provider again, which then revokes all that came of it: you will be signed out.",
        _code_replay,
    ),
)
"""Attacks on the sign-in, in the order of the page."""
