"""Signing in afresh: whose password is asked for, how to be someone else, and what a fresh sign-in counts for."""

import re

import httpx2
import pytest

from tests.attacks.pages import hidden
from tests.provider import Browser, House, claims_of, response_params


def account_values(page: httpx2.Response) -> dict[str, str]:
    """Return what the chooser's buttons send, by user name."""
    pairs = re.findall(r'name="account" value="([^"]+)">.*?class="quiet"><bdi>([^<]+)', page.text, re.DOTALL)
    return {login: value for value, login in pairs}


def link(page: httpx2.Response, words: str) -> str:
    """Return where the link with these words leads."""
    found = re.search(rf'<a href="([^"]+)">{re.escape(words)}</a>', page.text)
    assert found, page.text
    return found.group(1).replace("&amp;", "&")


@pytest.fixture
def alice(house: House) -> Browser:
    """A browser in which alice is signed in, ten minutes ago."""
    browser = house.browser()
    browser.code_flow()
    house.clock.move(600)
    return browser


def test_known_account_is_asked_for_its_password(alice: Browser) -> None:
    """The page of a fresh sign-in names the account and keeps its user name, after a wrong password too."""
    page = alice.follow(alice.authorize(prompt="login"))
    for shown in (page, alice.sign_in(page, password="wrong")):
        assert re.search(r'name="username" value="alice"[^>]* readonly', shown.text)
        assert 'name="remember"' not in shown.text
    assert "code" in response_params(alice.sign_in(page))


def test_someone_else_may_sign_in(alice: Browser) -> None:
    """`Not you?` leads to the whole form, within the same request."""
    page = alice.follow(alice.authorize(prompt="login"))
    other = alice.get(link(page, "Not you?"))
    assert "readonly" not in other.text
    assert 'name="username" value=""' in other.text
    tokens = alice.exchange(response_params(alice.sign_in(other, "bob"))["code"]).json()
    assert alice.userinfo(tokens["access_token"]).status_code == 200


def test_chooser_is_offered_when_others_are_signed_in(alice: Browser) -> None:
    """With a second account signed in, the sign-in page leads to the chooser; with one, it does not."""
    page = alice.follow(alice.authorize(prompt="login"))
    assert "Use another signed-in account" not in page.text
    alice.sign_in(alice.get(link(page, "Not you?")), "bob")
    page = alice.follow(alice.authorize(prompt="login"))
    chooser = alice.get(link(page, "Use another signed-in account"))
    chosen = alice.submit(chooser, account=account_values(chooser)["alice"])
    assert re.search(r'name="username" value="alice"[^>]* readonly', chosen.text)


def test_box_stays_ticked_after_a_wrong_password(house: House) -> None:
    """`Keep me signed in` need not be ticked twice."""
    browser = house.browser()
    page = browser.follow(browser.authorize())
    assert " checked" not in page.text
    assert " checked" in browser.sign_in(page, password="wrong", remember="yes").text


@pytest.mark.case("AZ-42")
@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "60"}])
def test_fresh_sign_in_counts_for_its_own_account_only(house: House, alice: Browser, more: dict[str, str]) -> None:
    """Bob's fresh sign-in does not let alice's old session pass: choosing her account asks for her password."""
    page = alice.follow(alice.authorize("third", **more))
    page = alice.sign_in(alice.get(link(page, "Not you?")), "bob")
    chooser = alice.get(f"/accounts?flow={hidden(page)['flow']}")
    page = alice.submit(chooser, account=account_values(chooser)["alice"])
    assert 'id="login-submit"' in page.text
    page = alice.submit(alice.sign_in(page), action="allow")
    tokens = alice.exchange(response_params(page)["code"], "third").json()
    assert claims_of(tokens["id_token"])["auth_time"] == house.clock.now()
