"""Counters in fixed windows."""

from sqlalchemy import bindparam, case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from idp.stores.records import Throttle
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import throttles

THROTTLE = Codec.of(Throttle, throttles)
# One that begins later than now was begun before the clock was put back: it must not last for as long as that (OP-19).
OVER = or_(
    throttles.c.window_started_at <= bindparam("over"),
    throttles.c.window_started_at > bindparam("ahead"),
)
HIT = Statement(
    insert(throttles)
    .values(key=bindparam("key"), count=1, window_started_at=bindparam("now"))
    .on_conflict_do_update(
        index_elements=["key"],
        set_={
            "count": case((OVER, 1), else_=throttles.c.count + 1),
            "window_started_at": case((OVER, bindparam("now")), else_=throttles.c.window_started_at),
        },
    )
    .returning(*THROTTLE.columns)
)
FIND = Statement(select(*THROTTLE.columns).where(throttles.c.key == bindparam("wanted")))
REFUND = Statement(
    update(throttles)
    .where(throttles.c.key == bindparam("wanted"), throttles.c.count > 0)
    .values(count=throttles.c.count - 1)
)
CLEAR = Statement(delete(throttles).where(throttles.c.key == bindparam("wanted")))


class SqlThrottles:
    """`ThrottleStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def hit(self, key: str, now: int, window_seconds: int) -> Throttle:
        """Count one try in one statement."""
        window = {"over": now - window_seconds, "ahead": now + window_seconds}
        row = self._run.run(HIT, {"key": key, "now": now, **window}).fetchone()
        return THROTTLE.decode(row)

    def find(self, key: str) -> Throttle | None:
        """Return the counter."""
        return THROTTLE.decode_or_none(self._run.one(FIND, wanted=key))

    def refund(self, key: str) -> None:
        """Take one try back."""
        self._run.changed(REFUND, wanted=key)

    def clear(self, key: str) -> None:
        """Forget the counter."""
        self._run.changed(CLEAR, wanted=key)
