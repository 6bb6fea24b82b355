"""What is deleted when: every table that grows has its line here.

A day is kept beyond the end of anything, so that a replay is still recognised and an audit can still be matched.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, delete, exists, or_, select, tuple_

from idp.stores.sql.statements import Statement
from idp.stores.sql.tables import artifacts, audit, grants, outbox, refresh_tokens, sessions, throttles

DAY = 86_400
# What only one instance does at a time, as `Runner.is_alone` knows it.
SWEEPING = 1


def _statement(table: Table, condition: ColumnElement[bool]) -> Statement:
    """Delete the rows of a batch by key: DELETE ... LIMIT is not in every database. Rows in use are left for later."""
    key: Any = list(table.primary_key.columns)
    batch = select(*key).where(condition).limit(bindparam("limit")).with_for_update(skip_locked=True)
    wanted = key[0] if len(key) == 1 else tuple_(*key)
    return Statement(delete(table).where(wanted.in_(batch)))


def _before(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column < bindparam("before")


OVER = or_(_before(grants.c.expires_at), _before(grants.c.revoked_at))
# Spent refresh tokens stay as long as their grant, so that a late replay still ends the family (RFC 9700 §4.14.2).
TOKENS_OF_OVER = Statement(
    delete(refresh_tokens).where(
        refresh_tokens.c.token_hash.in_(
            select(refresh_tokens.c.token_hash)
            .where(refresh_tokens.c.grant_id.in_(select(grants.c.grant_id).where(OVER)))
            .limit(bindparam("limit"))
            .with_for_update(skip_locked=True)
        )
    )
)
WITHOUT_TOKENS = ~exists().where(refresh_tokens.c.grant_id == grants.c.grant_id)

SWEEPS = (
    (_statement(artifacts, _before(artifacts.c.expires_at)), DAY),
    (TOKENS_OF_OVER, DAY),
    (_statement(sessions, or_(_before(sessions.c.expires_at), _before(sessions.c.ended_at))), DAY),
    (_statement(grants, and_(OVER, WITHOUT_TOKENS)), DAY),
    (_statement(throttles, _before(throttles.c.window_started_at)), DAY),
    (_statement(outbox, or_(_before(outbox.c.delivered_at), _before(outbox.c.failed_at))), 7 * DAY),
    (_statement(audit, _before(audit.c.at)), 365 * DAY),
)


def sweep(now: int, limit: int) -> Iterator[tuple[Statement, dict[str, int]]]:
    """Yield each table's statement with its parameters."""
    for statement, kept_seconds in SWEEPS:
        yield statement, {"before": now - kept_seconds, "limit": limit}
