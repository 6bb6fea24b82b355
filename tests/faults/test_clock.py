"""The clock of the machine jumps (OP-19): nothing spent comes back, nobody is locked out, nothing breaks."""

import pytest

from tests.provider import House

HOUR, DAY = 3_600, 86_400


@pytest.mark.case("OP-19")
@pytest.mark.parametrize("jump", [HOUR, -HOUR, DAY, -DAY, 1, -1])
def test_what_is_spent_stays_spent(house: House, jump: int) -> None:
    """A code and a refresh token are not usable again, and whoever signs in anew is served, there and back."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    tokens = browser.exchange(code).json()
    newer = browser.refresh(tokens["refresh_token"]).json()
    for seconds in (jump, -jump):
        house.clock.move(seconds)
        assert browser.exchange(code).status_code == 400
        assert browser.refresh(tokens["refresh_token"]).status_code == 400
        assert browser.refresh(newer["refresh_token"]).status_code == 400
        again = house.browser().tokens()
        assert browser.userinfo(again["access_token"]).status_code == 200
        assert browser.get("/health/ready").status_code == 200


@pytest.mark.case("OP-19")
@pytest.mark.parametrize("jump", [HOUR, DAY])
def test_nothing_lives_beyond_its_plan(house: House, jump: int) -> None:
    """Issued while the clock was ahead, a token counts no longer than it would have by that clock; issued before it
    jumped ahead, it is over."""
    browser = house.browser()
    before = browser.tokens()["access_token"]
    house.clock.move(jump)
    assert browser.userinfo(before).status_code == 401
    ahead = house.browser().tokens()
    lifetime = house.server.settings.lifetimes.access_token_seconds
    house.clock.move(lifetime + 1)
    assert browser.userinfo(ahead["access_token"]).status_code == 401


@pytest.mark.case("OP-19")
@pytest.mark.parametrize("jump", [HOUR, -HOUR, -DAY])
def test_throttles_recover(house: House, jump: int) -> None:
    """Whoever was held back is served again after the usual time by the clock as it then is."""
    browser = house.browser()
    page = browser.follow(browser.authorize())
    for _ in range(house.server.settings.throttle.per_account + 2):
        browser.sign_in(page, password="wrong")
    house.clock.move(jump)
    house.clock.move(2 * HOUR)
    assert "code" in house.browser().code_flow()
