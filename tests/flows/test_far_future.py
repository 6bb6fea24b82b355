"""OP-20: instants beyond 2**31 seconds."""

import pytest

from tests.provider import House, claims_of

INSTANTS = {"2038-01-20": 2_147_558_400, "2100-01-01": 4_102_444_800}


@pytest.mark.case("OP-20")
@pytest.mark.parametrize("day", INSTANTS)
def test_a_clock_far_ahead(any_house: House, day: str) -> None:
    """Sign-in, tokens, their use, refresh, rotation of keys and sign-out go as today."""
    any_house.clock.at = now = INSTANTS[day]
    browser = any_house.browser()
    tokens = browser.tokens(scope="openid offline_access")
    claims = claims_of(tokens["id_token"])
    assert (claims["iat"], claims["auth_time"]) == (now, now)
    assert claims["exp"] > now
    assert browser.userinfo(tokens["access_token"]).status_code == 200
    assert browser.introspect(tokens["access_token"])["exp"] > now
    any_house.clock.move(3_000)
    refreshed = browser.refresh(tokens["refresh_token"]).json()
    assert browser.userinfo(refreshed["access_token"]).status_code == 200
    assert not browser.introspect(tokens["access_token"])["active"]
    any_house.provider.upkeep.turn()
    again = browser.tokens(prompt="none")
    assert browser.userinfo(again["access_token"]).status_code == 200
    any_house.clock.move(40 * 86_400)
    assert 'id="login-submit"' in browser.follow(browser.authorize()).text
    assert browser.refresh(refreshed["refresh_token"]).status_code == 400
