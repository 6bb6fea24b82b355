"""A stock: so many accounts, each with a session, a grant and five refresh tokens of it, four of them spent."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Table

from bench.material import grant_of, session_of
from bench.provider import Account, Place, password_hash
from bench.stock.bulk import NUMBER, filling, md5, repeat
from idp.accounts.accounts import draft_account
from idp.stores.records import Account as AccountRecord
from idp.stores.records import AuditEvent, Credential, RefreshToken
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
    # Whoever fills must be alone.
    place.storage.close()
    now = int(time.time())
    drafted = draft_account(
        username=f"person{NUMBER}", email=f"person{NUMBER}@example.com", roles=("customer",), now=now
    )
    session = session_of(drafted.account_id, now, now + place.settings.lifetimes.session_seconds)
    grant = grant_of(session, "RS256", now, now + place.settings.lifetimes.grant_seconds)
    token = RefreshToken(token_hash="", grant_id="", created_at=now, expires_at=grant.expires_at)
    secret = Credential(
        account_id="", method="password", secret=password_hash(place.settings), created_at=now, updated_at=now
    )
    event = AuditEvent(event_id="", name="sign_in.ok", at=now, result="ok", address="192.0.2.7", request_id="0" * 32)
    with filling(place.settings.database_url) as connection:
        account = row_of(AccountRecord, accounts, drafted)
        repeat(connection, accounts, account, count, account_id=ACCOUNT_ID)
        for name in drafted.names:
            repeat(connection, account_names, {"name": name}, count, account_id=ACCOUNT_ID)
        repeat(connection, credentials, row_of(Credential, credentials, secret), count, account_id=ACCOUNT_ID)
        repeat(
            connection,
            sessions,
            row_of(type(session), sessions, session),
            count,
            session_id=SESSION_ID,
            account_id=ACCOUNT_ID,
            handle_hash=_hash("handle", "n"),
        )
        repeat(
            connection,
            grants,
            row_of(type(grant), grants, grant),
            count,
            grant_id=GRANT_ID,
            account_id=ACCOUNT_ID,
            session_id=SESSION_ID,
        )
        repeat(
            connection,
            refresh_tokens,
            row_of(RefreshToken, refresh_tokens, token),
            count * TOKENS_EACH,
            token_hash=_hash("token", "n"),
            grant_id=f"md5('grant' || (n / {TOKENS_EACH}))",
            consumed_at=f"CASE WHEN n - n / {TOKENS_EACH} * {TOKENS_EACH} < {TOKENS_EACH - 1} THEN {now} END",
        )
        repeat(
            connection,
            audit,
            row_of(AuditEvent, audit, event),
            count,
            event_id="md5('event' || n)",
            account_id=ACCOUNT_ID,
            session_id=SESSION_ID,
        )
    return replace(place, accounts=Numbered(count))


def row_of(kind: type[Any], table: Table, record: Any) -> dict[str, Any]:
    """Return a record as its row."""
    named = {field.name for field in fields(kind)} & {column.name for column in table.columns}
    return Codec(kind, table, sorted(named)).encode(record)


def _hash(what: str, number: str) -> str:
    """Return the SQL of something as long as a SHA-256."""
    return f"md5('{what} a' || {number}) || md5('{what} b' || {number})"
