"""What accounts have beside their passwords."""

from sqlalchemy import bindparam, delete, select, update

from idp.stores.records import Authenticator
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Codec, Statement
from idp.stores.sql.tables import authenticators
from idp.stores.sql.writing import insert

AUTHENTICATOR = Codec.of(Authenticator, authenticators)
OF_ACCOUNT = authenticators.c.account_id == bindparam("owner")
WANTED = authenticators.c.authenticator_id == bindparam("wanted")
ADD = insert(authenticators)
FIND = Statement(select(*AUTHENTICATOR.columns).where(WANTED))
LIST = Statement(
    select(*AUTHENTICATOR.columns)
    .where(OF_ACCOUNT)
    .order_by(authenticators.c.created_at, authenticators.c.authenticator_id)
)
ADVANCE = Statement(
    update(authenticators)
    .where(WANTED, authenticators.c.counter < bindparam("reached"))
    .values(counter=bindparam("reached"), last_used_at=bindparam("at"))
)
TOUCH = Statement(update(authenticators).where(WANTED).values(last_used_at=bindparam("at")))
RENAME = Statement(update(authenticators).where(WANTED, OF_ACCOUNT).values(name=bindparam("called")))
REMOVE = Statement(delete(authenticators).where(WANTED, OF_ACCOUNT))
REMOVE_ALL = Statement(delete(authenticators).where(OF_ACCOUNT, authenticators.c.method == bindparam("kind")))


class SqlAuthenticators:
    """`AuthenticatorStore` over SQL."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    def add(self, authenticator: Authenticator) -> None:
        """Keep a new one."""
        self._run.add(ADD, AUTHENTICATOR.encode(authenticator), "authenticator_id")

    def find(self, authenticator_id: str) -> Authenticator | None:
        """Return the authenticator."""
        return AUTHENTICATOR.decode_or_none(self._run.one(FIND, wanted=authenticator_id))

    def list(self, account_id: str) -> tuple[Authenticator, ...]:
        """Return all of an account."""
        return AUTHENTICATOR.decode_all(self._run.all(LIST, owner=account_id))

    def advance(self, authenticator_id: str, counter: int, used_at: int) -> bool:
        """Note a use that its counter shows to be new."""
        return bool(self._run.changed(ADVANCE, wanted=authenticator_id, reached=counter, at=used_at))

    def touch(self, authenticator_id: str, used_at: int) -> bool:
        """Note a use of one that counts nothing."""
        return bool(self._run.changed(TOUCH, wanted=authenticator_id, at=used_at))

    def rename(self, account_id: str, authenticator_id: str, name: str) -> bool:
        """Rename one of this account."""
        return self._run.write(RENAME, {"owner": account_id, "wanted": authenticator_id, "called": name})

    def remove(self, account_id: str, authenticator_id: str) -> bool:
        """Forget one of this account."""
        return bool(self._run.changed(REMOVE, owner=account_id, wanted=authenticator_id))

    def remove_all(self, account_id: str, method: str) -> int:
        """Forget all of a method."""
        return self._run.changed(REMOVE_ALL, owner=account_id, kind=method)
