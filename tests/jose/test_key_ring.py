"""The key ring: what signs and verifies now, and how soon changes elsewhere are seen."""

import json
import threading
from dataclasses import replace

import pytest

from idp.jose import keys as ring_module
from idp.jose.compact import InvalidToken
from idp.jose.keys import REREAD_SECONDS, KeyRing, NoSigningKey
from idp.jose.sealing import KeyEncryptionKey, UnusableKey
from idp.jose.vault import make_record
from tests.jose.conftest import Keys, make_keys
from tests.jose.fakes import START, KeyStorage, SetClock


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """A monotonic clock that stands still until it is set."""
    clock = SetClock(0)
    monkeypatch.setattr(ring_module, "monotonic", clock.now)
    return clock


def test_ring_without_keys() -> None:
    """Before the first key there is nothing to sign with and an empty JWK Set."""
    ring = KeyRing(KeyStorage().as_storage(), KeyEncryptionKey(bytes(range(32))), SetClock())
    with pytest.raises(NoSigningKey):
        ring.signer()
    assert json.loads(ring.jwks().body) == {"keys": []}


@pytest.mark.case("JO-25")
def test_jwks_shows_public_members_only(own_keys: Keys) -> None:
    """The published set has next, active and retired keys with public members, use, alg and kid, and no others."""
    own_keys.life.rotate(START)
    own_keys.ring.refresh()
    published = json.loads(own_keys.ring.jwks().body)["keys"]
    assert {key["kid"] for key in published} == set(own_keys.storage.rows.rows)
    assert len(published) == 3
    for key in published:
        assert key.keys() == {"kty", "n", "e", "kid", "use", "alg"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_entity_tag_changes_with_the_keys(own_keys: Keys) -> None:
    """The entity tag is the same for the same document on every instance, and changes with it."""
    before = own_keys.ring.jwks()
    other = KeyRing(own_keys.storage.as_storage(), own_keys.vault, own_keys.clock)
    assert other.jwks() == before
    own_keys.life.rotate(START)
    own_keys.ring.refresh()
    assert own_keys.ring.jwks().etag != before.etag
    assert before.etag[0] == before.etag[-1] == '"'


@pytest.mark.case("OP-22")
def test_rotation_elsewhere_is_seen_within_a_second(passing: SetClock) -> None:
    """Another instance's rotation signs here at the next reading, and what was signed in between verifies there."""
    one = make_keys()
    other = make_keys(one.storage, one.vault)
    old = other.ring.signer().kid
    changes = one.life.rotate(START)
    one.ring.refresh()
    assert other.ring.signer().kid == old
    assert one.verify(other.token())
    assert other.verify(one.token())
    passing.at = 1
    assert other.ring.signer().kid == changes[1].kid != old
    assert REREAD_SECONDS < 1


def test_store_is_read_at_most_once_a_period(own_keys: Keys, passing: SetClock) -> None:
    """However often keys are asked for, the store is read once until the period is over."""
    ring = KeyRing(own_keys.storage.as_storage(), own_keys.vault, own_keys.clock)
    before = own_keys.storage.reads
    for _ in range(100):
        ring.signer()
    assert own_keys.storage.reads == before + 1
    passing.at = 1
    ring.signer()
    assert own_keys.storage.reads == before + 2


@pytest.mark.case("JO-26")
def test_retired_key_counts_until_its_time_is_over(own_keys: Keys, passing: SetClock) -> None:
    """A token of a retired key verifies within the grace and not after it, whether or not the row is removed."""
    token = own_keys.token(exp=START + 10_000)
    own_keys.life.rotate(START)
    own_keys.ring.refresh()
    own_keys.clock.at, passing.at = START + 599, 1
    assert own_keys.verify(token, now=START + 599)
    own_keys.clock.at, passing.at = START + 600, 2
    with pytest.raises(InvalidToken, match="kid"):
        own_keys.verify(token, now=START + 600)
    assert len(own_keys.storage.rows.rows) == 3


@pytest.mark.case("OP-08")
def test_store_away_leaves_the_last_view(own_keys: Keys, passing: SetClock) -> None:
    """While the store is away signing, verifying and the JWK Set go on with the keys last read."""
    token, document = own_keys.token(), own_keys.ring.jwks()
    own_keys.storage.is_away = True
    passing.at = 1
    assert own_keys.verify(token)
    assert own_keys.ring.jwks() == document
    assert own_keys.verify(own_keys.token())


def test_refresh_tells_of_a_wrong_key_encryption_key(own_keys: Keys) -> None:
    """At start the wrong key-encryption key is noticed and the remedy told (R20)."""
    wrong = KeyRing(own_keys.storage.as_storage(), KeyEncryptionKey(bytes(range(64, 96))), own_keys.clock)
    with pytest.raises(UnusableKey, match="Restore the key-encryption key"):
        wrong.refresh()


def test_key_slipped_into_the_database_does_not_count(own_keys: Keys, passing: SetClock) -> None:
    """A row written by somebody without the key-encryption key is left out and stops nothing else."""
    stranger = make_record("RS256", KeyEncryptionKey(bytes(range(64, 96))), START)
    good = own_keys.ring.signer().kid
    own_keys.storage.rows.add(replace(stranger, activated_at=START + 1))
    passing.at = 1
    assert own_keys.ring.signer().kid == good
    assert stranger.kid not in own_keys.ring.public_keys()
    own_keys.life.rotate(START + 2)
    passing.at = 2
    assert own_keys.ring.signer().kid != good


def test_swapped_public_key_does_not_count(own_keys: Keys) -> None:
    """A public key changed in the database is not the one that verifies, nor is it published."""
    stranger = make_record("RS256", own_keys.vault, START)
    kid = own_keys.ring.signer().kid
    own_keys.storage.rows.rows[kid] = replace(own_keys.storage.rows.rows[kid], public_jwk=stranger.public_jwk)
    fresh = KeyRing(own_keys.storage.as_storage(), own_keys.vault, own_keys.clock)
    assert fresh.public_keys()[kid].public_jwk["n"] != stranger.public_jwk["n"]
    assert stranger.public_jwk["n"].encode() not in fresh.jwks().body


def test_sealed_key_of_another_row_does_not_open(own_keys: Keys) -> None:
    """A sealed key copied into another row is refused."""
    one, other = own_keys.storage.rows.list()
    own_keys.storage.rows.rows[one.kid] = replace(one, sealed=other.sealed)
    with pytest.raises(UnusableKey):
        KeyRing(own_keys.storage.as_storage(), own_keys.vault, own_keys.clock).refresh()


def test_threads_sign_and_verify_while_keys_rotate(own_keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every token signed while keys rotate verifies, on every thread."""
    monkeypatch.setattr(ring_module, "REREAD_SECONDS", 0)
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(30):
                own_keys.verify(own_keys.token())
        except Exception as fault:
            failures.append(fault)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for turn in range(3):
        own_keys.life.rotate(START + turn)
    for thread in threads:
        thread.join()
    assert failures == []
