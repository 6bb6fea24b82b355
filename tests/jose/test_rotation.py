"""The life cycle of signing keys over a store, alone and with several instances at once."""

import threading
from collections.abc import Callable

import pytest

from idp.jose.key_plan import state_of
from idp.jose.rotation import KeyChange, KeyInUse, KeyLifeCycle
from idp.stores.interfaces import StorageUnavailable, UnitOfWork
from tests.jose.conftest import POLICY, Keys, make_keys
from tests.jose.fakes import START, KeyRows

DAY = 86_400


def _states(keys: Keys) -> list[str]:
    return sorted(state_of(key) for key in keys.storage.rows.list())


def _actions(changes: tuple[KeyChange, ...]) -> list[str]:
    return [change.action for change in changes]


def _at_once(count: int, work: Callable[[], tuple[KeyChange, ...]]) -> list[tuple[KeyChange, ...]]:
    barrier, results = threading.Barrier(count), []

    def run() -> None:
        barrier.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_first_start_makes_an_active_and_a_next_key(own_keys: Keys) -> None:
    """After the first start one key signs and one is published ahead; starting again changes nothing."""
    assert _states(own_keys) == ["active", "next"]
    assert own_keys.life.tick(START) == ()


def test_rotation_by_hand(own_keys: Keys) -> None:
    """The published next key signs at once, the former one is retired, a new next one is published."""
    before = own_keys.ring.public_keys()
    changes = own_keys.life.rotate(START + 5)
    assert _actions(changes) == ["created", "activated", "retired"]
    assert changes[1].kid in before
    assert _states(own_keys) == ["active", "next", "retired"]
    retired = own_keys.storage.rows.rows[changes[2].kid]
    assert (retired.retired_at, retired.remove_at) == (START + 5, START + 5 + POLICY.published_after_seconds)


def test_rotation_by_age_and_removal(own_keys: Keys) -> None:
    """By itself the life cycle rotates at the age of the policy, and removes what has retired long enough."""
    assert own_keys.life.tick(START + 90 * DAY - 1) == ()
    assert _actions(own_keys.life.tick(START + 90 * DAY)) == ["created", "activated", "retired"]
    assert own_keys.life.tick(START + 90 * DAY + 599) == ()
    assert _actions(own_keys.life.tick(START + 90 * DAY + 600)) == ["removed"]
    assert _states(own_keys) == ["active", "next"]


@pytest.mark.case("AD-20")
def test_rotating_at_once_rotates_once() -> None:
    """Of eight rotations at the same moment one takes place, and one key is active at any time."""
    keys = make_keys()
    results = _at_once(8, lambda: keys.life.rotate(START + 5))
    done = [changes for changes in results if changes]
    # Those that began after another had ended rotate again, rightly; each of them is whole.
    assert all(_actions(changes) == ["created", "activated", "retired"] for changes in done)
    assert _states(keys).count("active") == 1
    assert _states(keys).count("retired") == len(done)


@pytest.mark.case("AD-20")
def test_rotation_seen_by_both_takes_place_once(own_keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two instances that have both seen the same keys rotate once between them."""
    other = KeyLifeCycle(own_keys.storage.as_storage(), own_keys.vault, POLICY)
    rotated: list[tuple[KeyChange, ...]] = []
    original = own_keys.storage.begin

    def overtaken() -> object:
        """Let the other instance rotate between this one's look and its transaction."""
        monkeypatch.setattr(own_keys.storage, "begin", original)
        rotated.append(other.rotate(START + 5))
        return original()

    monkeypatch.setattr(own_keys.storage, "begin", overtaken)
    assert own_keys.life.rotate(START + 5) == ()
    assert _actions(rotated[0]) == ["created", "activated", "retired"]
    assert _states(own_keys) == ["active", "next", "retired"]


@pytest.mark.case("AD-20")
def test_lost_race_inside_the_transaction_is_rolled_back(own_keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store lets two transactions see the same keys, the one whose activation fails leaves nothing."""
    before = own_keys.storage.rows.list()
    monkeypatch.setattr(KeyRows, "activate", lambda *_: False)
    assert own_keys.life.rotate(START + 5) == ()
    assert own_keys.storage.rows.list() == before


def test_first_starts_at_once_make_one_set() -> None:
    """Instances that start together on an empty store share one set of keys."""
    keys = make_keys()
    keys.storage.rows.rows.clear()
    _at_once(4, lambda: keys.life.tick(START))
    assert _states(keys) == ["active", "next"]


@pytest.mark.case("JO-26", "AD-20")
def test_withdrawal(own_keys: Keys) -> None:
    """The key in use cannot be withdrawn; once retired it can, and then nothing it signed counts."""
    token = own_keys.token()
    kid = own_keys.ring.signer().kid
    with pytest.raises(KeyInUse):
        own_keys.life.withdraw(kid, START)
    own_keys.life.rotate(START)
    assert own_keys.verify(token)
    assert _actions(own_keys.life.withdraw(kid, START)) == ["removed"]
    own_keys.ring.refresh()
    assert kid not in own_keys.ring.public_keys()
    assert own_keys.life.withdraw(kid, START) == ()


def test_listener_is_told_within_the_transaction(own_keys: Keys) -> None:
    """Each change is told once; a listener that fails undoes the change (R24)."""
    told: list[KeyChange] = []
    life = KeyLifeCycle(
        own_keys.storage.as_storage(), own_keys.vault, POLICY, lambda _uow, change, _now: told.append(change)
    )
    changes = life.rotate(START + 5)
    assert tuple(told) == changes != ()

    def fail(_uow: UnitOfWork, _change: KeyChange, _now: int) -> None:
        raise StorageUnavailable("audit")

    before = own_keys.storage.rows.list()
    with pytest.raises(StorageUnavailable):
        KeyLifeCycle(own_keys.storage.as_storage(), own_keys.vault, POLICY, fail).rotate(START + 6)
    assert own_keys.storage.rows.list() == before


def test_keys_are_made_outside_transactions(own_keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a key is being made no transaction is open."""
    original = own_keys.vault.seal

    def seal(plaintext: bytes, associated: str) -> bytes:
        with own_keys.storage.begin():  # would not return if one were open
            return original(plaintext, associated)

    monkeypatch.setattr("idp.jose.sealing.KeyEncryptionKey.seal", lambda _self, *arguments: seal(*arguments))
    assert own_keys.life.rotate(START)
