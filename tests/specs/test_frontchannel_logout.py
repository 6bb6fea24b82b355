"""OIDC Front-Channel Logout 1.0: the signed-out browser tells the relying parties that asked for it."""

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from idp.protocol.errors import InvalidClientMetadata
from tests.provider import House, claims_of

BACK = "https://rp.example/bye"
FRAME = "https://rp.example/front?x=1"


def frames_of(text: str) -> list[str]:
    """Return the addresses of the frames in a page."""
    return [html.unescape(uri) for uri in re.findall(r'<iframe[^>]* src="([^"]*)"', text)]


@pytest.mark.case("SS-13")
@pytest.mark.requirement("OIDC Front-Channel Logout 1.0", "2")
def test_each_client_of_the_session_is_loaded_with_iss_and_sid(house: House) -> None:
    """Exactly the registered URI and two parameters; a client that was not used is not told; then on to the client."""
    house.add_client("front", frontchannel_logout_uri=FRAME, post_logout_redirect_uris=[BACK])
    house.add_client("unused", frontchannel_logout_uri="https://rp.example/unused")
    browser = house.browser()
    id_token = browser.tokens("front")["id_token"]
    page = browser.get(
        "/oauth2/logout", params={"id_token_hint": id_token, "post_logout_redirect_uri": BACK, "state": "s"}
    )
    (frame,) = frames_of(page.text)
    assert frame.startswith(FRAME + "&")
    query = dict(parse_qsl(urlsplit(frame).query))
    assert query == {"x": "1", "iss": "https://idp.example", "sid": claims_of(id_token)["sid"]}
    assert "frame-src https://rp.example" in page.headers["content-security-policy"]
    assert f'content="4;url={BACK}?state=s"' in page.text
    assert "error=login_required" in browser.authorize("front", prompt="none").headers["location"]


def test_without_a_way_back_the_notice_stays(house: House) -> None:
    """The page loads the frames and leads nowhere by itself."""
    house.add_client("front", frontchannel_logout_uri=FRAME)
    browser = house.browser()
    page = browser.get("/oauth2/logout", params={"id_token_hint": browser.tokens("front")["id_token"]})
    assert len(frames_of(page.text)) == 1
    assert 'id="logged-out"' in page.text
    assert "http-equiv" not in page.text


def test_without_such_clients_nothing_changes(house: House) -> None:
    """No frame is allowed by the page's policy, and the redirect is at once."""
    house.add_client("plain", post_logout_redirect_uris=[BACK])
    browser = house.browser()
    id_token = browser.tokens("plain")["id_token"]
    gone = browser.get("/oauth2/logout", params={"id_token_hint": id_token, "post_logout_redirect_uri": BACK})
    assert gone.headers["location"] == BACK
    assert "frame-src" not in browser.get("/oauth2/logout").headers["content-security-policy"]


@pytest.mark.parametrize(
    "uri",
    [
        "https://other.example/front",
        "http://rp.example/front",
        "https://rp.example:444/front",
        "javascript:alert(1)",
        1,
    ],
)
def test_only_the_clients_own_place_is_registered(house: House, uri: object) -> None:
    """Scheme, host and port are those of a redirect URI, so that no client has pages loaded from elsewhere."""
    with pytest.raises(InvalidClientMetadata):
        house.add_client("bad", frontchannel_logout_uri=uri)


@pytest.mark.requirement("OIDC Discovery 1.0", "3")
def test_discovery_tells_it(house: House) -> None:
    """Both members of §3."""
    document = house.browser().get("/.well-known/openid-configuration").json()
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True


@pytest.mark.requirement("OIDC Core 1.0", "4")
@pytest.mark.parametrize("uri", ["http://rp.example/start", "https://rp.example/start#x", "com.example:/start", ""])
def test_initiate_login_uri_is_https(house: House, uri: str) -> None:
    """OIDC Registration §2 asks for https."""
    with pytest.raises(InvalidClientMetadata):
        house.add_client("bad", initiate_login_uri=uri)
    house.add_client("good", initiate_login_uri="https://rp.example/start")
