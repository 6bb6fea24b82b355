"""The account pages of applications and of activity."""

import re

import pytest

from idp.observe.events import EVENTS
from idp.specs.backchannel_logout import KIND
from tests.account_pages import at, send, visitor
from tests.provider import House, response_params
from tests.second_factors import account_id, give_app, give_codes, next_code, send_code

NOT_OF_ACCOUNTS = ("backup.", "client.", "export.", "invitation.", "key.", "logout.", "resource.")


@pytest.mark.case("TK-24")
def test_withdrawn_access_is_gone(house: House) -> None:
    """Scopes are said in words; afterwards tokens of every kind are of no use, and consent is asked for again."""
    alice = visitor(house)
    tokens = alice.tokens("third", scope="openid email offline_access")
    other = visitor(house, "bob")
    others = other.tokens("third", username="bob", scope="openid offline_access")
    unused = alice.code_flow("third", scope="openid email offline_access")["code"]
    page = alice.get("/account/applications")
    assert "<bdi>Third</bdi>" in page.text
    assert "Know who you are" in page.text
    told = send(alice, page, "/applications", client="third", action="withdraw")
    assert "has no access any more" in told.text
    assert "No application has access" in told.text
    assert alice.refresh(tokens["refresh_token"], "third").json()["error"] == "invalid_grant"
    assert alice.exchange(unused, "third").json()["error"] == "invalid_grant"
    assert alice.userinfo(tokens["access_token"]).status_code == 401
    assert 'id="consent-allow"' in alice.follow(alice.authorize("third")).text
    assert other.refresh(others["refresh_token"], "third").status_code == 200
    assert send(alice, page, "/applications", client="third").status_code == 403
    assert send(alice, page, "/applications", client="nobody").status_code == 403


@pytest.mark.requirement("OIDC Back-Channel Logout 1.0", "2.5")
def test_withdrawn_client_is_told(house: House) -> None:
    """By a notice for each live session that it was used in, of this account; no other client is, and none is told
    twice, nor for the form of somebody else."""
    for name in ("told", "other"):
        house.add_client(name, first_party=False, backchannel_logout_uri=f"https://{name}.example/logout")
    alice, elsewhere = visitor(house), visitor(house)
    for browser in (alice, elsewhere):
        browser.tokens("told")
        browser.tokens("other")
    visitor(house, "bob").tokens("told", username="bob")
    page = alice.get("/account/applications")
    send(alice, page, "/applications", client="told", action="withdraw")
    assert send(alice, page, "/applications", client="told", action="withdraw").status_code == 403
    with house.storage.snapshot() as uow:
        notices = [message for message in uow.outbox.list() if message.kind == KIND]
        mine = {session.session_id for session in uow.sessions.list_live(account_id(house), house.clock.now())}
    assert [message.destination for message in notices] == ["https://told.example/logout"] * 2
    assert {message.payload["sid"] for message in notices} == mine
    assert alice.get("/account").status_code == 200


def test_first_party_client_is_listed_too(house: House) -> None:
    """Though nobody was asked; taking its access away ends what it has."""
    alice = visitor(house)
    tokens = alice.tokens(scope="openid offline_access")
    page = alice.get("/account/applications")
    assert "<bdi>Web</bdi>" in page.text
    send(alice, page, "/applications", client="web")
    assert alice.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert "code" in response_params(alice.authorize())


def test_activity_is_ones_own(house: House) -> None:
    """In words, with failed tries and where they came from; of nobody else; older ones page by page, each once."""
    thief = house.browser()
    at(thief, password="wrong")
    alice = visitor(house)
    visitor(house, "bob")
    first = alice.get("/account/activity")
    assert "Wrong password or passkey" in first.text
    assert "testclient" in first.text
    assert first.text.count("<li>\n<div>") == 3
    for _ in range(30):
        house.clock.move(1)
        alice.code_flow()
    seen: list[str] = []
    page = alice.get("/account/activity")
    while True:
        seen += re.findall(r"<strong[^>]*>([^<]+)</strong>", page.text)
        older = re.search(r'id="older" href="([^"]+)"', page.text)
        if not older:
            break
        page = alice.get(older.group(1))
    assert seen.count("Signed in to an application") == 30
    assert seen.count("Signed in") == 1
    assert len(seen) == 33


@pytest.mark.parametrize("key", ["x", "1", "1.", "-1.x", "9" * 30 + ".x", "٣.x", "1." + "x" * 100])
def test_what_is_no_key_begins_anew(house: House, key: str) -> None:
    """Nothing that stands in the address is an error of ours."""
    alice = visitor(house)
    page = alice.get("/account/activity", params={"before": key})
    assert (page.status_code, "Right password or passkey" in page.text) == (200, True)


def test_every_event_of_an_account_has_words() -> None:
    """No End-User reads the name of an event."""
    from importlib.resources import files

    text = files("idp.web").joinpath("templates", "account_activity.html").read_text("utf-8")
    told = set(re.findall(r"'([a-z_]+\.[a-z_]+)': _", text))
    nobodys = {"authorization.refused", "code.misused", "sign_in.braked"}
    missing = {name for name in EVENTS if not name.startswith(NOT_OF_ACCOUNTS)} - nobodys - told
    assert missing == set()


def test_data_is_complete_and_holds_no_secret(house: House) -> None:
    """One document with all that is kept; nothing that verifies anything, and nothing of anybody else."""
    visitor(house, "bob")
    alice = visitor(house)
    alice.tokens("third", scope="openid offline_access")
    app, _ = give_app(house), give_codes(house)
    asked = send(alice, alice.get("/account/data"), "/data")
    answer = send(alice, send_code(alice, asked, next_code(house, app)), "/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert answer.headers["cache-control"] == "no-store"
    data = answer.json()
    assert data["account"]["account_id"] == account_id(house)
    assert {each["method"] for each in data["authenticators"]} == {"totp", "recovery_code", "known_browser"}
    assert [len(data[part]) for part in ("sessions", "consents", "grants")] == [1, 1, 1]
    assert {"sign_in.ok", "account.exported"} <= {event["name"] for event in data["activity"]}
    with house.storage.snapshot() as uow:
        kept = uow.authenticators.list(account_id(house))
        session = uow.sessions.list_live(account_id(house), house.clock.now())[0]
    secrets = {each.secret for each in kept} | {each.authenticator_id for each in kept if each.method != "totp"}
    assert not [secret for secret in (*secrets, session.handle_hash) if secret and secret in answer.text]
    assert account_id(house, "bob") not in answer.text


def test_data_is_for_who_signed_in_lately(house: House) -> None:
    """A form is sent within five minutes, and is ours."""
    alice = visitor(house)
    page = alice.get("/account/data")
    assert alice.post("/account/data").status_code == 403
    house.clock.move(300)
    assert "Confirm it’s you" in send(alice, page, "/data").text
