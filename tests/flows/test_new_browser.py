"""A sign-in from a browser that is not known: its owner reads of it, and can say that it was somebody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.accounts.browsers import KNOWN, find_known
from tests.account_pages import at, send, visitor
from tests.mailing import Postal, link_in, postal
from tests.provider import Browser, House
from tests.second_factors import account_id, give_app, send_code

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
SUBJECT = "A sign-in with a new browser"


@pytest.fixture
def post(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[Postal]:
    """A provider that sends mail."""
    with postal(tmp_path, migrated_file) as made:
        yield made


def subjects(post: Postal) -> list[str]:
    """Have what is due sent and return the subjects."""
    post.deliver()
    return [mail["subject"] for mail in post.sink.mails]


def enter(house: House, **headers: str) -> Browser:
    """Sign in as alice with a new browser."""
    browser = house.browser(headers=headers)
    assert "code" in browser.code_flow()
    return browser


def alarm(post: Postal) -> tuple[Browser, Browser, str]:
    """Return the owner's browser, a stranger's, and the link of the mail."""
    owner = enter(post.house)
    post.house.clock.move(1)
    stranger = enter(post.house, **{"user-agent": CHROME})
    assert subjects(post) == [SUBJECT]
    return owner, stranger, link_in(post.sink.text())


def test_first_browser_is_no_news_and_the_second_is(post: Postal) -> None:
    """The mail says when, with what and from where; the same browser is known the next time, whatever it is sent."""
    browser = enter(post.house)
    assert subjects(post) == []
    other = enter(post.house, **{"user-agent": CHROME})
    assert subjects(post) == [SUBJECT]
    text = post.sink.text()
    for words in ("15 Jan 2027, 08:00 UTC", "Chrome · Linux", "Address: testclient", "alice"):
        assert words in text
    for each in (browser, other):
        each.cookies.delete("__Host-signet_sessions")
        each.code_flow()
        each.code_flow(prompt="login")
    assert subjects(post) == [SUBJECT]


def test_known_to_alice_is_not_known_to_bob(post: Postal) -> None:
    """Each account knows its own browsers, and a browser may be known to several."""
    browser, _ = enter(post.house), enter(post.house)
    browser.cookies.delete("__Host-signet_sessions")
    browser.code_flow(username="bob")
    browser.cookies.delete("__Host-signet_sessions")
    browser.code_flow()
    assert subjects(post) == [SUBJECT]
    assert [mail["to"] for mail in post.sink.mails] == ["alice@example.org"]


def test_not_me(post: Postal) -> None:
    """Opening the link, as scanners do, does nothing; the form signs everything out, once, and leads to the reset."""
    house = post.house
    owner, stranger, url = alarm(post)
    refreshing = stranger.tokens(scope="openid offline_access")["refresh_token"]
    scanner, reader = house.browser(), house.browser()
    for _ in range(2):
        scanner.follow(scanner.get(url))
    page = reader.follow(reader.get(url))
    assert "Was it somebody else?" in page.text
    assert url.partition("token=")[2] not in str(page.url)
    assert "Signed in as" in owner.follow(owner.get("/account")).text
    done = reader.submit(page)
    assert "Signed out everywhere" in done.text
    for each in (owner, stranger):
        assert 'id="login-submit"' in each.follow(each.get("/account")).text
    assert stranger.refresh(refreshing).status_code == 400
    assert reader.submit(page).status_code == 400
    assert reader.follow(reader.get(url)).status_code == 400
    assert 'href="https://idp.example/password/forgotten"' in done.text
    before = len(post.sink.mails)
    stranger.code_flow()
    post.deliver()
    assert len(post.sink.mails) == before + 1
    with house.storage.snapshot() as uow:
        assert [event.name for event in uow.audit.list()].count("sign_in.disowned") == 1


def test_link_that_does_not_count(post: Postal) -> None:
    """Another browser's page, without the token of the form, after a week: refused, and nothing happens."""
    owner, _, url = alarm(post)
    reader, other = post.house.browser(), post.house.browser()
    page = reader.follow(reader.get(url))
    assert other.get(str(page.url)).status_code == 403
    flow = str(page.url).partition("flow=")[2]
    assert reader.post("/account/not-me", data={"flow": flow}).status_code == 403
    assert reader.get("/account/not-me?token=x").status_code == 400
    assert "Signed in as" in owner.follow(owner.get("/account")).text
    post.house.clock.move(7 * 86_400)
    assert reader.submit(page).status_code == 400


def test_activity_page_does_the_same(house: House) -> None:
    """All but this session end, after a fresh sign-in, and the way leads to a new password."""
    alice, other = visitor(house), visitor(house)
    page = at(alice, "/activity")
    house.clock.move(300)
    assert "Confirm it’s you" in send(alice, page, "/activity", action="disown").text
    assert "Signed in as" in other.follow(other.get("/account")).text
    alice.cookies.delete("__Host-signet_sessions")
    page = at(alice, "/activity")
    done = send(alice, page, "/activity", action="disown")
    assert "Everything else is signed out." in done.text
    assert str(done.url).startswith("https://idp.example/account/password")
    assert 'id="login-submit"' in other.follow(other.get("/account")).text
    assert "Signed in as" in alice.get("/account").text
    with house.storage.snapshot() as uow:
        assert [each.method for each in uow.authenticators.list(account_id(house))] == [KNOWN]


def test_whoever_comes_after_a_clearing_is_news(post: Postal) -> None:
    """The owner's own browser stays known, so that another one is told from it."""
    alice = visitor(post.house)
    send(alice, at(alice, "/activity"), "/activity", action="disown")
    enter(post.house)
    assert subjects(post) == [SUBJECT]


@pytest.mark.case("SS-21")
def test_alarm_about_a_browser_that_has_another_handle_by_now(post: Postal) -> None:
    """It was remembered after the mail, under a new handle: it is unknown again all the same."""
    house = post.house
    _, stranger, url = alarm(post)
    app = give_app(house)
    house.clock.move(30)
    page = stranger.sign_in(stranger.follow(stranger.authorize(prompt="login")))
    assert "code=" in send_code(stranger, page, app.at(house.clock.now()), remember_device="yes").headers["location"]
    reader = house.browser()
    reader.submit(reader.follow(reader.get(url)))
    with house.storage.snapshot() as uow:
        known = [each for each in uow.authenticators.list(account_id(house)) if each.method == KNOWN]
    assert len(known) == 1
    handle = stranger.cookies["__Host-signet_devices"].partition(".")[0]
    with house.storage.snapshot() as uow:
        assert find_known(uow, account_id(house), [handle], house.clock.now()) is None


def test_letter_box_is_not_filled(post: Postal) -> None:
    """Who knows the password and signs in over and over brings about five mails an hour; the audit has all."""
    for _ in range(8):
        enter(post.house)
    assert subjects(post) == [SUBJECT] * 5
    with post.house.storage.snapshot() as uow:
        assert [event.name for event in uow.audit.list(limit=500)].count("sign_in.new_browser") == 7
    post.house.clock.move(3_600)
    enter(post.house)
    assert subjects(post) == [SUBJECT] * 6
