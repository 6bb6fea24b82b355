"""Grants and their refresh tokens."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update

from idp.stores.records import Grant, RefreshToken, Standing
from idp.stores.sql.accounts import ACCOUNT
from idp.stores.sql.clients import CLIENT
from idp.stores.sql.running import Runner
from idp.stores.sql.sessions import SESSION
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import accounts, clients, grants, refresh_tokens, sessions
from idp.stores.sql.writing import insert

GRANT = Codec.of(Grant, grants)
TOKEN = Codec.of(RefreshToken, refresh_tokens)
ADD = insert(grants)
FIND = Statement(select(*GRANT.columns).where(grants.c.grant_id == bindparam("grant_id")))
STANDING = (*GRANT.columns, *CLIENT.columns, *ACCOUNT.columns, *SESSION.columns)
# Where the others' columns begin in its rows.
THEIR_CLIENT = len(GRANT.names)
THEIR_ACCOUNT = THEIR_CLIENT + len(CLIENT.names)
THEIR_SESSION = THEIR_ACCOUNT + len(ACCOUNT.names)
FIND_STANDING = Statement(
    select(*STANDING)
    .outerjoin_from(grants, clients, clients.c.client_id == grants.c.client_id)
    .outerjoin(accounts, accounts.c.account_id == grants.c.account_id)
    .outerjoin(sessions, sessions.c.session_id == grants.c.session_id)
    .where(grants.c.grant_id == bindparam("grant_id"))
)
FIND_TOKEN_STANDING = Statement(
    select(*TOKEN.columns, *STANDING)
    .join_from(refresh_tokens, grants, grants.c.grant_id == refresh_tokens.c.grant_id)
    .outerjoin(clients, clients.c.client_id == grants.c.client_id)
    .outerjoin(accounts, accounts.c.account_id == grants.c.account_id)
    .outerjoin(sessions, sessions.c.session_id == grants.c.session_id)
    .where(refresh_tokens.c.token_hash == bindparam("token_hash"))
)
CLIENT_IDS = Statement(
    select(grants.c.client_id)
    .where(grants.c.session_id == bindparam("session_id"))
    .distinct()
    .order_by(grants.c.client_id)
)
ADD_TOKEN = insert(refresh_tokens)
FIND_TOKEN = Statement(select(*TOKEN.columns).where(refresh_tokens.c.token_hash == bindparam("token_hash")))
CONSUME_TOKEN = Statement(
    update(refresh_tokens)
    .where(
        refresh_tokens.c.token_hash == bindparam("wanted"),
        refresh_tokens.c.consumed_at.is_(None),
        refresh_tokens.c.expires_at > bindparam("now"),
    )
    .values(consumed_at=bindparam("at"))
    .returning(*TOKEN.columns)
)


def _revoke_where(*conditions: ColumnElement[bool]) -> Statement:
    clause = update(grants).where(grants.c.revoked_at.is_(None), *conditions)
    return Statement(clause.values(revoked_at=bindparam("at")))


REVOKE = _revoke_where(grants.c.grant_id == bindparam("wanted"))
REVOKE_OF_SESSION = _revoke_where(grants.c.session_id == bindparam("wanted"), grants.c.offline.is_(False))
REVOKE_OF_ACCOUNT = _revoke_where(grants.c.account_id == bindparam("wanted"))
REVOKE_OF_CONSENT = _revoke_where(
    grants.c.account_id == bindparam("wanted"), grants.c.client_id == bindparam("wanted_client")
)
LIST_OF_ACCOUNT = Statement(
    select(*GRANT.columns)
    .where(grants.c.account_id == bindparam("wanted"))
    .order_by(grants.c.created_at.desc(), grants.c.grant_id)
    .limit(bindparam("limit"))
)
REVOKE_OF_CLIENT = _revoke_where(grants.c.client_id == bindparam("wanted"))


class SqlGrants:
    """`GrantStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, grant: Grant) -> None:
        """Keep a new grant."""
        self._run.add(ADD, GRANT.encode(grant), "grant_id")

    def find(self, grant_id: str) -> Grant | None:
        """Return the grant."""
        return GRANT.decode_or_none(self._run.one(FIND, grant_id=grant_id))

    def find_standing(self, grant_id: str) -> Standing | None:
        """Return the grant with what it rests on."""
        row = self._run.one(FIND_STANDING, grant_id=grant_id)
        return None if row is None else _standing(row)

    def revoke(self, grant_id: str, revoked_at: int) -> bool:
        """Revoke one grant."""
        return bool(self._run.changed(REVOKE, wanted=grant_id, at=revoked_at))

    def revoke_of_session(self, session_id: str, revoked_at: int) -> int:
        """Revoke the session's grants that are not offline."""
        return self._run.changed(REVOKE_OF_SESSION, wanted=session_id, at=revoked_at)

    def revoke_of_account(self, account_id: str, revoked_at: int) -> int:
        """Revoke all grants of an account."""
        return self._run.changed(REVOKE_OF_ACCOUNT, wanted=account_id, at=revoked_at)

    def revoke_of_client(self, client_id: str, revoked_at: int) -> int:
        """Revoke all grants of a client."""
        return self._run.changed(REVOKE_OF_CLIENT, wanted=client_id, at=revoked_at)

    def revoke_of_consent(self, account_id: str, client_id: str, revoked_at: int) -> int:
        """Revoke what the account granted to the client."""
        return self._run.changed(REVOKE_OF_CONSENT, wanted=account_id, wanted_client=client_id, at=revoked_at)

    def list_of_account(self, account_id: str, *, limit: int = 1000) -> tuple[Grant, ...]:
        """Return the account's newest grants."""
        return GRANT.decode_all(self._run.all(LIST_OF_ACCOUNT, wanted=account_id, limit=limit))

    def client_ids_of_session(self, session_id: str) -> tuple[str, ...]:
        """Return the clients that were given a grant in this session."""
        return tuple(row[0] for row in self._run.all(CLIENT_IDS, session_id=session_id))


def _standing(row: Sequence[Any]) -> Standing:
    return Standing(
        grant=GRANT.decode(row[:THEIR_CLIENT]),
        client=CLIENT.decode_joined(row[THEIR_CLIENT:THEIR_ACCOUNT]),
        account=ACCOUNT.decode_joined(row[THEIR_ACCOUNT:THEIR_SESSION]),
        session=SESSION.decode_joined(row[THEIR_SESSION:]),
    )


class SqlRefreshTokens:
    """`RefreshTokenStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, token: RefreshToken) -> None:
        """Keep a new token."""
        self._run.add(ADD_TOKEN, TOKEN.encode(token), "token_hash")

    def find(self, token_hash: str) -> RefreshToken | None:
        """Return the token."""
        return TOKEN.decode_or_none(self._run.one(FIND_TOKEN, token_hash=token_hash))

    def find_standing(self, token_hash: str) -> tuple[RefreshToken, Standing] | None:
        """Return the token with its grant and what that rests on."""
        row = self._run.one(FIND_TOKEN_STANDING, token_hash=token_hash)
        own = len(TOKEN.names)
        return None if row is None else (TOKEN.decode(row[:own]), _standing(row[own:]))

    def consume(self, token_hash: str, now: int) -> RefreshToken | None:
        """Consume a live token, once."""
        return TOKEN.decode_or_none(self._run.one(CONSUME_TOKEN, wanted=token_hash, now=now, at=now))
