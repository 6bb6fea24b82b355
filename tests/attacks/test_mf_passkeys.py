"""Hostile answers of browsers and authenticators (MF-11 to MF-22): each is refused by a page, at once, and counts for
nothing; the right one passes afterwards."""

import json
import time
from collections.abc import Callable

import cbor2
import httpx2
import pytest

from idp.authentication.ceremonies import NotAccepted
from idp.authentication.methods import passkey
from idp.stores.records import AuditEvent
from tests.attacks.passkey_answers import CREATE, ED25519, GET, Bend, Options, rsa_key
from tests.passkeys import AT, UP, UV, SoftAuthenticator, give_passkey, options_of, register, send_passkey
from tests.provider import Browser, House, response_params
from tests.second_factors import account_id

# What an answer may take of the processor, the page around it included (MF-20).
SECONDS = 0.2


def refusing(page: httpx2.Response, send: Callable[[httpx2.Response], httpx2.Response], case: str) -> httpx2.Response:
    """Send something, and see it refused at once."""
    started = time.process_time()
    answer = send(page)
    assert answer.status_code == 400, case
    assert time.process_time() - started < SECONDS, case
    return answer


def events(house: House, name: str) -> list[AuditEvent]:
    """Return the audit events of a name."""
    with house.storage.snapshot() as uow:
        return [event for event in uow.audit.list(limit=500) if event.name == name]


@pytest.mark.case("MF-11")
@pytest.mark.case("MF-12")
@pytest.mark.case("MF-13")
@pytest.mark.case("MF-14")
@pytest.mark.case("MF-15")
@pytest.mark.case("MF-17")
@pytest.mark.case("MF-20")
def test_sign_in_refuses(house: House) -> None:
    """Nothing of it signs anybody in."""
    device, browser = give_passkey(house), house.browser()
    page = browser.follow(browser.authorize())
    for case, bend in GET.items():

        def send(page: httpx2.Response, bend: Bend = bend) -> httpx2.Response:
            return send_passkey(browser, page, bend(device, options_of(page)))

        page = refusing(page, send, case)
        assert "That passkey doesn’t count here." in page.text, case
    assert "code" in response_params(send_passkey(browser, page, device.get(options_of(page))))


@pytest.mark.case("MF-18")
@pytest.mark.case("MF-19")
@pytest.mark.case("MF-20")
@pytest.mark.case("MF-21")
def test_registration_refuses(house: House) -> None:
    """Nothing of it is kept; the credential of somebody else is not either."""
    others, device, browser = give_passkey(house, "bob"), SoftAuthenticator(), house.browser()
    page = browser.sign_in(browser.follow(browser.authorize()), can_add_passkey="yes")

    def stolen(_device: SoftAuthenticator, options: Options) -> object:
        return SoftAuthenticator(others.credential_id).create(options)

    for case, bend in {**CREATE, "credential of somebody else": stolen}.items():

        def send(page: httpx2.Response, bend: Bend = bend) -> httpx2.Response:
            answer = bend(device, options_of(page))
            text = answer if isinstance(answer, str) else json.dumps(answer)
            return browser.submit(page, passkey=text, action="add")

        page = refusing(page, send, case)
        assert "The passkey was not added." in page.text, case
    with house.storage.snapshot() as uow:
        assert passkey.of_account(uow, account_id(house)) == ()
        assert len(passkey.of_account(uow, account_id(house, "bob"))) == 1
    assert "code" in response_params(
        browser.submit(page, passkey=json.dumps(device.create(options_of(page))), action="add")
    )


@pytest.mark.case("MF-19")
@pytest.mark.parametrize("cose_key", [ED25519, rsa_key(2_048)], ids=["EdDSA", "RS256"])
def test_offered_algorithms_are_taken(house: House, cose_key: dict[int, object]) -> None:
    """What is refused above is refused for what it is."""
    device = SoftAuthenticator()
    auth_data = device.authenticator_data(device.credential_data(cbor2.dumps(cose_key)), flags=UP | UV | AT)
    assert register(house, device, auth_data=auth_data).name == "Passkey"


@pytest.mark.case("MF-11")
def test_challenge_is_answered_once_in_its_page_and_time(house: House) -> None:
    """Not twice, not in another tab or browser, not five minutes later, not for what it was not made for."""
    device, browser, other = give_passkey(house), house.browser(), house.browser()

    def to_page(browser: Browser) -> httpx2.Response:
        return browser.follow(browser.authorize(prompt="login"))

    page = to_page(browser)
    answer = device.get(options_of(page))
    for elsewhere in (browser, other):
        refusing(to_page(elsewhere), lambda page, who=elsewhere: send_passkey(who, page, answer), "elsewhere")  # type: ignore[misc]
    house.clock.move(299)
    # Refused for its signature, but answered: the right signature comes too late.
    broken = json.loads(json.dumps(answer))
    broken["response"]["signature"] = "AA"
    refusing(page, lambda page: send_passkey(browser, page, broken), "broken")
    refusing(page, lambda page: send_passkey(browser, page, answer), "replayed")
    page = to_page(browser)
    answer = device.get(options_of(page))
    house.clock.move(300)
    page = refusing(page, lambda page: send_passkey(browser, page, answer), "too late")
    assert "code" in response_params(send_passkey(browser, page, device.get(options_of(page))))


@pytest.mark.case("MF-16")
def test_counter_that_goes_back(house: House) -> None:
    """It is refused and told; zero for ever is what passkeys on several devices say."""
    device, browser = give_passkey(house), house.browser()

    def send() -> httpx2.Response:
        page = browser.follow(browser.authorize(prompt="login"))
        return send_passkey(browser, page, device.get(options_of(page)))

    for counter, passes in ((0, True), (0, True), (5, True), (5, False), (4, False), (0, False), (6, True)):
        device.counter = counter
        assert send().is_redirect is passes, counter
    assert len(events(house, "passkey.cloned")) == 3


@pytest.mark.case("MF-15")
def test_passkey_that_was_removed(house: House) -> None:
    """It signs nobody in any more."""
    device, browser = give_passkey(house), house.browser()
    page = browser.follow(browser.authorize())
    with house.storage.begin() as uow:
        uow.authenticators.remove_all(account_id(house), passkey.NAME)
    refusing(page, lambda page: send_passkey(browser, page, device.get(options_of(page))), "removed")


def test_as_many_as_an_account_may_have(house: House) -> None:
    """Twenty are kept."""
    for number in range(passkey.MOST):
        register(house, SoftAuthenticator(f"number {number}".encode()))
    with pytest.raises(NotAccepted):
        register(house, SoftAuthenticator(b"one more"))
