"""Audit events: appended, never changed."""

from sqlalchemy import and_, bindparam, or_, select

from idp.stores.records import AuditEvent
from idp.stores.sql.running import Runner, storable
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import audit
from idp.stores.sql.writing import insert

EVENT = Codec.of(AuditEvent, audit)
ADD = insert(audit)
LIST = Statement(select(*EVENT.columns).order_by(audit.c.at.desc(), audit.c.event_id).limit(bindparam("limit")))

OF_ACCOUNT = (
    select(*EVENT.columns)
    .where(audit.c.account_id == bindparam("owner"))
    .order_by(audit.c.at.desc(), audit.c.event_id)
    .limit(bindparam("limit"))
)
# `at <=` beside the rest, for no database finds the range in the index by the `or` alone.
AFTER = and_(
    audit.c.at <= bindparam("before_at"),
    or_(audit.c.at < bindparam("before_at"), audit.c.event_id > bindparam("before_id")),
)
LIST_OF_ACCOUNT = Statement(OF_ACCOUNT)
LIST_ON = Statement(OF_ACCOUNT.where(AFTER))


class SqlAudit:
    """`AuditStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, event: AuditEvent) -> None:
        """Append an event. It tells what was tried, so text that cannot be stored is kept as an escape."""
        values = EVENT.encode(event)
        self._run.add(ADD, {n: storable(v) if isinstance(v, str) else v for n, v in values.items()}, "event_id")

    def list(self, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events."""
        return EVENT.decode_all(self._run.all(LIST, limit=limit))

    def list_of_account(
        self, account_id: str, *, before: tuple[int, str] | None = None, limit: int = 100
    ) -> tuple[AuditEvent, ...]:
        """Return the newest events of an account."""
        if before is None:
            return EVENT.decode_all(self._run.all(LIST_OF_ACCOUNT, owner=account_id, limit=limit))
        at, event_id = before
        found = self._run.all(LIST_ON, owner=account_id, limit=limit, before_at=at, before_id=event_id)
        return EVENT.decode_all(found)
