"""Messages on their way to other parties."""

from sqlalchemy import bindparam, func, select, update

from idp.stores.records import OutboxMessage
from idp.stores.sql.running import Runner, storable
from idp.stores.sql.statements import Codec, Statement
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
    # Two workers take different messages, and neither waits for the other.
    .with_for_update(skip_locked=True)
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
    .where(WANTED, *OPEN)
    .values(
        next_attempt_at=func.coalesce(bindparam("again_at"), outbox.c.next_attempt_at),
        failed_at=bindparam("given_up_at"),
        last_result=bindparam("result"),
    )
)
NEWEST = select(*MESSAGE.columns).order_by(outbox.c.created_at.desc(), outbox.c.message_id).limit(bindparam("limit"))
LIST = Statement(NEWEST)
LIST_OF_CLIENT = Statement(NEWEST.where(outbox.c.client_id == bindparam("client_id")))


class SqlOutbox:
    """`OutboxStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, message: OutboxMessage) -> None:
        """Keep a new message."""
        self._run.add(ADD, MESSAGE.encode(message), "message_id")

    def claim(self, now: int, limit: int, lease_seconds: int) -> tuple[OutboxMessage, ...]:
        """Take due messages under a lease."""
        return MESSAGE.decode_all(self._run.all(CLAIM, now=now, limit=limit, leased_until=now + lease_seconds))

    def mark_delivered(self, message_id: str, at: int, result: str) -> None:
        """Note a delivery."""
        self._run.changed(DELIVERED, wanted=message_id, at=at, result=storable(result))

    def mark_failed(self, message_id: str, result: str, *, next_attempt_at: int | None, at: int) -> None:
        """Note a failure, unless another worker has delivered the message meanwhile."""
        given_up_at = at if next_attempt_at is None else None
        outcome = {"again_at": next_attempt_at, "given_up_at": given_up_at, "result": storable(result)}
        self._run.changed(FAILED, wanted=message_id, **outcome)

    def list(self, *, client_id: str | None = None, limit: int = 100) -> tuple[OutboxMessage, ...]:
        """Return the newest messages."""
        if client_id is None:
            return MESSAGE.decode_all(self._run.all(LIST, limit=limit))
        return MESSAGE.decode_all(self._run.all(LIST_OF_CLIENT, client_id=client_id, limit=limit))
