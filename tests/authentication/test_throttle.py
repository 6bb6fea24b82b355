"""How often one may try."""

import pytest

from idp.authentication.throttle import Throttling
from tests.accounts.world import NOW, at_once
from tests.authentication.conftest import ELSEWHERE, HERE, LIMITS, Door

WINDOW = LIMITS.window_seconds


def _try(door: Door, name: str = "alice", address: str = HERE, now: int = NOW) -> int | None:
    return door.write(lambda uow: door.throttle.count_sign_in(uow, name, address, now))


def _succeed(door: Door, name: str, address: str = HERE) -> None:
    door.write(lambda uow: door.throttle.sign_in_succeeded(uow, name, address, NOW))


@pytest.mark.case("LG-06", "LG-10")
def test_the_tries_of_a_name(door: Door) -> None:
    """As many tries as the limit go on, then one waits to the end of the window, and no longer however many came."""
    assert [_try(door, now=NOW + n) for n in range(5)] == [None] * 5
    assert _try(door, now=NOW + 10) == WINDOW - 10
    for n in range(50):
        assert _try(door, address=f"203.0.113.{n}", now=NOW + 20) == WINDOW - 20
    assert _try(door, now=NOW + WINDOW - 1) == 1
    assert _try(door, now=NOW + WINDOW) is None


@pytest.mark.case("LG-01")
@pytest.mark.parametrize("name", ["nobody", "", "\0", "\ud800", "a" * 1_000_000])
def test_unknown_names_count_alike(door: Door, name: str) -> None:
    """A name that no account has, or can have, waits after as many tries as a known one."""
    assert [_try(door, name) for _ in range(6)] == [None] * 5 + [WINDOW]
    assert _try(door, "alice") is None


@pytest.mark.case("LG-06")
def test_the_forms_of_a_name_share_a_counter(door: Door) -> None:
    """Writing a name otherwise gives no further tries."""
    forms = ["alice", "ALICE", " alice ", "\uff41lice", "Alice"]
    assert [_try(door, form) for form in forms] == [None] * 5
    assert _try(door, "aLICE") == WINDOW


@pytest.mark.case("LG-11")
def test_many_names_from_one_address(door: Door) -> None:
    """An address waits after its limit, whatever the names; another address does not."""
    assert [_try(door, f"user{n}") for n in range(20)] == [None] * 20
    assert _try(door, "fresh") == WINDOW
    assert _try(door, "fresh", ELSEWHERE) is None


@pytest.mark.case("LG-10", "LG-11")
def test_a_paused_address_locks_nobody_out(door: Door) -> None:
    """Tries that are not judged for their address count against no name."""
    for n in range(20):
        _try(door, f"user{n}")
    for _ in range(50):
        assert _try(door, "alice") == WINDOW
    assert _try(door, "alice", ELSEWHERE) is None


@pytest.mark.case("LG-11")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.9", "192.0.2.9", True),
        ("192.0.2.9", "192.0.2.10", False),
        ("", "unknown", False),
    ],
)
def test_what_is_one_address(door: Door, one: str, other: str, same: bool) -> None:
    """A /64 of IPv6 is one address, and so is IPv4 in either notation."""
    for n in range(20):
        _try(door, f"user{n}", one)
    assert (_try(door, "fresh", other) is not None) is same


@pytest.mark.case("LG-12")
def test_good_sign_ins_between_guesses_clear_nothing(door: Door) -> None:
    """An attacker's own sign-ins clear neither alice's counter nor, but for themselves, the address's."""
    for _ in range(5):
        assert _try(door, "alice") is None
        assert _try(door, "mallory") is None
        _succeed(door, "mallory")
    assert _try(door, "alice") == WINDOW
    for n in range(14):
        assert _try(door, f"user{n}") is None
    assert _try(door, "fresh") == WINDOW


def test_success_clears_the_own_name_and_refunds_the_try(door: Door) -> None:
    """Whoever signs in has all tries again, and an office of many behind one address is never paused for it."""
    for n in range(200):
        assert _try(door, f"user{n % 3}") is None
        _succeed(door, f"user{n % 3}")
    for _ in range(4):
        _try(door)
    _succeed(door, "ALICE")
    assert [_try(door) for _ in range(6)] == [None] * 5 + [WINDOW]


@pytest.mark.case("LG-13")
def test_counters_are_in_the_store(door: Door) -> None:
    """A restart or a second instance goes on counting where the first stood."""
    for _ in range(3):
        _try(door)
    door.throttle = Throttling(LIMITS)
    assert [_try(door) for _ in range(3)] == [None, None, WINDOW]


@pytest.mark.case("LG-06")
def test_parallel_tries_do_not_slip_through(door: Door) -> None:
    """Of sixteen tries at the same moment exactly the limit goes on."""
    results = at_once(16, lambda n: _try(door, address=f"203.0.113.{n}"))
    assert sorted(map(str, results)) == [str(WINDOW)] * 11 + ["None"] * 5


@pytest.mark.case("TK-37")
def test_failed_client_authentications(door: Door) -> None:
    """Failures are counted by address, apart from sign-ins; a client elsewhere, and the next window, begin at none."""

    def fail(address: str, now: int) -> int | None:
        return door.write(lambda uow: door.throttle.count_client_failure(uow, address, now))

    assert [fail(HERE, NOW + n) for n in range(5)] == [None, None, None, WINDOW - 3, WINDOW - 4]
    assert fail(ELSEWHERE, NOW) is None
    assert _try(door) is None
    assert fail(HERE, NOW + WINDOW) is None
