"""Signing up: nobody learns who has an account, nobody has one at an address that they do not read, and it ends where
it began."""

import random
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.accounts.accounts import create_account, disable_account, find_account
from idp.stores.records import Account
from tests.attacks.oracle import unchanged
from tests.mailing import Postal, link_in, postal
from tests.provider import response_params
from tests.reset_timing import area
from tests.sign_up import CAROL, NEW_PASSWORD, ask, finish, link_for, start

OPEN = {"sign_up": {"mode": "open"}}


@pytest.fixture
def post(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[Postal]:
    """A provider with a mail server, open to everybody."""
    with postal(tmp_path, migrated_file, **OPEN) as made:
        yield made


def account(post: Postal, name: str = CAROL) -> Account | None:
    """Return an account by one of its names."""
    with post.house.storage.snapshot() as uow:
        return find_account(uow, name)


def accounts(post: Postal) -> list[str]:
    """Return all user names."""
    with post.house.storage.snapshot() as uow:
        return sorted(found.username for found in uow.accounts.list())


def test_the_way_to_an_account_and_back_to_the_client(post: Postal) -> None:
    """From the sign-in page by a mail to a code for the client; the address is confirmed, and one is signed in."""
    browser = post.house.browser()
    link = link_for(post, browser)
    assert post.sink.envelopes == [("<login@idp.example>", [f"<{CAROL}>"])]
    assert link.startswith("https://idp.example/sign-up/finish?token=")
    assert account(post) is None
    response = finish(browser, link)
    params = response_params(response)
    assert (params["state"], response.headers["location"].partition("?")[0]) == ("st", "https://rp.example/cb")
    tokens = browser.exchange(params["code"]).json()
    assert "id_token" in tokens
    made = account(post)
    assert made is not None
    assert (made.username, made.names) == ("carol", ("carol", CAROL))
    assert (made.claims["email"], made.claims["email_verified"], made.roles) == (CAROL, True, ())
    again = post.house.browser()
    page = again.follow(again.authorize())
    assert "code=" in again.sign_in(page, CAROL, NEW_PASSWORD).headers["location"]
    assert "link_expired" in finish(browser, link, "other").text
    with post.house.storage.snapshot() as uow:
        names = [event.name for event in uow.audit.list()]
    assert {"account.signed_up", "session.started"} <= set(names)


def test_the_form_may_end_at_the_client(post: Postal) -> None:
    """The page's policy lets it, in the browser that came from there, and in no other."""
    browser, other = post.house.browser(), post.house.browser()
    link = link_for(post, browser)
    policies = [each.follow(each.get(link)).headers["content-security-policy"] for each in (browser, other)]
    assert ["https://rp.example" in policy for policy in policies] == [True, False]


def test_in_another_browser_it_ends_at_the_account_page(post: Postal) -> None:
    """The interaction belongs to the browser that began it; the other one is signed in to what it made."""
    link, other = link_for(post, post.house.browser()), post.house.browser()
    page = finish(other, link)
    assert str(page.url) == "https://idp.example/account"
    assert "carol" in page.text
    assert account(post) is not None


def test_an_own_page_is_gone_back_to(post: Postal) -> None:
    """Whoever came for an account page, or straight to the sign-up page, gets to the account pages."""
    browser = post.house.browser()
    page = start(browser, browser.follow(browser.get("/account/profile")))
    assert str(finish(browser, link_for(post, browser, page=page)).url) == "https://idp.example/account/profile"
    other = post.house.browser()
    page = other.follow(other.get("/sign-up"))
    assert 'id="sign-up-submit"' in page.text
    link = link_for(post, other, "dora@new.example", page=page)
    assert str(finish(other, link, "dora").url) == "https://idp.example/account"


def test_the_interaction_is_over_meanwhile(post: Postal) -> None:
    """The account is made all the same."""
    browser = post.house.browser()
    link = link_for(post, browser)
    post.house.clock.move(1_900)
    assert str(finish(browser, link).url) == "https://idp.example/account"


@pytest.mark.case("LG-03")
def test_nobody_learns_who_has_an_account(post: Postal) -> None:
    """The same answer, and the same written, for each address; its owner alone is told that it is taken."""
    with post.house.storage.begin() as uow:
        bob = find_account(uow, "bob")
        assert bob is not None
        disable_account(uow, post.house.server.sessions, bob, post.house.clock.now())
    shown = {}
    for email in ("ALICE@example.org", "nobody@example.org", "bob@example.org"):
        browser = post.house.browser()
        page = start(browser, browser.follow(browser.authorize()))
        answer = ask(browser, email, page)
        text = re.sub(r'value="[^"]+"|flow=[^"]+|flow%3D[^"]+', "", answer.text.replace(email, "EMAIL"))
        shown[email] = (answer.status_code, text, sorted(answer.headers), answer.headers["content-length"][:1])
    assert len(set(map(str, shown.values()))) == 1
    with post.house.storage.snapshot() as uow:
        waiting = [message for message in uow.outbox.list(limit=10) if message.payload["template"] == "sign_up"]
    assert {(message.destination, tuple(message.payload)) for message in waiting} == {
        ("", ("template", "sealed", "sealing_id", "language"))
    }
    post.deliver()
    told = {mail["To"]: mail["Subject"] for mail in post.sink.mails}
    assert told == {
        "alice@example.org": "You have an account already",
        "nobody@example.org": "Finish making your account",
    }


@pytest.mark.case("LG-03")
def test_time_tells_nothing(tmp_path: Path, ready_keys: None, migrated_file: Path) -> None:
    """Taken and free addresses in random order; chance leaves these bounds (4.8 sigma) once in 500,000."""
    many = {"throttle": {"sign_ups": 1_000}}
    found: dict[bool, list[float]] = {True: [], False: []}
    kinds = [number % 2 == 0 for number in range(160)]
    random.shuffle(kinds)
    with postal(tmp_path, migrated_file, **OPEN, **many) as post:
        with post.house.storage.begin() as uow:
            for number in range(160):
                email = f"k{number:04}@example.org"
                create_account(uow, username=f"k{number:04}", email=email, now=post.house.clock.now())
        browser = post.house.browser()
        page = start(browser, browser.follow(browser.authorize()))
        for number, is_taken in enumerate(kinds):
            begun = time.perf_counter()
            answer = ask(browser, f"{'k' if is_taken else 'n'}{number:04}@example.org", page)
            found[is_taken].append(time.perf_counter() - begun)
            assert answer.status_code == 200
    assert 0.28 < area(found[True], found[False]) < 0.72


def test_who_is_paused_fills_no_table(tmp_path: Path, ready_keys: None, migrated_file: Path) -> None:
    """A counter for each address that a stranger makes up would be a row that is kept for a day."""
    few = {"throttle": {"sign_ups": 2}}
    with postal(tmp_path, migrated_file, **OPEN, **few) as post:
        browser = post.house.browser()
        page = start(browser, browser.follow(browser.authorize()))
        answers = [ask(browser, f"n{number}@example.org", page).status_code for number in range(6)]
        assert answers == [200, 200, 429, 429, 429, 429]
        with sqlite3.connect(tmp_path / "signet.sqlite3") as database:
            rows = database.execute("SELECT count(*) FROM throttles").fetchone()[0]
        database.close()
        assert rows == 3


def test_one_link_makes_one_account(post: Postal) -> None:
    """Two forms of the same link, sent one after the other."""
    browser = post.house.browser()
    link = link_for(post, browser)
    pages = [browser.follow(browser.get(link)) for _ in range(2)]
    browser.submit(pages[0], username="carol", password=NEW_PASSWORD)
    assert "link_expired" in browser.submit(pages[1], username="carola", password=NEW_PASSWORD).text
    assert accounts(post) == ["alice", "bob", "carol"]


@pytest.mark.case("LG-39")
def test_nothing_else_in_the_form_counts(post: Postal) -> None:
    """Roles, identifiers, addresses and marks of trust come from the link or not at all."""
    browser = post.house.browser()
    extra = {"role": "admin", "roles": "admin", "is_admin": "true", "email_verified": "true", "enabled": "false"}
    ids = {"id": "1", "sub": "1", "account_id": "1", "email": "else@new.example", "name": "Root"}
    link = link_for(post, browser)
    assert "code=" in finish(browser, link, **extra, **ids).headers["location"]
    made = account(post)
    assert made is not None
    assert (made.roles, made.enabled, made.account_id) == ((), True, made.account_id)
    assert len(made.account_id) == 32
    assert set(made.claims) == {"preferred_username", "email", "email_verified", "updated_at"}
    assert account(post, "else@new.example") is None


@pytest.mark.case("LG-41")
@pytest.mark.parametrize(
    ("username", "words"),
    [
        ("c\u0430rol", "cannot be used"),
        ("\u0440\u0430\u0443\u0440\u0430", "cannot be used"),
        ("car\u200bol", "cannot be used"),
        ("\u202elorac", "cannot be used"),
        ("carol.", "cannot be used"),
        (".carol", "cannot be used"),
        ("ca rol", "cannot be used"),
        ("victim@example.org", "cannot be used"),
        ("x" * 300, "cannot be used"),
        ("Admin", "kept for those who run this"),
        ("\uff21dmin", "kept for those who run this"),
        ("signet", "kept for those who run this"),
        ("ALICE", "is taken"),
        ("alice@example.org", "cannot be used"),
        (" ", "is missing"),
        ("", "is missing"),
    ],
)
def test_user_names_that_are_refused(post: Postal, username: str, words: str) -> None:
    """What looks like another name, like nothing, or like us; the link still counts for a better one."""
    browser = post.house.browser()
    link = link_for(post, browser)
    refused = finish(browser, link, username)
    assert refused.status_code == 400
    assert words in refused.text
    assert "<title>Error: " in refused.text
    assert accounts(post) == ["alice", "bob"]
    assert "code=" in browser.submit(refused, username="дмитрий-я", password=NEW_PASSWORD).headers["location"]


@pytest.mark.case("LG-41")
def test_a_nul_in_a_name(post: Postal) -> None:
    """Is refused before anything is read."""
    browser = post.house.browser()
    assert finish(browser, link_for(post, browser), "admin\0").status_code == 400
    assert accounts(post) == ["alice", "bob"]


@pytest.mark.case("LG-38")
@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("fourteen chars", "it needs 15 characters"),
        ("", "Enter one."),
        ("carol carol 1999", "made of a name"),
        ("Signet-signet-26", "made of a name"),
        ("michaeljennifer", "common names of people"),
        ("aaaaaaaaaaaaaaaa", "repeats something short"),
        ("x" * 4_097, "too long"),
    ],
)
def test_passwords_that_are_refused(post: Postal, password: str, words: str) -> None:
    """Each with its reason, and the link still counts."""
    browser = post.house.browser()
    refused = finish(browser, link_for(post, browser), password=password)
    assert refused.status_code == 400
    assert words in " ".join(refused.text.split())
    assert NEW_PASSWORD not in refused.text
    assert "code=" in browser.submit(refused, username="carol", password=NEW_PASSWORD).headers["location"]


