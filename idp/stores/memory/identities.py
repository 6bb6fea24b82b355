"""Accounts, clients, resources, consents and sessions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from idp.stores.interfaces import Duplicate
from idp.stores.memory.tables import Tables, insert, kept
from idp.stores.records import Account, Client, Consent, Credential, PairwiseSubject, Resource, Session


class MemoryAccounts:
    """`AccountStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, account: Account) -> None:
        """Keep a new account."""
        if account.account_id in self._t.accounts:
            raise Duplicate("account_id")
        self._require_free(account)
        self._put(account)

    def find(self, account_id: str) -> Account | None:
        """Return the account."""
        return self._t.accounts.get(account_id)

    hold = find

    def find_by_name(self, name: str) -> Account | None:
        """Return the account that signs in by this name."""
        return self._t.accounts.get(self._t.names.get(name, ""))

    def replace(self, account: Account) -> bool:
        """Overwrite the account, names included."""
        if account.account_id not in self._t.accounts:
            return False
        self._require_free(account)
        for name in [n for n, owner in self._t.names.items() if owner == account.account_id]:
            del self._t.names[name]
        self._put(account)
        return True

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Account, ...]:
        """Return a page of accounts."""
        return tuple(self._t.accounts[key] for key in sorted(k for k in self._t.accounts if k > after)[:limit])

    def list_due(self, now: int, limit: int) -> tuple[Account, ...]:
        """Return closed accounts that are due."""
        due = [(one.delete_at, one.account_id, one) for one in self._t.accounts.values() if one.delete_at is not None]
        return tuple(account for delete_at, _, account in sorted(due, key=lambda d: d[:2])[:limit] if delete_at <= now)

    def remove(self, account_id: str) -> bool:
        """Forget the account and all that belongs to it."""
        if self._t.accounts.pop(account_id, None) is None:
            return False
        theirs = {grant_id for grant_id, grant in self._t.grants.items() if grant.account_id == account_id}
        _drop(self._t.refresh_tokens, lambda token: token.grant_id in theirs)
        _drop(self._t.names, lambda owner: owner == account_id)
        tables: tuple[dict[Any, Any], ...] = (
            self._t.credentials,
            self._t.authenticators,
            self._t.consents,
            self._t.subjects,
            self._t.sessions,
            self._t.grants,
        )
        for table in tables:
            _drop(table, lambda record: record.account_id == account_id)
        return True

    def find_credential(self, account_id: str, method: str) -> Credential | None:
        """Return the credential."""
        return self._t.credentials.get((account_id, method))

    def put_credential(self, credential: Credential) -> None:
        """Set the credential."""
        self._t.credentials[credential.account_id, credential.method] = kept(credential)

    def _require_free(self, account: Account) -> None:
        taken = any(self._t.names.get(name, account.account_id) != account.account_id for name in account.names)
        if taken or len(set(account.names)) < len(account.names):
            raise Duplicate("name")

    def _put(self, account: Account) -> None:
        for name in account.names:
            name.encode()
        self._t.accounts[account.account_id] = kept(account)
        self._t.names |= dict.fromkeys(account.names, account.account_id)


def _drop(table: dict[Any, Any], is_theirs: Callable[[Any], bool]) -> None:
    for key in [key for key, record in table.items() if is_theirs(record)]:
        table.pop(key)


class MemoryClients:
    """`ClientStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, client: Client) -> None:
        """Keep a new client."""
        insert(self._t.clients, client.client_id, "client_id", client)

    def find(self, client_id: str) -> Client | None:
        """Return the client."""
        return self._t.clients.get(client_id)

    hold = find

    def replace(self, client: Client) -> bool:
        """Overwrite the client."""
        known = client.client_id in self._t.clients
        if known:
            self._t.clients[client.client_id] = kept(client)
        return known

    def remove(self, client_id: str) -> bool:
        """Forget the client."""
        return self._t.clients.pop(client_id, None) is not None

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Client, ...]:
        """Return a page of clients."""
        return tuple(self._t.clients[key] for key in sorted(k for k in self._t.clients if k > after)[:limit])

    def count_registered(self) -> int:
        """Return how many clients registered themselves."""
        return sum(client.registration_token_hash is not None for client in self._t.clients.values())


