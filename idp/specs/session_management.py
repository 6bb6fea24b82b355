"""OIDC Session Management 1.0: a relying party's page asks, in the browser alone, whether the sessions there changed.

Each authorization response carries a `session_state` (§2): a salted hash over the client, the origin of its redirect
URI and the state of the browser here. The page of `check_session_iframe` stands in a frame of the relying party's page,
computes the hash anew from a cookie, and answers `unchanged`, `changed` or `error` (§3.2).

The browser's state is one for all its sessions: it changes when any of them begins, is renewed by a fresh
authentication, or ends here. It does not when another one of them is merely used: two clients of two accounts would
else call each other's check for ever. After `changed` a client asks by `prompt=none`, which tells what became of its
own.

What this cannot see is the end of a session anywhere but in this browser: by expiry, by an administrator, by a new
password. And it works only where a framed page may read its cookies, which current browsers keep from frames of another
site (§5.1); the answer there is `error`. Back-Channel Logout is the one to rely on.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from idp.protocol.context import Context
from idp.protocol.messages import Answer, Page, Request
from idp.protocol.pages import SessionFrame
from idp.protocol.spec import Delivery, Endpoint, ErrorStyle, Spec
from idp.randomness import digest, new_identifier
from idp.settings import Settings

PATH = "/oauth2/session"
DEFAULT_PORTS = {"http": 80, "https": 443}


def session_state_parameter(delivery: Delivery, _settings: Settings) -> Mapping[str, str]:
    """Return the response parameter of §2; none in a refusal, or where no page could ask."""
    origin = origin_of(delivery.target.redirect_uri)
    if not delivery.granted or origin is None:
        return {}
    return {"session_state": session_state(delivery.client.client_id, origin, delivery.browser.state)}


def session_state(client_id: str, origin: str, browser_state: str) -> str:
    """Return a session state with a fresh salt, as §3.2 computes it: the static `check_session.js` does the same."""
    salt = new_identifier()
    return f"{digest(f'{client_id} {origin} {browser_state} {salt}')}.{salt}"


def origin_of(redirect_uri: str) -> str | None:
    """Return the origin of a registered redirect URI as browsers write it (RFC 6454 §6.2); None if it has none."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in DEFAULT_PORTS:
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def show_frame(_request: Request, _context: Context) -> Answer:
    """Answer the page of §3.2, the same for everybody."""
    return Page(facts=SessionFrame())


SPEC = Spec(
    name="session_management",
    document="OIDC Session Management 1.0",
    requires=("oidc_core",),
    response_parameters=(session_state_parameter,),
    endpoints=(
        Endpoint(
            path=PATH,
            methods=("GET",),
            handle=show_frame,
            metadata="check_session_iframe",
            writes=False,
            errors=ErrorStyle.PAGE,
        ),
    ),
)
