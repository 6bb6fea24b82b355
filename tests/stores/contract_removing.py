"""The contract of removing accounts: all that belongs to one goes with it, and nothing else does."""

from dataclasses import replace

from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.records import Authenticator, Consent, Credential, PairwiseSubject
from tests.stores.contract import HOSTILE, NOW, account, artifact, grant, message, race, session, token


def fill(uow: UnitOfWork, name: str) -> None:
    """Make an account that has one of everything."""
    uow.accounts.add(account(name, name, f"{name}@example.org"))
    uow.accounts.put_credential(
        Credential(account_id=name, method="password", secret="x", created_at=NOW, updated_at=NOW)
    )
    uow.authenticators.add(
        Authenticator(
            authenticator_id=f"p-{name}", account_id=name, method="passkey", name="", secret="", created_at=NOW
        )
    )
    uow.consents.put(Consent(account_id=name, client_id="c1", scopes=("openid",), updated_at=NOW))
    uow.subjects.add(PairwiseSubject(sector="s", account_id=name, subject=f"w-{name}"))
    uow.sessions.add(session(f"s-{name}", account_id=name))
    uow.grants.add(grant(f"g-{name}", account_id=name, session_id=f"s-{name}"))
    uow.refresh_tokens.add(token(f"t-{name}", grant_id=f"g-{name}"))


def remains(uow: UnitOfWork, name: str) -> list[bool]:
    """Tell of each thing whether it is there."""
    found = (
        uow.accounts.find(name),
        uow.accounts.find_by_name(name),
        uow.accounts.find_by_name(f"{name}@example.org"),
        uow.accounts.find_credential(name, "password"),
        uow.authenticators.find(f"p-{name}"),
        uow.consents.find(name, "c1"),
        uow.subjects.find("s", name),
        uow.subjects.find_by_subject("s", f"w-{name}"),
        uow.sessions.find(f"s-{name}"),
        uow.sessions.find_by_handle(f"h-s-{name}"),
        uow.grants.find(f"g-{name}"),
        uow.refresh_tokens.find(f"t-{name}"),
    )
    return [each is not None for each in found]


class RemovingContract:
    """Every promise about accounts that are closed and removed."""

    def test_account_goes_with_all_that_belongs_to_it(self, storage: Storage) -> None:
        """Nothing of it is left but what tells of the past; another account keeps everything; its name is free."""
        with storage.begin() as uow:
            fill(uow, "a1")
            fill(uow, "a2")
            uow.grants.add(grant("machine", account_id=None, session_id=None))
            uow.outbox.add(message())
            uow.artifacts.add(artifact())
        with storage.begin() as uow:
            assert uow.accounts.remove("a1")
            assert not any(remains(uow, "a1"))
        with storage.snapshot() as uow:
            assert not any(remains(uow, "a1"))
            assert all(remains(uow, "a2"))
            assert uow.grants.find("machine") is not None
            assert len(uow.outbox.list()) == 1
        with storage.begin() as uow:
            fill(uow, "a1")

    def test_account_is_removed_once(self, storage: Storage) -> None:
        """Of sixteen at once one removes it; what is not there is no error."""
        with storage.begin() as uow:
            fill(uow, "a1")
        assert race(storage, lambda uow: uow.accounts.remove("a1")).count(True) == 1
        for name in HOSTILE:
            with storage.begin() as uow:
                assert not uow.accounts.remove(name)

    def test_removal_is_undone_with_its_unit_of_work(self, storage: Storage) -> None:
        """A fault afterwards leaves everything there."""
        with storage.begin() as uow:
            fill(uow, "a1")
        try:
            with storage.begin() as uow:
                uow.accounts.remove("a1")
                raise KeyError
        except KeyError:
            pass
        with storage.snapshot() as uow:
            assert all(remains(uow, "a1"))

    def test_due_accounts_are_listed(self, storage: Storage) -> None:
        """From the second on, the longest due first, a page at a time; open ones never."""
        with storage.begin() as uow:
            for name, delete_at in (("a", None), ("b", NOW + 2), ("c", NOW), ("d", NOW + 3)):
                uow.accounts.add(replace(account(name), delete_at=delete_at))
        with storage.snapshot() as uow:
            assert [one.account_id for one in uow.accounts.list_due(NOW - 1, 9)] == []
            assert [one.account_id for one in uow.accounts.list_due(NOW, 9)] == ["c"]
            assert [one.account_id for one in uow.accounts.list_due(NOW + 9, 2)] == ["c", "b"]
            found = uow.accounts.find("b")
        assert found is not None
        assert found.delete_at == NOW + 2
        with storage.begin() as uow:
            assert uow.accounts.replace(replace(found, delete_at=None))
        with storage.snapshot() as uow:
            assert [one.account_id for one in uow.accounts.list_due(NOW + 9, 9)] == ["c", "d"]
