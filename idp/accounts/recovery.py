"""Recovery: single-use links with which the owner of an account sets a new password (NIST SP 800-63B-4 §4.2).

A link starts no session and proves nothing but itself: whoever has a second factor is asked for it at the next sign-in.
It ends when it is used, when its time is over, when a newer one is made, when the password or the e-mail address of the
account changes, and when the account is disabled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.accounts.accounts import PASSWORD, find_account
from idp.accounts.mails import address_of, queue_mail
from idp.accounts.names import canonical_name
from idp.jose.sealing import KeyEncryptionKey
from idp.randomness import digest, is_same, new_handle, new_identifier
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Artifact, Credential

KIND = "password_reset"
TEMPLATE = "password_reset"
PATH = "/password/reset"
# An operator's link is handed over at once.
RESCUE_SECONDS = 900
# The answer to who asks is out before the work on the mail begins, so that its time cannot tell of that work (LG-03).
PAUSE_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A link that counts: of which account it is, who made it, and what it does beside."""

    account: Account
    token_hash: str
    by_operator: bool
    without_second_factor: bool


def request_mail(uow: UnitOfWork, vault: KeyEncryptionKey, name: str, now: int, *, language: str) -> None:
    """Have a mail with a link sent to whom this name belongs, if it belongs to anyone. `language` is what whoever asks
    speaks.

    Nothing is looked up here: the same is written for each name (LG-03). It is sealed, for people type other secrets
    into such fields."""
    sealing_id = new_identifier()
    sealed = vault.seal((canonical_name(name) or "").encode(), _purpose(sealing_id))
    payload = {"sealed": sealed.hex(), "sealing_id": sealing_id, "language": language}
    queue_mail(uow, TEMPLATE, to="", payload=payload, now=now, due_at=now + PAUSE_SECONDS)


def find_requester(uow: UnitOfWork, vault: KeyEncryptionKey, payload: Mapping[str, Any]) -> Account | None:
    """Return the account that a requested mail goes to: one that is enabled, has an address, and a password, for who
    signs in otherwise gets no password by mail (MF-28). Raises `CannotOpen`."""
    name = vault.open(bytes.fromhex(payload["sealed"]), _purpose(payload["sealing_id"])).decode()
    account = find_account(uow, name) if name else None
    if account is None or not account.enabled or address_of(account) is None:
        return None
    return account if uow.accounts.find_credential(account.account_id, PASSWORD) else None


def issue_link_token(
    uow: UnitOfWork,
    account: Account,
    now: int,
    *,
    seconds: int,
    by_operator: bool = False,
    without_second_factor: bool = False,
) -> str:
    """Return a new token for a link; older ones of the account end."""
    token = new_handle()
    account = uow.accounts.hold(account.account_id) or account
    payload = {
        "account_id": account.account_id,
        **_state(uow, account),
        "by_operator": by_operator,
        "without_second_factor": without_second_factor,
    }
    uow.artifacts.add(
        Artifact(kind=KIND, handle_hash=digest(token), payload=payload, created_at=now, expires_at=now + seconds)
    )
    newest = Credential(
        account_id=account.account_id, method=KIND, secret=digest(token), created_at=now, updated_at=now
    )
    uow.accounts.put_credential(newest)
    return token


def reset_link(issuer: str, token: str) -> str:
    """Return the link that carries a token."""
    return f"{issuer}{PATH}?token={token}"


def find_recovery(uow: UnitOfWork, token_hash: str, now: int) -> Recovery | None:
    """Return what a token's digest stands for, as long as it counts; its account is held, so that this stays so."""
    found = uow.artifacts.find(KIND, token_hash)
    if found is None or found.consumed_at is not None or found.expires_at <= now:
        return None
    account = uow.accounts.hold(found.payload["account_id"])
    if account is None or not account.may_sign_in(now):
        return None
    newest = uow.accounts.find_credential(account.account_id, KIND)
    state = _state(uow, account)
    if newest is None or not is_same(newest.secret, token_hash):
        return None
    if any(found.payload[name] != value for name, value in state.items()):
        return None
    return Recovery(
        account=account,
        token_hash=token_hash,
        by_operator=found.payload["by_operator"],
        without_second_factor=found.payload["without_second_factor"],
    )


def consume_recovery(uow: UnitOfWork, recovery: Recovery, now: int) -> bool:
    """Spend a link; False when another request was faster (R4)."""
    return uow.artifacts.consume(KIND, recovery.token_hash, now) is not None


def _state(uow: UnitOfWork, account: Account) -> dict[str, str | None]:
    """Return what a link is bound to: it is for this password at this address."""
    password = uow.accounts.find_credential(account.account_id, PASSWORD)
    return {"password_hash": digest(password.secret) if password else None, "email": address_of(account)}


def _purpose(sealing_id: str) -> str:
    return f"reset request {sealing_id}"
