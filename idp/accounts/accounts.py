"""Accounts: making them, and taking access away, which works at once and never comes back by itself (R7)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.accounts.browsers import forget_remembered
from idp.accounts.claims import checked_claims
from idp.accounts.names import canonical_name, checked_email, checked_name
from idp.accounts.sessions import Sessions
from idp.randomness import new_identifier
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Credential

PASSWORD = "password"  # noqa: S105 - the name of a method


def create_account(
    uow: UnitOfWork,
    *,
    username: str,
    email: str | None = None,
    claims: Mapping[str, Any] | None = None,
    roles: tuple[str, ...] = (),
    password_hash: str | None = None,
    now: int,
) -> Account:
    """Make an account and return it. The user name is the `preferred_username` unless the claims say otherwise.

    Raises ValueError for a bad name, address or claim, `Duplicate` if a name is taken."""
    account = draft_account(username=username, email=email, claims=claims, roles=roles, now=now)
    uow.accounts.add(account)
    if password_hash is not None:
        _put_password(uow, account.account_id, password_hash, now)
    return account


def draft_account(
    *,
    account_id: str | None = None,
    username: str,
    email: str | None = None,
    claims: Mapping[str, Any] | None = None,
    roles: tuple[str, ...] = (),
    now: int,
) -> Account:
    """Return an account that is checked and not kept yet; without an id it gets a new one. Raises ValueError for a bad
    name, address or claim."""
    names = (checked_name(username), *((checked_email(email),) if email else ()))
    given = {"preferred_username": username.strip(), **({"email": email.strip()} if email else {}), **(claims or {})}
    return Account(
        account_id=account_id or new_identifier(),
        username=username.strip(),
        names=tuple(dict.fromkeys(names)),
        claims=checked_claims(given | {"updated_at": now}),
        roles=tuple(dict.fromkeys(roles)),
        enabled=True,
        created_at=now,
        updated_at=now,
    )


def find_account(uow: UnitOfWork, name: str) -> Account | None:
    """Return the account that signs in by this name, written in any form of it."""
    canonical = canonical_name(name)
    return uow.accounts.find_by_name(canonical) if canonical else None


def set_password(uow: UnitOfWork, sessions: Sessions, account: Account, password_hash: str, now: int) -> None:
    """Set the password; all sessions and grants end, for whoever knew the old one may hold some."""
    # Held, so that no sign-in by the old one is under way beside this.
    uow.accounts.hold(account.account_id)
    _put_password(uow, account.account_id, password_hash, now)
    take_access(uow, sessions, account.account_id, now)


def change_password(
    uow: UnitOfWork, sessions: Sessions, account_id: str, password_hash: str, now: int, *, but: str
) -> None:
    """Set the password for the account's owner, in the session with the `sid` that `but` says, which goes on; all other
    sessions end, and all grants."""
    uow.accounts.hold(account_id)
    _put_password(uow, account_id, password_hash, now)
    sessions.end_all(uow, account_id, now, but=but)
    uow.grants.revoke_of_account(account_id, now)
    forget_remembered(uow, account_id)


def disable_account(uow: UnitOfWork, sessions: Sessions, account: Account, now: int) -> Account:
    """Disable an account; all its sessions and grants end."""
    account = uow.accounts.hold(account.account_id) or account
    disabled = replace(account, enabled=False, updated_at=now)
    uow.accounts.replace(disabled)
    take_access(uow, sessions, account.account_id, now)
    return disabled


def enable_account(uow: UnitOfWork, account: Account, now: int) -> Account:
    """Let an account sign in again, and keep it if it was to be removed; what ended stays ended."""
    account = uow.accounts.hold(account.account_id) or account
    enabled = replace(account, enabled=True, delete_at=None, updated_at=now)
    uow.accounts.replace(enabled)
    return enabled


def set_roles(uow: UnitOfWork, account: Account, roles: tuple[str, ...], now: int) -> Account:
    """Set the roles; tokens made from now on have them."""
    account = uow.accounts.hold(account.account_id) or account
    changed = replace(account, roles=tuple(dict.fromkeys(roles)), updated_at=now)
    uow.accounts.replace(changed)
    return changed


def take_access(uow: UnitOfWork, sessions: Sessions, account_id: str, now: int) -> None:
    """End all sessions, then all grants, the offline ones too; remembered devices are asked for everything again."""
    sessions.end_all(uow, account_id, now)
    uow.grants.revoke_of_account(account_id, now)
    forget_remembered(uow, account_id)


def _put_password(uow: UnitOfWork, account_id: str, password_hash: str, now: int) -> None:
    uow.accounts.put_credential(
        Credential(account_id=account_id, method=PASSWORD, secret=password_hash, created_at=now, updated_at=now)
    )
