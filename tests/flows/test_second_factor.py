"""Signing in with a second factor: who is asked, what it proves, and that no way leads around it."""

import re

import httpx2
import pyotp
import pytest

from idp.stores.records import Session
from tests.provider import API, Browser, House, claims_of, response_params
from tests.registering import registering
from tests.second_factors import account_id, give_app, give_codes, link, next_code, send_code, to_second_factor

PASSWORD_CLASS, MULTI_FACTOR_CLASS = "urn:signet:acr:password", "urn:signet:acr:mfa"


def id_token_of(browser: Browser, page: httpx2.Response) -> dict[str, object]:
    """Redeem the code of a response and return the claims of the ID Token."""
    return claims_of(browser.exchange(response_params(page)["code"]).json()["id_token"])


def sessions_of(house: House, name: str = "alice") -> tuple[Session, ...]:
    """Return the live sessions of an account."""
    with house.storage.snapshot() as uow:
        return uow.sessions.list_live(account_id(house, name), house.clock.now())


@pytest.mark.case("MF-07")
def test_app_is_asked_for_after_the_password(any_house: House) -> None:
    """Only with both is there a session; the tokens say how it was, also after single sign-on and a refresh."""
    app, browser = give_app(any_house), any_house.browser()
    page = to_second_factor(browser, scope="openid offline_access")
    assert sessions_of(any_house) == ()
    page = send_code(browser, page, next_code(any_house, app))
    claims = id_token_of(browser, page)
    assert (claims["acr"], claims["amr"]) == (MULTI_FACTOR_CLASS, ["pwd", "otp", "mfa"])
    auth_time = claims["auth_time"]
    any_house.clock.move(60)
    tokens = browser.exchange(browser.code_flow(scope="openid offline_access")["code"]).json()
    assert claims_of(tokens["id_token"])["auth_time"] == auth_time
    again = claims_of(browser.refresh(tokens["refresh_token"]).json()["id_token"])
    assert (again["acr"], again["amr"], again["auth_time"]) == (MULTI_FACTOR_CLASS, ["pwd", "otp", "mfa"], auth_time)


def test_nobody_else_is_asked(house: House) -> None:
    """Who has set up nothing signs in by password, as before."""
    give_app(house, "bob")
    claims = id_token_of(browser := house.browser(), browser.sign_in(browser.follow(browser.authorize())))
    assert (claims["acr"], claims["amr"]) == (PASSWORD_CLASS, ["pwd"])


def test_recovery_code_stands_in(house: House) -> None:
    """The page says how many are left, and leads from one method to the other."""
    give_app(house)
    codes = give_codes(house)
    browser = house.browser()
    page = browser.get(link(to_second_factor(browser), "I don’t have my app"))
    assert "You have 10 left." in page.text
    refused = send_code(browser, page, "wrong")
    assert refused.status_code == 400
    assert "That code doesn’t count." in refused.text
    assert id_token_of(browser, send_code(browser, refused, codes[3]))["amr"] == ["pwd", "mfa"]


@pytest.mark.case("LG-45")
@pytest.mark.case("TK-60")
def test_no_way_around(house: House) -> None:
    """Before the second factor there is no session, for no path and no second tab; other steps lead back."""
    give_app(house)
    browser = house.browser()
    page = to_second_factor(browser)
    flow = re.search(r'name="flow" value="([^"]+)"', page.text)
    assert flow
    assert 'id="login-submit"' in browser.follow(browser.authorize(state="other")).text
    assert response_params(browser.follow(browser.authorize(prompt="none")))["error"] == "login_required"
    assert 'id="login-submit"' in browser.follow(browser.get(f"/consent?flow={flow.group(1)}")).text
    assert 'id="login-submit"' in browser.follow(browser.get(f"/login/set-up?flow={flow.group(1)}")).text
    assert 'id="login-submit"' in browser.follow(browser.get(f"/oauth2/authorize/continue?flow={flow.group(1)}")).text
    empty = browser.submit(page, code="", action="continue")
    assert (empty.status_code, "Enter a code." in empty.text) == (400, True)
    assert sessions_of(house) == ()


