"""TK: flows that are begun and never finished."""

import pytest

from tests.attacks.oracle import rows
from tests.provider import House, response_params


@pytest.mark.case("TK-59")
def test_abandoned_flows_are_swept(house: House) -> None:
    """Flows that nobody finishes leave nothing behind; a flow under way is not touched."""
    for number in range(100):
        assert house.browser().authorize(state=str(number)).status_code == 303
    browser = house.browser()
    for _ in range(20):
        browser.code_flow()
    assert len(rows(house, "artifacts")["artifacts"]) >= 120
    house.clock.move(3 * 86_400)
    page = browser.follow(browser.authorize())
    house.storage.sweep(house.clock.now(), 10_000)
    assert len(rows(house, "artifacts")["artifacts"]) == 1
    assert browser.exchange(response_params(browser.sign_in(page))["code"]).status_code == 200