class MemoryResources:
    """`ResourceStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def put(self, resource: Resource) -> None:
        """Set the resource."""
        self._t.resources[resource.identifier] = kept(resource)

    def find(self, identifier: str) -> Resource | None:
        """Return the resource."""
        return self._t.resources.get(identifier)

    def list(self) -> tuple[Resource, ...]:
        """Return all resources."""
        return tuple(self._t.resources[key] for key in sorted(self._t.resources))


class MemoryConsents:
    """`ConsentStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def find(self, account_id: str, client_id: str) -> Consent | None:
        """Return the consent."""
        return self._t.consents.get((account_id, client_id))

    def put(self, consent: Consent) -> None:
        """Set the consent."""
        self._t.consents[consent.account_id, consent.client_id] = kept(consent)

    def remove(self, account_id: str, client_id: str) -> bool:
        """Forget the consent."""
        return self._t.consents.pop((account_id, client_id), None) is not None

    def list_of_account(self, account_id: str) -> tuple[Consent, ...]:
        """Return all of an account."""
        mine = (consent for consent in self._t.consents.values() if consent.account_id == account_id)
        return tuple(sorted(mine, key=lambda consent: consent.client_id))

    def remove_of_client(self, client_id: str) -> int:
        """Forget all consents given to a client."""
        theirs = [key for key in self._t.consents if key[1] == client_id]
        for key in theirs:
            del self._t.consents[key]
        return len(theirs)


class MemorySubjects:
    """`SubjectStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, subject: PairwiseSubject) -> bool:
        """Keep a new one, unless its sector knows the account."""
        if (subject.sector, subject.account_id) in self._t.subjects:
            return False
        if self.find_by_subject(subject.sector, subject.subject) is not None:
            raise Duplicate("subject")
        insert(self._t.subjects, (subject.sector, subject.account_id), "account_id", subject)
        return True

    def find(self, sector: str, account_id: str) -> PairwiseSubject | None:
        """Return what the sector calls an account."""
        return self._t.subjects.get((sector, account_id))

    def find_by_subject(self, sector: str, subject: str) -> PairwiseSubject | None:
        """Return whom the sector calls so."""
        mine = (known for known in self._t.subjects.values() if known.sector == sector)
        return next((known for known in mine if known.subject == subject), None)


class MemorySessions:
    """`SessionStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, session: Session) -> None:
        """Keep a new session."""
        self._require_free(session)
        insert(self._t.sessions, session.session_id, "session_id", session)

    def find(self, session_id: str) -> Session | None:
        """Return the session."""
        return self._t.sessions.get(session_id)

    def hold_with_account(self, session_id: str) -> tuple[Session, Account | None] | None:
        """Return the session and its account."""
        session = self.find(session_id)
        return (session, self._t.accounts.get(session.account_id)) if session else None

    def touch(self, session_id: str, last_seen_at: int) -> None:
        """Note that a live session was used."""
        known = self._t.sessions.get(session_id)
        if known is not None and known.ended_at is None and known.last_seen_at < last_seen_at:
            self._t.sessions[session_id] = replace(known, last_seen_at=last_seen_at)

    def find_by_handle(self, handle_hash: str) -> Session | None:
        """Return the session of this handle."""
        return next((s for s in self._t.sessions.values() if s.handle_hash == handle_hash), None)

    def replace(self, session: Session) -> bool:
        """Overwrite a live session."""
        known = self._t.sessions.get(session.session_id)
        if known is None or known.ended_at is not None:
            return False
        self._require_free(session)
        self._t.sessions[session.session_id] = kept(session)
        return True

    def end(self, session_id: str, ended_at: int) -> Session | None:
        """End a live session and return it as ended."""
        known = self._t.sessions.get(session_id)
        if known is None or known.ended_at is not None:
            return None
        self._t.sessions[session_id] = ended = replace(known, ended_at=ended_at)
        return ended

    def list_live(self, account_id: str, now: int) -> tuple[Session, ...]:
        """Return the account's live sessions."""
        mine = (s for s in self._t.sessions.values() if s.account_id == account_id)
        live = [s for s in mine if s.ended_at is None and s.expires_at > now]
        return tuple(sorted(live, key=lambda s: (-s.created_at, s.session_id)))

    def _require_free(self, session: Session) -> None:
        owner = self.find_by_handle(session.handle_hash)
        if owner is not None and owner.session_id != session.session_id:
            raise Duplicate("handle_hash")
