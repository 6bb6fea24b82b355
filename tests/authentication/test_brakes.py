"""What guessing from elsewhere cannot do to a known browser, and what stuffed credentials meet."""

from functools import partial

import pytest

from idp.accounts import browsers
from idp.accounts.audit import Origin
from idp.authentication.sign_in import Authenticated, Paused, Rejected, SignIn
from idp.authentication.throttle import BRAKED, Throttling
from tests.accounts.world import NOW
from tests.authentication.conftest import ELSEWHERE, HERE, LIMITS, PASSWORD, Door

WINDOW = LIMITS.window_seconds
STRICT = LIMITS.model_copy(update={"failures_of_everybody": 10})


def known(door: Door, name: str = "alice") -> tuple[str, ...]:
    """Return the handles of a browser that an account knows."""
    with door.storage.begin() as uow:
        account = uow.accounts.find_by_name(name)
        assert account is not None
        return browsers.meet(uow, account.account_id, (), name="", now=NOW).handles


@pytest.mark.case("LG-10")
def test_known_browser_is_not_hindered(door: Door) -> None:
    """While alice's name is paused for everybody else, her browser gets in, from the attacker's address too; and that
    clears nothing for the attacker."""
    handles = known(door)
    sign_in = SignIn(door.storage, door.clock, door.passwords, door.throttle)
    attempt = partial(sign_in.attempt, name="alice", devices=handles)
    for _ in range(10):
        door.sign_in(password="wrong")
    assert isinstance(door.sign_in(address=ELSEWHERE), Paused)
    for n in range(30):
        door.sign_in(f"user{n}", password="wrong")
    assert isinstance(door.sign_in("fresh"), Paused)
    for address in (HERE, ELSEWHERE):
        outcome = attempt(password=PASSWORD, origin=origin(address))
        assert isinstance(outcome, Authenticated)
    assert isinstance(door.sign_in(address=ELSEWHERE), Paused)


def origin(address: str) -> Origin:
    """Return where a try comes from."""
    return Origin(address, "r-1")


@pytest.mark.case("LG-06", "LG-10", "SS-21")
def test_known_browser_has_tries_of_its_own(door: Door) -> None:
    """As many as a name has, and for the account that knows it alone."""
    handles = known(door)
    door.account("bob", email="bob@example.org", password_hash=door.passwords.hash(PASSWORD))
    sign_in = SignIn(door.storage, door.clock, door.passwords, door.throttle)
    for _ in range(LIMITS.per_account):
        tried = sign_in.attempt(name="alice", password="wrong", origin=origin(HERE), devices=handles)
        assert isinstance(tried, Rejected)
    paused = sign_in.attempt(name="alice", password=PASSWORD, origin=origin(HERE), devices=handles)
    assert paused == Paused(WINDOW)
    assert isinstance(door.sign_in(), Authenticated)
    for _ in range(LIMITS.per_account):
        sign_in.attempt(name="bob", password="wrong", origin=origin(HERE), devices=handles)
    assert isinstance(sign_in.attempt(name="bob", password=PASSWORD, origin=origin(HERE), devices=handles), Paused)
    door.clock.at += WINDOW
    assert isinstance(
        sign_in.attempt(name="alice", password=PASSWORD, origin=origin(HERE), devices=handles), Authenticated
    )


@pytest.mark.case("LG-11", "LG-13")
def test_stuffing_from_many_addresses(door: Door) -> None:
    """When most sign-ins fail, and many, each address has a tenth: on every instance, after a restart, told once, and
    until the window is over."""
    door.throttle = Throttling(STRICT)
    for n in range(10):
        assert isinstance(door.sign_in(f"user{n}", address=f"203.0.113.{n}"), Rejected)
    assert [name for name, _ in door.events()].count("sign_in.braked") == 1
    allowed = STRICT.per_address // BRAKED
    door.throttle = Throttling(STRICT)
    outcomes = [door.sign_in(f"other{n}", address="198.51.100.9") for n in range(allowed + 1)]
    assert outcomes[:-1] == [Rejected()] * allowed
    assert isinstance(outcomes[-1], Paused)
    assert isinstance(door.sign_in(address="198.51.100.10"), Authenticated)
    assert [name for name, _ in door.events()].count("sign_in.braked") == 1
    door.clock.at += WINDOW
    assert isinstance(door.sign_in("more", address="198.51.100.9"), Rejected)
    assert isinstance(door.sign_in(address="198.51.100.9"), Authenticated)


def test_many_who_mistype_among_more_who_do_not(door: Door) -> None:
    """Where more sign in than fail nobody is braked, however many that is."""
    door.throttle = Throttling(STRICT)
    for n in range(30):
        assert isinstance(door.sign_in(address=f"203.0.113.{n}"), Authenticated)
    for n in range(30):
        assert isinstance(door.sign_in(f"user{n}", address=f"198.51.100.{n // 10}"), Rejected)
    assert "sign_in.braked" not in [name for name, _ in door.events()]
    door.sign_in("one more", address="198.51.100.99")
    assert [name for name, _ in door.events()].count("sign_in.braked") == 1
