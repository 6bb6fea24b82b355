"""Messages on their way to other parties."""

from sqlalchemy import bindparam, or_, select, update

from idp.stores.records import OutboxMessage
from idp.stores.sql.statements import Codec, Runner, Statement
from idp.stores.sql.tables import outbox
from idp.stores.sql.writing import insert

MESSAGE = Codec.of(OutboxMessage, outbox)
WANTED = outbox.c.message_id == bindparam("wanted")
OPEN = (outbox.c.delivered_at.is_(None), outbox.c.failed_at.is_(None))
ADD = insert(outbox)
DUE = (
    select(outbox.c.message_id)
    .where(outbox.c.next_attempt_at <= bindparam("now"), *OPEN)
    .order_by(outbox.c.next_attempt_at)
    .limit(bindparam("limit"))
)
CLAIM = Statement(
    update(outbox)
    .where(outbox.c.message_id.in_(DUE), outbox.c.next_attempt_at <= bindparam("now"), *OPEN)
    .values(attempts=outbox.c.attempts + 1, next_attempt_at=bindparam("leased_until"))
    .returning(*MESSAGE.columns)
)
DELIVERED = Statement(
    update(outbox).where(WANTED).values(delivered_at=bindparam("at"), last_result=bindparam("result"))
)
FAILED = Statement(
    update(outbox)
    .where(WANTED)
    .values(next_attempt_at=bindparam("again_at"), failed_at=bindparam("given_up_at"), last_result=bindparam("result"))
)
LIST = Statement(
    select(*MESSAGE.columns)
    .where(or_(bindparam("any_client") == 1, outbox.c.client_id == bindparam("client_id")))
    .order_by(outbox.c.created_at.desc(), outbox.c.message_id)
    .limit(bindparam("limit"))
)


class SqlOutbox:
    """`OutboxStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, message: OutboxMessage) -> None:
        """Keep a new message."""
        self._run.changed(ADD, **MESSAGE.encode(message))

    def claim(self, now: int, limit: int, lease_seconds: int) -> tuple[OutboxMessage, ...]:
        """Take due messages under a lease."""
        return MESSAGE.decode_all(self._run.all(CLAIM, now=now, limit=limit, leased_until=now + lease_seconds))

    def mark_delivered(self, message_id: str, at: int, result: str) -> None:
        """Note a delivery."""
        self._run.changed(DELIVERED, wanted=message_id, at=at, result=result)

    def mark_failed(self, message_id: str, result: str, *, next_attempt_at: int | None, at: int) -> None:
        """Note a failure; without a next attempt the message is given up."""
        given_up_at = at if next_attempt_at is None else None
        again_at = at if next_attempt_at is None else next_attempt_at
        self._run.changed(FAILED, wanted=message_id, again_at=again_at, given_up_at=given_up_at, result=result)

    def list(self, *, client_id: str | None = None, limit: int = 100) -> tuple[OutboxMessage, ...]:
        """Return the newest messages."""
        any_client = 1 if client_id is None else 0
        return MESSAGE.decode_all(self._run.all(LIST, any_client=any_client, client_id=client_id or "", limit=limit))
