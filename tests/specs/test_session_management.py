"""OIDC Session Management 1.0: the session state, the cookie it is computed from, and the page that may be framed."""

import hashlib
import html
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from idp.specs.session_management import origin_of
from idp.stores.sql.storage import SqlStorage
from tests.provider import PASSWORD, Browser, House, make_house

FRAME = "/oauth2/session"
STATE, SESSIONS = "__Host-signet_state", "__Host-signet_sessions"
EVERY_TYPE = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")


def members_of(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters of an authorization response, whatever its mode is."""
    if response.status_code == 200:
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', response.text)
        return {name: html.unescape(value) for name, value in found}
    parts = urlsplit(response.headers["location"])
    return dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True))


def state_of(browser: Browser) -> str | None:
    """Return the state that the browser's cookie has."""
    return browser.cookies.get(STATE)


def computed(session_state: str, client_id: str, origin: str, browser: Browser) -> str:
    """Compute a session state anew, with its salt, by the formula of §3.2."""
    salt = session_state.partition(".")[2]
    hashed = hashlib.sha256(f"{client_id} {origin} {state_of(browser)} {salt}".encode()).hexdigest()
    return f"{hashed}.{salt}"


def set_cookies(response: httpx2.Response) -> dict[str, tuple[str, set[str]]]:
    """Return value and attributes of each cookie that an answer sets."""
    found = {}
    for line in response.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        found[name] = (value, set(attributes))
    return found


def enter(house: House, browser: Browser, **more: Any) -> httpx2.Response:
    """Sign in as alice and return the authorization response."""
    return browser.sign_in(browser.follow(browser.authorize(**more)))


@pytest.mark.requirement("OIDC Session Management 1.0", "2")
@pytest.mark.requirement("OIDC Session Management 1.0", "3.2")
@pytest.mark.parametrize("response_mode", [None, "form_post"])
@pytest.mark.parametrize("response_type", EVERY_TYPE)
def test_every_response_carries_the_session_state(house: House, response_type: str, response_mode: str | None) -> None:
    """Whatever type and mode, and without a space; the salt is another one each time."""
    house.add_client(
        "legacy", profile="oidc_legacy", response_types=EVERY_TYPE, grant_types=["authorization_code", "implicit"]
    )
    browser = house.browser()
    asked: dict[str, Any] = {"response_type": response_type, "response_mode": response_mode}
    first = members_of(enter(house, browser, client_id="legacy", **asked))["session_state"]
    assert first == computed(first, "legacy", "https://rp.example", browser)
    assert re.fullmatch(r"[0-9a-f]{64}\.[0-9a-f]{32}", first)
    again = members_of(browser.authorize("legacy", prompt="none", **asked))["session_state"]
    assert again != first
    assert again == computed(again, "legacy", "https://rp.example", browser)


@pytest.mark.requirement("OIDC Session Management 1.0", "3.2")
def test_session_state_belongs_to_client_and_origin(house: House) -> None:
    """The one of a client is not that of another client, or of another origin."""
    browser = house.browser()
    states = {}
    for client_id, uri in (("evil", "https://evil.example/cb"), ("evil", "https://rp.example/cb"), ("web", None)):
        known = browser.code_flow(client_id, **({"redirect_uri": uri} if uri else {}))["session_state"]
        origin = (uri or "https://rp.example/cb").removesuffix("/cb")
        assert known == computed(known, client_id, origin, browser)
        states[client_id, origin] = known
    for (client_id, origin), known in states.items():
        for other_client, other_origin in states.keys() - {(client_id, origin)}:
            assert known != computed(known, other_client, other_origin, browser)


@pytest.mark.requirement("OIDC Session Management 1.0", "2")
@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_refusals_have_no_session_state(house: House, mode: str) -> None:
    """Neither before anyone signed in, nor while someone is."""
    browser = house.browser()
    refused = members_of(browser.authorize(prompt="none", response_mode=mode))
    assert (refused["error"], "session_state" in refused) == ("login_required", False)
    enter(house, browser)
    refused = members_of(browser.authorize(scope="no.such", response_mode=mode))
    assert (refused["error"], "session_state" in refused) == ("invalid_scope", False)
    page = browser.follow(browser.authorize("third", response_mode=mode))
    denied = members_of(browser.submit(page, action="deny"))
    assert (denied["error"], "session_state" in denied) == ("access_denied", False)


def test_clients_without_an_origin_get_none(house: House) -> None:
    """A private-use scheme has no page that could ask; a loopback redirect has an origin."""
    browser = house.browser()
    assert "session_state" not in browser.code_flow("pub", redirect_uri="com.example.app:/cb")
    known = browser.code_flow("pub", redirect_uri="http://127.0.0.1:4321/cb")["session_state"]
    assert known == computed(known, "pub", "http://127.0.0.1:4321", browser)


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://rp.example/cb?x=1", "https://rp.example"),
        ("https://rp.example:443/cb", "https://rp.example"),
        ("http://rp.example:443/cb", "http://rp.example:443"),
        ("http://localhost:80/cb", "http://localhost"),
        ("HTTPS://RP.Example:8443", "https://rp.example:8443"),
        ("http://[::1]:9/cb", "http://[::1]:9"),
        ("https://rp.example:0/", "https://rp.example:0"),
        ("com.example.app:/cb", None),
        ("com.example.app://rp.example/cb", None),
    ],
)
def test_origin_is_written_as_browsers_write_it(uri: str, origin: str | None) -> None:
    """In lower case, without a port that the scheme implies (RFC 6454 §6.2)."""
    assert origin_of(uri) == origin


