"""The k-th statement fails, for every k, in whatever is done: 503 or done, wholly or not at all, and again it works."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from idp.stores.sql.storage import SqlStorage
from tests.conftest import furnished
from tests.faults.account_steps import ACCOUNT_STEPS
from tests.faults.answers import check_unavailable
from tests.faults.injection import Fault, failing
from tests.faults.steps import STEPS, Consent, SignIn, SignOut, Step
from tests.provider import Browser, House

# More than any step has.
MOST_STATEMENTS = 200


@pytest.fixture
def server_house(postgresql_url: str, ready_keys: None, tmp_path: Path) -> Iterator[House]:
    """A provider over PostgreSQL."""
    storage = SqlStorage(postgresql_url)
    yield furnished(storage, tmp_path / "key-encryption.key")
    storage.close()


def try_all(step: type[Step], house: House, way: str) -> int:
    """Let each statement of a step fail in turn and return how many there were."""
    signed_in = house.browser()
    signed_in.code_flow()
    for k in range(1, MOST_STATEMENTS):
        made, fault = step(house, signed_in), Fault(k, way)
        with failing(fault):
            answer = made.act()
        told = answer.status_code in step.done
        if not told:
            check_unavailable(answer)
        # What is done is told, unless the answer was lost; a fault may also hit what need not be done.
        made.check(told or fault.was_kept)
        if not fault.happened:
            assert told
            return k - 1
        # Neither throttled nor signed out, however often.
        house.clock.move(120)
    raise AssertionError("more statements than expected")


def try_each(house: House, way: str, steps: Iterable[type[Step]] = (*STEPS, *ACCOUNT_STEPS)) -> dict[str, int]:
    """Return for each step how many statements failed in turn; one provider and one event loop for all, for making them
    takes longest."""
    with start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Browser, "portal", portal)
        return {step.__name__: try_all(step, house, way) for step in steps}


@pytest.mark.case("OP-18")
def test_every_statement_of_every_step(house: House) -> None:
    """Whichever statement the database does not execute."""
    assert min(try_each(house, "refused").values()) > 2


def test_every_commit_of_every_step(house: House) -> None:
    """Whichever commit is done and not answered."""
    assert min(try_each(house, "lost").values()) > 0


def test_every_connection_of_every_step(server_house: House) -> None:
    """Whenever the connection to the server breaks, and nothing can be rolled back by hand. Those of people, which take
    longest, are the same statements."""
    assert min(try_each(server_house, "broken", set(STEPS) - {SignIn, Consent, SignOut}).values()) > 2


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_nothing_is_spent_on_tokens_that_cannot_be_signed(house: House, alg: str) -> None:
    """Where no key can sign, the code and the refresh token stay what they are until one can."""
    house.add_client("other", id_token_signed_response_alg=alg)
    browser = house.browser()
    tokens = browser.tokens("other")
    code = browser.code_flow("other")["code"]
    ring = house.server.keys
    view = ring._view
    with pytest.MonkeyPatch.context() as patch:
        signers = {name: key for name, key in view.signers.items() if name != alg}
        patch.setattr(ring, "_view", dataclasses.replace(view, signers=signers))
        ring._reread_at = float("inf")
        check_unavailable(browser.exchange(code, "other"))
        check_unavailable(browser.refresh(tokens["refresh_token"], "other"))
    assert browser.exchange(code, "other").status_code == 200
    assert browser.refresh(tokens["refresh_token"], "other").status_code == 200
