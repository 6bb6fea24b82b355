"""Grants, refresh tokens, artifacts and throttles."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.stores.memory.tables import Tables, insert, kept
from idp.stores.records import Artifact, Grant, RefreshToken, Standing, Throttle


class MemoryGrants:
    """`GrantStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, grant: Grant) -> None:
        """Keep a new grant."""
        insert(self._t.grants, grant.grant_id, "grant_id", grant)

    def find(self, grant_id: str) -> Grant | None:
        """Return the grant."""
        return self._t.grants.get(grant_id)

    def find_standing(self, grant_id: str) -> Standing | None:
        """Return the grant with what it rests on."""
        grant = self.find(grant_id)
        return _standing(grant, self._t) if grant else None

    def revoke(self, grant_id: str, revoked_at: int) -> bool:
        """Revoke one grant."""
        return self._revoke([g for g in [self.find(grant_id)] if g], revoked_at) == 1

    def revoke_of_session(self, session_id: str, revoked_at: int) -> int:
        """Revoke the session's grants that are not offline."""
        mine = [g for g in self._t.grants.values() if g.session_id == session_id and not g.offline]
        return self._revoke(mine, revoked_at)

    def revoke_of_account(self, account_id: str, revoked_at: int) -> int:
        """Revoke all grants of an account."""
        return self._revoke([g for g in self._t.grants.values() if g.account_id == account_id], revoked_at)

    def revoke_of_client(self, client_id: str, revoked_at: int) -> int:
        """Revoke all grants of a client."""
        return self._revoke([g for g in self._t.grants.values() if g.client_id == client_id], revoked_at)

    def revoke_of_consent(self, account_id: str, client_id: str, revoked_at: int) -> int:
        """Revoke what the account granted to the client."""
        theirs = (g for g in self._t.grants.values() if g.account_id == account_id)
        return self._revoke([g for g in theirs if g.client_id == client_id], revoked_at)

    def list_of_account(self, account_id: str, *, limit: int = 1000) -> tuple[Grant, ...]:
        """Return the account's newest grants."""
        mine = (g for g in self._t.grants.values() if g.account_id == account_id)
        return tuple(sorted(mine, key=lambda g: (-g.created_at, g.grant_id))[:limit])

    def client_ids_of_session(self, session_id: str) -> tuple[str, ...]:
        """Return the clients that were given a grant in this session."""
        return tuple(sorted({g.client_id for g in self._t.grants.values() if g.session_id == session_id}))

    def _revoke(self, found: list[Grant], revoked_at: int) -> int:
        live = [grant for grant in found if grant.revoked_at is None]
        for grant in live:
            self._t.grants[grant.grant_id] = replace(grant, revoked_at=revoked_at)
        return len(live)


def _standing(grant: Grant, tables: Tables) -> Standing:
    return Standing(
        grant=grant,
        client=tables.clients.get(grant.client_id),
        account=tables.accounts.get(grant.account_id or ""),
        session=tables.sessions.get(grant.session_id or ""),
    )


class MemoryRefreshTokens:
    """`RefreshTokenStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, token: RefreshToken) -> None:
        """Keep a new token."""
        insert(self._t.refresh_tokens, token.token_hash, "token_hash", token)

    def find(self, token_hash: str) -> RefreshToken | None:
        """Return the token."""
        return self._t.refresh_tokens.get(token_hash)

    def find_standing(self, token_hash: str) -> tuple[RefreshToken, Standing] | None:
        """Return the token with its grant and what that rests on."""
        token = self.find(token_hash)
        grant = self._t.grants.get(token.grant_id) if token else None
        return (token, _standing(grant, self._t)) if token and grant else None

    def consume(self, token_hash: str, now: int) -> RefreshToken | None:
        """Consume a live token, once."""
        known = self.find(token_hash)
        if known is None or known.consumed_at is not None or known.expires_at <= now:
            return None
        self._t.refresh_tokens[token_hash] = consumed = replace(known, consumed_at=now)
        return consumed


class MemoryArtifacts:
    """`ArtifactStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, artifact: Artifact) -> bool:
        """Keep a new artifact, unless it exists."""
        key = (artifact.kind, artifact.handle_hash)
        new = key not in self._t.artifacts
        if new:
            self._t.artifacts[key] = kept(artifact)
        return new

    def find(self, kind: str, handle_hash: str) -> Artifact | None:
        """Return the artifact in whatever state."""
        return self._t.artifacts.get((kind, handle_hash))

    def consume(self, kind: str, handle_hash: str, now: int) -> Artifact | None:
        """Consume a live artifact, once."""
        return self._change(kind, handle_hash, now, consumed_at=now)

    def update(self, kind: str, handle_hash: str, payload: Mapping[str, Any], now: int) -> bool:
        """Replace the payload of a live artifact."""
        return self._change(kind, handle_hash, now, payload=payload) is not None

    def _change(self, kind: str, handle_hash: str, now: int, **changes: Any) -> Artifact | None:
        known = self.find(kind, handle_hash)
        if known is None or known.consumed_at is not None or known.expires_at <= now:
            return None
        self._t.artifacts[kind, handle_hash] = changed = kept(replace(known, **changes))
        return changed


class MemoryThrottles:
    """`ThrottleStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def hit(self, key: str, now: int, window_seconds: int) -> Throttle:
        """Count one try."""
        known = self._t.throttles.get(key)
        if known is None or not now - window_seconds < known.window_started_at <= now + window_seconds:
            known = Throttle(key=key, count=0, window_started_at=now)
        self._t.throttles[key] = counted = replace(known, count=known.count + 1)
        return counted

    def find(self, key: str) -> Throttle | None:
        """Return the counter."""
        return self._t.throttles.get(key)

    def refund(self, key: str) -> None:
        """Take one try back."""
        known = self._t.throttles.get(key)
        if known is not None:
            self._t.throttles[key] = replace(known, count=max(0, known.count - 1))

    def clear(self, key: str) -> None:
        """Forget the counter."""
        self._t.throttles.pop(key, None)
