"""Accounts: what may be made, and that access that is taken away stays away (R7)."""

from dataclasses import replace
from typing import Any

import pytest

from idp.accounts.accounts import (
    PASSWORD,
    create_account,
    disable_account,
    enable_account,
    find_account,
    set_password,
    set_roles,
)
from idp.stores.interfaces import Duplicate
from idp.stores.records import Account
from tests.accounts.world import NOW, World, at_once


def test_an_account_is_found_by_each_of_its_names(world: World) -> None:
    """User name and e-mail address find the account in any case; its `sub` is neither of them."""
    made = world.account(" Alice ", email="Alice@Example.org", roles=("b", "a", "b"), claims={"name": "Alice"})
    for name in ("alice", "ALICE ", "alice@example.org", "\uff21lice"):
        with world.storage.snapshot() as uow:
            assert find_account(uow, name) == made
    assert made.username == "Alice"
    assert made.roles == ("b", "a")
    assert made.claims == {
        "preferred_username": "Alice",
        "email": "Alice@Example.org",
        "name": "Alice",
        "updated_at": NOW,
    }
    assert len(made.account_id) == 32


@pytest.mark.case("LG-19")
@pytest.mark.parametrize("name", ["", "nobody", "\0", "\ud800", "a" * 1_000_000, "%ff%fe", "' OR 1=1--"])
def test_other_names_find_nothing(world: World, name: str) -> None:
    """Whatever is looked up, nothing is found and nothing raised; an `account_id` is no name either."""
    made = world.account()
    assert world.read(lambda uow: find_account(uow, name)) is None
    assert world.read(lambda uow: find_account(uow, made.account_id)) is None


@pytest.mark.case("LG-39", "LG-41")
@pytest.mark.parametrize(
    "wrong",
    [
        {"username": ""},
        {"username": "\u0430lice"},
        {"username": "a\0"},
        {"email": "no address"},
        {"claims": {"sub": "1"}},
        {"claims": {"email_verified": "yes"}},
    ],
)
def test_a_bad_account_is_not_made(world: World, wrong: dict[str, Any]) -> None:
    """A name, address or claim that is not one raises in words, and nothing is kept."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        world.account(**wrong)
    assert world.read(lambda uow: uow.accounts.list()) == ()


@pytest.mark.case("LG-40")
@pytest.mark.parametrize(
    ("username", "email"),
    [("ALICE", None), ("alice@example.org", None), ("bob", "ALICE@example.org"), ("\uff41lice", "new@example.org")],
)
def test_a_name_belongs_to_one_account(world: World, username: str, email: str | None) -> None:
    """No form of a taken user name or address can be taken again, in either role."""
    made = world.account("alice", email="alice@example.org")
    with pytest.raises(Duplicate):
        world.account(username, email=email, password_hash="x")
    assert world.read(lambda uow: uow.accounts.list()) == (made,)


@pytest.mark.case("LG-40")
def test_many_at_once_make_one_account(world: World) -> None:
    """Of twenty simultaneous registrations of one address in many forms, one is made."""
    forms = ["jos\u00e9@example.org", "JOSE\u0301@example.org", "jose\u0301@EXAMPLE.org", "JOS\u00c9@Example.org"]
    results = at_once(20, lambda n: world.account(f"user{n}", email=forms[n % len(forms)]))
    assert len([one for one in results if isinstance(one, Account)]) == 1
    assert len([one for one in results if isinstance(one, Duplicate)]) == 19
    assert len(world.read(lambda uow: uow.accounts.list())) == 1


@pytest.mark.case("TK-23", "LG-42")
def test_a_new_password_ends_everything(world: World) -> None:
    """Setting a password ends all sessions and grants, offline ones too, of this account and no other."""
    alice, bob = world.account(password_hash="old"), world.account("bob")
    mine, his = world.start(alice), world.start(bob)
    world.grant("bound", alice, mine.session)
    world.grant("offline", alice, None, offline=True)
    world.grant("his", bob, his.session)
    world.write(lambda uow: set_password(uow, world.sessions, alice, "new", NOW + 5))
    credential = world.read(lambda uow: uow.accounts.find_credential(alice.account_id, PASSWORD))
    assert credential is not None
    assert credential.secret == "new"
    assert [world.revoked_at(grant_id) for grant_id in ("bound", "offline", "his")] == [NOW + 5, NOW + 5, None]
    assert world.find_live(mine.handle) is None
    assert world.find_live(his.handle) is not None
    assert world.told == [mine.session.session_id]


@pytest.mark.case("SS-17", "TK-10", "TK-23")
def test_disabling_ends_everything_for_good(world: World) -> None:
    """A disabled account loses all sessions and grants; enabling it gives none of them back."""
    alice = world.account()
    mine = world.start(alice)
    world.grant("offline", alice, None, offline=True)
    disabled = world.write(lambda uow: disable_account(uow, world.sessions, alice, NOW + 5))
    assert disabled == replace(alice, enabled=False, updated_at=NOW + 5)
    enabled = world.write(lambda uow: enable_account(uow, disabled, NOW + 6))
    assert world.read(lambda uow: uow.accounts.find(alice.account_id)) == enabled == replace(alice, updated_at=NOW + 6)
    assert world.revoked_at("offline") == NOW + 5
    assert world.find_live(mine.handle, NOW + 6) is None


@pytest.mark.case("TK-24")
def test_roles_are_set_as_a_whole(world: World) -> None:
    """New roles replace the old ones, without repetition; sessions stay."""
    alice = world.account(roles=("customer", "admin"))
    mine = world.start(alice)
    changed = world.write(lambda uow: set_roles(uow, alice, ("teller", "teller"), NOW + 5))
    assert changed.roles == ("teller",)
    assert world.read(lambda uow: uow.accounts.find(alice.account_id)) == changed
    assert world.find_live(mine.handle) is not None


def test_a_failed_creation_leaves_no_credential(world: World) -> None:
    """An account whose unit of work fails later is not there, nor is its name taken."""

    def make_and_fail() -> None:
        with world.storage.begin() as uow:
            create_account(uow, username="alice", password_hash="x", now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_and_fail()
    assert world.account().enabled
