"""OIDC Core §3.1.2.1: prompt, max_age and the hints."""

import pytest

from tests.provider import House, claims_of, response_params


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
@pytest.mark.parametrize("prompt", [None, "none", "none "])
def test_session_answers_at_once(house: House, prompt: str | None) -> None:
    """With a session there is no page, and the sign-in time stays."""
    browser = house.browser()
    first = claims_of(browser.tokens()["id_token"])
    house.clock.move(100)
    again = response_params(browser.authorize(prompt=prompt))
    second = claims_of(browser.exchange(again["code"]).json()["id_token"])
    assert (second["auth_time"], second["sid"]) == (first["auth_time"], first["sid"])


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.6")
def test_none_without_session(house: House) -> None:
    """prompt=none never shows a page."""
    answer = response_params(house.browser().authorize(prompt="none"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("login_required", "st", "https://idp.example")


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.6")
def test_none_without_consent(house: House) -> None:
    """A third-party client that was never allowed gets consent_required."""
    browser = house.browser()
    browser.tokens()
    assert response_params(browser.authorize("third", prompt="none"))["error"] == "consent_required"


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "5"}])
def test_fresh_sign_in_renews_the_time_and_the_handle(house: House, more: dict[str, str]) -> None:
    """prompt=login and a max_age that has passed ask again; the session keeps its sid and changes its handle."""
    browser = house.browser()
    before = claims_of(browser.tokens()["id_token"])
    handle = browser.cookies["__Host-signet_sessions"]
    house.clock.move(10)
    page = browser.follow(browser.authorize(**more))
    assert "Confirm it’s you" in page.text
    answer = response_params(browser.sign_in(page))
    after = claims_of(browser.exchange(answer["code"]).json()["id_token"])
    assert after["auth_time"] == before["auth_time"] + 10
    assert after["sid"] == before["sid"]
    assert browser.cookies["__Host-signet_sessions"] != handle


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
def test_max_age_that_has_not_passed(house: House) -> None:
    """A young enough session is taken as it is."""
    browser = house.browser()
    browser.tokens()
    house.clock.move(10)
    assert "code" in response_params(browser.authorize(max_age="11"))


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
@pytest.mark.parametrize("prompt", ["none login", "bogus", "login bogus", "create"])
def test_prompt_that_cannot_be_meant(house: House, prompt: str) -> None:
    """`none` beside another, or an unknown value, is an invalid_request."""
    assert response_params(house.browser().authorize(prompt=prompt))["error"] == "invalid_request"


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
def test_chooser_offers_the_accounts(house: House) -> None:
    """select_account shows who is signed in; another account may be used, and each is chosen again by one click."""
    browser = house.browser()
    alice = claims_of(browser.tokens()["id_token"])["sub"]
    chooser = browser.follow(browser.authorize(prompt="select_account"))
    assert "Choose an account" in chooser.text
    answer = response_params(browser.sign_in(browser.submit(chooser, account="another"), "bob"))
    bob = claims_of(browser.exchange(answer["code"]).json()["id_token"])["sub"]
    assert bob != alice
    chooser = browser.follow(browser.authorize(prompt="select_account"))
    values = [part.split('"')[0] for part in chooser.text.split('name="account" value="')[1:]]
    assert len(values) == 3
    chosen = response_params(browser.submit(chooser, account=values[1]))
    assert claims_of(browser.exchange(chosen["code"]).json()["id_token"])["sub"] == alice


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
def test_hint_of_another_account(house: House) -> None:
    """With a hint the session of that account is used or asked for; someone else's sign-in does not pass as theirs."""
    bob = house.browser().tokens(username="bob")["id_token"]
    browser = house.browser()
    browser.tokens()
    assert response_params(browser.authorize(prompt="none", id_token_hint=bob))["error"] == "login_required"
    page = browser.follow(browser.authorize(id_token_hint=bob))
    assert "another account" in page.text
    assert response_params(browser.sign_in(page, "alice"))["error"] == "login_required"
    page = browser.follow(browser.authorize(id_token_hint=bob))
    assert "code" in response_params(browser.sign_in(page, "bob"))


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
def test_expired_hint_is_still_a_hint(house: House) -> None:
    """An ID Token that has expired names its account; one of another client or another issuer does not."""
    browser = house.browser()
    hint = browser.tokens()["id_token"]
    house.clock.move(3_000)
    assert "code" in response_params(browser.authorize(prompt="none", id_token_hint=hint))
    foreign = response_params(browser.authorize("evil", prompt="none", id_token_hint=hint))
    assert foreign["error"] == "invalid_request"
    assert response_params(browser.authorize(id_token_hint="garbage"))["error"] == "invalid_request"


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
def test_login_hint_fills_the_field(house: House) -> None:
    """The name that the client expects stands in the field."""
    browser = house.browser()
    assert 'value="alice@example.org"' in browser.follow(browser.authorize(login_hint="alice@example.org")).text


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.1")
@pytest.mark.parametrize(
    "more",
    [
        {"display": "popup"},
        {"ui_locales": "se de"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
        {"extra": "foobar"},
        {"scope": "email openid profile unknown"},
    ],
)
def test_preferences_never_fail(house: House, more: dict[str, str]) -> None:
    """What cannot be met is ignored."""
    tokens = house.browser().tokens(**more)
    assert claims_of(tokens["id_token"])["acr"] == "urn:signet:acr:password"


@pytest.mark.requirement("OIDC Core 1.0", "3.1.2.4")
def test_consent_is_remembered_per_scope(house: House) -> None:
    """Asked once, and again for more; denied ends in access_denied."""
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize("third", scope="openid email")))
    assert "See your e-mail address" in page.text
    assert "code" in response_params(browser.submit(page, action="allow"))
    assert "code" in response_params(browser.authorize("third", scope="openid email"))
    more = browser.follow(browser.authorize("third", scope="openid email profile"))
    assert 'id="consent-deny"' in more.text
    assert response_params(browser.submit(more, action="deny"))["error"] == "access_denied"
    assert 'id="consent-allow"' in browser.follow(browser.authorize("third", scope="openid", prompt="consent")).text


@pytest.mark.requirement("OIDC Core 1.0", "2")
def test_id_token_has_what_it_must_and_no_more(house: House) -> None:
    """Exactly the protocol's claims; nonce only if it was sent."""
    browser = house.browser()
    claims = claims_of(browser.tokens(scope="openid profile email roles")["id_token"])
    wanted = {"iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", "acr", "amr", "sid"}
    assert set(claims) == wanted
    assert claims["amr"] == ["pwd"]
    assert "nonce" not in claims_of(browser.tokens(nonce=None)["id_token"])
    assert "id_token" not in browser.exchange(browser.code_flow(scope="profile")["code"]).json()
