"""Memory of identifiers that may be used once, for as long as their tokens could still pass as fresh."""

MAX_ENTRIES = 10_000


class ReplayMemory:
    """Remembers identifiers until an instant. Bounded: the oldest entries go first."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._until: dict[str, int] = {}
        self._max_entries = max_entries

    def has(self, identifier: str, now: int) -> bool:
        """Whether the identifier was added and its time has not passed (Unix seconds)."""
        return self._until.get(identifier, 0) > now

    def add(self, identifier: str, until: int, now: int) -> None:
        """Remember the identifier until that instant. Forgets what has passed."""
        for old in [known for known, end in self._until.items() if end <= now]:
            del self._until[old]
        while len(self._until) >= self._max_entries:
            del self._until[next(iter(self._until))]
        self._until[identifier] = until
