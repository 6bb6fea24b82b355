"""Sign-in by name and password."""

import pytest
from argon2 import PasswordHasher

from idp.accounts.accounts import PASSWORD as METHOD
from idp.accounts.accounts import disable_account, enable_account, find_account, set_password
from idp.authentication.methods.password import LONGEST
from idp.authentication.sign_in import Authenticated, Paused, Rejected
from idp.settings import Argon2
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Credential
from tests.accounts.world import NOW, at_once
from tests.authentication.conftest import HERE, LIMITS, PASSWORD, Door, ListeningPasswords


def _alice(door: Door) -> Account:
    return door.read(_alice_in)


def _alice_in(uow: UnitOfWork) -> Account:
    alice = find_account(uow, "alice")
    assert alice is not None
    return alice


def _credential(door: Door) -> Credential:
    found = door.read(lambda uow: uow.accounts.find_credential(_alice(door).account_id, METHOD))
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["alice", " ALICE ", "Alice@Example.org"])
def test_a_right_password(door: Door, name: str) -> None:
    """Any of the account's names and its password give the account, and how it was proved."""
    door.clock.at = NOW + 7
    assert door.sign_in(name) == Authenticated(_alice(door), ("pwd",), _credential(door))
    assert door.events() == [("sign_in.ok", _alice(door).account_id)]


@pytest.mark.case("LG-01")
@pytest.mark.parametrize("who", ["wrong", "unknown", "no name", "disabled", "without password", "empty", "long"])
def test_one_refusal_for_every_reason(door: Door, who: str) -> None:
    """Whatever was wrong: the same answer, one verification, one event, and the same counters moved (R11)."""
    name, password = {"unknown": ("nobody", PASSWORD), "no name": ("\0\ud800", PASSWORD)}.get(who, ("alice", PASSWORD))
    password = {"wrong": "wrong", "empty": "", "long": PASSWORD + "x" * LONGEST}.get(who, password)
    if who == "disabled":
        door.write(lambda uow: disable_account(uow, door.sessions, _alice_in(uow), NOW))
    if who == "without password":
        door.account("carol")
        name = "carol"
    assert door.sign_in(name, password) == Rejected()
    assert door.passwords.verified == [who == "disabled"]
    assert [event for event, _ in door.events()] == ["sign_in.failed"]
    assert [door.sign_in(name, password) for _ in range(5)] == [Rejected()] * 4 + [Paused(LIMITS.window_seconds)]


