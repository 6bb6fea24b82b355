"""SS: what a cookie is worth that is broken, doubled, somebody else's, or not a cookie of ours at all (R5)."""

import pytest

from tests.attacks.oracle import assert_challenged, assert_page, assert_redirected, unchanged
from tests.attacks.pages import hidden
from tests.attacks.raw import ask_raw
from tests.provider import CHALLENGE, House, claims_of, response_params

BROWSER, SESSIONS, STATE = "__Host-signet_browser", "__Host-signet_sessions", "__Host-signet_state"
QUERY = (
    f"client_id=web&redirect_uri=https://rp.example/cb&response_type=code&scope=openid&prompt=none&state=st"
    f"&code_challenge={CHALLENGE}&code_challenge_method=S256"
).encode()


def cookie(value: str | bytes) -> tuple[bytes, bytes]:
    """Return a Cookie header."""
    return (b"cookie", value.encode() if isinstance(value, str) else value)


@pytest.mark.case("SS-20")
@pytest.mark.parametrize(
    "kind",
    [
        "twice, same",
        "twice, other",
        "two headers",
        "tail cut",
        "tail added",
        "quoted",
        "case",
        "unprefixed",
        "long",
        "non-ascii",
        "nul",
        "in another's value",
    ],
)
def test_broken_session_cookie_is_nobody(house: House, kind: str) -> None:
    """A session cookie that is doubled, damaged or smuggled counts as none."""
    browser = house.browser()
    browser.code_flow()
    name, good = SESSIONS, browser.cookies[SESSIONS]
    cookies = {
        "twice, same": [f"{name}={good}; {name}={good}"],
        "twice, other": [f"{name}={'A' * 43}; {name}={good}"],
        "two headers": [f"{name}={good}", f"{name}={good}"],
        "tail cut": [f"{name}={good[:-1]}"],
        "tail added": [f"{name}={good}A"],
        "quoted": [f'{name}="{good}"'],
        "case": [f"{name.lower()}={good}"],
        "unprefixed": [f"signet_sessions={good}"],
        "long": [f"{name}={'A' * 8192}{good}"],
        "non-ascii": [f"{name}={good}\xff"],
        "nul": [f"{name}={good}\0"],
        "in another's value": [f'x="a; {name.upper()}={good}"'],
    }[kind]
    with unchanged(house):
        answer = ask_raw(house, "GET", "/oauth2/authorize", *map(cookie, cookies), query=QUERY)
        assert_redirected(answer, "login_required")
        home = ask_raw(house, "GET", "/", *map(cookie, cookies))
        assert "alice" not in home.text


@pytest.mark.case("SS-20")
@pytest.mark.parametrize("rest", ["; ".join(f"c{n}={n}" for n in range(200)), "a; ;=;b=;=c", "x=" + "y" * 4_000, "é=ü"])
def test_other_cookies_do_not_matter(house: House, rest: str) -> None:
    """Hundreds of other cookies, or nonsense, change nothing for a good one."""
    browser = house.browser()
    browser.code_flow()
    good = f"{SESSIONS}={browser.cookies[SESSIONS]}; {rest}"
    answer = ask_raw(house, "GET", "/oauth2/authorize", cookie(good), query=QUERY)
    assert "code" in response_params(answer)


@pytest.mark.case("SS-20")
def test_too_many_cookies_are_refused(house: House) -> None:
    """A header beyond every bound is refused as such."""
    assert ask_raw(house, "GET", "/oauth2/authorize", cookie("x=" + "y" * 70_000), query=QUERY).status_code == 431


@pytest.mark.case("SS-20")
@pytest.mark.parametrize("planted", ["", "x", "0" * 64, "A" * 43, "x; __Host-signet_state=y", "\xff\0"])
def test_cookie_for_scripts_is_never_believed(house: House, planted: str) -> None:
    """Whatever is in it, nobody is signed out or in by it, and the page that reads it is the same."""
    browser = house.browser()
    browser.code_flow()
    good, state = browser.cookies[SESSIONS], browser.cookies[STATE]
    with unchanged(house, "sessions"):
        answer = ask_raw(
            house, "GET", "/oauth2/authorize", cookie(f"{SESSIONS}={good}; {STATE}={planted}"), query=QUERY
        )
        assert "code" in response_params(answer)
        for name in (SESSIONS, STATE):
            answer = ask_raw(house, "GET", "/oauth2/authorize", cookie(f"{name}={state}"), query=QUERY)
            assert_redirected(answer, "login_required")
    frame = ask_raw(house, "GET", "/oauth2/session", cookie(f"{STATE}={planted}"))
    assert frame.text == browser.get("/oauth2/session").text


@pytest.mark.case("SS-21")
def test_browser_cookie_of_another_person_has_no_effect(house: House) -> None:
    """The long-lived cookie of alice's browser in bob's sign-in makes it no less bob's, and alice's no less hers."""
    alice, bob = house.browser(), house.browser()
    alice.code_flow()
    bob.cookies.set(BROWSER, alice.cookies[BROWSER])
    assert 'id="login-submit"' in bob.follow(bob.authorize()).text
    tokens = bob.tokens(username="bob")
    assert tokens["scope"] == "openid"
    with house.storage.snapshot() as uow:
        account = uow.accounts.find_by_name("bob")
        assert account is not None
        assert claims_of(tokens["id_token"])["sub"] == account.account_id
    assert "code" in alice.code_flow(prompt="none")


@pytest.mark.case("SS-22")
def test_nothing_of_the_account_is_kept_by_the_browser(house: House) -> None:
    """Every page that names the account is not to be stored, so the back button shows nothing after sign-out."""
    browser = house.browser()
    page = browser.follow(browser.authorize("third"))
    pages = [page, browser.sign_in(page), browser.get("/"), browser.get("/oauth2/logout")]
    pages.append(browser.follow(browser.authorize(prompt="select_account")))
    for shown in pages:
        assert "no-store" in shown.headers["cache-control"]
    named = pages[2].text
    assert "alice" in named
    browser.submit(pages[3], action="sign_out")
    assert "alice" not in browser.get("/").text


@pytest.mark.case("JO-31")
def test_cookies_and_tokens_do_not_stand_in_for_each_other(house: House) -> None:
    """A JWT is no cookie, and no cookie, flow or form token is a bearer token, a code or a hint."""
    browser = house.browser()
    tokens = browser.tokens()
    form = hidden(browser.follow(browser.authorize(prompt="login")))
    handle, browser_id = browser.cookies[SESSIONS], browser.cookies[BROWSER]
    with unchanged(house, "sessions", "grants", "refresh_tokens"):
        for token in (tokens["id_token"], tokens["access_token"], tokens["refresh_token"], form["flow"], browser_id):
            answer = ask_raw(house, "GET", "/oauth2/authorize", cookie(f"{SESSIONS}={token}"), query=QUERY)
            assert_redirected(answer, "login_required")
        for text in (handle, browser_id, form["flow"], form["csrf_token"]):
            assert_challenged(browser.userinfo(text), "invalid_token")
            assert browser.exchange(text).status_code == browser.refresh(text).status_code == 400
            assert_redirected(browser.authorize(id_token_hint=text), "invalid_request")
        for text in (handle, browser_id, form["flow"], tokens["id_token"]):
            assert_page(browser.post("/login", data=form | {"csrf_token": text, "username": "x", "password": "y"}), 403)
