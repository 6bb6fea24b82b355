"""Guessing over the wire (LG-06, LG-10 to LG-13): what stops it, on every instance, and whom it must not stop."""

import pytest

from tests.passkeys import give_passkey, options_of, send_passkey
from tests.provider import PASSWORD, Browser, House, make_house, response_params

WINDOW = 900
TRIES = 10


def guess(browser: Browser, name: str = "alice", password: str = "wrong") -> int:
    """Send a password and return the status: of the response to the client when it was right."""
    return browser.sign_in(browser.follow(browser.authorize()), name, password).status_code


@pytest.mark.case("LG-06", "LG-10")
def test_guesses_at_one_name(house: House) -> None:
    """The right password is refused during the pause, and accepted afterwards; alice's own browser and her passkey get
    in meanwhile, and the stranger has no more tries for it."""
    device, own, stranger = give_passkey(house), house.browser(), house.browser()
    own.code_flow()
    own.cookies.delete("__Host-signet_sessions")
    assert [guess(stranger) for _ in range(TRIES)] == [400] * TRIES
    paused = stranger.sign_in(stranger.follow(stranger.authorize()))
    assert (paused.status_code, paused.headers["retry-after"]) == (429, str(WINDOW))
    assert "your password may well be right" in paused.text
    assert guess(own, password=PASSWORD) == 303
    other = house.browser()
    page = other.follow(other.authorize())
    assert "code" in response_params(send_passkey(other, page, device.get(options_of(page))))
    assert guess(stranger, password=PASSWORD) == 429
    house.clock.move(WINDOW)
    assert guess(stranger, password=PASSWORD) == 303


@pytest.mark.case("LG-11", "LG-12", "LG-13")
def test_guesses_at_many_names_on_two_instances(any_house: House, tmp_path: object) -> None:
    """One address, one password, a name after the other, and good sign-ins between: counted over both instances."""
    keys, limits = any_house.server.settings.key_encryption_key_file, {"per_address": 12, "window_seconds": WINDOW}
    houses = [make_house(any_house.storage, keys, throttle=limits) for _ in range(2)]
    browsers = [house.browser() for house in houses]
    for n in range(12):
        assert guess(browsers[n % 2], f"user{n}") == 400
        fresh = houses[n % 2].browser(client=("198.51.100.7", 1))
        assert guess(fresh, "bob", PASSWORD) == 303
    assert [guess(browser, "bob", PASSWORD) for browser in browsers] == [429, 429]
    restarted = make_house(any_house.storage, keys, throttle=limits).browser()
    assert guess(restarted, "bob", PASSWORD) == 429
    with any_house.storage.snapshot() as uow:
        paused = [event for event in uow.audit.list(limit=500) if event.name == "sign_in.paused"]
    assert len(paused) == 3
    assert {event.address for event in paused} == {"testclient"}
