"""The contract of the stores, continued: what a write may refuse, and that refusing leaves nothing behind."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.stores.interfaces import Duplicate, Occupied, Storage, StorageUnavailable, UnitOfWork
from idp.stores.records import AuditEvent, Client, Standing
from tests.stores.contract import NOW, account, artifact, grant, message, session, signing_key, token

UNSTORABLE = "a\ud800b"
Write = Callable[[UnitOfWork], Any]


class WritingContract:
    """Refused writes."""

    @pytest.mark.parametrize(
        ("write", "field"),
        [
            (lambda u: u.clients.add(Client(client_id="c1", metadata={})), "client_id"),
            (lambda u: u.grants.add(grant()), "grant_id"),
            (lambda u: u.refresh_tokens.add(token()), "token_hash"),
            (lambda u: u.signing_keys.add(signing_key()), "kid"),
            (lambda u: u.outbox.add(message()), "message_id"),
            (lambda u: u.audit.add(AuditEvent(event_id="e1", name="n", at=NOW, result="ok")), "event_id"),
        ],
    )
    def test_taken_identifier_is_refused_by_name(self, storage: Storage, write: Write, field: str) -> None:
        """A second record with the same identifier raises `Duplicate`, which names the field."""
        with storage.begin() as uow:
            write(uow)
        with pytest.raises(Duplicate) as refused, storage.begin() as uow:
            write(uow)
        assert refused.value.args[0] == field

    def test_taken_session_handle_is_refused(self, storage: Storage) -> None:
        """Two sessions never share a handle, neither from the start nor by renewing it."""
        with storage.begin() as uow:
            uow.sessions.add(session("s1"))
            uow.sessions.add(session("s2"))
        with pytest.raises(Duplicate, match="handle_hash"), storage.begin() as uow:
            uow.sessions.add(session("s3", handle_hash="h-s1"))
        with pytest.raises(Duplicate, match="handle_hash"), storage.begin() as uow:
            uow.sessions.replace(session("s2", handle_hash="h-s1"))

    @pytest.mark.parametrize(
        ("write", "field"),
        [
            (lambda u: u.accounts.add(account("a1", "free")), "account_id"),
            (lambda u: u.accounts.add(account("a3", "free", "bob")), "name"),
            (lambda u: u.accounts.add(account("a3", "free", "free")), "name"),
            (lambda u: u.accounts.replace(account("a1", "free", "bob")), "name"),
        ],
    )
    def test_caught_duplicate_leaves_nothing_of_itself(self, storage: Storage, write: Write, field: str) -> None:
        """Whoever catches the refusal and goes on finds every name where it was."""
        with storage.begin() as uow:
            uow.accounts.add(account("a1", "alice"))
            uow.accounts.add(account("a2", "bob"))
            with pytest.raises(Duplicate) as refused:
                write(uow)
            uow.grants.add(grant())
        with storage.snapshot() as uow:
            assert refused.value.args[0] == field
            assert uow.accounts.find_by_name("free") is None
            assert uow.accounts.find_by_name("alice") == uow.accounts.find("a1") == account("a1", "alice")
            assert [a.account_id for a in uow.accounts.list()] == ["a1", "a2"]
            assert uow.grants.find("g1") is not None

    @pytest.mark.parametrize(
        "write",
        [
            lambda u: u.sessions.add(session(user_agent=UNSTORABLE)),
            lambda u: u.accounts.add(account("a1", UNSTORABLE)),
            lambda u: u.artifacts.add(artifact(UNSTORABLE)),
            lambda u: u.outbox.add(message(destination=UNSTORABLE)),
            lambda u: u.clients.add(Client(client_id=UNSTORABLE, metadata={})),
        ],
    )
    def test_unstorable_text_is_never_dropped_in_silence(self, storage: Storage, write: Write) -> None:
        """A write that cannot be kept says so, and nothing beside it is kept either."""
        with pytest.raises(UnicodeEncodeError), storage.begin() as uow:
            uow.grants.add(grant())
            write(uow)
        with storage.snapshot() as uow:
            assert uow.grants.find("g1") is None
            assert uow.accounts.list() == ()

    def test_nul_is_never_written(self, storage: Storage) -> None:
        """What one backend could not keep, none keeps; the audit has it as an escape."""
        with pytest.raises(UnicodeEncodeError), storage.begin() as uow:
            uow.sessions.add(session(user_agent="a\0b"))
        with storage.begin() as uow:
            uow.audit.add(AuditEvent(event_id="e1", name="n", at=NOW, result="ok", client_id="a\0b"))
            assert uow.audit.list()[0].client_id == "a\\x00b"

    def test_integer_is_bounded(self, storage: Storage) -> None:
        """Sixty-four bits are kept, and no more."""
        with storage.begin() as uow:
            uow.grants.add(grant(expires_at=2**63 - 1))
            assert uow.grants.find("g1") == grant(expires_at=2**63 - 1)
        with pytest.raises(OverflowError), storage.begin() as uow:
            uow.grants.add(grant("g2", expires_at=2**63))

    def test_audit_keeps_what_was_tried(self, storage: Storage) -> None:
        """Text that cannot be stored is in the audit as an escape: an attack must not escape it."""
        with storage.begin() as uow:
            uow.audit.add(
                AuditEvent(event_id="e1", name="n", at=NOW, result="ok", client_id=UNSTORABLE, details={"t": "\ud800"})
            )
            found = uow.audit.list()[0]
            assert (found.client_id, found.details) == ("a\\ud800b", {"t": "\ud800"})

    def test_outcome_of_a_delivery_is_always_noted(self, storage: Storage) -> None:
        """Whatever the other side answered, the message is not sent again."""
        with storage.begin() as uow:
            uow.outbox.add(message())
            uow.outbox.mark_delivered("m1", NOW, UNSTORABLE)
            assert uow.outbox.list()[0].last_result == "a\\ud800b"
            assert uow.outbox.claim(NOW + 100, 9, 60) == ()

    @pytest.mark.parametrize("next_attempt_at", [None, NOW + 5])
    def test_late_failure_does_not_undo_a_delivery(self, storage: Storage, next_attempt_at: int | None) -> None:
        """A worker whose lease ran out cannot overwrite what the next one achieved."""
        with storage.begin() as uow:
            uow.outbox.add(message())
            uow.outbox.mark_delivered("m1", NOW, "204")
            uow.outbox.mark_failed("m1", "too late", next_attempt_at=next_attempt_at, at=NOW + 1)
            assert uow.outbox.list() == (message(delivered_at=NOW, last_result="204"),)

    def test_given_up_message_keeps_its_instants(self, storage: Storage) -> None:
        """Giving up sets `failed_at` and nothing else of the plan."""
        with storage.begin() as uow:
            uow.outbox.add(message())
            uow.outbox.mark_failed("m1", "410", next_attempt_at=None, at=NOW + 1)
            assert uow.outbox.list() == (message(failed_at=NOW + 1, last_result="410"),)

    def test_what_is_kept_does_not_change_with_the_callers_mapping(self, storage: Storage) -> None:
        """A payload is kept as it was when it was handed over, as JSON."""
        payload: dict[str, Any] = {"list": [1], "pair": (1, 2)}
        with storage.begin() as uow:
            uow.artifacts.add(artifact(payload=payload))
            payload["list"].append(2)
            found = uow.artifacts.find("code", "x1")
            assert found is not None
            assert found.payload == {"list": [1], "pair": [1, 2]}

    def test_snapshot_cannot_write(self, storage: Storage) -> None:
        """A change within a snapshot is refused and not kept."""
        with storage.begin() as uow:
            uow.grants.add(grant())
        with pytest.raises(StorageUnavailable), storage.snapshot() as uow:
            uow.grants.add(grant("g2"))
        with pytest.raises(StorageUnavailable), storage.snapshot() as uow:
            uow.grants.revoke("g1", NOW)
        with storage.snapshot() as uow:
            assert uow.grants.find("g2") is None
            assert uow.grants.find("g1") == grant()

    def test_raising_undoes_every_kind_of_change(self, storage: Storage) -> None:
        """Consuming, ending, revoking and replacing are undone as adding is."""
        with storage.begin() as uow:
            uow.accounts.add(account("a1", "alice"))
            uow.sessions.add(session())
            uow.grants.add(grant())
            uow.refresh_tokens.add(token())
            uow.artifacts.add(artifact())
        with pytest.raises(ZeroDivisionError), storage.begin() as uow:
            uow.accounts.replace(replace(account("a1", "new"), enabled=False))
            uow.sessions.end("s1", NOW)
            uow.grants.revoke_of_account("a1", NOW)
            uow.refresh_tokens.consume("t1", NOW)
            uow.artifacts.consume("code", "x1", NOW)
            raise ZeroDivisionError
        with storage.snapshot() as uow:
            assert uow.accounts.find_by_name("alice") == account("a1", "alice")
            assert uow.sessions.find("s1") == session()
            assert uow.grants.find("g1") == grant()
            assert uow.refresh_tokens.find("t1") == token()
            assert uow.artifacts.find("code", "x1") == artifact()


class StandingContract:
    """What is found beside what it rests on."""

    def test_session_is_held_with_its_account(self, storage: Storage) -> None:
        """As they are found alone."""
        alice = account("a1", "alice")
        with storage.begin() as uow:
            uow.accounts.add(account("a2", "bob"))
            uow.sessions.add(session("s1"))
            assert uow.sessions.hold_with_account("s1") == (session("s1"), None)
            uow.accounts.add(alice)
            assert uow.sessions.hold_with_account("s1") == (session("s1"), alice)

    def test_refresh_token_comes_with_its_grant(self, storage: Storage) -> None:
        """In whatever state; one whose grant is gone is none."""
        alice, theirs = account("a1", "alice"), session()
        with storage.begin() as uow:
            uow.accounts.add(alice)
            uow.sessions.add(theirs)
            uow.grants.add(grant(revoked_at=NOW))
            for name, grant_id in (("t1", "g1"), ("t2", "g1"), ("t3", "gone")):
                uow.refresh_tokens.add(token(name, grant_id=grant_id))
            assert uow.refresh_tokens.consume("t1", NOW)
        with storage.snapshot() as uow:
            standing = Standing(grant=grant(revoked_at=NOW), client=None, account=alice, session=theirs)
            spent = token("t1", consumed_at=NOW)
            assert uow.refresh_tokens.find_standing("t1") == (spent, standing)
            assert uow.refresh_tokens.find_standing("t2") == (token("t2"), standing)
            assert uow.refresh_tokens.find_standing("t3") is None
            assert uow.refresh_tokens.find_standing("t4") is None

    @pytest.mark.parametrize("has_account", [True, False])
    @pytest.mark.parametrize("has_session", [True, False])
    @pytest.mark.parametrize("has_client", [True, False])
    def test_grant_comes_with_what_it_rests_on(
        self, storage: Storage, has_account: bool, has_session: bool, has_client: bool
    ) -> None:
        """As they are found alone; what there is not is None, and another one's is not taken for it."""
        alice, theirs = account("a1", "alice"), session("s1", ended_at=NOW, user_agent="Ünïcode")
        web = Client(client_id="c1", metadata={"client_name": "Wéb"}, sealed_secret=b"\x00")
        with storage.begin() as uow:
            uow.accounts.add(account("a2", "bob"))
            uow.sessions.add(session("s2", account_id="a2"))
            uow.grants.add(grant("g1"))
            uow.grants.add(grant("g2", account_id=None, session_id=None))
            if has_account:
                uow.accounts.add(alice)
            if has_session:
                uow.sessions.add(theirs)
            if has_client:
                uow.clients.add(web)
        with storage.snapshot() as uow:
            account_found, session_found = alice if has_account else None, theirs if has_session else None
            client_found = web if has_client else None
            expected = Standing(grant=grant("g1"), client=client_found, account=account_found, session=session_found)
            assert uow.grants.find_standing("g1") == expected
            alone = Standing(
                grant=grant("g2", account_id=None, session_id=None), client=client_found, account=None, session=None
            )
            assert uow.grants.find_standing("g2") == alone
            assert uow.grants.find_standing("g3") is None


