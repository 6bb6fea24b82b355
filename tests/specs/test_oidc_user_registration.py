"""Initiating User Registration via OpenID Connect 1.0: `prompt=create`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mailing import Postal, postal
from tests.provider import response_params
from tests.sign_up import CAROL, finish, link_for

DOCUMENT = "OIDC User Registration 1.0"


@pytest.fixture
def post(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[Postal]:
    """A provider with a mail server, open to everybody."""
    with postal(tmp_path, migrated_file, sign_up={"mode": "open"}) as made:
        yield made


@pytest.mark.requirement(DOCUMENT, "4.1")
def test_it_is_advertised_where_it_is_on(post: Postal) -> None:
    """`prompt_values_supported` has it."""
    document = post.house.browser().get("/.well-known/openid-configuration").json()
    assert document["prompt_values_supported"] == ["none", "create", "select_account", "login", "consent"]


@pytest.mark.requirement(DOCUMENT, "4.1")
@pytest.mark.parametrize("mode", ["off", "invitation"])
def test_it_is_unknown_where_it_is_off(tmp_path: Path, ready_keys: None, migrated_file: Path, mode: str) -> None:
    """A value that is not advertised is an invalid request, also where only invitations count."""
    with postal(tmp_path, migrated_file, sign_up={"mode": mode}) as closed:
        browser = closed.house.browser()
        assert "create" not in browser.get("/.well-known/openid-configuration").json()["prompt_values_supported"]
        assert response_params(browser.authorize(prompt="create"))["error"] == "invalid_request"


@pytest.mark.requirement(DOCUMENT, "4")
def test_the_page_that_makes_an_account_comes_first(post: Postal) -> None:
    """Its end is the response to the client, by the account that was made; the hint is in the field."""
    browser = post.house.browser()
    page = browser.follow(browser.authorize(prompt="create", login_hint=CAROL))
    assert 'id="sign-up-submit"' in page.text
    assert f'value="{CAROL}"' in page.text
    code = response_params(finish(browser, link_for(post, browser, page=page)))["code"]
    assert browser.exchange(code).status_code == 200


@pytest.mark.requirement(DOCUMENT, "4")
def test_also_for_whoever_is_signed_in(post: Postal) -> None:
    """The page is shown although there is a session, and the new account is the one that the client gets."""
    browser = post.house.browser()
    alice = browser.tokens()
    page = browser.follow(browser.authorize(prompt="create"))
    assert 'id="sign-up-submit"' in page.text
    code = response_params(finish(browser, link_for(post, browser, page=page)))["code"]
    tokens = browser.exchange(code).json()
    sub = browser.userinfo(tokens["access_token"]).json()["sub"]
    assert sub != browser.userinfo(alice["access_token"]).json()["sub"]


@pytest.mark.requirement(DOCUMENT, "4")
def test_whoever_has_an_account_goes_on(post: Postal) -> None:
    """To the sign-in page once, or with the session that is there."""
    browser = post.house.browser()
    page = browser.submit(browser.follow(browser.authorize(prompt="create")), action="sign_in")
    assert "code=" in browser.sign_in(page).headers["location"]
    again = browser.submit(browser.follow(browser.authorize(prompt="create")), action="sign_in")
    assert "code=" in again.headers["location"]


@pytest.mark.requirement(DOCUMENT, "4")
@pytest.mark.parametrize(
    ("prompt", "error"),
    [("create none", "invalid_request"), ("none create", "invalid_request"), ("Create", "invalid_request")],
)
def test_what_it_cannot_stand_beside(post: Postal, prompt: str, error: str) -> None:
    """`none` excludes every page, and values are compared exactly."""
    assert response_params(post.house.browser().authorize(prompt=prompt))["error"] == error


@pytest.mark.requirement(DOCUMENT, "4")
def test_beside_login_a_new_account_satisfies_both(post: Postal) -> None:
    """Whoever has just set a password has signed in afresh."""
    browser = post.house.browser()
    page = browser.follow(browser.authorize(prompt="login create"))
    assert 'id="sign-up-submit"' in page.text
    assert "code=" in finish(browser, link_for(post, browser, page=page)).headers["location"]
