"""Signing keys, sealed."""

from sqlalchemy import bindparam, delete, select, update

from idp.stores.records import SigningKey
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import signing_keys
from idp.stores.sql.writing import insert

# The matter, as `Runner.take_turns` knows it.
KEYS = 2
KEY = Codec.of(SigningKey, signing_keys)
WANTED = signing_keys.c.kid == bindparam("wanted")
ADD = insert(signing_keys)
LIST = Statement(select(*KEY.columns).order_by(signing_keys.c.created_at, signing_keys.c.kid))
ACTIVATE = Statement(
    update(signing_keys).where(WANTED, signing_keys.c.activated_at.is_(None)).values(activated_at=bindparam("at"))
)
RETIRE = Statement(
    update(signing_keys)
    .where(WANTED, signing_keys.c.activated_at.is_not(None), signing_keys.c.retired_at.is_(None))
    .values(retired_at=bindparam("at"), remove_at=bindparam("until"))
)
REMOVE = Statement(delete(signing_keys).where(WANTED))


class SqlSigningKeys:
    """`SigningKeyStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def list(self) -> tuple[SigningKey, ...]:
        """Return all keys, oldest first."""
        return KEY.decode_all(self._run.all(LIST))

    def hold(self) -> tuple[SigningKey, ...]:
        """Return all keys, held: rows that are not there yet cannot be locked, so it is the matter that is."""
        self._run.take_turns(KEYS)
        return self.list()

    def add(self, key: SigningKey) -> None:
        """Keep a new key."""
        self._run.add(ADD, KEY.encode(key), "kid")

    def activate(self, kid: str, activated_at: int) -> bool:
        """Make a next key active."""
        return bool(self._run.changed(ACTIVATE, wanted=kid, at=activated_at))

    def retire(self, kid: str, retired_at: int, remove_at: int) -> bool:
        """Retire an active key."""
        return bool(self._run.changed(RETIRE, wanted=kid, at=retired_at, until=remove_at))

    def remove(self, kid: str) -> bool:
        """Remove a key."""
        return bool(self._run.changed(REMOVE, wanted=kid))