class GroupContract:
    """What a group of units of work promises, wherever there is no server to wait for."""

    def test_units_of_a_group_see_each_other_and_last_together(self, storage: Storage) -> None:
        """Nobody else sees anything before the group has ended."""
        with storage.group() as group:
            with group.begin() as uow:
                uow.artifacts.add(artifact())
            with group.begin() as uow:
                assert uow.artifacts.consume("code", "x1", NOW)
            with group.begin() as uow:
                assert uow.artifacts.consume("code", "x1", NOW) is None
            with storage.snapshot() as uow:
                assert uow.artifacts.find("code", "x1") is None
        with storage.snapshot() as uow:
            assert uow.artifacts.find("code", "x1") == replace(artifact(), consumed_at=NOW)

    def test_unit_that_raises_is_undone_alone(self, storage: Storage) -> None:
        """Those before it and those after it are kept."""
        with storage.group() as group:
            with group.begin() as uow:
                uow.grants.add(grant("g1"))
            with pytest.raises(ZeroDivisionError), group.begin() as uow:
                uow.grants.add(grant("g2"))
                assert uow.grants.revoke("g1", NOW)
                raise ZeroDivisionError
            with group.begin() as uow:
                uow.grants.add(grant("g3"))
        with storage.snapshot() as uow:
            assert [uow.grants.find(f"g{number}") for number in (1, 2, 3)] == [grant("g1"), None, grant("g3")]

    def test_group_that_raises_is_undone_as_a_whole(self, storage: Storage) -> None:
        """And the next one begins anew."""
        with pytest.raises(ZeroDivisionError), storage.group() as group:
            with group.begin() as uow:
                uow.grants.add(grant())
            raise ZeroDivisionError
        with storage.group() as group, group.begin() as uow:
            assert uow.grants.find("g1") is None
            uow.grants.add(grant())

    def test_group_waits_for_nobody(self, storage: Storage) -> None:
        """While another unit of work writes there is no group, and it is said at once."""
        with storage.begin():
            began = time.monotonic()
            with pytest.raises(Occupied), storage.group():
                pytest.fail("two write")
            assert time.monotonic() - began < 1
        with storage.group() as group, group.begin() as uow:
            uow.grants.add(grant())