@pytest.mark.parametrize(
    "email", ["", "carol", "a@x.example, b@x.example", "a@x", "a@x.example\r\nBcc: b@x.example", "\u200ba@x.example"]
)
def test_what_is_no_address(post: Postal, email: str) -> None:
    """Is refused on the page, and nothing is sent."""
    refused = ask(post.house.browser(), email)
    assert refused.status_code == 400
    assert "not an email address" in refused.text
    post.deliver()
    assert post.sink.mails == []


def test_a_mail_is_not_sent_twice_in_a_minute(post: Postal) -> None:
    """The page says how long to wait; after that it is sent again, and either link makes the one account."""
    browser = post.house.browser()
    first = link_for(post, browser)
    sent = ask(browser)
    assert (sent.status_code, sent.headers["retry-after"]) == (429, "59")
    assert "59 seconds more" in sent.text
    post.deliver()
    assert len(post.sink.mails) == 1
    post.house.clock.move(60)
    again = browser.submit(sent)
    assert 'id="sign-up-sent"' in again.text
    post.deliver()
    second = link_in(post.sink.text())
    assert "code=" in finish(browser, second).headers["location"]
    assert "You have an account already" in finish(browser, first).text or "link_expired" in finish(browser, first).text


def test_no_letter_box_is_filled(post: Postal) -> None:
    """Five mails an hour to one address, whoever asks and however it is written; taken ones are counted alike."""
    for number in range(7):
        ask(post.house.browser(), "Alice@example.org" if number % 2 else "alice@EXAMPLE.org")
        ask(post.house.browser(), f"{'Carol' if number % 2 else 'CAROL'}@new.example")
        post.deliver()
    assert len(post.sink.mails) == 10


