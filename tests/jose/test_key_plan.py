"""What is due in the life of signing keys."""

from dataclasses import replace

import pytest

from idp.jose.key_plan import KeyPolicy, KeyState, plan_keys, state_of
from idp.stores.records import SigningKey

NOW = 1_800_000_000
DAY = 86_400
POLICY = KeyPolicy(rotation_seconds=90 * DAY, publish_ahead_seconds=DAY, published_after_seconds=600)


def _key(kid: str, *, created: int, activated: int | None = None, retired: int | None = None) -> SigningKey:
    return SigningKey(
        kid=kid,
        alg="RS256",
        public_jwk={},
        sealed=b"",
        created_at=created,
        activated_at=activated,
        retired_at=retired,
        remove_at=None if retired is None else retired + 600,
    )


def _names(keys: tuple[SigningKey, ...]) -> list[str]:
    return [key.kid for key in keys]


@pytest.mark.parametrize(
    ("activated", "retired", "state"), [(None, None, "next"), (NOW, None, "active"), (NOW, NOW, "retired")]
)
def test_state_follows_from_the_instants(activated: int | None, retired: int | None, state: KeyState) -> None:
    """A key is next, active or retired by which of its instants are set."""
    assert state_of(_key("a", created=NOW, activated=activated, retired=retired)) == state


def test_first_start() -> None:
    """Without keys two are made, one of which signs at once."""
    plan = plan_keys((), POLICY, "RS256", NOW)
    assert (plan.create, plan.starts_anew) == (2, True)


def test_nothing_is_due() -> None:
    """With a young active key and a next one nothing is to be done."""
    keys = (_key("a", created=NOW, activated=NOW), _key("n", created=NOW))
    assert not plan_keys(keys, POLICY, "RS256", NOW + 90 * DAY - 1)


@pytest.mark.parametrize(
    ("active_age", "published_for", "rotates"),
    [(90 * DAY, DAY, True), (90 * DAY, DAY - 1, False), (90 * DAY - 1, DAY, False), (500 * DAY, 0, False)],
)
@pytest.mark.case("OP-22")
def test_rotation_by_age(active_age: int, published_for: int, *, rotates: bool) -> None:
    """The active key gives way when it is old enough and the next one was published long enough, not before."""
    keys = (
        _key("a", created=0, activated=NOW - active_age),
        _key("n", created=NOW - published_for),
    )
    plan = plan_keys(keys, POLICY, "RS256", NOW)
    assert (_names(plan.activate), _names(plan.retire), plan.create) == ((["n"], ["a"], 1) if rotates else ([], [], 0))


def test_missing_next_key_is_made_but_does_not_sign() -> None:
    """A key that nobody has seen published is not promoted, even when asked at once."""
    keys = (_key("a", created=0, activated=0),)
    for at_once in (False, True):
        plan = plan_keys(keys, POLICY, "RS256", NOW, at_once=at_once)
        assert (plan.create, plan.activate, plan.retire) == (1, (), ())


def test_rotation_by_hand_promotes_the_oldest_next_key() -> None:
    """By hand the next key signs at once, however young it is; of two the older one."""
    keys = (_key("a", created=0, activated=NOW), _key("n2", created=NOW), _key("n1", created=NOW - 1))
    plan = plan_keys(keys, POLICY, "RS256", NOW, at_once=True)
    assert (_names(plan.activate), _names(plan.retire), plan.create) == (["n1"], ["a"], 0)


def test_surplus_active_keys_retire() -> None:
    """Where two first starts met, one active key remains: the one that signs."""
    keys = (_key("a", created=0, activated=NOW), _key("b", created=0, activated=NOW), _key("n", created=0))
    assert _names(plan_keys(keys, POLICY, "RS256", NOW).retire) == ["a"]


def test_without_active_key_the_next_one_signs() -> None:
    """A provider that has lost its active key goes on with the next."""
    plan = plan_keys((_key("n", created=NOW),), POLICY, "RS256", NOW)
    assert (_names(plan.activate), plan.create) == (["n"], 1)


@pytest.mark.case("JO-25")
def test_retired_keys_go_when_their_time_is_over() -> None:
    """A retired key is removed at `remove_at` and not a second before."""
    keys = (_key("a", created=0, activated=NOW), _key("n", created=0), _key("r", created=0, activated=0, retired=NOW))
    assert not plan_keys(keys, POLICY, "RS256", NOW + 599)
    assert _names(plan_keys(keys, POLICY, "RS256", NOW + 600).remove) == ["r"]


def test_algorithms_are_apart() -> None:
    """Keys of another algorithm do not count."""
    keys = (_key("a", created=0, activated=NOW), _key("n", created=0))
    both = replace(POLICY, algorithms=("RS256", "ES256"))
    assert plan_keys(keys, both, "ES256", NOW).create == 2
    assert not plan_keys(keys, both, "RS256", NOW)


@pytest.mark.parametrize("at_once", [False, True])
def test_algorithm_that_the_policy_has_no_more(*, at_once: bool) -> None:
    """Its active keys retire, its next ones go at once, its retired ones in their time, and none is made."""
    keys = (
        *(_key("a", created=0, activated=NOW), _key("b", created=0, activated=NOW), _key("n", created=0)),
        *(_key("r", created=0, activated=0, retired=NOW - 599), _key("o", created=0, activated=0, retired=NOW - 600)),
    )
    without = replace(POLICY, algorithms=("ES256",))
    plan = plan_keys(keys, without, "RS256", NOW, at_once=at_once)
    assert (_names(plan.retire), _names(plan.remove)) == (["a", "b"], ["o", "n"])
    assert (plan.create, plan.activate, plan.starts_anew) == (0, (), False)
    assert not plan_keys((), without, "RS256", NOW, at_once=at_once)