@pytest.mark.parametrize("change", ["time", "password", "disabled"])
def test_half_a_sign_in_does_not_last(house: House, change: str) -> None:
    """Ten minutes later, after a new password, or for a disabled account a right code is of no use (R7)."""
    from idp.accounts.accounts import disable_account, set_password

    app, browser = give_app(house), house.browser()
    page = to_second_factor(browser)
    house.clock.move(600 if change == "time" else 30)
    with house.storage.begin() as uow:
        account = uow.accounts.find(account_id(house))
        assert account is not None
        if change == "password":
            set_password(uow, house.server.sessions, account, house.passwords.hash("another one"), house.clock.now())
        if change == "disabled":
            disable_account(uow, house.server.sessions, account, house.clock.now())
    answer = send_code(browser, page, app.at(house.clock.now()))
    assert 'id="login-submit"' in answer.text
    assert sessions_of(house) == ()


@pytest.mark.case("LG-16")
@pytest.mark.case("MF-08")
@pytest.mark.requirement("RFC 9470", "4")
@pytest.mark.parametrize("asked", ["acr_values", "claims"])
def test_step_up_asks_for_what_is_missing(house: House, asked: str) -> None:
    """A session by password alone gets stronger by the second factor alone, under a new handle; when the password was
    proved stays as it was."""
    browser = house.browser()
    before = id_token_of(browser, browser.sign_in(browser.follow(browser.authorize())))
    cookies = dict(browser.cookies)
    app = give_app(house)
    wish: dict[str, str] = {
        "acr_values": {"acr_values": f"unknown {MULTI_FACTOR_CLASS}"},
        "claims": {"claims": f'{{"id_token":{{"acr":{{"essential":true,"value":"{MULTI_FACTOR_CLASS}"}}}}}}'},
    }[asked]
    silent = response_params(browser.authorize(prompt="none", **wish))
    assert silent["error"] == "interaction_required"
    page = browser.follow(browser.authorize(**wish))
    assert "You are signed in. For this, the application asks for a second step as well." in page.text
    page = send_code(browser, page, next_code(house, app))
    after = id_token_of(browser, page)
    assert (after["acr"], after["amr"]) == (MULTI_FACTOR_CLASS, ["pwd", "otp", "mfa"])
    assert (after["sid"], after["auth_time"]) == (before["sid"], before["auth_time"])
    changed = [name for name, value in browser.cookies.items() if cookies.get(name) != value]
    assert changed
    assert id_token_of(browser, browser.authorize(prompt="none", **wish))["acr"] == MULTI_FACTOR_CLASS


@pytest.mark.requirement("OIDC Core 1.0", "5.5.1.1")
def test_client_that_insists_is_told_one_of_its_own_values(house: House) -> None:
    """A session that is stronger than that says so only to those who did not insist on something else."""
    app, browser = give_app(house), house.browser()
    send_code(browser, to_second_factor(browser), next_code(house, app))
    insisting = f'{{"id_token":{{"acr":{{"essential":true,"values":["urn:other","{PASSWORD_CLASS}"]}}}}}}'
    wishing = f'{{"id_token":{{"acr":{{"values":["{PASSWORD_CLASS}"]}}}}}}'
    assert id_token_of(browser, browser.authorize(claims=insisting))["acr"] == PASSWORD_CLASS
    assert id_token_of(browser, browser.authorize(claims=wishing))["acr"] == MULTI_FACTOR_CLASS


def test_wish_that_cannot_be_met_is_none(house: House) -> None:
    """Somebody without a second factor signs in as well as they can (OIDC Core §3.1.2.1)."""
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize(acr_values=MULTI_FACTOR_CLASS)))
    assert id_token_of(browser, page)["acr"] == PASSWORD_CLASS


