"""The contract of the store of authenticators, on every backend."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from idp.stores.interfaces import Duplicate, Storage
from idp.stores.records import Authenticator

NOW = 1_800_000_000
RACERS = 16


def authenticator(authenticator_id: str = "p1", **more: Any) -> Authenticator:
    """Return a passkey of the account a1."""
    values: dict[str, Any] = {
        "authenticator_id": authenticator_id,
        "account_id": "a1",
        "method": "passkey",
        "name": "Zoë’s phone",
        "secret": "public key",
        "created_at": NOW,
        "facts": {"transports": ["internal"], "backed_up": True},
    }
    return Authenticator(**values | more)


class AuthenticatorContract:
    """What holds for the authenticators of any storage."""

    def test_authenticators_are_kept_by_account(self, storage: Storage) -> None:
        """They come back equal, the oldest first; an id is taken once over all accounts (MF-18)."""
        older = authenticator("p2", created_at=NOW - 1)
        with storage.begin() as uow:
            for each in (authenticator(), older, authenticator("p3", account_id="a2")):
                uow.authenticators.add(each)
            assert uow.authenticators.find("p1") == authenticator()
            assert uow.authenticators.list("a1") == (older, authenticator())
            assert uow.authenticators.list("nobody") == ()
            with pytest.raises(Duplicate):
                uow.authenticators.add(authenticator(account_id="a2"))
            assert uow.authenticators.find("p1") == authenticator()

    def test_counter_only_grows(self, storage: Storage) -> None:
        """What was accepted once, or is older, is not accepted."""
        with storage.begin() as uow:
            uow.authenticators.add(authenticator(counter=5))
            answers = [uow.authenticators.advance("p1", counter, NOW + counter) for counter in (5, 4, 6, 6, 7)]
            assert answers == [False, False, True, False, True]
            assert uow.authenticators.find("p1") == replace(authenticator(), counter=7, last_used_at=NOW + 7)
            assert not uow.authenticators.advance("unknown", 1, NOW)

    def test_use_of_one_that_counts_nothing(self, storage: Storage) -> None:
        """The instant is noted, the counter stays."""
        with storage.begin() as uow:
            uow.authenticators.add(authenticator())
            assert uow.authenticators.touch("p1", NOW + 5)
            assert uow.authenticators.find("p1") == replace(authenticator(), last_used_at=NOW + 5)
            assert not uow.authenticators.touch("unknown", NOW)

    def test_others_cannot_be_changed(self, storage: Storage) -> None:
        """Renaming and removing need the owner (MF-22)."""
        with storage.begin() as uow:
            uow.authenticators.add(authenticator())
            assert not uow.authenticators.rename("a2", "p1", "mine")
            assert not uow.authenticators.remove("a2", "p1")
            assert uow.authenticators.rename("a1", "p1", "Laptop")
            assert uow.authenticators.find("p1") == authenticator(name="Laptop")
            assert uow.authenticators.remove("a1", "p1")
            assert not uow.authenticators.remove("a1", "p1")

    def test_all_of_a_method_go(self, storage: Storage) -> None:
        """Others stay."""
        with storage.begin() as uow:
            for number in range(3):
                uow.authenticators.add(authenticator(f"r{number}", method="recovery_code"))
            uow.authenticators.add(authenticator())
            uow.authenticators.add(authenticator("other", account_id="a2", method="recovery_code"))
            assert uow.authenticators.remove_all("a1", "recovery_code") == 3
            assert [each.authenticator_id for each in uow.authenticators.list("a1")] == ["p1"]
            assert uow.authenticators.find("other") is not None

    @pytest.mark.parametrize("way", ["advance", "remove"])
    def test_one_of_sixteen_uses_it(self, storage: Storage, way: str) -> None:
        """A code of an app and a recovery code count once, however many send them at the same moment (R4)."""
        with storage.begin() as uow:
            uow.authenticators.add(authenticator())

        def use(_number: int) -> bool:
            with storage.begin() as uow:
                if way == "advance":
                    return uow.authenticators.advance("p1", 1, NOW)
                return uow.authenticators.remove("a1", "p1")

        with ThreadPoolExecutor(RACERS) as racers:
            assert sum(racers.map(use, range(RACERS))) == 1
