"""Clients and their secrets."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from idp.accounts.clients import create_client, disable_client, enable_client, rotate_secret, secret_matches
from idp.randomness import digest
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Client
from tests.accounts.world import NOW, World, at_once


def _found(world: World, client_id: str = "web") -> Client:
    return world.read(lambda uow: _found_in(uow, client_id))


def _found_in(uow: UnitOfWork, client_id: str = "web") -> Client:
    found = uow.clients.find(client_id)
    assert found is not None
    return found


def test_a_confidential_client_gets_a_secret(world: World) -> None:
    """The secret has 256 bits, is told once, and only its digest is kept."""
    client, secret = world.client()
    assert secret is not None
    assert len(secret) == 43
    assert client.secret_hash == digest(secret)
    assert _found(world) == client
    assert secret not in repr(client)


@pytest.mark.case("TK-30")
def test_a_public_client_has_no_secret(world: World) -> None:
    """No secret matches a client that has none, neither an empty one nor its digest."""
    client, secret = world.client("pub", "none")
    assert (secret, client.secret_hash) == (None, None)
    for tried in ("", "None", digest("")):
        assert not secret_matches(client, tried, NOW)


def test_a_client_id_belongs_to_one_client(world: World) -> None:
    """A taken client_id cannot be registered again, and the first client keeps its secret."""
    client, _ = world.client()
    with pytest.raises(Duplicate):
        world.client()
    assert _found(world) == client


def test_many_at_once_register_one_client(world: World) -> None:
    """Of eight simultaneous registrations one is made, and its secret is the one that matches."""
    results = at_once(8, lambda _: world.client())
    [(_, secret)] = [one for one in results if not isinstance(one, Exception)]
    assert secret_matches(_found(world), secret or "", NOW)


def test_a_given_secret(world: World) -> None:
    """An operator may bring the secret along."""
    given = "s" * 43
    made = world.write(
        lambda uow: create_client(uow, client_id="web", metadata={}, secret=given, first_party=True, now=NOW)
    )
    assert made[1] == given
    assert made[0].first_party
    assert secret_matches(_found(world), given, NOW)


@pytest.mark.case("TK-29")
@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        lambda s: s + " ",
        lambda s: " " + s,
        lambda s: s[:-1],
        lambda s: s + "\0",
        digest,
        lambda s: "",
        lambda s: "\ud800",
        lambda s: "x" * 10**6,
    ],
)
def test_a_secret_counts_exactly_as_it_is(world: World, change: Callable[[str], str]) -> None:
    """Any other text than the secret is refused, whatever it is, and nothing is raised."""
    client, secret = world.client()
    secret = (secret or "") + "Aa"
    client = replace(client, secret_hash=digest(secret))
    assert secret_matches(client, secret, NOW)
    assert not secret_matches(client, change(secret), NOW)


@pytest.mark.case("TK-38")
@pytest.mark.parametrize("tried", ["", "wrong", "\ud800"])
def test_no_client_no_match(tried: str) -> None:
    """Without a client no secret matches, nor for one without a secret; the empty one is no way in."""
    assert not secret_matches(None, tried, NOW)
    assert not secret_matches(Client(client_id="x", metadata={}), tried, NOW)


@pytest.mark.case("TK-38")
def test_the_same_comparisons_for_unknown_clients(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Unknown, known, rotated or public: the same digests are made and the same number of comparisons (R11)."""
    work: list[str] = []

    def spied(one: str, other: str) -> bool:
        work.append(f"{len(one)} {len(other)}")
        return one == other

    monkeypatch.setattr("idp.accounts.clients.is_same", spied)
    client, secret = world.client()
    rotated = replace(client, previous_secret_hash=digest("old"), previous_secret_expires_at=NOW + 1)
    seen = []
    for judged in (None, client, rotated, replace(client, secret_hash=None)):
        for tried in (secret or "", "old", "wrong"):
            secret_matches(judged, tried, NOW)
            seen.append(tuple(work))
            work.clear()
    assert set(seen) == {("64 64", "64 64")}


@pytest.mark.case("TK-36")
def test_rotation(world: World) -> None:
    """The new secret counts at once, the old one to the end of its grace, the one before no more at all."""
    _, first = world.client()
    second = world.write(lambda uow: rotate_secret(uow, _found_in(uow), NOW, 100))
    client = _found(world)
    assert secret_matches(client, second, NOW)
    assert secret_matches(client, first or "", NOW + 99)
    assert not secret_matches(client, first or "", NOW + 100)
    third = world.write(lambda uow: rotate_secret(uow, _found_in(uow), NOW + 1, 100))
    client = _found(world)
    assert [secret_matches(client, s or "", NOW + 2) for s in (first, second, third)] == [False, True, True]


@pytest.mark.case("TK-36")
def test_rotation_without_grace(world: World) -> None:
    """With a grace of zero the old secret is refused in the same second."""
    _, first = world.client()
    world.write(lambda uow: rotate_secret(uow, _found_in(uow), NOW, 0))
    assert not secret_matches(_found(world), first or "", NOW)


def test_disabling_a_client_ends_its_grants(world: World) -> None:
    """All grants of the client end, the offline ones too, and of no other client; its secret is kept."""
    alice = world.account()
    client, _ = world.client()
    world.grant("g", alice, None, offline=True)
    world.grant("other", alice, None, client_id="other")
    disabled = world.write(lambda uow: disable_client(uow, client, NOW + 5))
    assert disabled == replace(client, enabled=False, updated_at=NOW + 5) == _found(world)
    assert (world.revoked_at("g"), world.revoked_at("other")) == (NOW + 5, None)
    assert world.write(lambda uow: enable_client(uow, disabled, NOW + 6)) == replace(client, updated_at=NOW + 6)
    assert _found(world).enabled
