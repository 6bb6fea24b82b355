"""Codes of an app and recovery codes, judged."""

import pyotp
import pytest

from idp.accounts.audit import NOWHERE
from idp.authentication.methods import recovery_code, totp
from idp.authentication.second_factors import SecondFactors
from idp.authentication.sign_in import Paused, Rejected
from idp.authentication.throttle import Throttling
from idp.jose.sealing import CannotOpen, KeyEncryptionKey
from idp.randomness import new_bytes
from idp.settings import Throttle
from idp.stores.memory import MemoryStorage

NOW = 1_800_000_000
LIMIT = Throttle().per_second_factor


class Desk:
    """An account, and somebody who judges its second factors."""

    def __init__(self) -> None:
        self.storage, self.now = MemoryStorage(), NOW
        self.vault = KeyEncryptionKey(new_bytes(32))
        self.judge = SecondFactors(self.vault, Throttling(Throttle()))
        self.setup = totp.new_setup("a1", self.vault)
        self.app = pyotp.TOTP(self.setup.secret)

    def judged(self, response: str, method: str = totp.NAME, account_id: str = "a1") -> str:
        """Return how a try was judged."""
        with self.storage.begin() as uow:
            outcome = self.judge.attempt(
                uow, account_id=account_id, method=method, response=response, bound_to="", origin=NOWHERE, now=self.now
            )
        if isinstance(outcome, Paused | Rejected):
            return type(outcome).__name__.lower()
        return outcome.name

    def code(self, steps: int = 0) -> str:
        """Return the code of a step from now."""
        return self.app.at(self.now + 30 * steps)


@pytest.fixture
def desk() -> Desk:
    """An account whose app was set up a minute ago."""
    made = Desk()
    with made.storage.begin() as uow:
        assert totp.confirm(uow, made.setup, "a1", made.code(-2), NOW - 60)
    return made


@pytest.mark.case("MF-02")
def test_a_code_counts_one_step_to_either_side(desk: Desk) -> None:
    """Of the steps around now three count, each of a fresh account."""
    for steps, expected in [(-2, "rejected"), (-1, "totp"), (0, "totp"), (1, "totp"), (2, "rejected")]:
        again = Desk()
        with again.storage.begin() as uow:
            assert totp.confirm(uow, again.setup, "a1", again.app.at(NOW - 600), NOW - 600)
        assert again.judged(again.code(steps)) == expected


@pytest.mark.requirement("RFC 6238", "5.2")
def test_a_code_counts_once(desk: Desk) -> None:
    """Neither it nor an older one is taken after it."""
    assert desk.judged(desk.code()) == "totp"
    assert desk.judged(desk.code()) == "rejected"
    assert desk.judged(desk.code(-1)) == "rejected"
    assert desk.judged(desk.code(1)) == "totp"


@pytest.mark.case("MF-10")
def test_clock_that_goes_back_makes_nothing_usable_again(desk: Desk) -> None:
    """After an hour ahead, codes of the hour that was skipped do not count; once it is over, people get in."""
    desk.now += 3600
    assert desk.judged(desk.code()) == "totp"
    desk.now -= 3600
    assert desk.judged(desk.code()) == "rejected"
    desk.now += 3630
    assert desk.judged(desk.code()) == "totp"


@pytest.mark.case("MF-04")
@pytest.mark.parametrize(
    "text", ["", "12345", "1234567", "１２３４５６", "1e5555", "-12345", "[1]", "\0", "x" * 100_000, "\ud800"]
)
def test_what_is_no_code_is_refused(desk: Desk, text: str) -> None:
    """Whatever comes is judged, never a fault."""
    assert desk.judged(text) == "rejected"
    assert desk.judged(text, recovery_code.NAME) == "rejected"
    assert desk.judged(text, text) == "rejected"


def test_spaces_within_a_code_do_not_matter(desk: Desk) -> None:
    """Apps show it in two groups."""
    code = desk.code()
    assert desk.judged(f" {code[:3]} {code[3:]}\n") == "totp"


@pytest.mark.case("MF-24")
@pytest.mark.case("MF-26")
def test_recovery_code_counts_once_however_it_is_typed(desk: Desk) -> None:
    """Case, dashes and spaces do not matter; the store knows digests only; nine are left."""
    with desk.storage.begin() as uow:
        codes = recovery_code.make_codes(uow, "a1", NOW)
        assert len(set(codes)) == recovery_code.COUNT
        kept = repr([a for a in uow.authenticators.list("a1") if a.method == recovery_code.NAME])
        assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    assert desk.judged(codes[0].upper().replace("-", " "), recovery_code.NAME) == recovery_code.NAME
    assert desk.judged(codes[0], recovery_code.NAME) == "rejected"
    assert desk.judged(codes[1], recovery_code.NAME, "a2") == "rejected"
    assert desk.judged(codes[1].replace("l", "1").replace("o", "0"), recovery_code.NAME) == recovery_code.NAME
    with desk.storage.begin() as uow:
        assert len(uow.authenticators.list("a1")) == 1 + recovery_code.COUNT - 2


@pytest.mark.case("MF-25")
def test_new_recovery_codes_end_the_old_ones(desk: Desk) -> None:
    """Of two sets the second counts."""
    with desk.storage.begin() as uow:
        old = recovery_code.make_codes(uow, "a1", NOW)
        new = recovery_code.make_codes(uow, "a1", NOW)
    assert desk.judged(old[0], recovery_code.NAME) == "rejected"
    assert desk.judged(new[0], recovery_code.NAME) == recovery_code.NAME


def test_tries_are_counted_over_all_methods(desk: Desk) -> None:
    """After some, nothing is judged for a while, not even what is right; a success clears the count (R12)."""
    assert [desk.judged("000000") for _ in range(LIMIT - 1)] == ["rejected"] * (LIMIT - 1)
    assert desk.judged(desk.code()) == "totp"
    methods = [totp.NAME, recovery_code.NAME] * LIMIT
    assert [desk.judged("000000", method) for method in methods[:LIMIT]] == ["rejected"] * LIMIT
    assert desk.judged(desk.code(1)) == "paused"
    desk.now += Throttle().window_seconds
    assert desk.judged(desk.code()) == "totp"


def test_secret_is_sealed_for_its_account(desk: Desk) -> None:
    """It opens for nobody else, and is nowhere in the clear."""
    with desk.storage.begin() as uow:
        (kept,) = uow.authenticators.list("a1")
    assert desk.setup.secret not in repr(kept)
    assert totp.open_setup(kept.secret, "a1", desk.vault) == totp.Setup(desk.setup.secret, kept.secret)
    for sealed, owner in [(kept.secret, "a2"), ("rubbish", "a1"), ("", "a1"), ("AAAA", "a1")]:
        with pytest.raises(CannotOpen):
            totp.open_setup(sealed, owner, desk.vault)
