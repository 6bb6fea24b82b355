"""Recovery codes: ten texts on paper, each of which stands in once for what was lost (NIST SP 800-63B-4 §3.1.2).

A code has 80 random bits, so its digest may be kept as it is: there is nothing to guess. The digest is the
authenticator's id, and using it removes it, which only one can do.
"""

import base64

from idp.authentication.methods.second_factor import Proof, SecondFactor
from idp.randomness import digest, new_bytes
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Authenticator

NAME = "recovery_code"
COUNT = 10
_BYTES = 10
_GROUP = 4
_CHARACTERS = 16


def make_codes(uow: UnitOfWork, account_id: str, now: int) -> tuple[str, ...]:
    """Return ten new codes, which nobody can see again; those that the account had are of no use any more."""
    uow.authenticators.remove_all(account_id, NAME)
    codes = tuple(_new_code() for _ in range(COUNT))
    for code in codes:
        uow.authenticators.add(
            Authenticator(
                authenticator_id=_id(account_id, _plain(code)),
                account_id=account_id,
                method=NAME,
                name="",
                secret="",
                created_at=now,
            )
        )
    return codes


def verify(uow: UnitOfWork, proof: Proof) -> Authenticator | None:
    """Return the code that this is, used up."""
    plain = _plain(proof.response[:100])
    wanted = _id(proof.account_id, plain)
    found = next((mine for mine in proof.mine if mine.authenticator_id == wanted), None)
    if found is None or not uow.authenticators.remove(proof.account_id, wanted):
        return None
    return found


def _new_code() -> str:
    text = base64.b32encode(new_bytes(_BYTES)).decode("ascii").lower()
    return "-".join(text[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP))


def _plain(code: str) -> str:
    """Return a code as it was made, however it was typed."""
    return "".join(character for character in code.lower() if character.isalnum()).replace("0", "o").replace("1", "l")


def _id(account_id: str, plain: str) -> str:
    return digest(f"{NAME}\n{account_id}\n{plain}")


# RFC 8176 has no name for it: that a second factor was used is all there is to say.
METHOD = SecondFactor(name=NAME, amr=(), verify=verify, counts_as_set_up=False)
