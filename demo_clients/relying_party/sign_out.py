"""Leaving: from this application only, or from the provider and thereby everywhere (RP-Initiated Logout §2, §3).

The session here ends first and in any case. The ID Token goes to the provider as `id_token_hint`; it is a statement
about the session, not a credential: no API takes it. The `state` that comes back shows that the answer is ours.
"""

import contextlib
import hmac
import secrets
from urllib.parse import urlencode, urlsplit

from demo_clients.relying_party.cookies import Browser
from demo_clients.relying_party.errors import ProviderUnavailable, RelyingPartyError
from demo_clients.relying_party.events import SIGNED_OUT
from demo_clients.relying_party.party import RelyingParty
from demo_clients.relying_party.sessions import Session
from demo_clients.relying_party.timeline import query_of, step

SIGNED_OUT_HERE = "You are signed out here. At the sign-in service you are still signed in."
SIGNED_OUT_EVERYWHERE = "You are signed out here and at the sign-in service, which tells the other applications."
SIGNED_OUT_UNCONFIRMED = "You are signed out here, but the sign-in service could not be told. Please sign out there."


async def sign_out_here(party: RelyingParty, browser: Browser) -> None:
    """End the session of this application and revoke its refresh token (RFC 7009), if the provider can be reached."""
    refresh_token = browser.session.tokens.refresh_token if browser.session and browser.session.tokens else None
    _end(party, browser, SIGNED_OUT_HERE)
    if refresh_token is not None:
        with contextlib.suppress(RelyingPartyError):
            await party.code_flow.revoke(refresh_token)


async def sign_out_everywhere(party: RelyingParty, browser: Browser) -> str:
    """End the session here; the URL to send the browser to, so that the provider ends its own (§2)."""
    identity = browser.session.identity if browser.session else None
    session = _end(party, browser, SIGNED_OUT_UNCONFIRMED)
    try:
        end_session_endpoint = (await party.discovery.metadata()).end_session_endpoint
    except ProviderUnavailable:
        end_session_endpoint = None
    if end_session_endpoint is None:
        return "/"
    session.sign_out_state = secrets.token_urlsafe(32)
    parameters = {
        "client_id": party.settings.client_id,
        "post_logout_redirect_uri": party.settings.post_logout_redirect_uri,
        "state": session.sign_out_state,
    }
    if identity is not None and identity.id_token.token is not None:
        parameters["id_token_hint"] = identity.id_token.token.raw
    separator = "&" if urlsplit(end_session_endpoint).query else "?"
    url = end_session_endpoint + separator + urlencode(parameters)
    name = party.settings.defaults.name
    session.timeline.append(step(party.now(), name, "Provider", "Logout request, through the browser", query_of(url)))
    return url


def finish_sign_out(session: Session | None, state: str) -> bool:
    """Whether the browser comes back from the sign-out that this session began (§3); works once."""
    expected = session.sign_out_state if session is not None else None
    if session is None or expected is None or not hmac.compare_digest(state.encode(), expected.encode()):
        return False
    session.sign_out_state = None
    session.notice = SIGNED_OUT_EVERYWHERE
    return True


def _end(party: RelyingParty, browser: Browser, notice: str) -> Session:
    if browser.session is not None:
        party.events.publish(browser.session.id, SIGNED_OUT)
    session = browser.renew()
    session.notice = notice
    return session
