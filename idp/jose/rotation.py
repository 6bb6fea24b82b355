"""The life cycle of our keys: next -> active -> retired -> removed, for each algorithm by itself.

A signing key is published while it is next, so that relying parties know it before it signs; it stays published after
it has retired until the last token it signed has expired (OIDC Core §10.1.1). A key that others encrypt to is published
while it is active, and decrypts all its life: before, so that every instance knows it by then, and afterwards for those
who still hold the old JWK Set (OIDC Core §10.2.1).

Of two instances that rotate at the same moment one does it and the other finds it done: each change is conditional,
inside one transaction that holds all keys. New keys are made before that is opened, for making one takes around 100 ms.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from idp.jose.algorithms import DEFAULT_ALGORITHM
from idp.jose.key_plan import KeyPlan, KeyPolicy, plan_keys, state_of
from idp.jose.sealing import KeyEncryptionKey
from idp.jose.vault import make_record
from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.records import SigningKey


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What happened to a key: `created` (published as next), `activated`, `retired` or `removed`."""

    action: Literal["created", "activated", "retired", "removed"]
    kid: str
    alg: str


KeyListener = Callable[[UnitOfWork, KeyChange, int], None]


class KeyInUse(Exception):
    """The key is in use now, so it cannot be withdrawn; rotate first."""


class _Overtaken(Exception):
    """Another instance made the change first; what was written so far is rolled back."""


class KeyLifeCycle:
    """Makes, rotates and removes our keys. `listener` is told of each change within its transaction (for audit)."""

    def __init__(
        self, storage: Storage, vault: KeyEncryptionKey, policy: KeyPolicy, listener: KeyListener | None = None
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._policy = policy
        self._listener = listener

    def tick(self, now: int) -> tuple[KeyChange, ...]:
        """Do what is due at `now` and return what changed, nearly always nothing; call it at start and every minute.

        The first start makes an active and a next key for each algorithm. Later a missing next key is made, the active
        key gives way when it is old enough and the next one was published long enough, and retired keys go when their
        time is over. Keys of algorithms that are not in the policy retire, so all instances need the same policy.
        Raises `StorageUnavailable`.
        """
        with self._storage.snapshot() as uow:
            present = sorted({key.alg for key in uow.signing_keys.list()})
        algs = dict.fromkeys((*self._policy.algorithms, *present))
        return tuple(change for alg in algs for change in self._carry_out(alg, now, at_once=False))

    def rotate(self, now: int, alg: str = DEFAULT_ALGORITHM) -> tuple[KeyChange, ...]:
        """Let the next key sign, or be encrypted to, from `now` on, however long it has been there, and return what
        changed.

        Returns nothing if another instance rotated at the same moment. Where there is no next key one is made,
        which becomes active at the following rotation only. Raises `StorageUnavailable`.
        """
        return self._carry_out(alg, now, at_once=True)

    def withdraw(self, kid: str, now: int) -> tuple[KeyChange, ...]:
        """Remove a next or retired key at once, as after a compromise: what it signed is worthless from then on, and
        what was encrypted to it cannot be read.

        Returns nothing for an unknown `kid`. Raises `KeyInUse` for the active key, and `StorageUnavailable`.
        """
        with self._storage.begin() as uow:
            key = next((key for key in uow.signing_keys.hold() if key.kid == kid), None)
            if key is not None and state_of(key) == "active":
                raise KeyInUse(kid)
            return self._tell(uow, now, _remove(uow, [key] if key else []))

    def _carry_out(self, alg: str, now: int, *, at_once: bool) -> tuple[KeyChange, ...]:
        with self._storage.snapshot() as uow:
            plan = plan_keys(uow.signing_keys.list(), self._policy, alg, now, at_once=at_once)
        if not plan:
            return ()
        fresh = [make_record(alg, self._vault, now) for _ in range(plan.create)]
        try:
            with self._storage.begin() as uow:
                if plan_keys(uow.signing_keys.hold(), self._policy, alg, now, at_once=at_once) != plan:
                    return ()
                return self._tell(uow, now, self._apply(uow, plan, fresh, now))
        except _Overtaken:
            return ()

    def _apply(self, uow: UnitOfWork, plan: KeyPlan, fresh: list[SigningKey], now: int) -> Iterator[KeyChange]:
        for key in fresh:
            uow.signing_keys.add(key)
            yield KeyChange("created", key.kid, key.alg)
        for key in fresh[:1] if plan.starts_anew else plan.activate:
            if not uow.signing_keys.activate(key.kid, now):
                raise _Overtaken
            yield KeyChange("activated", key.kid, key.alg)
        for key in plan.retire:
            if uow.signing_keys.retire(key.kid, now, now + self._policy.published_after_seconds):
                yield KeyChange("retired", key.kid, key.alg)
        yield from _remove(uow, plan.remove)

    def _tell(self, uow: UnitOfWork, now: int, changes: Iterable[KeyChange]) -> tuple[KeyChange, ...]:
        told = tuple(changes)
        if self._listener is not None:
            for change in told:
                self._listener(uow, change, now)
        return told


def _remove(uow: UnitOfWork, keys: Iterable[SigningKey]) -> Iterator[KeyChange]:
    for key in keys:
        if uow.signing_keys.remove(key.kid):
            yield KeyChange("removed", key.kid, key.alg)
