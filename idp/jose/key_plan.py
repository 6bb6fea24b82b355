"""What is due in the life of our keys: a plain function of the records, the policy and the instant."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from idp.jose.algorithms import DEFAULT_ALGORITHM
from idp.stores.records import SigningKey

KeyState = Literal["next", "active", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """When keys change. `rotation_seconds`: how long a key signs. `publish_ahead_seconds`: how long it is published
    before it signs by itself. `published_after_seconds`: how long it stays published afterwards, which must cover the
    longest life of a token and the time for which relying parties may cache the JWKS; so long a key that others
    encrypt to still decrypts. `algorithms`: what there are keys for, each with a life of its own: to sign
    (`ALGORITHMS`) and to be encrypted to (`KEY_MANAGEMENT`). One that is taken out retires."""

    rotation_seconds: int
    publish_ahead_seconds: int
    published_after_seconds: int
    algorithms: tuple[str, ...] = (DEFAULT_ALGORITHM,)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlan:
    """What to do: make `create` new keys, the first of which signs at once if it `starts_anew`; the rest as named.

    Empty plans are false. `activate` holds at most one key.
    """

    create: int = 0
    starts_anew: bool = False
    activate: tuple[SigningKey, ...] = ()
    retire: tuple[SigningKey, ...] = ()
    remove: tuple[SigningKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.create or self.activate or self.retire or self.remove)


def state_of(key: SigningKey) -> KeyState:
    """Return where a key stands in its life."""
    if key.activated_at is None:
        return "next"
    return "active" if key.retired_at is None else "retired"


def in_state(keys: Iterable[SigningKey], alg: str, state: KeyState) -> tuple[SigningKey, ...]:
    """Return the keys of an algorithm that are in a state, oldest first; of active keys the last one signs."""
    found = (key for key in keys if key.alg == alg and state_of(key) == state)
    return tuple(sorted(found, key=lambda key: (key.activated_at or key.created_at, key.kid)))


def is_over(key: SigningKey, now: int) -> bool:
    """Tell whether a retired key's time is over: what it signed counts no longer, removed or not."""
    return key.remove_at is not None and key.remove_at <= now


def plan_keys(keys: Iterable[SigningKey], policy: KeyPolicy, alg: str, now: int, *, at_once: bool = False) -> KeyPlan:
    """Return what is due at `now`; `at_once` also rotates, without regard to age, where a next key is published.

    Of an algorithm that the policy lists no more the keys retire, as at a rotation but without successors.
    """
    keys = tuple(keys)
    active, coming = in_state(keys, alg, "active"), in_state(keys, alg, "next")
    remove = tuple(key for key in in_state(keys, alg, "retired") if is_over(key, now))
    if alg not in policy.algorithms:
        # What it signed still counts for its time; a next key has signed nothing, so nobody misses it.
        return KeyPlan(retire=active, remove=remove + coming)
    if not active and not coming:
        return KeyPlan(create=2, starts_anew=True, remove=remove)
    rotates = bool(coming) and (not active or at_once or _is_due(active[-1], coming[0], policy, now))
    return KeyPlan(
        create=int(len(coming) <= rotates),
        activate=coming[:1] if rotates else (),
        # Two first starts at the same moment may leave two active keys; all but one retire.
        retire=active if rotates else active[:-1],
        remove=remove,
    )


def _is_due(active: SigningKey, coming: SigningKey, policy: KeyPolicy, now: int) -> bool:
    is_old = now - (active.activated_at or 0) >= policy.rotation_seconds
    is_known = now - coming.created_at >= policy.publish_ahead_seconds
    return is_old and is_known
