"""Our keys on their way into and out of the store: sealed there, opened here."""

from collections.abc import Mapping

from idp.jose.algorithms import ALGORITHMS, KEY_MANAGEMENT, Algorithm, DecryptionKey, KeyPair, OwnKey
from idp.jose.sealing import CannotOpen, KeyEncryptionKey, UnusableKey
from idp.stores.records import SigningKey

_KINDS: Mapping[str, tuple[type[KeyPair], Algorithm]] = {
    **{alg: (OwnKey, row) for alg, row in ALGORITHMS.items()},
    **{alg: (DecryptionKey, row) for alg, row in KEY_MANAGEMENT.items()},
}


def make_record(alg: str, vault: KeyEncryptionKey, now: int) -> SigningKey:
    """Return a new key as record, next in its life cycle. Takes around 100 ms for RSA: call before a transaction.
    Raises KeyError for an `alg` that is in neither table."""
    kind, algorithm = _KINDS[alg]
    key = kind.generate(algorithm)
    return SigningKey(
        kid=key.kid,
        alg=key.alg,
        public_jwk=key.public_jwk,
        sealed=vault.seal(key.private_der(), _purpose(key.kid, key.alg)),
        created_at=now,
    )


def open_record(record: SigningKey, vault: KeyEncryptionKey) -> KeyPair:
    """Return the key pair of a record, as its `alg` says an `OwnKey` or a `DecryptionKey`. Raises `UnusableKey`.

    The public key is derived from the sealed private one and not taken from the record: whoever can write to the
    database but lacks the key-encryption key cannot slip in a key of their own.
    """
    if record.alg not in _KINDS:
        raise UnusableKey(f"The key {record.kid} is for the algorithm {record.alg}, which is not supported.")
    kind, algorithm = _KINDS[record.alg]
    try:
        return kind.parse(algorithm, vault.open(record.sealed, _purpose(record.kid, record.alg)))
    except (CannotOpen, ValueError, TypeError) as fault:
        raise UnusableKey(
            f"The key {record.kid} cannot be used: {fault}. Restore the key-encryption key that belongs to "
            "this database."
        ) from None


def opens_key(kid: str, alg: str, sealed: bytes, vault: KeyEncryptionKey) -> bool:
    """Tell whether a private key of the provider's was sealed under this key-encryption key."""
    try:
        vault.open(sealed, _purpose(kid, alg))
    except CannotOpen:
        return False
    return True


def _purpose(kid: str, alg: str) -> str:
    """Return what is bound to the sealed key; by its `alg` a key that signs can never be made one that decrypts."""
    return f"signing-key {alg} {kid}"
