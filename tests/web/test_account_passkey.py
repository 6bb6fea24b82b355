"""The account page that adds a passkey."""

import json

import httpx2
import pytest

from idp.authentication.methods import passkey
from idp.stores.records import AuditEvent
from tests.account_pages import send, visitor
from tests.flows.test_passkey import passkeys_of
from tests.passkeys import SoftAuthenticator, give_passkey, options_of, send_passkey
from tests.provider import Browser, House
from tests.second_factors import give_app, next_code, send_code

PATH = "/methods/passkey"


def add(browser: Browser, page: httpx2.Response, device: SoftAuthenticator, **fields: str) -> httpx2.Response:
    """Send the form with what the device makes of its options."""
    return send(browser, page, PATH, passkey=json.dumps(device.create(options_of(page))), **fields)


def test_one_is_added_and_named(house: House) -> None:
    """It is named by its owner, or after the browser; it signs in from then on."""
    alice, device = visitor(house), SoftAuthenticator()
    assert "/account/methods/passkey" in alice.get("/account/methods").text
    done = add(alice, alice.get(f"/account{PATH}"), device, name=" Key ring ")
    assert "The passkey is added." in done.text
    assert passkeys_of(house) == ("Key ring",)
    page = house.browser()
    shown = page.follow(page.get("/account"))
    assert "Signed in as" in send_passkey(page, shown, device.get(options_of(shown))).text
    names = [event.name for event in events(house)]
    assert names.count("passkey.added") == 1


def events(house: House) -> list[AuditEvent]:
    """Return the newest audit events."""
    with house.storage.snapshot() as uow:
        return list(uow.audit.list())


@pytest.mark.parametrize("name", ["", "x" * 61, "a\u202eb"])
def test_what_is_no_name(house: House, name: str) -> None:
    """Then it is named as if nothing had been typed."""
    alice = visitor(house)
    add(alice, alice.get(f"/account{PATH}"), SoftAuthenticator(), name=name)
    assert passkeys_of(house) == ("Passkey",)


@pytest.mark.case("MF-05", "MF-11")
def test_answer_that_proves_nothing(house: House) -> None:
    """Nothing, junk, another session's challenge: the form comes again. From the first on, it is asked for."""
    alice, bob, device = visitor(house), visitor(house, "bob"), SoftAuthenticator()
    page, other = alice.get(f"/account{PATH}"), bob.get(f"/account{PATH}")
    for sent in ("", "{}", json.dumps(device.create(options_of(other)))):
        refused = send(alice, page, PATH, passkey=sent, name="Mine")
        assert (refused.status_code, "was not added" in refused.text) == (400, True)
        assert 'value="Mine"' in refused.text
    answer = json.dumps(device.create(options_of(page)))
    assert alice.post(f"/account{PATH}", data={"passkey": answer}).status_code == 403
    assert "is added" in send(alice, page, PATH, passkey=answer).text
    assert "Use your passkey" in send(alice, page, PATH, passkey=answer).text
    assert len(passkeys_of(house)) == 1


@pytest.mark.case("MF-05", "MF-28")
def test_fresh_and_strong_sign_in_comes_first(house: House) -> None:
    """After a password alone whoever has a passkey is asked for it, and after five minutes for everything."""
    device, alice = give_passkey(house), visitor(house)
    asked = alice.follow(alice.get(f"/account{PATH}"))
    assert "Use your passkey" in asked.text
    late = alice.submit(asked, passkey=json.dumps(device.get(options_of(asked))), action="continue")
    assert str(late.url).endswith(PATH)
    house.clock.move(300)
    again = add(alice, late, SoftAuthenticator(credential_id=b"another"))
    assert "Confirm it’s you" in again.text
    assert len(passkeys_of(house)) == 1


@pytest.mark.case("MF-05")
def test_session_from_before_the_app(house: House) -> None:
    """A session that began before its account had an app is asked for a code of it."""
    alice = visitor(house)
    app = give_app(house)
    asked = alice.follow(alice.get(f"/account{PATH}"))
    shown = send_code(alice, asked, next_code(house, app))
    assert "is added" in add(alice, shown, SoftAuthenticator()).text


def test_no_more_than_an_account_may_have(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With as many as it may have, the page leads back to the list, which offers none."""
    monkeypatch.setattr(passkey, "MOST", 1)
    alice = visitor(house)
    page = alice.get(f"/account{PATH}")
    assert "is added" in add(alice, page, SoftAuthenticator()).text
    assert "/account/methods/passkey" not in alice.get("/account/methods").text
    add(alice, page, SoftAuthenticator(credential_id=b"another"))
    assert len(passkeys_of(house)) == 1
