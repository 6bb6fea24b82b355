"""A stock: so many accounts, each with a session, a grant and five refresh tokens of it, four of them spent."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, Table

from bench.material import grant_of, session_of
from bench.provider import Account, Place, password_hash
from bench.stock.bulk import NUMBER, filling, md5, repeat
from idp.accounts.accounts import draft_account
from idp.stores.records import Account as AccountRecord
from idp.stores.records import AuditEvent, Credential, Grant, RefreshToken, Session
from idp.stores.sql.statements import Codec
from idp.stores.sql.tables import (
    account_names,
    accounts,
    audit,
    credentials,
    grants,
    refresh_tokens,
    sessions,
)

TOKENS_EACH = 5
ACCOUNT_ID, SESSION_ID, GRANT_ID = "md5('account' || n)", "md5('session' || n)", "md5('grant' || n)"


@dataclass(frozen=True, slots=True)
class Numbered(Sequence[Account]):
    """The accounts of a stock, by their number."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, number: Any) -> Any:
        return Account(md5(f"account{number}"), f"person{number}")


def stocked(place: Place, count: int) -> Place:
    """Fill an empty provider that does not run, and return it."""
    now = int(time.time())
    person = f"person{NUMBER}"
    account = draft_account(username=person, email=f"{person}@example.com", roles=("customer",), now=now)
    hashed = password_hash(place.settings)
    secret = Credential(account_id="", method="password", secret=hashed, created_at=now, updated_at=now)
    event = AuditEvent(event_id="", name="sign_in.ok", at=now, result="ok", address="192.0.2.7", request_id="0" * 32)
    whose = {"account_id": ACCOUNT_ID}
    with filling_of(place) as connection:
        repeat(connection, accounts, row_of(AccountRecord, accounts, account), count, **whose)
        for name in account.names:
            repeat(connection, account_names, {"name": name}, count, **whose)
        repeat(connection, credentials, row_of(Credential, credentials, secret), count, **whose)
        repeat(connection, audit, row_of(AuditEvent, audit, event), count, event_id="md5('event' || n)", **whose)
        _fill_grants(connection, place, count, now)
    return replace(place, accounts=Numbered(count))


def _fill_grants(connection: Connection, place: Place, count: int, now: int) -> None:
    session = session_of("", now, now + place.settings.lifetimes.session_seconds)
    grant = grant_of(session, "RS256", now, now + place.settings.lifetimes.grant_seconds)
    token = RefreshToken(token_hash="", grant_id="", created_at=now, expires_at=grant.expires_at)
    whose = {"account_id": ACCOUNT_ID, "session_id": SESSION_ID}
    kept = row_of(Session, sessions, session)
    repeat(connection, sessions, kept, count, handle_hash=long_hash("handle"), **whose)
    repeat(connection, grants, row_of(Grant, grants, grant), count, grant_id=GRANT_ID, **whose)
    repeat(
        connection,
        refresh_tokens,
        row_of(RefreshToken, refresh_tokens, token),
        count * TOKENS_EACH,
        token_hash=long_hash("token"),
        grant_id=f"md5('grant' || (n / {TOKENS_EACH}))",
        consumed_at=f"CASE WHEN n - n / {TOKENS_EACH} * {TOKENS_EACH} < {TOKENS_EACH - 1} THEN {now} END",
    )


def filled_in(place: Place, count: int) -> tuple[Place, float]:
    """Fill as `stocked` does, and tell how many seconds it took."""
    began = time.monotonic()
    return stocked(place, count), time.monotonic() - began


@contextmanager
def filling_of(place: Place) -> Iterator[Connection]:
    """Fill the database of a provider that does not run."""
    # Whoever fills must be alone.
    place.storage.close()
    with filling(place.settings.database_url) as connection:
        yield connection


def row_of(kind: type[Any], table: Table, record: Any) -> dict[str, Any]:
    """Return a record as its row."""
    named = {field.name for field in fields(kind)} & {column.name for column in table.columns}
    return Codec(kind, table, sorted(named)).encode(record)


def long_hash(what: str) -> str:
    """Return the SQL of something as long as a SHA-256, different for each number."""
    return f"md5('{what} a' || n) || md5('{what} b' || n)"
