"""The account pages: who gets in, that forms are ours, and one's sessions."""

import re

import pytest

from idp.stores.records import Session
from idp.web.devices import browser_of, system_of
from tests.account_pages import at, send, visitor
from tests.provider import PASSWORD, House, response_params
from tests.second_factors import account_id, give_app, next_code, send_code

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36"
PATHS = ["", "/profile", "/password", "/methods", "/methods/app", "/sessions", "/applications", "/activity", "/data"]


def live(house: House, name: str = "alice") -> list[Session]:
    """Return the live sessions of an account."""
    with house.storage.snapshot() as uow:
        return list(house.server.sessions.list_live(uow, account_id(house, name), house.clock.now()))


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_signing_in(house: House, path: str) -> None:
    """Whoever is not signed in signs in first, and is back where they wanted to be; nothing is kept by browsers."""
    browser = house.browser()
    page = browser.follow(browser.get(f"/account{path}"))
    assert 'id="login-submit"' in page.text
    assert "to continue to your account" in page.text
    assert browser.post(f"/account{path}").status_code in {303, 405}
    entered = browser.sign_in(page)
    assert (entered.status_code, str(entered.url)) == (200, f"https://idp.example/account{path}")
    assert entered.headers["cache-control"] == "no-store"
    assert "form-action 'self';" in entered.headers["content-security-policy"]


def test_cancel_leads_home(house: House) -> None:
    """Who does not want to sign in after all is at the issuer's own page."""
    browser = house.browser()
    page = browser.submit(browser.follow(browser.get("/account")), action="cancel")
    assert str(page.url) == "https://idp.example/"
    assert "Sign in once" in page.text


def test_used_sign_in_page_leads_back(house: House) -> None:
    """A sign-in page that was used continues at the page that had asked."""
    browser = house.browser()
    page = browser.follow(browser.get("/account/sessions"))
    browser.sign_in(page)
    again = browser.get(str(page.url))
    assert 'href="https://idp.example/account/sessions"' in again.text


def test_second_factor_is_asked_here_too(house: House) -> None:
    """Whoever has set one up gets in with it alone."""
    app, browser = give_app(house), house.browser()
    page = at(browser)
    assert 'id="second-factor-submit"' in page.text
    assert live(house) == []
    entered = send_code(browser, page, next_code(house, app))
    assert "Authenticator app" in entered.text


def test_session_serves_clients_and_account_alike(house: House) -> None:
    """Who signed in for a client is not asked again, and the other way round."""
    browser = house.browser()
    browser.code_flow()
    assert "Signed in as" in browser.get("/account").text
    other = visitor(house)
    assert "code" in response_params(other.authorize())


@pytest.mark.parametrize("token", [None, "", "x" * 64, "of another session"])
def test_form_has_to_be_ours(house: House, token: str | None) -> None:
    """A form without the page's own token changes nothing."""
    visitor(house)
    browser = visitor(house)
    if token == "of another session":
        found = re.search(r'name="csrf_token" value="([^"]+)"', visitor(house).get("/account/sessions").text)
        assert found
        token = found.group(1)
    data = {"action": "end_others"} | ({"csrf_token": token} if token is not None else {})
    before = len(live(house))
    assert browser.post("/account/sessions", data=data).status_code == 403
    assert len(live(house)) == before


def test_sessions_are_told_apart(house: House) -> None:
    """Each has its device, address and instants; this one says so and has no button."""
    other = house.browser(headers={"user-agent": CHROME})
    at(other)
    house.clock.move(120)
    page = visitor(house).get("/account/sessions")
    assert "Chrome · Windows" in page.text
    assert page.text.count('name="action" value="end"') == 1
    assert page.text.count("This one") == 1


@pytest.mark.case("SS-03")
def test_sessions_are_ended_by_their_owner(house: House) -> None:
    """One, or all others; never one of somebody else."""
    first, second, mine = visitor(house), visitor(house), visitor(house)
    bob = visitor(house, "bob")
    page = mine.get("/account/sessions")
    (stranger,) = live(house, "bob")
    assert send(mine, page, "/sessions", action="end", session=stranger.session_id).status_code == 403
    assert send(mine, page, "/sessions", action="end", session="nothing").status_code == 403
    assert "Signed in as" in bob.get("/account").text
    found = re.search(r'name="session" value="([^"]+)"', page.text)
    assert found
    told = send(mine, page, "/sessions", action="end", session=found.group(1))
    assert "That device is signed out." in told.text
    assert len(live(house)) == 2
    send(mine, told, "/sessions", action="end_others")
    assert len(live(house)) == 1
    assert [each.get("/account").status_code for each in (first, second, mine)] == [303, 303, 200]


def test_home_leads_to_the_account(house: House) -> None:
    """The page at the issuer links to it, signed in or not."""
    for browser in (house.browser(), visitor(house)):
        assert 'href="https://idp.example/account"' in browser.get("/").text


