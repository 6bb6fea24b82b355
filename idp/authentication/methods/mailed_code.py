"""Codes by mail: eight digits to the account's verified address, for a page in one browser, once, for ten minutes.

NIST SP 800-63B-4 §3.1.3.1 knows mail as no authenticator: whoever reads it may be anybody, and gets a new password by
it too. So an operator has to allow it, and it counts only where the account has nothing better. A code is made when its
mail is sent (ADR 19), and only what the key-encryption key makes of it is kept: the few codes that there are could be
tried out on a digest.
"""

from idp.accounts.mails import address_of, queue_mail
from idp.authentication.methods.second_factor import Proof, SecondFactor
from idp.jose.sealing import KeyEncryptionKey
from idp.randomness import digest, new_bytes
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Authenticator

NAME = "mailed_code"
TEMPLATE = "sign_in_code"
DIGITS = 8
CODE_SECONDS = 600
_RANDOM_BYTES = 16


def can_be_mailed(account: Account) -> bool:
    """Tell whether an account has an address that its owner has proved to read."""
    return address_of(account) is not None and account.claims.get("email_verified") is True


def ask_for_code(uow: UnitOfWork, account: Account, bound_to: str, now: int, *, language: str) -> None:
    """Have a code mailed that counts for the page `bound_to`; `language` is what whoever asks speaks. They count the
    mails."""
    payload = {"account_id": account.account_id, "page": digest(bound_to), "language": language}
    queue_mail(uow, TEMPLATE, to=address_of(account) or "", payload=payload, now=now)


def issue_code(uow: UnitOfWork, vault: KeyEncryptionKey, account_id: str, page: str, now: int) -> str:
    """Return a new code for the page whose digest this is; one that the page had counts no more."""
    for each in uow.authenticators.list(account_id):
        if each.method == NAME and (each.facts["page"] == page or _is_over(each, now)):
            uow.authenticators.remove(account_id, each.authenticator_id)
    code = f"{int.from_bytes(new_bytes(_RANDOM_BYTES)) % 10**DIGITS:0{DIGITS}}"
    uow.authenticators.add(
        Authenticator(
            authenticator_id=_id(vault, account_id, page, code),
            account_id=account_id,
            method=NAME,
            name="",
            secret="",
            facts={"page": page},
            created_at=now,
        )
    )
    return code


def verify(uow: UnitOfWork, proof: Proof) -> Authenticator | None:
    """Return what stands for this code, used up."""
    digits = "".join(proof.response[:100].split()).replace("-", "")
    wanted = _id(proof.vault, proof.account_id, digest(proof.bound_to), digits)
    found = next((each for each in proof.mine if each.authenticator_id == wanted), None)
    if found is None or _is_over(found, proof.now) or not uow.authenticators.remove(proof.account_id, wanted):
        return None
    return found


def _is_over(each: Authenticator, now: int) -> bool:
    return each.created_at + CODE_SECONDS <= now


def _id(vault: KeyEncryptionKey, account_id: str, page: str, code: str) -> str:
    return vault.authentication_code(code.encode("utf-8", "surrogatepass"), f"{NAME}\n{account_id}\n{page}").hex()


# RFC 8176: a one-time password, over a channel of its own; `otp` alone is an app's.
METHOD = SecondFactor(name=NAME, amr=("otp", "mca"), verify=verify, counts_as_set_up=False)
