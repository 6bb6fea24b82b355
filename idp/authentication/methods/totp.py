"""Codes of an authenticator app: TOTP (RFC 6238), six digits of SHA-1 every thirty seconds, as every app knows them.

The secret is sealed, for whoever knows it can make codes. A code counts once (RFC 6238 §5.2): the step that it belongs
to becomes the authenticator's counter, which only grows.
"""

import base64
import binascii
from dataclasses import dataclass
from hmac import compare_digest

import pyotp

from idp.authentication.methods.second_factor import Proof, SecondFactor
from idp.jose.sealing import CannotOpen, KeyEncryptionKey
from idp.randomness import new_bytes
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Authenticator

NAME = "totp"
STEP_SECONDS = 30
DIGITS = 6
# Clocks differ, and typing takes time: one step to either side (RFC 6238 §5.2).
DRIFT_STEPS = 1
_SECRET_BYTES = 20


@dataclass(frozen=True, slots=True)
class Setup:
    """A secret that is about to become an authenticator, once a code shows that an app has it: in base32, and sealed
    for the account."""

    secret: str
    sealed: str


def new_setup(account_id: str, vault: KeyEncryptionKey) -> Setup:
    """Return a new secret of 160 bits (RFC 4226 §4, R6)."""
    secret = base64.b32encode(new_bytes(_SECRET_BYTES)).decode("ascii")
    return Setup(secret, _sealed(secret, account_id, vault))


def open_setup(sealed: str, account_id: str, vault: KeyEncryptionKey) -> Setup:
    """Return what `new_setup` sealed for this account. Raises `CannotOpen`."""
    return Setup(_opened(sealed, account_id, vault), sealed)


def address_of(setup: Setup, *, issuer: str, account: str) -> str:
    """Return the `otpauth:` address that apps read from a QR code."""
    return str(pyotp.TOTP(setup.secret).provisioning_uri(name=account, issuer_name=issuer))


def confirm(uow: UnitOfWork, setup: Setup, account_id: str, code: str, now: int) -> bool:
    """Make the secret the account's authenticator if the code is one of it; it takes the place of an older one."""
    step = _step_of(setup.secret, code, now)
    if step is None:
        return False
    uow.authenticators.remove_all(account_id, NAME)
    uow.authenticators.add(
        Authenticator(
            authenticator_id=f"{NAME}.{account_id}",
            account_id=account_id,
            method=NAME,
            name="",
            secret=setup.sealed,
            counter=step,
            created_at=now,
            last_used_at=now,
        )
    )
    return True


def verify(uow: UnitOfWork, proof: Proof) -> Authenticator | None:
    """Return the authenticator whose code this is, the first time."""
    for mine in proof.mine:
        step = _step_of(_opened(mine.secret, proof.account_id, proof.vault), proof.response, proof.now)
        if step is not None and uow.authenticators.advance(mine.authenticator_id, step, proof.now):
            return mine
    return None


def _step_of(secret: str, code: str, now: int) -> int | None:
    """Return the step that a code belongs to, None for a wrong one."""
    digits = "".join(code.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    current = now // STEP_SECONDS
    steps = range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1)
    # All of them, so that the time does not tell which.
    found = [step for step in steps if compare_digest(totp.at(step * STEP_SECONDS), digits)]
    return found[-1] if found else None


def _sealed(secret: str, account_id: str, vault: KeyEncryptionKey) -> str:
    return base64.b64encode(vault.seal(secret.encode("ascii"), f"{NAME}\n{account_id}")).decode("ascii")


def _opened(sealed: str, account_id: str, vault: KeyEncryptionKey) -> str:
    try:
        return vault.open(base64.b64decode(sealed), f"{NAME}\n{account_id}").decode("ascii")
    except binascii.Error:
        raise CannotOpen("the sealed value is not base64") from None


METHOD = SecondFactor(name=NAME, amr=("otp",), verify=verify, counts_as_set_up=True)
