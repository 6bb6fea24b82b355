"""The machine's own limits: what one signature and one password hash cost, in µs of processor time.

They are taken beside every batch, for a shared machine's speed wanders from minute to minute; a ratio of two figures of
the same moment does not.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from idp.settings import Argon2

SECONDS = 0.08
# As long as what is signed for a token with a few claims.
MESSAGE = b"x" * 400


def cost_us(name: str) -> float:
    """Return the cost of one operation now: of `RS256`, `ES256`, `EdDSA` or `Argon2id`, of which as many run at a time
    as a server of ours runs, for they share the memory's bandwidth."""
    operation, at_once = _operation(name), Argon2().concurrent if name == "Argon2id" else 1
    _cost(operation, 0.0, at_once)
    return _cost(operation, SECONDS * at_once, at_once) * 1e6


def _cost(operation: Callable[[], object], seconds: float, at_once: int) -> float:
    """Return the processor time of one operation, from repeating it for so long."""
    began = time.process_time()

    def repeat(_: int) -> int:
        count = 0
        while not count or time.process_time() - began < seconds:
            operation()
            count += 1
        return count

    if at_once == 1:
        count = repeat(0)
    else:
        with ThreadPoolExecutor(at_once) as threads:
            count = sum(threads.map(repeat, range(at_once)))
    return (time.process_time() - began) / count


@cache
def _operation(name: str) -> Callable[[], object]:
    return MAKERS[name]()


def _rs256() -> Callable[[], object]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return lambda: key.sign(MESSAGE, padding.PKCS1v15(), SHA256())


def _es256() -> Callable[[], object]:
    key = ec.generate_private_key(ec.SECP256R1())
    return lambda: key.sign(MESSAGE, ec.ECDSA(SHA256()))


def _eddsa() -> Callable[[], object]:
    key = ed25519.Ed25519PrivateKey.generate()
    return lambda: key.sign(MESSAGE)


def _argon2id() -> Callable[[], object]:
    defaults = Argon2()
    hasher = PasswordHasher(defaults.iterations, defaults.memory_kib, defaults.parallelism)
    encoded = hasher.hash("a password")
    return lambda: hasher.verify(encoded, "a password")


MAKERS: Mapping[str, Callable[[], Callable[[], object]]] = {
    "RS256": _rs256,
    "ES256": _es256,
    "EdDSA": _eddsa,
    "Argon2id": _argon2id,
}