@pytest.mark.case("LG-37")
@pytest.mark.requirement("OIDC Session Management 1.0", "3.2")
@pytest.mark.parametrize("remember", [None, "yes"])
def test_cookie_for_scripts_over_https(house: House, remember: str | None) -> None:
    """It may be read by a script of ours and in a frame, lives as long as the sessions' cookie, and tells no handle."""
    browser = house.browser()
    page = browser.follow(browser.authorize())
    answer = browser.post(
        "/login",
        data=dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        | {"username": "alice", "password": PASSWORD, "action": "sign_in"}
        | ({"remember": remember} if remember else {}),
    )
    cookies = set_cookies(answer)
    state, attributes = cookies.pop(STATE)
    sessions, session_attributes = cookies.pop(SESSIONS)
    age = {attribute for attribute in session_attributes if attribute.startswith("Max-Age=")}
    assert attributes == {"Path=/", "SameSite=None", "Secure"} | age
    assert session_attributes == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} | age
    assert len(age) == (1 if remember else 0)
    assert all("HttpOnly" in others for _, others in cookies.values())
    # Neither the handle nor what the store keeps of it (R19).
    assert state not in {sessions, hashlib.sha256(sessions.encode()).hexdigest()}


def test_cookie_for_scripts_over_http(house: House, tmp_path: Any) -> None:
    """Without https there is neither prefix nor Secure, and so no SameSite=None either."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/plain.sqlite3")
    storage.migrate()
    plain = make_house(storage, tmp_path / "plain.key", issuer="http://idp.localhost:9000")
    plain.add_client("web")
    plain.add_account("alice")
    browser = plain.browser()
    cookies = set_cookies(enter(plain, browser))
    assert cookies["signet_state"][1] == {"Path=/", "SameSite=Lax"}
    storage.close()


@pytest.mark.requirement("OIDC Session Management 1.0", "3.2")
def test_state_changes_with_the_sessions_and_not_with_their_use(house: House) -> None:
    """Another value for a fresh sign-in, another account and a sign-out; the same under single sign-on."""
    browser = house.browser()
    seen = [state_of(browser)]

    def new() -> bool:
        known = state_of(browser) in seen
        seen.append(state_of(browser))
        return not known

    id_token = browser.tokens()["id_token"]
    assert new()
    for client_id in ("web", "third", "post"):
        uri = {"redirect_uri": "https://post.example/cb"} if client_id == "post" else {}
        browser.code_flow(client_id, **uri)
        assert not new()
    browser.authorize(prompt="none", scope="no.such")
    browser.get("/")
    assert not new()
    browser.sign_in(browser.follow(browser.authorize(prompt="login")))
    assert new()
    alone = state_of(browser)
    page = browser.follow(browser.authorize(prompt="login"))
    bobs = browser.exchange(members_of(browser.sign_in(page, "bob"))["code"]).json()["id_token"]
    assert new()
    both = state_of(browser)
    # Whichever account goes on, both are signed in: two clients do not disturb each other.
    for hint in (id_token, bobs, id_token):
        known = members_of(browser.authorize(prompt="none", id_token_hint=hint))["session_state"]
        assert known == computed(known, "web", "https://rp.example", browser)
        assert state_of(browser) == both
    browser.get("/oauth2/logout", params={"id_token_hint": bobs})
    assert state_of(browser) == alone
    browser.get("/oauth2/logout", params={"id_token_hint": id_token})
    assert state_of(browser) is None


def test_sign_out_takes_the_cookie_away(house: House) -> None:
    """Expired at once, with the attributes that it was set with."""
    browser = house.browser()
    gone = browser.get("/oauth2/logout", params={"id_token_hint": browser.tokens()["id_token"]})
    assert set_cookies(gone)[STATE] == ("", {"Path=/", "SameSite=None", "Secure", "Max-Age=0"})


@pytest.mark.requirement("OIDC Session Management 1.0", "3.3")
def test_discovery_names_the_frame(house: House) -> None:
    """The page is where discovery says."""
    browser = house.browser()
    uri = browser.get("/.well-known/openid-configuration").json()["check_session_iframe"]
    assert uri == f"https://idp.example{FRAME}"
    assert browser.get(uri).status_code == 200


@pytest.mark.case("LG-35", "LG-36")
@pytest.mark.requirement("OIDC Session Management 1.0", "3.2")
def test_the_frame_is_the_same_for_everybody(house: House) -> None:
    """It may be framed and kept, runs one script of ours, sends nothing and sets no cookie, whoever is signed in."""
    stranger, browser = house.browser(), house.browser()
    enter(house, browser)
    pages = [stranger.get(FRAME), browser.get(FRAME), browser.get(FRAME, params={"client_id": "web"})]
    for page in pages:
        assert page.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors *"
        )
        assert page.headers["cache-control"] == "public, max-age=86400"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.text == pages[0].text
        assert not {"x-frame-options", "set-cookie", "access-control-allow-origin"} & set(page.headers)
    (script,) = re.findall(r"<script ([^>]*)></script>", pages[0].text)
    assert f'data-state-cookie="{STATE}"' in script
    source = re.findall(r'src="([^"]+)"', script)[0]
    assert stranger.get(source).headers["content-type"].startswith("text/javascript")
    assert re.findall(r"<(?:form|a|img|iframe|link|input|style)\b", pages[0].text) == []


@pytest.mark.case("LG-35")
def test_nothing_else_may_be_framed(house: House) -> None:
    """Every other page, the refusals of the frame's own address, files and documents stay out of frames."""
    browser = house.browser()
    login = browser.follow(browser.authorize("third"))
    answers = [login, browser.sign_in(login), browser.authorize("nobody"), browser.get("/"), browser.get("/nowhere")]
    answers += [browser.get("/oauth2/logout"), browser.get("/oauth2/logout/confirm"), browser.get("/static/signet.css")]
    answers += [browser.get("/.well-known/openid-configuration"), browser.authorize(response_mode="form_post")]
    answers += [browser.request(method, FRAME) for method in ("POST", "HEAD", "PUT", "OPTIONS")]
    answers += [browser.get(path) for path in (f"{FRAME}/", f"{FRAME}/x", "/oauth2//session", "/oauth2/Session")]
    answers.append(browser.get(FRAME, headers={"host": "evil.example"}))
    for answer in answers:
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
