"""Deleting an account: it is closed at once, may be kept by its owner for some days, and is then removed for good.

While it is closed it has no session and no grant, and nobody gets one: who signs in is asked whether to keep it. What
is removed is all but the audit, which knows an account by an identifier that is never used again.
"""

from dataclasses import replace

from idp.accounts.accounts import take_access
from idp.accounts.audit import record
from idp.accounts.sessions import Sessions
from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.records import Account

DAY = 86_400


def close_account(uow: UnitOfWork, sessions: Sessions, account: Account, now: int, *, delay_days: int) -> Account:
    """Close an account and return it with its `delete_at`; its sessions and grants end, and relying parties are told.
    One that is closed stays so, with the date that it has."""
    account = uow.accounts.hold(account.account_id) or account
    if account.delete_at is None:
        account = replace(account, delete_at=now + delay_days * DAY, updated_at=now)
        uow.accounts.replace(account)
    take_access(uow, sessions, account.account_id, now)
    return account


def keep_account(uow: UnitOfWork, account: Account, now: int) -> Account:
    """Open a closed account again, and return it; what ended stays ended."""
    account = uow.accounts.hold(account.account_id) or account
    kept = replace(account, delete_at=None, updated_at=now)
    uow.accounts.replace(kept)
    return kept


def remove_account(uow: UnitOfWork, sessions: Sessions, account: Account, now: int) -> bool:
    """Remove an account and all that belongs to it; False if it is gone. Whoever it is signed in to is told before."""
    take_access(uow, sessions, account.account_id, now)
    if not uow.accounts.remove(account.account_id):
        return False
    record(uow, "account.removed", now=now, account_id=account.account_id)
    return True


def remove_due(storage: Storage, sessions: Sessions, now: int, limit: int) -> int:
    """Remove up to `limit` accounts whose time has come, each in a unit of work; return how many went. One that its
    owner keeps at this moment is kept, or gone before."""
    with storage.snapshot() as uow:
        due = uow.accounts.list_due(now, limit)
    return sum(_remove_if_due(storage, sessions, account.account_id, now) for account in due)


def _remove_if_due(storage: Storage, sessions: Sessions, account_id: str, now: int) -> bool:
    with storage.begin() as uow:
        account = uow.accounts.hold(account_id)
        is_due = account is not None and account.delete_at is not None and account.delete_at <= now
        return account is not None and is_due and remove_account(uow, sessions, account, now)
