"""What a person does at the Shop in each module, and what the Shop must show.

A journey returns in words what was seen. It raises Unexpected if the Shop showed anything else.
"""

import base64
import json
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs, urlsplit

from demo_clients.relying_party.jwks import REFETCH_INTERVAL_SECONDS
from tests.conformance_rp.browser import Browser, Page

Journey = Callable[[Browser], str]


class Unexpected(Exception):
    """The Shop did otherwise than it should; the text says what."""


def sign_in(browser: Browser) -> str:
    """Sign in; the front page greets the person."""
    page = browser.visit("/login")
    _expect(page.status == 200 and bool(page.element("who")), "signed in", page)
    return "signed in"


def refused(browser: Browser, *, by: str) -> str:
    """Sign in; the callback refuses for the check that is named so, and nobody is signed in."""
    page = browser.visit("/login")
    said = f"{page.element('reason')} {page.element('detail')}"
    _expect(page.status == 400 and by in said, f"refused for “{by}”", page)
    front = browser.visit("/")
    _expect(not front.element("who"), "nobody signed in after the refusal", front)
    return f"refused: {page.element('detail') or page.element('reason')}"


def begin_only(browser: Browser) -> str:
    """Ask to sign in, and stay: the Shop has read the metadata and knows where to send the browser."""
    page = browser.visit("/login", follow=False)
    _expect(page.status == 303 and "response_type=code" in page.location, "sent to the provider", page)
    return "sent to the authorization endpoint of the metadata"


def provider_refused(browser: Browser) -> str:
    """Ask to sign in; the Shop does not believe the metadata and sends nobody anywhere."""
    page = browser.visit("/login")
    _expect(page.status == 502 and "another issuer" in page.element("reason"), "the metadata refused", page)
    _expect(len(page.visited) == 1, "no redirect", page)
    return "metadata refused: it speaks for another issuer"


def call_api(browser: Browser) -> str:
    """Call the Shop's API with an invented token: it fetches the provider's keys and finds none of that name."""
    header = {"alg": "RS256", "typ": "at+jwt", "kid": "invented"}
    token = ".".join(_base64url(part) for part in (json.dumps(header).encode(), b"{}", b"no signature"))
    page = browser.visit("/api/orders", headers={"Authorization": f"Bearer {token}"})
    _expect(page.status == 401 and "invalid_token" in page.text, "the token refused", page)
    return "keys fetched to refuse an invented access token"


def sign_in_twice(browser: Browser) -> str:
    """Sign in, and once more when unknown keys may be asked for again; the provider's keys changed in between."""
    sign_in(browser)
    time.sleep(REFETCH_INTERVAL_SECONDS + 1)
    sign_in(browser)
    return "signed in before and after the rotation"


def sign_out(browser: Browser, *, confirmed: bool = True) -> str:
    """Sign in, then sign out everywhere. The Shop believes the way back only with the state that it sent."""
    sign_in(browser)
    form = browser.visit("/logout")
    page = browser.submit("/logout", {"csrf_token": form.field("csrf_token"), "where": "everywhere"})
    request = next((url for url in page.visited if "end_session" in url), "")
    sent = parse_qs(urlsplit(request).query)
    _expect({"id_token_hint", "post_logout_redirect_uri", "state"} <= sent.keys(), "a whole logout request", page)
    _expect(page.status == 200 and not page.element("who"), "signed out", page)
    notice = page.element("notice")
    _expect(("could not be told" in notice) is not confirmed, "confirmed" if confirmed else "not confirmed", page)
    return "signed out everywhere" if confirmed else "signed out here; the way back without our state is not believed"


def _expect(holds: bool, wanted: str, page: Page) -> None:
    if not holds:
        raise Unexpected(f"wanted: {wanted}; found: {page.summary}")


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


_PREFIX = "oidcc-client-test-"
_REFUSALS = {
    "invalid-iss": "issuer:",
    "missing-sub": "subject:",
    "invalid-aud": "audience:",
    "missing-iat": "issued at:",
    "nonce-invalid": "nonce:",
    "kid-absent-multiple-jwks": "key:",
    "idtoken-sig-none": "algorithm:",
    "invalid-sig-rs256": "signature:",
    "userinfo-invalid-sub": "another person's identifier",
}
_OTHERS: dict[str, Journey] = {
    "discovery-openid-config": begin_only,
    "discovery-jwks-uri-keys": call_api,
    "discovery-issuer-mismatch": provider_refused,
    "signing-key-rotation": sign_in_twice,
    "rp-init-logout": sign_out,
    "rp-init-logout-other-state": partial(sign_out, confirmed=False),
    "rp-init-logout-no-state": partial(sign_out, confirmed=False),
}


def journey_of(module: str) -> Journey:
    """The journey that a module wants."""
    name = module.removeprefix(_PREFIX)
    if name in _REFUSALS:
        return partial(refused, by=_REFUSALS[name])
    if name.startswith("rp-backchannel"):
        return sign_out
    return _OTHERS.get(name, sign_in)
