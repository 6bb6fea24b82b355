"""A new e-mail address counts when its owner has proved to read what is sent there; the old one stays until then, and
is told afterwards (LG-43).

A link is bound to the address and the password that the account had when it was asked for: whoever got in by a
password that was changed since must not get in again by a link that they asked for before (R7).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.accounts.accounts import PASSWORD
from idp.accounts.mails import address_of, notify, queue_mail
from idp.accounts.names import canonical_name, checked_email, checked_mailable
from idp.randomness import digest, new_handle
from idp.stores.interfaces import Duplicate, UnitOfWork
from idp.stores.records import Account, Artifact

KIND = "email_verification"
TEMPLATE = "email_verification"
PATH = "/email/confirm"
LINK_SECONDS = 86_400


def request_email_change(
    uow: UnitOfWork, account: Account, email: str, now: int, *, language: str | None = None
) -> None:
    """Have a link sent to an address, the account's own or a new one, with which it is confirmed. Whoever asks has just
    proved to be the owner of the account. Raises ValueError for what is no address; whether another account has it is
    not told (LG-03)."""
    checked_mailable(email)
    payload = {"account_id": account.account_id, **_state(uow, account), "language": language}
    queue_mail(uow, TEMPLATE, to=email.strip(), payload=payload, now=now)


def is_as_asked(uow: UnitOfWork, account: Account, payload: Mapping[str, Any]) -> bool:
    """Tell whether an account is still what a request or a link is bound to."""
    state, bound_to = _state(uow, account), payload.get("password_hash")
    # Who had no password, and has set their first one since, is who asked.
    is_same_password = bound_to is None or bound_to == state["password_hash"]
    return account.is_open and payload["old_email"] == state["old_email"] and is_same_password


def issue_verification_token(uow: UnitOfWork, account: Account, email: str, now: int) -> str | None:
    """Return a token for the link to an address; None where the address is another account's."""
    other = uow.accounts.find_by_name(canonical_name(email) or "")
    if other is not None and other.account_id != account.account_id:
        return None
    token = new_handle()
    payload = {"account_id": account.account_id, "email": email, **_state(uow, account)}
    expires_at = now + LINK_SECONDS
    uow.artifacts.add(
        Artifact(kind=KIND, handle_hash=digest(token), payload=payload, created_at=now, expires_at=expires_at)
    )
    return token


def find_email_change(uow: UnitOfWork, token_hash: str, now: int) -> tuple[Account, str] | None:
    """Return the account, held, and the address that a link confirms; None for one that was used, is too old, or whose
    account has had another address or password since."""
    found = uow.artifacts.find(KIND, token_hash)
    if found is None or found.consumed_at is not None or found.expires_at <= now:
        return None
    account = uow.accounts.hold(found.payload["account_id"])
    if account is None or not is_as_asked(uow, account, found.payload):
        return None
    return account, str(found.payload["email"])


def confirm_email_change(uow: UnitOfWork, token_hash: str, now: int, *, language: str | None = None) -> Account | None:
    """Let an account have the address that a link confirms, and tell the old one; None for a link that does not count,
    or whose address another account has got meanwhile."""
    found = find_email_change(uow, token_hash, now)
    if found is None or uow.artifacts.consume(KIND, token_hash, now) is None:
        return None
    account, email = found
    old = address_of(account)
    other = uow.accounts.find_by_name(checked_email(email))
    if other is not None and other.account_id != account.account_id:
        return None
    user_name = canonical_name(account.username)
    kept = [name for name in account.names if name == user_name or name != canonical_name(old or "")]
    changed = replace(
        account,
        names=tuple(dict.fromkeys((*kept, checked_email(email)))),
        claims={**account.claims, "email": email, "email_verified": True, "updated_at": now},
        updated_at=now,
    )
    try:
        uow.accounts.replace(changed)
    except Duplicate:
        return None
    if old is not None and canonical_name(old) != canonical_name(email):
        notify(uow, changed, "email_changed", now, to=old, language=language)
    return changed


def _state(uow: UnitOfWork, account: Account) -> dict[str, str | None]:
    password = uow.accounts.find_credential(account.account_id, PASSWORD)
    return {"old_email": address_of(account), "password_hash": digest(password.secret) if password else None}
