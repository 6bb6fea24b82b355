"""Several accounts in one browser, on the account pages: to go on with another, to sign in to one more, to sign one
out."""

import re

import httpx2
import pytest

from tests.account_pages import send, visitor
from tests.provider import Browser, House, claims_of, response_params
from tests.second_factors import account_id
from tests.web.test_account import live as sessions


def both(house: House) -> Browser:
    """Return a browser that bob is signed in in, and alice, who came last and so is first."""
    browser = visitor(house, "bob")
    page = choose(browser, account="another")
    browser.sign_in(page)
    return browser


def choose(browser: Browser, page: httpx2.Response | None = None, **field: str) -> httpx2.Response:
    """Press a button of the accounts on a page, by default on the one that is shown now."""
    token = token_of(page or browser.get("/account"))
    return browser.follow(browser.post("/account/accounts", data={"browser_token": token} | field))


def token_of(page: httpx2.Response) -> str:
    """Return the anti-forgery token of the accounts on a page."""
    found = re.search(r'name="browser_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found.group(1)


def whose(page: httpx2.Response) -> str:
    """Return the user name of the account that a page is about."""
    found = re.search(r"Signed in as <bdi>([^<]+)", page.text)
    assert found, page.text
    return found.group(1)


def listed(page: httpx2.Response) -> list[str]:
    """Return the values of the buttons that go on with an account."""
    return re.findall(r'name="account" value="([^"]+)"', page.text)


def test_one_goes_on_with_another_account(house: House) -> None:
    """Both are there on every page; whichever was chosen is the one that applications get too."""
    browser = both(house)
    assert whose(browser.get("/account")) == "alice"
    bob, another = listed(browser.get("/account/profile"))
    assert another == "another"
    assert whose(choose(browser, account=bob)) == "bob"
    tokens = browser.exchange(response_params(browser.authorize(prompt="none"))["code"]).json()
    assert claims_of(tokens["id_token"])["sub"] == account_id(house, "bob")


def test_sign_in_to_one_more(house: House) -> None:
    """The sign-in page asks for whoever it may be; one that is here already is renewed, not doubled."""
    browser = both(house)
    page = choose(browser, account="another")
    assert 'id="login-submit"' in page.text
    assert 'value="bob"' not in page.text
    assert re.search(r'href="https://idp.example/accounts\?flow=', page.text)
    assert whose(browser.sign_in(page, "bob")) == "bob"
    assert len(listed(browser.get("/account"))) == 2


def test_sign_out_of_one(house: House) -> None:
    """It ends on the server and in this browser; the other one, and the same account elsewhere, go on."""
    browser, elsewhere = both(house), visitor(house, "bob")
    bob = listed(browser.get("/account"))[0]
    told = choose(browser, sign_out=bob)
    assert "That account is signed out." in told.text
    assert (whose(told), listed(told)) == ("alice", ["another"])
    assert whose(elsewhere.get("/account")) == "bob"
    with house.storage.snapshot() as uow:
        ended = uow.sessions.find(bob)
        names = [event.name for event in uow.audit.list_of_account(account_id(house, "bob"))]
    assert ended is not None
    assert ended.ended_at == house.clock.now()
    assert "session.signed_out" in names


def test_applications_in_frames_are_told(house: House) -> None:
    """Signing one out tells whatever a sign-out tells, through the browser where an application wants that, and leads
    back to the account pages."""
    front = "https://rp.example/front"
    house.add_client("old", frontchannel_logout_uri=front)
    browser = visitor(house, "bob")
    browser.tokens("old", username="bob")
    browser.sign_in(choose(browser, account="another"))
    page = choose(browser, sign_out=listed(browser.get("/account"))[0])
    assert f'src="{front}' in page.text
    assert "Back to <bdi>Signet</bdi>" in page.text
    assert 'content="4;url=https://idp.example/account?done=signed_out"' in page.text
    assert whose(browser.get("/account")) == "alice"


@pytest.mark.case("SS-03")
def test_session_of_another_browser_is_out_of_reach(house: House) -> None:
    """It is neither gone on with nor ended, though it is the same account's: one signs in instead."""
    browser, elsewhere = both(house), visitor(house, "bob")
    (theirs,) = {found.session_id for found in sessions(house, "bob")} - {listed(browser.get("/account"))[0]}
    assert 'id="login-submit"' in choose(browser, account=theirs).text
    choose(browser, sign_out=theirs)
    assert whose(elsewhere.get("/account")) == "bob"


@pytest.mark.parametrize("token", [None, "", "x" * 43, "of another browser"])
def test_form_has_to_be_ours(house: House, token: str | None) -> None:
    """A form without this browser's own token neither changes who is first nor signs anybody out (R16)."""
    browser = both(house)
    if token == "of another browser":
        token = token_of(visitor(house).get("/account"))
    data = {"browser_token": token} if token is not None else {}
    bob = listed(browser.get("/account"))[0]
    for field in ("account", "sign_out"):
        assert browser.post("/account/accounts", data=data | {field: bob}).status_code == 403
    page = browser.get("/account")
    assert (whose(page), listed(page)) == ("alice", [bob, "another"])


def test_page_that_another_tab_has_outrun(house: House) -> None:
    """Its accounts still lead where they say: there, or to the sign-in page if that one has ended, never to somebody
    else; its other forms are of another account and change nothing."""
    browser = both(house)
    old = browser.get("/account/profile")
    bob = listed(old)[0]
    choose(browser, account=bob)
    assert send(browser, old, "/profile", nickname="Al").status_code == 403
    assert whose(choose(browser, old, account=bob)) == "bob"
    choose(browser, sign_out=bob)
    assert 'id="login-submit"' in choose(browser, old, account=bob).text


def test_nobody_is_left(house: House) -> None:
    """Who signs out the last account of a page that was left open is asked to sign in."""
    browser = visitor(house)
    page = browser.get("/account")
    (mine,) = sessions(house, "alice")
    assert 'id="login-submit"' in choose(browser, page, sign_out=mine.session_id).text
    assert sessions(house, "alice") == []
