"""What accounts have beside their passwords."""

from dataclasses import replace

from idp.stores.memory.tables import Tables, insert, kept
from idp.stores.records import Authenticator


class MemoryAuthenticators:
    """`AuthenticatorStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, authenticator: Authenticator) -> None:
        """Keep a new one."""
        insert(self._t.authenticators, authenticator.authenticator_id, "authenticator_id", authenticator)

    def find(self, authenticator_id: str) -> Authenticator | None:
        """Return the authenticator."""
        return self._t.authenticators.get(authenticator_id)

    def list(self, account_id: str) -> tuple[Authenticator, ...]:
        """Return all of an account."""
        found = (a for a in self._t.authenticators.values() if a.account_id == account_id)
        return tuple(sorted(found, key=lambda a: (a.created_at, a.authenticator_id)))

    def advance(self, authenticator_id: str, counter: int, used_at: int) -> bool:
        """Note a use that its counter shows to be new."""
        found = self.find(authenticator_id)
        if found is None or found.counter >= counter:
            return False
        self._t.authenticators[authenticator_id] = replace(found, counter=counter, last_used_at=used_at)
        return True

    def touch(self, authenticator_id: str, used_at: int) -> bool:
        """Note a use of one that counts nothing."""
        found = self.find(authenticator_id)
        if found is not None:
            self._t.authenticators[authenticator_id] = replace(found, last_used_at=used_at)
        return found is not None

    def rename(self, account_id: str, authenticator_id: str, name: str) -> bool:
        """Rename one of this account."""
        found = self._of(account_id, authenticator_id)
        if found is not None:
            self._t.authenticators[authenticator_id] = kept(replace(found, name=name))
        return found is not None

    def remove(self, account_id: str, authenticator_id: str) -> bool:
        """Forget one of this account."""
        found = self._of(account_id, authenticator_id)
        if found is not None:
            del self._t.authenticators[authenticator_id]
        return found is not None

    def remove_all(self, account_id: str, method: str) -> int:
        """Forget all of a method."""
        found = [a.authenticator_id for a in self.list(account_id) if a.method == method]
        return sum(self.remove(account_id, authenticator_id) for authenticator_id in found)

    def _of(self, account_id: str, authenticator_id: str) -> Authenticator | None:
        found = self.find(authenticator_id)
        return found if found is not None and found.account_id == account_id else None
