"""SS: sessions: their limits, whose they are, and what a broken cookie is worth (R4, R5, R7)."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import httpx2
import pytest

from idp.accounts.accounts import disable_account
from idp.accounts.sessions import MOST_SESSIONS, AuthenticationEvent
from idp.randomness import new_handle
from idp.stores.sql.storage import SqlStorage
from tests.accounts.world import at_once
from tests.attacks.oracle import ISSUED, assert_challenged, assert_redirected, assert_refused, rows, unchanged
from tests.provider import House, claims_of, make_house, response_params

HOUR = 3_600
SESSIONS = "__Host-signet_sessions"


@pytest.mark.case("SS-02")
def test_idle_session_ends(house: House) -> None:
    """A session that is not used for two hours is over, to the second."""
    browser = house.browser()
    browser.code_flow()
    house.clock.move(2 * HOUR - 1)
    assert "code" in browser.code_flow(prompt="none")
    house.clock.move(2 * HOUR)
    with unchanged(house):
        assert_redirected(browser.authorize(prompt="none"), "login_required")


@pytest.mark.case("SS-02")
def test_activity_does_not_pass_the_absolute_limit(house: House) -> None:
    """However busy, a session ends twelve hours after it began; a fresh password in between changes nothing."""
    browser, began = house.browser(), house.clock.now()
    browser.code_flow()
    for _ in range(11):
        house.clock.move(HOUR)
        assert "code" in browser.code_flow(prompt="none")
    browser.code_flow(prompt="login")
    house.clock.at = began + 12 * HOUR
    with unchanged(house):
        assert_redirected(browser.authorize(prompt="none"), "login_required")
    assert 'id="login-submit"' in browser.follow(browser.authorize()).text


@pytest.mark.case("SS-15")
@pytest.mark.parametrize("lost", ["cookies cleared", "session expired", "signed out", "kept"])
def test_second_person_at_the_same_browser(house: House, lost: str) -> None:
    """Whatever became of the first person's session: when another signs in, every token is the second person's."""
    house.add_client("out", post_logout_redirect_uris=["https://rp.example/bye"])
    browser = house.browser()
    first = browser.tokens("out")
    if lost == "cookies cleared":
        browser.cookies.clear()
    elif lost == "session expired":
        house.clock.move(13 * HOUR)
    if lost != "kept":
        browser.get("/oauth2/logout", params={"id_token_hint": first["id_token"]})
    page = browser.follow(browser.authorize("out", prompt="login"))
    params = response_params(browser.sign_in(page, "bob"))
    second = browser.exchange(params["code"], "out").json()
    subject = claims_of(second["id_token"])["sub"]
    assert subject != claims_of(first["id_token"])["sub"]
    for _ in range(2):
        again = browser.exchange(browser.code_flow("out", prompt="none")["code"], "out").json()
        assert claims_of(again["id_token"])["sub"] == claims_of(again["access_token"])["sub"] == subject
    assert browser.userinfo(second["access_token"]).json()["sub"] == subject


def run(calls: Sequence[Callable[[], httpx2.Response]], number: int) -> httpx2.Response:
    """Make one of several calls."""
    return calls[number]()


@pytest.mark.case("SS-16")
def test_sign_out_races_with_a_silent_request(house: House) -> None:
    """Once the sign-out has answered, no code is issued for the session, and none that was gives tokens."""
    for _ in range(40):
        browser = house.browser()
        hint = browser.tokens()["id_token"]
        other = house.browser(cookies=dict(browser.cookies))
        race = (
            partial(browser.get, "/oauth2/logout", params={"id_token_hint": hint}),
            partial(other.authorize, prompt="none"),
        )
        answers = [answer for answer in at_once(2, partial(run, race)) if isinstance(answer, httpx2.Response)]
        assert sorted(answer.status_code for answer in answers) == [200, 303]
        (code,) = [response_params(answer).get("code") for answer in answers if answer.is_redirect]
        with unchanged(house, *ISSUED):
            assert_redirected(other.authorize(prompt="none"), "login_required")
            assert code is None or other.exchange(code).status_code == 400


@pytest.mark.case("SS-17")
def test_disabled_account_is_out_on_every_instance(house: House, tmp_path: Path) -> None:
    """What one instance takes away, another refuses with the next request, by session, token and refresh token."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    second = make_house(storage, house.server.settings.key_encryption_key_file)
    here = house.browser()
    tokens = here.tokens(scope="openid offline_access")
    there = second.browser(cookies=dict(here.cookies))
    assert "code" in there.code_flow(prompt="none")
    assert there.userinfo(tokens["access_token"]).status_code == 200
    with house.storage.begin() as uow:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        disable_account(uow, house.server.sessions, account, house.clock.now())
    for browser in (here, there):
        assert_redirected(browser.authorize(prompt="none"), "login_required")
        assert_challenged(browser.userinfo(tokens["access_token"]), "invalid_token")
        assert_refused(browser.refresh(tokens["refresh_token"]), "invalid_grant")
        assert 'id="login-submit"' in browser.sign_in(browser.follow(browser.authorize())).text
    storage.close()


@pytest.mark.case("SS-18")
def test_session_handles_have_no_pattern(house: House) -> None:
    """Handles are 256 random bits; on the wire each sign-in gets another."""
    issued = []
    for _ in range(10):
        browser = house.browser()
        browser.code_flow()
        issued.append(browser.cookies[SESSIONS])
    handles = issued + [new_handle() for _ in range(10_000)]
    assert {len(handle) for handle in handles} == {43}
    assert len(set(handles)) == len(handles)
    for position in range(42):
        assert len({handle[position] for handle in handles}) == 64


@pytest.mark.case("SS-23")
def test_sessions_of_one_account_are_limited(house: House) -> None:
    """The hundred and first session ends the oldest; the newest hundred live."""
    oldest = house.browser()
    tokens = oldest.tokens()
    event = AuthenticationEvent(acr="urn:signet:acr:password", amr=("pwd",), authenticated_at=house.clock.now())
    house.clock.move(1)
    with house.storage.begin() as uow:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        for _ in range(MOST_SESSIONS - 1):
            house.server.sessions.start(
                uow, account=account, event=event, browser_hash="b", remembered=False, now=house.clock.now()
            )
    assert "code" in oldest.code_flow(prompt="none")
    house.clock.move(1)
    newest = house.browser()
    newest.code_flow()
    assert_redirected(oldest.authorize(prompt="none"), "login_required")
    assert_challenged(oldest.userinfo(tokens["access_token"]), "invalid_token")
    assert "code" in newest.code_flow(prompt="none")
    assert len(rows(house, "sessions")["sessions"]) == MOST_SESSIONS + 1
