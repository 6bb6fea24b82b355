"""The machine's own limits, measured in the same run: one RSA-2048 signature, one Argon2id hash, per CPU second."""

import time
from collections.abc import Callable

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from idp.settings import Argon2

SECONDS = 1.5


def per_cpu_second(operation: Callable[[], object]) -> float:
    """Return how often an operation runs in one second of one core's time."""
    operation()
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        operation()
        count += 1
    return count / spent


def rsa_sign_rate() -> float:
    """Return RSA-2048 PKCS#1 v1.5 signatures per core and second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return per_cpu_second(lambda: key.sign(b"x" * 400, padding.PKCS1v15(), SHA256()))


def argon2_rate() -> float:
    """Return password hashes per core and second, with the default parameters."""
    limits = Argon2()
    hasher = PasswordHasher(limits.iterations, limits.memory_kib, limits.parallelism)
    encoded = hasher.hash("a password")
    return per_cpu_second(lambda: hasher.verify(encoded, "a password"))
