"""What is deleted when: every table that grows has its line here.

A day is kept beyond the end of anything, so that a replay is still recognised and an audit can still be matched.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, exists, select, tuple_

from idp.stores.sql.statements import Statement
from idp.stores.sql.tables import artifacts, audit, grants, outbox, refresh_tokens, sessions, throttles

DAY = 86_400
# What only one instance does at a time, as `Runner.is_alone` knows it.
SWEEPING = 1


def _before(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column < bindparam("before")


def _oldest(table: Table, column: ColumnElement[Any]) -> Any:
    """Select the keys of a batch by age. Only in the order of the column's index does a batch cost the same however
    many rows wait behind it."""
    return select(*table.primary_key.columns).where(_before(column)).order_by(column).limit(bindparam("limit"))


def _delete(table: Table, batch: Any) -> Statement:
    """Delete the rows of a batch by key: DELETE ... LIMIT is not in every database. Rows in use are left for later."""
    key: Any = list(table.primary_key.columns)
    wanted = key[0] if len(key) == 1 else tuple_(*key)
    return Statement(delete(table).where(wanted.in_(batch.with_for_update(skip_locked=True))))


def _old(table: Table, column: ColumnElement[Any]) -> Statement:
    return _delete(table, _oldest(table, column))


def _tokens_of_old_grants(column: ColumnElement[Any]) -> Statement:
    """Spent refresh tokens stay as long as their grant, so that a late replay still ends the family (RFC 9700
    §4.14.2)."""
    theirs = select(refresh_tokens.c.token_hash).where(refresh_tokens.c.grant_id.in_(_oldest(grants, column)))
    return _delete(refresh_tokens, theirs.limit(bindparam("limit")))


def _old_grants(column: ColumnElement[Any]) -> Statement:
    """Delete those that have no token any more; a grant goes last, for tokens are found by it."""
    has_tokens = exists().where(refresh_tokens.c.grant_id == grants.c.grant_id)
    return _delete(grants, select(grants.c.grant_id).where(grants.c.grant_id.in_(_oldest(grants, column)), ~has_tokens))


SWEEPS = (
    (_old(artifacts, artifacts.c.expires_at), DAY),
    (_tokens_of_old_grants(grants.c.expires_at), DAY),
    (_tokens_of_old_grants(grants.c.revoked_at), DAY),
    (_old(sessions, sessions.c.expires_at), DAY),
    (_old(sessions, sessions.c.ended_at), DAY),
    (_old_grants(grants.c.expires_at), DAY),
    (_old_grants(grants.c.revoked_at), DAY),
    (_old(throttles, throttles.c.window_started_at), DAY),
    (_old(outbox, outbox.c.delivered_at), 7 * DAY),
    (_old(outbox, outbox.c.failed_at), 7 * DAY),
    (_old(audit, audit.c.at), 365 * DAY),
)


def sweep(now: int, limit: int) -> Iterator[tuple[Statement, dict[str, int]]]:
    """Yield each statement with its parameters."""
    for statement, kept_seconds in SWEEPS:
        yield statement, {"before": now - kept_seconds, "limit": limit}
