"""When a message that failed is tried again, and when it is given up."""

from idp.randomness import new_bytes
from idp.stores.records import OutboxMessage

# After the first failure, the second, ...; the last one repeats.
_PAUSES_SECONDS = (1, 5, 30, 120, 600, 3600)

# Pauses grow by up to a quarter at random, so that what failed together does not come back together.
_JITTER = 0.25

# With the pauses above the eighth try comes after about this long, and is the last.
GIVE_UP_SECONDS = 7200

# A mail may wait longer: servers greylist, and are away for a night.
_PATIENCE_SECONDS = {"mail": 86_400}


def next_attempt_at(message: OutboxMessage, now: int) -> int | None:
    """Return when to try again a message whose `attempts` have failed, or None to give it up."""
    if now - message.created_at >= _PATIENCE_SECONDS.get(message.kind, GIVE_UP_SECONDS):
        return None
    pause = _PAUSES_SECONDS[min(max(message.attempts, 1), len(_PAUSES_SECONDS)) - 1]
    fraction = int.from_bytes(new_bytes(2)) / 0x10000
    return now + int(pause * (1 + _JITTER * fraction))
