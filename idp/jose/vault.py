"""Signing keys on their way into and out of the store: sealed there, opened here."""

from idp.jose.algorithms import ALGORITHMS, Algorithm, OwnKey
from idp.jose.sealing import CannotOpen, KeyEncryptionKey, UnusableKey
from idp.stores.records import SigningKey


def make_signing_key(algorithm: Algorithm, vault: KeyEncryptionKey, now: int) -> SigningKey:
    """Return a new key as record, next in its life cycle. Takes around 100 ms for RSA: call before a transaction."""
    key = OwnKey.generate(algorithm)
    return SigningKey(
        kid=key.kid,
        alg=key.alg,
        public_jwk=key.public_jwk,
        sealed=vault.seal(key.private_der(), _purpose(key.kid, key.alg)),
        created_at=now,
    )


def open_signing_key(record: SigningKey, vault: KeyEncryptionKey) -> OwnKey:
    """Return the key pair of a record. Raises `UnusableKey`.

    The public key is derived from the sealed private one and not taken from the record: whoever can write to the
    database but lacks the key-encryption key cannot slip in a key of their own.
    """
    algorithm = ALGORITHMS.get(record.alg)
    if algorithm is None:
        raise UnusableKey(f"The signing key {record.kid} is for the algorithm {record.alg}, which is not supported.")
    try:
        return OwnKey.parse(algorithm, vault.open(record.sealed, _purpose(record.kid, record.alg)))
    except (CannotOpen, ValueError, TypeError) as fault:
        raise UnusableKey(
            f"The signing key {record.kid} cannot be used: {fault}. Restore the key-encryption key that belongs to "
            "this database."
        ) from None


def _purpose(kid: str, alg: str) -> str:
    return f"signing-key {alg} {kid}"
