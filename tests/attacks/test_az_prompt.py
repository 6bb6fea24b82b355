"""AZ: prompt, max_age and id_token_hint: whether, when and as whom someone signed in is told truly (R16, R23)."""

import pytest

from tests.attacks.oracle import assert_page, assert_redirected, rows, unchanged
from tests.attacks.pages import hidden
from tests.attacks.tokens import forge, header_of, sign
from tests.provider import ISSUER, House, claims_of, response_params


@pytest.mark.case("AZ-39")
def test_prompt_none_without_a_session(house: House) -> None:
    """Nobody signed in: the refusal goes straight to the client, no page is shown."""
    with unchanged(house):
        refused = house.browser().authorize(prompt="none")
        assert_redirected(refused, "login_required")
    assert refused.content == b""


@pytest.mark.case("AZ-39")
@pytest.mark.parametrize("prompt", ["none login", "login none", "bogus", "none consent", "NONE"])
def test_prompt_that_cannot_be_meant(house: House, prompt: str) -> None:
    """`none` beside another value, or an unknown value, is refused."""
    with unchanged(house):
        assert_redirected(house.browser().authorize(prompt=prompt), "invalid_request")


@pytest.mark.case("AZ-42")
@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "1"}])
def test_fresh_sign_in_cannot_be_skipped(house: House, more: dict[str, str]) -> None:
    """With a session, neither the continue address nor the page's own addresses get around the password."""
    browser = house.browser()
    first = claims_of(browser.tokens()["id_token"])["auth_time"]
    house.clock.move(2)
    page = browser.follow(browser.authorize(**more))
    flow = hidden(page)["flow"]
    with unchanged(house, "sessions", "grants"):
        for path in ("/oauth2/authorize/continue", "/login", "/consent"):
            assert 'id="login-submit"' in browser.follow(browser.get(path, params={"flow": flow})).text, path
        token = hidden(page)["csrf_token"]
        (session,) = rows(house, "sessions")["sessions"]
        for path in ("/consent", "/accounts"):
            form = {"flow": flow, "csrf_token": token, "action": "allow", "account": session[0]}
            assert 'id="login-submit"' in browser.follow(browser.post(path, data=form)).text, path
        assert browser.sign_in(page, password="wrong").status_code == 400
    tokens = browser.exchange(response_params(browser.sign_in(page))["code"]).json()
    assert claims_of(tokens["id_token"])["auth_time"] == first + 2


@pytest.mark.case("AZ-42", "AZ-43")
def test_request_reloaded_asks_again(house: House) -> None:
    """Each request with `prompt=login` needs a sign-in of its own; the one before does not count."""
    browser = house.browser()
    browser.code_flow(prompt="login")
    assert 'id="login-submit"' in browser.follow(browser.authorize(prompt="login")).text
    with unchanged(house, "sessions", "grants"):
        assert_redirected(browser.authorize(max_age="0", prompt="none"), "login_required")


@pytest.mark.case("AZ-43")
def test_max_age_that_is_met_reuses_the_session(house: House) -> None:
    """A session that is young enough serves, and `auth_time` stays what it was."""
    browser = house.browser()
    first = claims_of(browser.tokens()["id_token"])["auth_time"]
    house.clock.move(9)
    params = response_params(browser.authorize(max_age="10"))
    assert claims_of(browser.exchange(params["code"]).json()["id_token"])["auth_time"] == first
    house.clock.move(1)
    assert_redirected(browser.authorize(max_age="10", prompt="none"), "login_required")


@pytest.mark.case("AZ-44")
@pytest.mark.parametrize(
    "max_age",
    ["-1", "1e9", "1.5", "abc", "1" + "0" * 30, "9" * 5_000, "１２", "1_0", "²", "+1", "1 ", " 1", "1\n", "0x1", "٣"],
)
def test_max_age_that_is_no_number(house: House, max_age: str) -> None:
    """Only plain digits are a number of seconds."""
    with unchanged(house):
        assert_redirected(house.browser().authorize(max_age=max_age), "invalid_request")


@pytest.mark.case("AZ-44")
def test_max_age_of_centuries_is_fine(house: House) -> None:
    """A large number of seconds is still a number."""
    assert "code" in house.browser().code_flow(max_age="9999999999")


@pytest.mark.case("AZ-45")
def test_hint_of_another_account(house: House) -> None:
    """With bob's hint alice's session does not answer, and alice cannot sign in in his place."""
    alice, bob = house.browser(), house.browser()
    hint = bob.tokens(username="bob")["id_token"]
    alice.code_flow()
    with unchanged(house):
        assert_redirected(alice.authorize(prompt="none", id_token_hint=hint), "login_required")
    page = alice.follow(alice.authorize(id_token_hint=hint))
    assert_redirected(alice.sign_in(page, "alice"), "login_required")


@pytest.mark.case("AZ-46")
def test_expired_hint_is_still_a_hint(house: House) -> None:
    """A hint only names someone, so its age does not matter; without a session it gives nothing."""
    browser = house.browser()
    hint = browser.tokens()["id_token"]
    house.clock.move(3_600)
    assert "code" in response_params(browser.authorize(prompt="none", id_token_hint=hint))
    assert_redirected(house.browser().authorize(prompt="none", id_token_hint=hint), "login_required")


@pytest.mark.case("AZ-46")
@pytest.mark.parametrize(
    "kind", ["garbage", "unsigned", "tampered", "access token", "other client", "foreign key", "foreign issuer"]
)
def test_hint_that_is_not_ours(house: House, kind: str) -> None:
    """A hint that we did not issue to this client as an ID Token is refused."""
    browser = house.browser()
    tokens = browser.tokens()
    header, payload, signature = tokens["id_token"].split(".")
    other = browser.tokens("evil")["id_token"]
    hint = {
        "garbage": "not.a.token",
        "unsigned": f"eyJhbGciOiJub25lIn0.{payload}.",
        "tampered": f"{header}.{payload[:-4]}AAAA.{signature}",
        "access token": tokens["access_token"],
        "other client": other,
        "foreign key": forge(header_of(tokens["id_token"]), claims_of(tokens["id_token"])),
        "foreign issuer": sign(house, claims_of(tokens["id_token"]) | {"iss": f"{ISSUER}/"}, typ="JWT"),
    }[kind]
    with unchanged(house):
        assert_redirected(browser.authorize(prompt="none", id_token_hint=hint), "invalid_request")
        assert_redirected(browser.authorize(id_token_hint=hint), "invalid_request")


@pytest.mark.case("AZ-42")
@pytest.mark.parametrize("path", ["/login", "/consent", "/accounts", "/oauth2/authorize/continue"])
@pytest.mark.parametrize("flow", ["", "x", "../", "x" * 30_000, "%00"])
def test_unknown_flow_is_a_page(house: House, path: str, flow: str) -> None:
    """An address of a flow that does not exist leads nowhere."""
    with unchanged(house):
        assert_page(house.browser().get(f"{path}?flow={flow}"))