@pytest.mark.case("LG-39")
def test_profile_takes_what_is_its_owners(house: House) -> None:
    """Names, language and time zone are saved, an empty one goes; roles, verified flags, the address, the `sub` and
    whatever else is sent are nothing that this form changes."""
    with house.storage.snapshot() as uow:
        before = uow.accounts.find(account_id(house))
    assert before is not None
    alice = visitor(house)
    page = alice.get("/account/profile")
    forbidden = {"roles": "admin", "is_admin": "1", "email": "x@evil.example", "email_verified": "true"}
    forbidden |= {"sub": "other", "account_id": "other", "enabled": "false", "username": "root", "names": "root"}
    own = {"name": "Alïce", "family_name": "", "zoneinfo": "Europe/Berlin", "locale": "en-IE"}
    told = send(alice, page, "/profile", **own, **forbidden)
    assert "Your profile is saved." in told.text
    with house.storage.snapshot() as uow:
        after = uow.accounts.find(before.account_id)
    assert after is not None
    changed = {"name": "Alïce", "zoneinfo": "Europe/Berlin", "locale": "en-IE", "updated_at": house.clock.now()}
    assert after.claims == {k: v for k, v in before.claims.items() if k != "family_name"} | changed
    assert (after.roles, after.names, after.username, after.enabled) == (
        before.roles,
        before.names,
        before.username,
        True,
    )
    assert "CET" in alice.get("/account/sessions").text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("locale", "not a tag"),
        ("zoneinfo", "../../etc/passwd"),
        ("zoneinfo", "Nowhere/Land"),
        ("website", "javascript:alert(1)"),
        ("birthdate", "yesterday"),
        ("name", "a\u200bb"),
        ("name", "x" * 1001),
    ],
)
def test_profile_refuses_what_is_no_such_claim(house: House, name: str, value: str) -> None:
    """The field says so, keeps what was typed, and nothing is saved."""
    alice = visitor(house)
    page = send(alice, alice.get("/account/profile"), "/profile", nickname="Al", **{name: value})
    assert page.status_code == 400
    assert f'id="{name}-error"' in page.text
    assert 'value="Al"' in page.text
    assert 'value="Al"' not in alice.get("/account/profile").text


def change(house: House, current: str = PASSWORD, new: str = "a new one of fifteen") -> tuple[int, str]:
    """Send the form for a new password from a browser of its own; return status and page."""
    alice = visitor(house)
    page = send(alice, alice.get("/account/password"), "/password", current=current, new=new)
    return page.status_code, page.text


def test_new_password_ends_all_but_this_session(house: House) -> None:
    """Other sessions and all grants end; this one goes on under a new handle, and the new password counts (R7, R16)."""
    other, alice = visitor(house), visitor(house)
    tokens = alice.tokens(scope="openid offline_access")
    before = alice.cookies["__Host-signet_sessions"]
    page = send(
        alice, alice.get("/account/password"), "/password", current=PASSWORD, new="correct horse battery stapler"
    )
    assert "Your password is changed." in page.text
    assert alice.cookies["__Host-signet_sessions"] != before
    assert len(live(house)) == 1
    assert other.get("/account").status_code == 303
    assert alice.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert "Signed in as" in at(house.browser(), "", password="correct horse battery stapler").text
    assert "don’t match" in at(house.browser()).text
    stolen = house.browser(cookies={"__Host-signet_sessions": before})
    assert stolen.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "words"),
    [
        (PASSWORD, "", "Enter both passwords"),
        ("", "a new one of fifteen", "Enter both passwords"),
        ("wrong", "a new one of fifteen", "That is not your password"),
        (PASSWORD, "fourteen chars", "it needs 15 characters"),
        (PASSWORD, "x" * 4097, "too long"),
        (PASSWORD, "ALICE@example.org", "made of a name"),
    ],
)
def test_new_password_is_refused(house: House, current: str, new: str, words: str) -> None:
    """Without the current one, or where the new one is too easy, nothing changes."""
    status, text = change(house, current, new)
    assert (status, words in text) == (400, True)
    assert "Signed in as" in at(house.browser()).text


def test_shorter_password_with_a_second_factor(house: House) -> None:
    """Eight characters are enough beside a second factor (NIST SP 800-63B-4)."""
    alice = visitor(house)
    give_app(house)
    page = send(alice, alice.get("/account/password"), "/password", current=PASSWORD, new="owl-kettle")
    assert "Your password is changed." in page.text


@pytest.mark.case("LG-42")
def test_guessing_the_current_password_is_throttled(house: House) -> None:
    """Fifty wrong ones: from the eleventh on none is judged, not even the right one."""
    alice = visitor(house)
    page = alice.get("/account/password")
    new = "a new one of fifteen"
    answers = [send(alice, page, "/password", current="wrong", new=new).status_code for _ in range(50)]
    assert answers == [400] * 10 + [429] * 40
    late = send(alice, page, "/password", current=PASSWORD, new=new)
    assert (late.status_code, "Too many tries" in late.text) == (429, True)


@pytest.mark.case("LG-33")
def test_hostile_text_stays_text(house: House) -> None:
    """A name, a device and a word in the address that would be markup are none on any page."""
    hostile = "<img src=x>\"'"
    alice = house.browser(headers={"user-agent": f"Chrome/ {hostile}"})
    at(alice)
    send(alice, alice.get("/account/profile"), "/profile", name=hostile, nickname=hostile)
    for path in PATHS:
        page = alice.get(f"/account{path}", params={"done": hostile})
        assert page.status_code == 200
        assert "<img src=x" not in page.text


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        (CHROME, "Chrome", "Windows"),
        (f"{CHROME} Edg/150.0", "Edge", "Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36",
            "Chrome",
            "Android",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari", "iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/19.0 Safari/605.1.15", "Safari", "macOS"),
        ("something else", "", ""),
        ("", "", ""),
    ],
)
def test_devices_are_named(user_agent: str, browser: str, system: str) -> None:
    """The common ones by the names that people know; no other is guessed."""
    assert (browser_of(user_agent), system_of(user_agent)) == (browser, system)
