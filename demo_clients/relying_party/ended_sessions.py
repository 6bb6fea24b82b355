"""What a resource server remembers of logouts, so that access tokens made before them are refused."""

from demo_clients.relying_party.claim_checks import Claims, instant
from demo_clients.relying_party.replay import MAX_ENTRIES


class EndedSessions:
    """Which sessions and subjects the provider said are over, and when it said so. Bounded: the oldest go first."""

    def __init__(self) -> None:
        self._ended_at: dict[tuple[str, str], int] = {}

    def add(self, claims: Claims) -> None:
        """Note the session of an accepted logout token or, where it names none, the subject."""
        name = "sid" if "sid" in claims else "sub"
        while len(self._ended_at) >= MAX_ENTRIES:
            del self._ended_at[next(iter(self._ended_at))]
        self._ended_at[name, claims[name]] = claims["iat"]

    def covers(self, access_token_claims: Claims) -> bool:
        """Whether the token was made before its session, or all sessions of its subject, came to an end.

        One made later is good: a grant with offline_access outlives the session (OIDC Core §11).
        """
        issued_at = instant(access_token_claims, "iat") or 0
        names = (("sid", access_token_claims.get("sid")), ("sub", access_token_claims.get("sub")))
        ends = (self._ended_at.get((name, value)) for name, value in names if isinstance(value, str))
        return any(ended_at is not None and issued_at <= ended_at for ended_at in ends)
