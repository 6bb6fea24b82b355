"""Codes by mail as a second factor: for who has nothing better, where an operator allows it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from idp.authentication.methods import mailed_code
from idp.authentication.methods.second_factor import Proof
from tests.flows.test_second_factor import MULTI_FACTOR_CLASS
from tests.mailing import Postal, postal
from tests.provider import Browser, House, claims_of, response_params
from tests.second_factors import account_id, give_app, send_code

CODE = re.compile(r"^(\d{8})$", re.MULTILINE)


@pytest.fixture
def post(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[Postal]:
    """A provider that sends mail, allows codes by it, and has a client that demands a second factor."""
    with postal(tmp_path, migrated_file) as made:
        object.__setattr__(made.house.server.settings, "allow_mailed_codes", True)
        made.house.add_client("vault", require_second_factor=True)
        yield made


def to_mail_page(browser: Browser) -> httpx2.Response:
    """Sign in by password to the client that demands more."""
    page = browser.sign_in(browser.follow(browser.authorize("vault")))
    assert 'id="second-factor-send"' in page.text, page.text
    return page


def ask(post: Postal, browser: Browser, page: httpx2.Response) -> tuple[httpx2.Response, str]:
    """Have a code sent; return the page and the code."""
    shown = browser.submit(page, action="send")
    post.deliver()
    found = CODE.search(post.sink.text())
    assert found
    return shown, found.group(1)


def stored(house: House) -> str:
    """Return all that is stored of alice's authenticators, and of the mails."""
    with house.storage.snapshot() as uow:
        return repr((uow.authenticators.list(account_id(house)), uow.outbox.list(client_id=""), uow.audit.list()))


def test_code_by_mail(post: Postal) -> None:
    """It is sent when it is asked for, to the account's address, and says in the tokens what it was."""
    browser = post.house.browser()
    page = to_mail_page(browser)
    assert "a…@example.org" in page.text
    post.deliver()
    assert post.sink.mails == []
    shown, code = ask(post, browser, page)
    assert post.sink.mails[0]["to"] == "alice@example.org"
    assert code not in stored(post.house)
    answer = response_params(send_code(browser, shown, f" {code[:4]} {code[4:]} "))
    claims = claims_of(browser.exchange(answer["code"], "vault").json()["id_token"])
    assert (claims["acr"], claims["amr"]) == (MULTI_FACTOR_CLASS, ["pwd", "otp", "mca", "mfa"])


def test_the_mail_is_in_the_language_of_the_page(post: Postal) -> None:
    """That which the client asked for."""
    browser = post.house.browser()
    page = browser.sign_in(browser.follow(browser.authorize("vault", ui_locales="fr")))
    browser.submit(page, action="send")
    post.deliver()
    assert post.sink.mails[0]["subject"] == "Votre code de connexion"


@pytest.mark.case("MF-04")
def test_code_counts_once_and_here_alone(post: Postal) -> None:
    """Not in another browser, not in another flow, not after ten minutes, not after a newer one, not twice."""
    browser, other = post.house.browser(), post.house.browser()
    shown, code = ask(post, browser, to_mail_page(browser))
    elsewhere = other.submit(to_mail_page(other), action="send")
    assert send_code(other, elsewhere, code).status_code == 400
    shown, newer = ask(post, browser, shown)
    assert send_code(browser, shown, code).status_code == 400
    second_flow = browser.submit(to_mail_page(browser), action="send")
    assert send_code(browser, second_flow, newer).status_code == 400
    assert send_code(browser, shown, newer).is_redirect
    with post.house.storage.begin() as uow:
        owner = account_id(post.house)
        made = mailed_code.issue_code(uow, post.house.server.vault, owner, "p", 1_000)
        mine = uow.authenticators.list(owner)
        proof = proof_of(post.house, made, 1_000 + mailed_code.CODE_SECONDS)
        assert mailed_code.verify(uow, replace(proof, mine=mine)) is None


def proof_of(house: House, response: str, now: int) -> Proof:
    """Return a proof that nothing was found for."""
    return Proof(account_id=account_id(house), response=response, mine=(), vault=house.server.vault, now=now)


def test_late_code(post: Postal) -> None:
    """Ten minutes after its mail a code counts no more, although the sign-in may still go on."""
    browser = post.house.browser()
    shown, code = ask(post, browser, to_mail_page(browser))
    with post.house.storage.begin() as uow:
        (kept,) = [each for each in uow.authenticators.list(account_id(post.house)) if each.method == "mailed_code"]
        uow.authenticators.remove(kept.account_id, kept.authenticator_id)
        uow.authenticators.add(replace(kept, created_at=kept.created_at - mailed_code.CODE_SECONDS))
    assert send_code(browser, shown, code).status_code == 400


@pytest.mark.case("LG-30")
def test_few_tries_and_few_mails(post: Postal) -> None:
    """After five wrong codes nothing is judged, and after five mails in an hour none is sent."""
    browser = post.house.browser()
    page = to_mail_page(browser)
    for _ in range(5):
        page, code = ask(post, browser, page)
    refused = browser.submit(page, action="send")
    assert (refused.status_code, "Too many emails" in refused.text) == (429, True)
    assert int(refused.headers["retry-after"]) > 0
    post.deliver()
    assert len(post.sink.mails) == 5
    for wrong in ("", "1", "９" * 8, "x" * 10_000):
        assert send_code(browser, refused, wrong).status_code == 400
    for _ in range(2):
        assert send_code(browser, refused, "00000000").status_code == 400
    assert send_code(browser, refused, code).status_code == 429


def test_who_is_not_offered_it(post: Postal) -> None:
    """Who has an app, who has not confirmed the address, anybody where it is not allowed: no mail, whatever is sent."""
    house = post.house
    house.add_account("erin", claims={"email_verified": False})
    give_app(house, "bob")
    for name in ("bob", "erin"):
        browser = house.browser()
        page = browser.sign_in(browser.follow(browser.authorize("vault")), name)
        assert "second-factor-send" not in page.text
        browser.submit(page, action="send", method="mailed_code")
    object.__setattr__(house.server.settings, "allow_mailed_codes", False)
    browser = house.browser()
    assert 'id="set-up-submit"' in browser.sign_in(browser.follow(browser.authorize("vault"))).text
    post.deliver()
    assert post.sink.mails == []


def test_mail_that_comes_too_late_is_not_sent(post: Postal) -> None:
    """Nobody waits for it any more."""
    browser = post.house.browser()
    browser.submit(to_mail_page(browser), action="send")
    post.house.clock.move(mailed_code.CODE_SECONDS)
    (message, *_) = post.deliver()
    assert message.failed_at is not None
    assert post.sink.mails == []
