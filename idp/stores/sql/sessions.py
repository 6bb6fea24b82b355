"""Sessions."""

from sqlalchemy import bindparam, select, update

from idp.stores.interfaces import Duplicate
from idp.stores.records import Account, Session
from idp.stores.sql.accounts import ACCOUNT
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import accounts, sessions
from idp.stores.sql.writing import insert, key_of, update_all

SESSION = Codec.of(Session, sessions)
LIVE = sessions.c.ended_at.is_(None)
ADD = insert(sessions)
REPLACE = update_all(sessions, ("session_id",), LIVE)
FIND = Statement(select(*SESSION.columns).where(sessions.c.session_id == bindparam("session_id")))
HOLD_WITH_ACCOUNT = Statement(
    select(*SESSION.columns, *ACCOUNT.columns)
    .outerjoin_from(sessions, accounts, accounts.c.account_id == sessions.c.account_id)
    .where(sessions.c.session_id == bindparam("session_id"))
    .with_for_update(of=sessions)
)
# Where the account's columns begin in its rows.
THEIR_ACCOUNT = len(SESSION.names)
TOUCH = Statement(
    update(sessions)
    .where(sessions.c.session_id == bindparam("wanted"), LIVE, sessions.c.last_seen_at < bindparam("at"))
    .values(last_seen_at=bindparam("at"))
)
FIND_BY_HANDLE = Statement(select(*SESSION.columns).where(sessions.c.handle_hash == bindparam("handle_hash")))
END = Statement(
    update(sessions)
    .where(sessions.c.session_id == bindparam("wanted"), LIVE)
    .values(ended_at=bindparam("at"))
    .returning(*SESSION.columns)
)
LIST_LIVE = Statement(
    select(*SESSION.columns)
    .where(sessions.c.account_id == bindparam("account_id"), LIVE, sessions.c.expires_at > bindparam("now"))
    .order_by(sessions.c.created_at.desc(), sessions.c.session_id)
)


class SqlSessions:
    """`SessionStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, session: Session) -> None:
        """Keep a new session."""
        if not self._run.write(ADD, SESSION.encode(session)):
            raise Duplicate("session_id" if self.find(session.session_id) else "handle_hash")

    def find(self, session_id: str) -> Session | None:
        """Return the session."""
        return SESSION.decode_or_none(self._run.one(FIND, session_id=session_id))

    def hold_with_account(self, session_id: str) -> tuple[Session, Account | None] | None:
        """Return the session, held, and its account."""
        row = self._run.one(HOLD_WITH_ACCOUNT, session_id=session_id)
        if row is None:
            return None
        return SESSION.decode(row[:THEIR_ACCOUNT]), ACCOUNT.decode_joined(row[THEIR_ACCOUNT:])

    def touch(self, session_id: str, last_seen_at: int) -> None:
        """Note that a live session was used."""
        self._run.changed(TOUCH, wanted=session_id, at=last_seen_at)

    def find_by_handle(self, handle_hash: str) -> Session | None:
        """Return the session of this handle."""
        return SESSION.decode_or_none(self._run.one(FIND_BY_HANDLE, handle_hash=handle_hash))

    def replace(self, session: Session) -> bool:
        """Overwrite a live session."""
        return self._run.write(REPLACE, key_of(("session_id",), SESSION.encode(session)))

    def end(self, session_id: str, ended_at: int) -> Session | None:
        """End a live session."""
        return SESSION.decode_or_none(self._run.one(END, wanted=session_id, at=ended_at))

    def list_live(self, account_id: str, now: int) -> tuple[Session, ...]:
        """Return the account's live sessions."""
        return SESSION.decode_all(self._run.all(LIST_LIVE, account_id=account_id, now=now))
