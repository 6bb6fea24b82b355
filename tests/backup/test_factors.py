"""What a restore makes of second factors: an app and a passkey stay, what may be spent or forgotten since does not."""

import pytest

from idp.accounts import browsers
from idp.authentication.methods import mailed_code
from tests.backup.world import Disaster, same_browser
from tests.passkeys import give_passkey
from tests.second_factors import account_id, give_app, give_codes, next_code, send_code, to_second_factor


@pytest.mark.case("SS-21")
def test_remembered_browser_and_codes_stay_lost(over: Disaster) -> None:
    """A browser that was forgotten after the backup would be remembered again, and a code count twice."""
    house = over.house
    app, browser = give_app(house), house.browser()
    give_codes(house)
    give_passkey(house)
    send_code(browser, to_second_factor(browser), next_code(house, app), remember_device="yes")
    owner = account_id(house)
    with house.storage.begin() as uow:
        mailed_code.issue_code(uow, house.server.vault, owner, "page", house.clock.now())
        assert browsers.remembered(uow, owner, house.clock.now(), days=30)
    over.back_up()
    over.restore()
    with over.storage.snapshot() as uow:
        assert {each.method for each in uow.authenticators.list(owner)} == {"totp", "passkey"}
    over.clock.move(60)
    to_second_factor(same_browser(browser, over.restored_house()))