def test_too_many_from_one_address(post: Postal) -> None:
    """Twenty within a window, whomever they are for; then the page says how long to wait."""
    browser = post.house.browser()
    page = start(browser, browser.follow(browser.authorize()))
    answers = [ask(browser, f"someone{number}@new.example", page) for number in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert "Too many tries" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0


def test_what_ends_a_link(post: Postal) -> None:
    """Its hour; and it is for one browser once it was opened, as are its forms."""
    browser = post.house.browser()
    link = link_for(post, browser)
    page = browser.follow(browser.get(link))
    assert "token" not in str(page.url)
    forged = {"flow": page.url.params["flow"], "csrf_token": "x", "username": "carol", "password": NEW_PASSWORD}
    assert browser.post("/sign-up/finish", data=forged).status_code == 403
    stranger = post.house.browser()
    assert stranger.get(str(page.url)).status_code == 403
    post.house.clock.move(3_600)
    assert "link_expired" in browser.follow(browser.get(link)).text
    for bad in ("/sign-up/finish", "/sign-up/finish?token=x", "/sign-up/finish?flow=x"):
        assert browser.get(bad).status_code == 400
    assert accounts(post) == ["alice", "bob"]


def test_opening_a_link_writes_nothing(post: Postal) -> None:
    """However often it is called; and the page's handle is no other page's, nor good when it was altered (R5, R18)."""
    browser = post.house.browser()
    link = link_for(post, browser)
    with unchanged(post.house):
        flows = {browser.follow(browser.get(link)).url.params["flow"] for _ in range(20)}
    assert len(flows) == 20
    flow = flows.pop()
    for path in ("/password/reset", "/email/confirm", "/account/not-me"):
        answer = browser.get(path, params={"flow": flow})
        assert (answer.status_code, "link_expired" in answer.text) == (400, True)
    for bad in (
        flow[:-8],
        f"B{flow[1:]}",
        flow.swapcase(),
        f"{flow}=",
        f"{flow[:9]}.{flow[9:]}",
        "\x00",
        "é",
        "=" * 2_000,
    ):
        assert browser.get("/sign-up/finish", params={"flow": bad}).status_code == 400
    assert browser.get("/sign-up/finish", params={"flow": flow}).status_code == 200


def test_forms_of_others_are_refused(post: Postal) -> None:
    """Without a token, with another page's, of an interaction of another browser."""
    browser = post.house.browser()
    page = start(browser, browser.follow(browser.authorize()))
    flow = page.url.params["flow"]
    assert browser.post("/sign-up", data={"flow": flow, "email": CAROL}).status_code == 403
    assert post.house.browser().get(f"/sign-up?flow={flow}").status_code == 403
    assert browser.get("/sign-up?flow=x").status_code == 400
    post.deliver()
    assert post.sink.mails == []


def test_declining(post: Postal) -> None:
    """Cancel tells the client; an account that is there after all leads to the sign-in."""
    browser = post.house.browser()
    page = start(browser, browser.follow(browser.authorize()))
    assert 'id="login-submit"' in browser.submit(page, action="sign_in").text
    denied = browser.submit(page, action="cancel")
    assert response_params(denied)["error"] == "access_denied"


def test_whoever_is_signed_in_needs_none(post: Postal) -> None:
    """A page that was left open does not make a second account beside a session."""
    browser = post.house.browser()
    page = browser.follow(browser.authorize())
    sign_up = start(browser, page)
    other = browser.follow(browser.authorize())
    browser.sign_in(other)
    assert "code=" in browser.submit(sign_up, email=CAROL, action="send").headers["location"]
    post.deliver()
    assert post.sink.mails == []


@pytest.mark.parametrize(
    ("email", "is_let_in"),
    [
        ("carol@new.example", True),
        ("carol@NEW.example", True),
        ("carol@sub.new.example", False),
        ("x@else.example", False),
    ],
)
def test_certain_domains(tmp_path: Path, ready_keys: None, migrated_file: Path, email: str, is_let_in: bool) -> None:
    """Only whole domains count, and the page says which."""
    with postal(tmp_path, migrated_file, sign_up={"mode": "domain", "domains": ["new.example"]}) as post:
        browser = post.house.browser()
        answer = ask(browser, email)
        assert ("They end with: <bdi>new.example</bdi>" in answer.text) is not is_let_in
        assert (answer.status_code == 200) is is_let_in
        post.deliver()
        assert len(post.sink.mails) == is_let_in


@pytest.mark.case("LG-31")
def test_a_domain_that_only_folds_to_an_admitted_one(tmp_path: Path, ready_keys: None, migrated_file: Path) -> None:
    """The sharp s is a letter of its own in domains (RFC 5891), which somebody else may own."""
    with postal(tmp_path, migrated_file, sign_up={"mode": "domain", "domains": ["strasse.example"]}) as post:
        assert ask(post.house.browser(), "x@stra\u00dfe.example").status_code == 400
        post.deliver()
        assert post.sink.mails == []


@pytest.mark.parametrize(
    "email", ["carol@new..example", "carol@new.example.", ".carol@new.example", "a(b)@new.example", "a@[new.example]"]
)
def test_what_no_mail_can_be_sent_to(post: Postal, email: str) -> None:
    """Is refused at once: its owner would wait for nothing."""
    answer = ask(post.house.browser(), email)
    assert answer.status_code == 400
    assert 'id="sign-up-sent"' not in answer.text


def test_off_is_off(tmp_path: Path, ready_keys: None, migrated_file: Path) -> None:
    """By default there is no link and no page."""
    with postal(tmp_path, migrated_file) as post:
        browser = post.house.browser()
        assert 'id="sign-up"' not in browser.follow(browser.authorize()).text
        assert browser.get("/sign-up").status_code == 404
        assert browser.get("/sign-up/finish?token=x").status_code == 404
