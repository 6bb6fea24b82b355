"""The key ring: the store's keys, opened and ready to sign, verify and decrypt in this process.

Opening a key costs more than signing with it, so each is opened once. The store is read again at most every
`REREAD_SECONDS`, so that a rotation or withdrawal on another instance counts here within a second.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from idp.clock import Clock, monotonic
from idp.jose.algorithms import DEFAULT_ALGORITHM, DecryptionKey, KeyPair, OwnKey
from idp.jose.encryption import PrivateKey
from idp.jose.jwks import PublishedKeys, publish
from idp.jose.key_plan import in_state, is_over
from idp.jose.sealing import KeyEncryptionKey, UnusableKey
from idp.jose.vault import open_record
from idp.stores.interfaces import Storage, StorageUnavailable
from idp.stores.records import SigningKey

_log = logging.getLogger(__name__)

REREAD_SECONDS = 0.8

_FIRST_READ_SECONDS = 5.0


class NoSigningKey(Exception):
    """No key is active for the algorithm: the life cycle has not made one yet."""


@dataclass(frozen=True, slots=True)
class _View:
    """What the store held at one reading: `pairs` is all of it, and the rest is what each is for."""

    records: tuple[SigningKey, ...] = ()
    pairs: Mapping[str, KeyPair] = field(default_factory=dict)
    verifiers: Mapping[str, OwnKey] = field(default_factory=dict)
    signers: Mapping[str, OwnKey] = field(default_factory=dict)
    decryption: tuple[PrivateKey, ...] = ()
    published: PublishedKeys = field(default_factory=lambda: publish(()))


class KeyRing:
    """The keys that sign, verify and decrypt now. Safe for use by many threads."""

    def __init__(self, storage: Storage, vault: KeyEncryptionKey, clock: Clock) -> None:
        """Read nothing yet; `refresh` at start tells early whether the keys can be used."""
        self._storage = storage
        self._vault = vault
        self._clock = clock
        self._lock = threading.Lock()
        self._view = _View()
        self._reread_at = float("-inf")

    def signer(self, alg: str = DEFAULT_ALGORITHM) -> OwnKey:
        """Return the active key of a signing algorithm. Raises `NoSigningKey`."""
        try:
            return self._current().signers[alg]
        except KeyError:
            raise NoSigningKey(alg) from None

    def public_keys(self) -> Mapping[str, OwnKey]:
        """Return the keys whose signatures count, by `kid`: next, active, and retired ones whose time is not over."""
        return self._current().verifiers

    def decryption_keys(self) -> tuple[PrivateKey, ...]:
        """Return the private keys for `idp.jose.encryption.decrypt`: next, active, and retired ones whose time is not
        over, the youngest first. They have `kid`, `use` and, unless they serve several algorithms, `alg`."""
        return self._current().decryption

    def jwks(self) -> PublishedKeys:
        """Return the JWK Set, assembled once per change: the keys whose signatures count, then the active ones to
        encrypt to."""
        return self._current().published

    def is_current(self) -> bool:
        """Tell whether the keys were read so lately that the next look at them needs no reading."""
        return bool(self._view.records) and monotonic() < self._reread_at

    def refresh(self) -> None:
        """Read the store now. Raises `StorageUnavailable`, and `UnusableKey` if a key cannot be opened."""
        with self._lock:
            self._read(self._open)

    def _current(self) -> _View:
        """Return the view, read anew when it is due; meanwhile, and while the store is away, the last one counts."""
        if monotonic() >= self._reread_at and self._lock.acquire(timeout=self._patience_seconds()):
            try:
                if monotonic() >= self._reread_at:
                    self._read(self._open_or_leave_out)
            except StorageUnavailable as fault:
                _log.warning("keys could not be read again: %s", fault)
            finally:
                self._lock.release()
        return self._view

    def _patience_seconds(self) -> float:
        """Return how long to wait for another thread's reading: not at all where there is a view to go by."""
        return 0 if self._view.records else _FIRST_READ_SECONDS

    def _read(self, open_key: Callable[[SigningKey], KeyPair | None]) -> None:
        self._reread_at = monotonic() + REREAD_SECONDS
        now = self._clock.now()
        with self._storage.snapshot() as uow:
            records = tuple(key for key in uow.signing_keys.list() if not is_over(key, now))
        if records != self._view.records:
            opened = {record.kid: open_key(record) for record in records}
            self._view = _view(records, {kid: key for kid, key in opened.items() if key is not None})

    def _open(self, record: SigningKey) -> KeyPair:
        return self._view.pairs.get(record.kid) or open_record(record, self._vault)

    def _open_or_leave_out(self, record: SigningKey) -> KeyPair | None:
        """Leave a bad row out rather than let it keep a rotation or withdrawal from being seen."""
        try:
            return self._open(record)
        except UnusableKey as fault:
            _log.error("%s", fault)
            return None


def _view(records: tuple[SigningKey, ...], pairs: dict[str, KeyPair]) -> _View:
    usable = [record for record in records if record.kid in pairs]
    active = [in_state(usable, alg, "active") for alg in dict.fromkeys(record.alg for record in usable)]
    current = [pairs[found[-1].kid] for found in active if found]
    verifiers = {kid: pair for kid, pair in pairs.items() if isinstance(pair, OwnKey)}
    # Clients encrypt to any key that they see: to one that retires they must stop, OIDC Core §10.2.1.
    recipients = [pair for pair in current if isinstance(pair, DecryptionKey)]
    return _View(
        records=records,
        pairs=pairs,
        verifiers=verifiers,
        signers={pair.alg: pair for pair in current if isinstance(pair, OwnKey)},
        # Youngest first: for a token without kid only so many are tried.
        decryption=tuple(pair.private for pair in reversed(pairs.values()) if isinstance(pair, DecryptionKey)),
        published=publish((*verifiers.values(), *recipients)),
    )
