"""Audit events: appended, never changed."""

from sqlalchemy import bindparam, select

from idp.stores.records import AuditEvent
from idp.stores.sql.running import Runner, storable
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import audit
from idp.stores.sql.writing import insert

EVENT = Codec.of(AuditEvent, audit)
ADD = insert(audit)
LIST = Statement(select(*EVENT.columns).order_by(audit.c.at.desc(), audit.c.event_id).limit(bindparam("limit")))


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