@pytest.mark.case("LG-01")
@pytest.mark.parametrize("name", ["alice", "nobody", "disabled", "carol"])
def test_the_same_work_for_every_name(door: Door, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known, unknown, disabled or without a password: one hash of the same parameters is computed."""
    door.account("carol")
    disabled = door.account("disabled", password_hash=door.passwords.hash("x"))
    door.write(lambda uow: disable_account(uow, door.sessions, disabled, NOW))
    door.sign_in("warm", "the decoy is made at its first use")
    work: list[str] = []
    real = PasswordHasher.verify

    def verify(self: PasswordHasher, encoded: str, raw: bytes) -> bool:
        work.append(encoded.rsplit("$", 2)[0])
        return real(self, encoded, raw)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    monkeypatch.setattr(PasswordHasher, "hash", lambda self, raw: work.append("hash"))
    assert door.sign_in(name, "wrong") == Rejected()
    assert work == ["$argon2id$v=19$m=8,t=1,p=1"]


@pytest.mark.case("LG-06", "LG-10")
def test_the_pause(door: Door) -> None:
    """After the limit even the right password waits, unjudged; when the window is over it is accepted."""
    for _ in range(LIMITS.per_account):
        assert door.sign_in(password="wrong") == Rejected()
    door.clock.at += 100
    for n in range(45):
        assert door.sign_in(address=f"203.0.113.{n}") == Paused(LIMITS.window_seconds - 100)
    assert len(door.passwords.verified) == LIMITS.per_account
    assert [event for event, _ in door.events()] == ["sign_in.failed"] * 5 + ["sign_in.paused"] * 45
    door.clock.at = NOW + LIMITS.window_seconds
    assert isinstance(door.sign_in(), Authenticated)


@pytest.mark.case("LG-12")
def test_own_sign_ins_between_guesses(door: Door) -> None:
    """Mallory's good sign-ins do not give further guesses at alice."""
    door.account("mallory", password_hash=door.passwords.hash("own"))
    outcomes = []
    for _ in range(6):
        outcomes.append(door.sign_in(password="guess"))
        assert isinstance(door.sign_in("mallory", "own"), Authenticated)
    assert outcomes == [Rejected()] * 5 + [Paused(LIMITS.window_seconds)]


@pytest.mark.case("LG-06")
def test_success_begins_the_count_anew(door: Door) -> None:
    """Four wrong tries and a right one, again and again, never pause."""
    for _ in range(4):
        assert [door.sign_in(password="wrong", address=f"203.0.113.{n}") for n in range(4)] == [Rejected()] * 4
        assert isinstance(door.sign_in(), Authenticated)


@pytest.mark.case("LG-06")
def test_parallel_guesses(door: Door) -> None:
    """Of sixteen guesses at the same moment no more than the limit are judged."""
    outcomes = at_once(16, lambda n: door.sign_in(password=f"guess{n}", address=f"203.0.113.{n}"))
    assert len([one for one in outcomes if one == Rejected()]) == LIMITS.per_account
    assert len([one for one in outcomes if isinstance(one, Paused)]) == 16 - LIMITS.per_account
    assert len(door.passwords.verified) == LIMITS.per_account


def test_hashing_holds_no_transaction(door: Door) -> None:
    """While Argon2id is at work others write; a writer would wait for the lock for good were it held."""
    door.passwords.meanwhile = lambda: door.account(f"other{len(door.passwords.verified)}")
    assert isinstance(door.sign_in(), Authenticated)
    assert door.read(lambda uow: find_account(uow, "other1")) is not None


@pytest.mark.case("SS-17")
def test_disabled_while_the_password_is_verified(door: Door) -> None:
    """An account that is disabled in between is refused, and its failure is recorded."""
    door.passwords.meanwhile = lambda: door.write(lambda uow: disable_account(uow, door.sessions, _alice_in(uow), NOW))
    assert door.sign_in() == Rejected()
    assert [event for event, _ in door.events()] == ["sign_in.failed"]


@pytest.mark.case("LG-42")
def test_another_password_while_the_old_one_is_verified(door: Door) -> None:
    """The old password does not let in once a new one was set, however late in the verification."""
    fresh = door.passwords.hash("new")

    def change() -> None:
        door.passwords.meanwhile = lambda: None
        door.write(lambda uow: set_password(uow, door.sessions, _alice_in(uow), fresh, NOW))

    door.passwords.meanwhile = change
    assert door.sign_in() == Rejected()
    assert door.passwords.verified == [True, False]
    assert _credential(door).secret == fresh
    assert isinstance(door.sign_in(password="new"), Authenticated)


def test_changed_parameters_rehash_at_the_next_sign_in(door: Door) -> None:
    """A right password is hashed anew once with today's parameters; a wrong one changes nothing."""
    old = _credential(door)
    door.passwords, door.clock.at = ListeningPasswords(Argon2(memory_kib=16, iterations=2)), NOW + 9
    assert door.sign_in(password="wrong") == Rejected()
    assert _credential(door) == old
    assert isinstance(door.sign_in(), Authenticated)
    renewed = _credential(door)
    assert renewed.secret.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert (renewed.created_at, renewed.updated_at) == (NOW, NOW + 9)
    assert isinstance(door.sign_in(), Authenticated)
    assert _credential(door) == renewed


def test_two_sign_ins_that_both_rehash(door: Door) -> None:
    """Many sign-ins at once after a change of parameters all succeed: a rehash by one is no refusal for another."""
    door.passwords = ListeningPasswords(Argon2(memory_kib=16, iterations=1))
    outcomes = at_once(LIMITS.per_account, lambda n: door.sign_in(address=f"203.0.113.{n}"))
    assert [type(one) for one in outcomes] == [Authenticated] * LIMITS.per_account
    assert isinstance(door.sign_in(), Authenticated)


def test_enabled_again(door: Door) -> None:
    """An account that is enabled again signs in with its former password."""
    disabled = door.write(lambda uow: disable_account(uow, door.sessions, _alice_in(uow), NOW))
    assert door.sign_in() == Rejected()
    door.write(lambda uow: enable_account(uow, disabled, NOW))
    assert isinstance(door.sign_in(), Authenticated)


@pytest.mark.case("LG-20")
def test_no_password_is_recorded(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the log nor the audit holds a password, or a name that may be one typed into the wrong field."""
    caplog.set_level(0)
    door.sign_in("typed-secret-1", "typed-secret-2")
    door.sign_in()
    told = repr(door.read(lambda uow: uow.audit.list())) + repr([vars(record) for record in caplog.records])
    assert "sign_in.failed" in told
    assert HERE in told
    assert "typed-secret" not in told
    assert PASSWORD not in told


@pytest.mark.case("OP-32")
def test_what_could_not_be_judged_does_not_count(door: Door) -> None:
    """Neither for the name nor for the address; a known name and another are alike."""

    def full() -> None:
        raise MemoryError

    door.passwords.meanwhile = full
    for name in ("alice", "nobody") * 20:
        with pytest.raises(MemoryError):
            door.sign_in(name)
    door.passwords.meanwhile = lambda: None
    assert isinstance(door.sign_in("nobody"), Rejected)
    assert isinstance(door.sign_in(), Authenticated)
