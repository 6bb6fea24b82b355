"""The contract of the stores, one suite for every backend: a backend's test module subclasses `StoreContract`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from idp.stores.interfaces import Duplicate, Storage, UnitOfWork
from idp.stores.records import (
    Account,
    Artifact,
    AuditEvent,
    Client,
    Consent,
    Credential,
    Grant,
    OutboxMessage,
    PairwiseSubject,
    RefreshToken,
    Resource,
    Session,
    SigningKey,
    Throttle,
)

NOW = 1_800_000_000
DAY = 86_400
RACERS = 16
# No database holds these: a look-up by them is a miss, not a crash.
HOSTILE = ("\ud800", "a\0b", "x" * 100_000, "' OR 1=1--", "٣", "")


def account(account_id: str = "a1", *names: str) -> Account:
    """Return an account."""
    return Account(
        account_id=account_id,
        username=account_id,
        names=names or (account_id,),
        claims={"name": "Zoë 😀", "address": {"country": "XX"}},
        roles=("customer", "admin"),
        enabled=True,
        created_at=NOW,
        updated_at=NOW,
    )


def session(session_id: str = "s1", **more: Any) -> Session:
    """Return a session."""
    values: dict[str, Any] = {
        "session_id": session_id,
        "handle_hash": f"h-{session_id}",
        "account_id": "a1",
        "browser_hash": "b",
        "authenticated_at": NOW,
        "acr": "acr",
        "amr": ("pwd",),
        "remembered": False,
        "created_at": NOW,
        "last_seen_at": NOW,
        "expires_at": NOW + 100,
    }
    return Session(**(values | more))


def grant(grant_id: str = "g1", **more: Any) -> Grant:
    """Return a grant."""
    values: dict[str, Any] = {
        "grant_id": grant_id,
        "client_id": "c1",
        "account_id": "a1",
        "session_id": "s1",
        "scopes": ("openid", "profile"),
        "resources": ("https://api.example",),
        "authenticated_at": NOW,
        "acr": "acr",
        "amr": ("pwd",),
        "offline": False,
        "created_at": NOW,
        "expires_at": NOW + 1000,
    }
    return Grant(**(values | more))


def artifact(handle_hash: str = "x1", **more: Any) -> Artifact:
    """Return an artifact."""
    values: dict[str, Any] = {
        "kind": "code",
        "handle_hash": handle_hash,
        "payload": {"n": 1, "list": [1, 2], "text": "ü"},
        "created_at": NOW,
        "expires_at": NOW + 60,
        "grant_id": "g1",
    }
    return Artifact(**(values | more))


def message(message_id: str = "m1", **more: Any) -> OutboxMessage:
    """Return an outbox message."""
    values: dict[str, Any] = {
        "message_id": message_id,
        "kind": "k",
        "client_id": "c1",
        "destination": "https://rp.example",
        "payload": {"sid": "s1"},
        "created_at": NOW,
        "next_attempt_at": NOW,
    }
    return OutboxMessage(**(values | more))


def token(token_hash: str = "t1", **more: Any) -> RefreshToken:
    """Return a refresh token."""
    values: dict[str, Any] = {"grant_id": "g1", "created_at": NOW, "expires_at": NOW + 100}
    return RefreshToken(token_hash=token_hash, **(values | more))


def signing_key(kid: str = "k1") -> SigningKey:
    """Return a signing key."""
    return SigningKey(kid=kid, alg="RS256", public_jwk={"kty": "RSA"}, sealed=b"\x00\xff", created_at=NOW)


def race(storage: Storage, act: Callable[[UnitOfWork], Any]) -> list[Any]:
    """Let sixteen threads do the same in units of work of their own; return what each got."""

    def run(_: int) -> Any:
        with storage.begin() as uow:
            return act(uow)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(run, range(RACERS)))


class StoreContract:
    """Every promise of `idp.stores.interfaces`."""

    def test_account_is_found_by_id_and_every_name(self, storage: Storage) -> None:
        """What was added comes back equal, by its id and by each of its names."""
        with storage.begin() as uow:
            uow.accounts.add(account("a1", "alice", "alice@example.org"))
        with storage.snapshot() as uow:
            assert uow.accounts.find("a1") == account("a1", "alice", "alice@example.org")
            assert uow.accounts.find_by_name("alice@example.org") == uow.accounts.find_by_name("alice")
            assert uow.accounts.find_by_name("Alice") is None

    @pytest.mark.parametrize("other", [account("a1", "other"), account("a2", "alice")])
    def test_duplicate_account_changes_nothing(self, storage: Storage, other: Account) -> None:
        """A taken id or name is refused, and the unit of work that tried leaves nothing."""
        with storage.begin() as uow:
            uow.accounts.add(account("a1", "alice"))
        with pytest.raises(Duplicate), storage.begin() as uow:
            uow.clients.add(Client(client_id="beside", metadata={}))
            uow.accounts.add(other)
        with storage.snapshot() as uow:
            assert uow.clients.find("beside") is None
            assert uow.accounts.find_by_name("other") is None

    def test_replacing_an_account_moves_its_names(self, storage: Storage) -> None:
        """Old names are free again, new ones are taken."""
        with storage.begin() as uow:
            uow.accounts.add(account("a1", "old"))
            assert uow.accounts.replace(replace(account("a1", "new"), enabled=False))
            assert not uow.accounts.replace(account("unknown"))
            assert uow.accounts.find_by_name("old") is None
            found = uow.accounts.find_by_name("new")
            assert found is not None
            assert found.enabled is False

    def test_credential_is_replaced(self, storage: Storage) -> None:
        """There is one credential of a method."""
        first = Credential(account_id="a1", method="password", secret="one", created_at=NOW, updated_at=NOW)
        with storage.begin() as uow:
            uow.accounts.put_credential(first)
            uow.accounts.put_credential(replace(first, secret="two"))
            assert uow.accounts.find_credential("a1", "password") == replace(first, secret="two")
            assert uow.accounts.find_credential("a1", "totp") is None

    def test_listings_are_paged_by_key(self, storage: Storage) -> None:
        """Pages follow each other without gap or overlap."""
        with storage.begin() as uow:
            for number in range(5):
                uow.clients.add(Client(client_id=f"c{number}", metadata={"n": number}))
                uow.accounts.add(account(f"a{number}"))
            first = uow.clients.list(limit=2)
            rest = uow.clients.list(after=first[-1].client_id, limit=9)
            assert [c.client_id for c in (*first, *rest)] == ["c0", "c1", "c2", "c3", "c4"]
            assert [a.account_id for a in uow.accounts.list(after="a2")] == ["a3", "a4"]

    def test_client_is_kept_and_replaced(self, storage: Storage) -> None:
        """A client comes back equal; a second one of its name is refused."""
        client = Client(client_id="c1", metadata={"redirect_uris": ["https://rp.example/cb"]}, secret_hash="d")
        with storage.begin() as uow:
            uow.clients.add(client)
            assert uow.clients.find("c1") == client
            assert uow.clients.replace(replace(client, enabled=False, first_party=True))
            assert not uow.clients.replace(replace(client, client_id="unknown"))
            with pytest.raises(Duplicate):
                uow.clients.add(client)
            found = uow.clients.find("c1")
            assert found is not None
            assert (found.enabled, found.first_party) == (False, True)

    def test_resource_is_set(self, storage: Storage) -> None:
        """A resource is overwritten by its identifier."""
        with storage.begin() as uow:
            uow.resources.put(Resource(identifier="https://b", name="B", scopes={"b": "B"}))
            uow.resources.put(Resource(identifier="https://a", name="A", scopes={}, client_id="c"))
            uow.resources.put(Resource(identifier="https://b", name="B2", scopes={"b": "B"}))
            assert [r.name for r in uow.resources.list()] == ["A", "B2"]
            assert uow.resources.find("https://c") is None

    def test_consent_is_remembered_and_withdrawn(self, storage: Storage) -> None:
        """A consent is overwritten, found and removed once."""
        with storage.begin() as uow:
            uow.consents.put(Consent(account_id="a1", client_id="c1", scopes=("openid",), updated_at=NOW))
            uow.consents.put(Consent(account_id="a1", client_id="c1", scopes=("openid", "email"), updated_at=NOW))
            found = uow.consents.find("a1", "c1")
            assert found is not None
            assert found.scopes == ("openid", "email")
            assert uow.consents.remove("a1", "c1")
            assert not uow.consents.remove("a1", "c1")

    def test_client_is_forgotten_with_its_consents(self, storage: Storage) -> None:
        """A client goes once, and what people agreed to give it goes too; those of others stay."""
        with storage.begin() as uow:
            uow.clients.add(Client(client_id="c1", metadata={}, sealed_secret=b"\x00\xff", registration_token_hash="t"))
            uow.clients.add(Client(client_id="c2", metadata={}))
            for account_id, client_id in (("a1", "c1"), ("a2", "c1"), ("a1", "c2")):
                uow.consents.put(
                    Consent(account_id=account_id, client_id=client_id, scopes=("openid",), updated_at=NOW)
                )
            found = uow.clients.find("c1")
            assert found is not None
            assert found.sealed_secret == b"\x00\xff"
            assert uow.clients.count_registered() == 1
            assert uow.clients.remove("c1")
            assert not uow.clients.remove("c1")
            assert uow.clients.count_registered() == 0
            assert uow.consents.remove_of_client("c1") == 2
            assert uow.consents.remove_of_client("c1") == 0
            assert uow.consents.find("a1", "c2") is not None

    def test_sector_knows_an_account_by_one_subject(self, storage: Storage) -> None:
        """The first subject stays; another sector has its own; a subject leads back to its account."""
        first = PairwiseSubject(sector="rp.example", account_id="a1", subject="s1")
        with storage.begin() as uow:
            assert uow.subjects.add(first)
            assert not uow.subjects.add(replace(first, subject="s2"))
            assert uow.subjects.add(replace(first, sector="other.example", subject="s1"))
            assert uow.subjects.find("rp.example", "a1") == first
            assert uow.subjects.find("rp.example", "a2") is None
            assert uow.subjects.find_by_subject("rp.example", "s1") == first
            assert uow.subjects.find_by_subject("rp.example", "s2") is None
            with pytest.raises(Duplicate):
                uow.subjects.add(replace(first, account_id="a2"))

    def test_session_ends_once(self, storage: Storage) -> None:
        """The first end returns the session, the second nothing; an ended one cannot be overwritten."""
        with storage.begin() as uow:
            uow.sessions.add(session())
            assert uow.sessions.find_by_handle("h-s1") == session()
            assert uow.sessions.replace(session(handle_hash="renewed"))
            assert uow.sessions.find_by_handle("h-s1") is None
            ended = uow.sessions.end("s1", NOW + 1)
            assert ended is not None
            assert ended.ended_at == NOW + 1
            assert uow.sessions.end("s1", NOW + 2) is None
            assert not uow.sessions.replace(session())

    def test_live_sessions_are_newest_first(self, storage: Storage) -> None:
        """Ended and over ones are left out."""
        with storage.begin() as uow:
            for name, created_at in (("old", NOW - 5), ("new", NOW)):
                uow.sessions.add(session(name, created_at=created_at))
            uow.sessions.add(session("over", expires_at=NOW))
            uow.sessions.add(session("ended"))
            uow.sessions.end("ended", NOW)
            assert [s.session_id for s in uow.sessions.list_live("a1", NOW)] == ["new", "old"]

    def test_grants_are_revoked_by_each_owner(self, storage: Storage) -> None:
        """Offline grants outlive their session, and nothing outlives its account or client."""
        with storage.begin() as uow:
            for name, more in (("online", {}), ("offline", {"offline": True}), ("other", {"session_id": "s2"})):
                uow.grants.add(grant(name, **more))
            assert uow.grants.find("online") == grant("online")
            assert uow.grants.revoke_of_session("s1", NOW) == 1
            assert uow.grants.revoke_of_account("a1", NOW) == 2
            assert uow.grants.revoke_of_client("c1", NOW) == 0
            assert not uow.grants.revoke("online", NOW)
            assert uow.grants.client_ids_of_session("s1") == ("c1",)

    def test_refresh_token_is_consumed_once_and_in_time(self, storage: Storage) -> None:
        """A live one is consumed once; an expired one never; both are still found."""
        with storage.begin() as uow:
            uow.refresh_tokens.add(token())
            uow.refresh_tokens.add(token("over", expires_at=NOW))
            assert uow.refresh_tokens.consume("t1", NOW) is not None
            assert uow.refresh_tokens.consume("t1", NOW) is None
            assert uow.refresh_tokens.consume("over", NOW) is None
            found = uow.refresh_tokens.find("t1")
            assert found is not None
            assert found.consumed_at == NOW

    def test_artifact_remembers_being_consumed(self, storage: Storage) -> None:
        """It is consumed once, found afterwards, and changed only while it lives."""
        with storage.begin() as uow:
            assert uow.artifacts.add(artifact())
            assert not uow.artifacts.add(artifact(payload={}))
            assert uow.artifacts.add(artifact(kind="interaction"))
            assert uow.artifacts.update("code", "x1", {"n": 2}, NOW)
            consumed = uow.artifacts.consume("code", "x1", NOW + 59)
            assert consumed is not None
            assert consumed.payload == {"n": 2}
            assert not uow.artifacts.update("code", "x1", {}, NOW)
            assert uow.artifacts.consume("code", "x1", NOW) is None
            assert uow.artifacts.consume("interaction", "x1", NOW + 60) is None
            assert uow.artifacts.find("code", "x1") == consumed

    def test_signing_key_goes_through_its_states_once(self, storage: Storage) -> None:
        """Each transition happens from the right state only."""
        with storage.begin() as uow:
            uow.signing_keys.add(signing_key())
            assert not uow.signing_keys.retire("k1", NOW, NOW + 9)
            assert uow.signing_keys.activate("k1", NOW)
            assert not uow.signing_keys.activate("k1", NOW)
            assert uow.signing_keys.retire("k1", NOW, NOW + 9)
            assert not uow.signing_keys.retire("k1", NOW, NOW + 9)
            wanted = replace(signing_key(), activated_at=NOW, retired_at=NOW, remove_at=NOW + 9)
            assert uow.signing_keys.list() == (wanted,)
            assert uow.signing_keys.remove("k1")
            assert not uow.signing_keys.remove("k1")

    def test_throttle_counts_within_its_window(self, storage: Storage) -> None:
        """Counts rise within the window, start anew after it, and are never below zero."""
        with storage.begin() as uow:
            assert [uow.throttles.hit("k", NOW + at, 10).count for at in (0, 9, 10, 11)] == [1, 2, 1, 2]
            uow.throttles.refund("k")
            assert uow.throttles.find("k") == Throttle(key="k", count=1, window_started_at=NOW + 10)
            assert uow.throttles.find("other") is None
            assert uow.throttles.hit("k", NOW + 12, 10).count == 2
            uow.throttles.clear("k")
            uow.throttles.refund("k")
            assert uow.throttles.hit("k", NOW + 12, 10).count == 1
            # The clock was put back: by less than the window it goes on, by more it is over.
            assert [uow.throttles.hit("k", NOW + at, 10).count for at in (2, 1)] == [2, 1]

    def test_outbox_leases(self, storage: Storage) -> None:
        """A claimed message comes back when its lease is over, not before; a delivered or given-up one never."""
        with storage.begin() as uow:
            for name in ("m1", "m2", "m3"):
                uow.outbox.add(message(name))
            uow.outbox.add(message("later", next_attempt_at=NOW + 1000))
            assert {m.message_id: m.attempts for m in uow.outbox.claim(NOW, 9, 60)} == {"m1": 1, "m2": 1, "m3": 1}
            assert uow.outbox.claim(NOW + 59, 9, 60) == ()
            uow.outbox.mark_delivered("m1", NOW, "204")
            uow.outbox.mark_failed("m2", "refused", next_attempt_at=None, at=NOW)
            uow.outbox.mark_failed("m3", "500", next_attempt_at=NOW + 100, at=NOW)
            assert uow.outbox.claim(NOW + 99, 9, 60) == ()
            assert [m.message_id for m in uow.outbox.claim(NOW + 100, 9, 60)] == ["m3"]
            log = {m.message_id: m.last_result for m in uow.outbox.list(client_id="c1")}
            assert log == {"m1": "204", "m2": "refused", "m3": "500", "later": ""}
            assert uow.outbox.list(client_id="c2") == ()

    def test_audit_is_newest_first(self, storage: Storage) -> None:
        """Events come back equal, the newest first."""
        with storage.begin() as uow:
            events = [AuditEvent(event_id=f"e{at}", name="n", at=at, result="ok", details={"k": "v"}) for at in (1, 2)]
            for event in events:
                uow.audit.add(event)
            assert uow.audit.list() == (events[1], events[0])

    def test_account_finds_its_own(self, storage: Storage) -> None:
        """Events by account, paged by key; its grants, newest first, revoked by client; its consents."""
        events = [
            AuditEvent(event_id=f"e{number}", name="n", at=NOW + number // 2, result="ok", account_id="a1")
            for number in range(5)
        ]
        with storage.begin() as uow:
            for event in (*events, replace(events[0], event_id="other", account_id="a2")):
                uow.audit.add(event)
            newest = ["e4", "e2", "e3", "e0", "e1"]
            found = uow.audit.list_of_account("a1", limit=2)
            assert [event.event_id for event in found] == newest[:2]
            rest = uow.audit.list_of_account("a1", before=(found[1].at, found[1].event_id))
            assert [event.event_id for event in rest] == newest[2:]
            assert uow.audit.list_of_account("a1", before=(NOW - 1, "")) == ()
            for made in (
                grant("g1"),
                grant("g2", created_at=NOW + 1),
                grant("g3", client_id="c2"),
                grant("g4", account_id="a2"),
            ):
                uow.grants.add(made)
            assert [found.grant_id for found in uow.grants.list_of_account("a1")] == ["g2", "g1", "g3"]
            assert len(uow.grants.list_of_account("a1", limit=1)) == 1
            assert uow.grants.revoke_of_consent("a1", "c1", NOW + 9) == 2
            assert uow.grants.revoke_of_consent("a1", "c1", NOW + 9) == 0
            assert [g.revoked_at for g in uow.grants.list_of_account("a1")] == [NOW + 9, NOW + 9, None]
            for client_id, account_id in (("c2", "a1"), ("c1", "a1"), ("c1", "a2")):
                uow.consents.put(Consent(account_id=account_id, client_id=client_id, scopes=("x",), updated_at=NOW))
            assert [consent.client_id for consent in uow.consents.list_of_account("a1")] == ["c1", "c2"]

    def test_raising_leaves_nothing(self, storage: Storage) -> None:
        """A unit of work that raises is as if it had never begun."""
        with pytest.raises(ZeroDivisionError), storage.begin() as uow:
            uow.grants.add(grant())
            uow.throttles.hit("k", NOW, 10)
            raise ZeroDivisionError
        with storage.snapshot() as uow:
            assert uow.grants.find("g1") is None
        with storage.begin() as uow:
            assert uow.throttles.hit("k", NOW, 10).count == 1

    def test_snapshot_sees_one_moment(self, storage: Storage) -> None:
        """What commits after its first look is not seen, nor does it wait for the writer."""
        with storage.begin() as uow:
            uow.grants.add(grant())
        with storage.snapshot() as reading:
            assert reading.grants.find("g1") is not None
            with storage.begin() as uow:
                uow.grants.revoke("g1", NOW)
                assert reading.grants.find("g1") == grant()
            assert reading.grants.find("g1") == grant()

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_a_miss(self, storage: Storage, text: str) -> None:
        """No look-up by any text fails otherwise than by finding nothing."""
        with storage.begin() as uow:
            assert uow.accounts.find(text) is None
            assert uow.accounts.find_by_name(text) is None
            assert uow.clients.find(text) is None
            assert uow.resources.find(text) is None
            assert uow.refresh_tokens.consume(text, NOW) is None
            assert uow.artifacts.consume("code", text, NOW) is None
            assert uow.sessions.end(text, NOW) is None

    @pytest.mark.parametrize(
        ("prepare", "act"),
        [
            (lambda u: u.artifacts.add(artifact()), lambda u: u.artifacts.consume("code", "x1", NOW)),
            (lambda u: None, lambda u: u.artifacts.add(artifact()) or None),
            (lambda u: u.refresh_tokens.add(token()), lambda u: u.refresh_tokens.consume("t1", NOW)),
            (lambda u: u.sessions.add(session()), lambda u: u.sessions.end("s1", NOW)),
            (lambda u: u.grants.add(grant()), lambda u: u.grants.revoke("g1", NOW) or None),
            (lambda u: u.signing_keys.add(signing_key()), lambda u: u.signing_keys.activate("k1", NOW) or None),
            (lambda u: u.outbox.add(message()), lambda u: u.outbox.claim(NOW, 9, 60) or None),
        ],
    )
    def test_one_of_sixteen_wins(
        self, storage: Storage, prepare: Callable[[UnitOfWork], Any], act: Callable[[UnitOfWork], Any]
    ) -> None:
        """What happens once happens once, however many try at the same time (R4)."""
        with storage.begin() as uow:
            prepare(uow)
        assert sum(result is not None for result in race(storage, act)) == 1

    def test_one_change_of_a_held_record_follows_the_other(self, storage: Storage) -> None:
        """Sixteen units of work that change what they have read lose no change when they hold it."""
        with storage.begin() as uow:
            uow.clients.add(Client(client_id="c1", metadata={}))
            uow.accounts.add(account("a1"))

        def change(uow: UnitOfWork) -> None:
            held_account, held_client = uow.accounts.hold("a1"), uow.clients.hold("c1")
            assert held_account is not None
            assert held_client is not None
            uow.accounts.replace(replace(held_account, updated_at=held_account.updated_at + 1))
            uow.clients.replace(replace(held_client, updated_at=held_client.updated_at + 1))

        race(storage, change)
        with storage.begin() as uow:
            changed, client = uow.accounts.find("a1"), uow.clients.find("c1")
            assert changed is not None
            assert client is not None
            assert (changed.updated_at, client.updated_at) == (NOW + RACERS, RACERS)
            for hold in (uow.accounts.hold, uow.clients.hold, uow.sessions.hold_with_account):
                assert hold("unknown") is None

    def test_first_key_is_made_once(self, storage: Storage) -> None:
        """Of sixteen instances that find no signing key one adds a key, though there is none to hold."""

        def add_first(uow: UnitOfWork) -> bool | None:
            if uow.signing_keys.hold():
                return None
            uow.signing_keys.add(signing_key(f"k{id(uow)}"))
            return True

        assert sum(bool(added) for added in race(storage, add_first)) == 1
        with storage.snapshot() as uow:
            assert len(uow.signing_keys.list()) == 1

    def test_grant_does_not_escape_the_end_of_its_session(self, storage: Storage) -> None:
        """Either the grant sees the session ended, or the end revokes the grant: sixteen at once, half of each (R7)."""
        with storage.begin() as uow:
            uow.sessions.add(session())
        turns = iter(range(RACERS))

        def act(uow: UnitOfWork) -> None:
            turn = next(turns)
            if turn % 2:
                uow.sessions.end("s1", NOW)
                uow.grants.revoke_of_account("a1", NOW)
                return
            found = uow.sessions.hold_with_account("s1")
            if found is not None and found[0].ended_at is None:
                uow.grants.add(grant(f"g{turn}", offline=True))

        race(storage, act)
        with storage.snapshot() as uow:
            made = [uow.grants.find(f"g{turn}") for turn in range(RACERS)]
            assert all(one.revoked_at is not None for one in made if one is not None)

    def test_touching_a_session_changes_nothing_else(self, storage: Storage) -> None:
        """A late touch brings back neither an older handle nor an ended session, and never goes back in time."""
        with storage.begin() as uow:
            uow.sessions.add(session())
            uow.sessions.replace(session(handle_hash="renewed"))
            uow.sessions.touch("s1", NOW + 5)
            uow.sessions.touch("s1", NOW + 4)
            assert uow.sessions.find("s1") == session(handle_hash="renewed", last_seen_at=NOW + 5)
            uow.sessions.end("s1", NOW + 6)
            uow.sessions.touch("s1", NOW + 7)
            assert uow.sessions.find("s1") == session(handle_hash="renewed", last_seen_at=NOW + 5, ended_at=NOW + 6)

    def test_workers_claim_each_message_once(self, storage: Storage) -> None:
        """Sixteen workers share twenty messages; each goes to one of them (R14)."""
        with storage.begin() as uow:
            for number in range(20):
                uow.outbox.add(message(f"m{number}"))
        claimed = [m.message_id for part in race(storage, lambda uow: uow.outbox.claim(NOW, 3, 60)) for m in part]
        assert len(claimed) == len(set(claimed))
        with storage.begin() as uow:
            claimed += [m.message_id for m in uow.outbox.claim(NOW, 20, 60)]
        assert sorted(claimed) == sorted(f"m{number}" for number in range(20))

    def test_no_try_is_lost_in_a_race(self, storage: Storage) -> None:
        """Sixteen tries at once are counted as sixteen (R12)."""
        counts = race(storage, lambda uow: uow.throttles.hit("k", NOW, 10).count)
        assert sorted(counts) == list(range(1, RACERS + 1))

    def test_sweep_takes_what_is_over_and_nothing_else(self, storage: Storage) -> None:
        """A day after its end a thing goes, in batches; what may still matter stays."""
        with storage.begin() as uow:
            for age, name in ((2 * DAY, "old"), (0, "new")):
                at = NOW - age
                uow.artifacts.add(artifact(name, expires_at=at))
                uow.refresh_tokens.add(token(name, grant_id=name, expires_at=at))
                uow.sessions.add(session(name, expires_at=at))
                uow.grants.add(grant(name, expires_at=at))
                uow.throttles.hit(name, at, 10)
            for number in range(5):
                uow.artifacts.add(artifact(f"many{number}", expires_at=NOW - 2 * DAY))
        taken = 0
        while swept := storage.sweep(NOW, 3):
            taken += swept
        assert taken == 10
        with storage.snapshot() as uow:
            assert uow.artifacts.find("code", "old") is None
            assert uow.artifacts.find("code", "new") is not None
            assert uow.grants.find("new") is not None
            assert uow.sessions.find("old") is None

    def test_check_passes(self, storage: Storage) -> None:
        """A backend that is there says so."""
        storage.check()
