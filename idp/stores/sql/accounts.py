"""Accounts, their names and their credentials."""

from sqlalchemy import bindparam, delete, select

from idp.stores.records import Account, Credential
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import (
    account_names,
    accounts,
    authenticators,
    consents,
    credentials,
    grants,
    refresh_tokens,
    sessions,
    subjects,
)
from idp.stores.sql.writing import insert, key_of, update_all, upsert

ACCOUNT = Codec.of(Account, accounts)
CREDENTIAL = Codec.of(Credential, credentials)
ADD = insert(accounts)
ADD_NAME = insert(account_names)
REPLACE = update_all(accounts, ("account_id",))
DROP_NAMES = Statement(delete(account_names).where(account_names.c.account_id == bindparam("account_id")))
BY_ID = select(*ACCOUNT.columns).where(accounts.c.account_id == bindparam("account_id"))
FIND = Statement(BY_ID)
HOLD = Statement(BY_ID.with_for_update())
FIND_BY_NAME = Statement(
    select(*ACCOUNT.columns)
    .join(account_names, account_names.c.account_id == accounts.c.account_id)
    .where(account_names.c.name == bindparam("name"))
)
LIST = Statement(
    select(*ACCOUNT.columns)
    .where(accounts.c.account_id > bindparam("after"))
    .order_by(accounts.c.account_id)
    .limit(bindparam("limit"))
)
LIST_DUE = Statement(
    select(*ACCOUNT.columns)
    .where(accounts.c.delete_at <= bindparam("now"))
    .order_by(accounts.c.delete_at)
    .limit(bindparam("limit"))
)
REMOVE = Statement(delete(accounts).where(accounts.c.account_id == bindparam("account_id")))
REMOVE_TOKENS = Statement(
    delete(refresh_tokens).where(
        refresh_tokens.c.grant_id.in_(select(grants.c.grant_id).where(grants.c.account_id == bindparam("account_id")))
    )
)
# Tokens before their grants, by which they are found.
REMOVE_THEIRS = (
    REMOVE_TOKENS,
    *(
        Statement(delete(table).where(table.c.account_id == bindparam("account_id")))
        for table in (account_names, credentials, authenticators, consents, subjects, sessions, grants)
    ),
)
FIND_CREDENTIAL = Statement(
    select(*CREDENTIAL.columns).where(
        credentials.c.account_id == bindparam("account_id"), credentials.c.method == bindparam("method")
    )
)
PUT_CREDENTIAL = upsert(credentials, ("account_id", "method"))


class SqlAccounts:
    """`AccountStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, account: Account) -> None:
        """Keep a new account."""
        with self._run.all_or_nothing():
            self._run.add(ADD, ACCOUNT.encode(account), "account_id")
            self._write_names(account)

    def find(self, account_id: str) -> Account | None:
        """Return the account."""
        return ACCOUNT.decode_or_none(self._run.one(FIND, account_id=account_id))

    def hold(self, account_id: str) -> Account | None:
        """Return the account, held."""
        return ACCOUNT.decode_or_none(self._run.one(HOLD, account_id=account_id))

    def find_by_name(self, name: str) -> Account | None:
        """Return the account that signs in by this name."""
        return ACCOUNT.decode_or_none(self._run.one(FIND_BY_NAME, name=name))

    def replace(self, account: Account) -> bool:
        """Overwrite the account, names included."""
        with self._run.all_or_nothing():
            if not self._run.write(REPLACE, key_of(("account_id",), ACCOUNT.encode(account))):
                return False
            self._run.changed(DROP_NAMES, account_id=account.account_id)
            self._write_names(account)
            return True

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Account, ...]:
        """Return a page of accounts."""
        return ACCOUNT.decode_all(self._run.all(LIST, after=after, limit=limit))

    def list_due(self, now: int, limit: int) -> tuple[Account, ...]:
        """Return closed accounts that are due."""
        return ACCOUNT.decode_all(self._run.all(LIST_DUE, now=now, limit=limit))

    def remove(self, account_id: str) -> bool:
        """Forget the account and all that belongs to it."""
        with self._run.all_or_nothing():
            if not self._run.changed(REMOVE, account_id=account_id):
                return False
            for statement in REMOVE_THEIRS:
                self._run.changed(statement, account_id=account_id)
            return True

    def find_credential(self, account_id: str, method: str) -> Credential | None:
        """Return the credential."""
        return CREDENTIAL.decode_or_none(self._run.one(FIND_CREDENTIAL, account_id=account_id, method=method))

    def put_credential(self, credential: Credential) -> None:
        """Set the credential."""
        self._run.write(PUT_CREDENTIAL, CREDENTIAL.encode(credential))

    def _write_names(self, account: Account) -> None:
        # In one order always, so that two of them never wait for each other.
        for name in sorted(account.names):
            self._run.add(ADD_NAME, {"name": name, "account_id": account.account_id}, "name")
