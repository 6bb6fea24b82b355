"""Instants as people read them: in their own time zone where they have said which, else in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant: for machines (RFC 3339), and in words."""

    machine: str
    words: str

    @classmethod
    def of(cls, at: int, zone: tzinfo) -> "Moment":
        """Return an instant in Unix seconds as it is said in a zone."""
        there = datetime.fromtimestamp(at, zone)
        return cls(there.isoformat(), f"{there.day} {there:%b %Y, %H:%M} {there.tzname()}")


def zone_of(zoneinfo: object) -> tzinfo:
    """Return the zone of a `zoneinfo` claim (OIDC Core §5.1); UTC for one that is not known here."""
    try:
        return ZoneInfo(zoneinfo) if isinstance(zoneinfo, str) else UTC
    except (KeyError, ValueError, OSError):
        # ZoneInfo reads files, and says by several exceptions that there is none of this name.
        return UTC