@pytest.mark.case("AZ-42")
def test_step_up_is_no_fresh_sign_in(house: House) -> None:
    """`prompt=login` asks for the password, and the second factor with it; never for the second factor alone."""
    browser = house.browser()
    browser.code_flow()
    app = give_app(house)
    page = browser.follow(browser.authorize(prompt="login", acr_values=MULTI_FACTOR_CLASS))
    page = browser.sign_in(page)
    house.clock.move(60)
    claims = id_token_of(browser, send_code(browser, page, app.at(house.clock.now())))
    assert claims["acr"] == MULTI_FACTOR_CLASS


@pytest.mark.case("MF-05")
@pytest.mark.parametrize("who", ["everybody", "role", "client", "essential"])
def test_what_is_demanded_is_set_up(house: House, who: str) -> None:
    """Who has no second factor sets one up on the way, gets recovery codes, and is signed in with it."""
    settings = {"required": who == "everybody", "required_for_roles": ("customer",) if who == "role" else ()}
    house = registering(house, second_factor=settings)
    house.add_client("bank", require_second_factor=who == "client")
    claims = f'{{"id_token":{{"acr":{{"essential":true,"value":"{MULTI_FACTOR_CLASS}"}}}}}}'
    more = {"claims": claims} if who == "essential" else {}
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize("bank", **more)))
    assert 'id="set-up-submit"' in page.text
    assert 'id="login-submit"' in browser.follow(browser.authorize("bank", **more)).text
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
    assert found
    app = pyotp.TOTP(found.group(1).replace(" ", ""))
    refused = browser.submit(page, code="000000", action="continue")
    assert (refused.status_code, "That code doesn’t count." in refused.text) == (400, True)
    codes = browser.submit(refused, code=app.at(house.clock.now()), action="continue")
    assert codes.text.count("<li><code>") == 10
    assert codes.headers["cache-control"] == "no-store"
    page = browser.follow(browser.get(link(codes, "I have kept them")))
    token = browser.exchange(response_params(page)["code"], "bank").json()["id_token"]
    assert claims_of(token)["amr"] == ["pwd", "otp", "mfa"]


@pytest.mark.case("MF-05")
def test_secret_of_somebody_else_is_not_set_up(house: House) -> None:
    """What the form brings back must be what this account was shown."""
    house = registering(house, second_factor={"required": True})
    pages = []
    for name in ("alice", "bob"):
        browser = house.browser()
        pages.append((browser, browser.sign_in(browser.follow(browser.authorize()), name)))
    sealed = re.search(r'name="sealed" value="([^"]+)"', pages[1][1].text)
    assert sealed
    browser, page = pages[0]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    answer = browser.post("/login/set-up", data=hidden | {"sealed": sealed.group(1), "code": "123456"})
    assert answer.status_code == 403


def test_too_many_codes(house: House) -> None:
    """After five wrong ones nothing is judged for a while; the page says when to come again."""
    app, browser = give_app(house), house.browser()
    page = to_second_factor(browser)
    for _ in range(5):
        page = send_code(browser, page, "000000")
    page = send_code(browser, page, next_code(house, app))
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert "Too many tries." in page.text


def test_cancel_goes_back_to_the_client(house: House) -> None:
    """The End-User may leave at this step as well."""
    give_app(house)
    browser = house.browser()
    page = browser.submit(to_second_factor(browser), code="", action="cancel")
    assert response_params(page)["error"] == "access_denied"


def test_introspection_and_api_tokens_tell_the_class(house: House) -> None:
    """A resource server sees how strong the sign-in was (RFC 9470 §6)."""
    app, browser = give_app(house), house.browser()
    page = send_code(browser, to_second_factor(browser, resource=API, scope="openid api.read"), next_code(house, app))
    token = browser.exchange(response_params(page)["code"]).json()["access_token"]
    assert claims_of(token)["acr"] == MULTI_FACTOR_CLASS
