"""Carrying over what was changed after the backup, from a database that can still be read: who is disabled stays
disabled, a password that was changed stays changed, an account or a client that was removed stays removed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from idp.accounts.accounts import PASSWORD
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Client

PAGE = 500
# Changes bear the moment when a command began, which may have waited for its turn.
MARGIN_SECONDS = 3_600
Paged = TypeVar("Paged", Account, Client)


@dataclass(frozen=True, slots=True)
class Carried:
    """How many were carried over, or removed."""

    accounts: int
    clients: int
    removed_clients: int
    removed_accounts: int = 0


def carry_over(old: UnitOfWork, new: UnitOfWork, made_at: int) -> Carried:
    """Give the accounts, their passwords and the clients that were made or changed in the old database since the backup
    the state they have there; resources all. Raises `Duplicate`, `StorageUnavailable`."""
    since = made_at - MARGIN_SECONDS
    # First, for their names may be others' by now.
    removed = [a.account_id for a in _all(new.accounts.list, _account_id) if _was_removed(old, a.account_id)]
    for account_id in removed:
        new.accounts.remove(account_id)
    accounts = sum(_carry_account(old, new, account, since) for account in _all(old.accounts.list, _account_id))
    clients = sum(_carry_client(new, client, since) for client in _all(old.clients.list, _client_id))
    for resource in old.resources.list():
        new.resources.put(resource)
    gone = [c.client_id for c in _all(new.clients.list, _client_id) if old.clients.find(c.client_id) is None]
    for client_id in gone:
        new.clients.remove(client_id)
    return Carried(accounts, clients, len(gone), len(removed))


def _carry_account(old: UnitOfWork, new: UnitOfWork, account: Account, since: int) -> bool:
    password = old.accounts.find_credential(account.account_id, PASSWORD)
    if max(account.updated_at, password.updated_at if password else 0) < since:
        return False
    known = new.accounts.find(account.account_id)
    is_new_password = new.accounts.find_credential(account.account_id, PASSWORD) != password
    if known is None:
        new.accounts.add(account)
    elif known != account:
        new.accounts.replace(account)
    if is_new_password and password is not None:
        new.accounts.put_credential(password)
    return known != account or is_new_password


def _was_removed(old: UnitOfWork, account_id: str) -> bool:
    """Tell whether an account was removed there: that it is missing could also mean another database."""
    events = old.audit.list_of_account(account_id)
    return old.accounts.find(account_id) is None and any(event.name == "account.removed" for event in events)


def _carry_client(new: UnitOfWork, client: Client, since: int) -> bool:
    if client.updated_at < since or new.clients.find(client.client_id) == client:
        return False
    if not new.clients.replace(client):
        new.clients.add(client)
    return True


def _account_id(account: Account) -> str:
    return account.account_id


def _client_id(client: Client) -> str:
    return client.client_id


def _all(page: Callable[..., tuple[Paged, ...]], key: Callable[[Paged], str]) -> Iterator[Paged]:
    found = page(limit=PAGE)
    while found:
        yield from found
        found = page(after=key(found[-1]), limit=PAGE)
