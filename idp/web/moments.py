"""Instants as people read them: in their own time zone where they have said which, else in UTC, as is usual in their
language."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from idp.web.translations import spoken

if TYPE_CHECKING:
    from babel import Locale

# English as most of the world writes its dates: no month that could be a day.
_LOCALES = {"en": "en_GB", "pt": "pt_BR"}


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant in a zone."""

    there: datetime

    @classmethod
    def of(cls, at: int, zone: tzinfo) -> "Moment":
        """Return an instant in Unix seconds as it is said in a zone."""
        return cls(datetime.fromtimestamp(at, zone))

    @property
    def machine(self) -> str:
        """The instant for machines (RFC 3339)."""
        return self.there.isoformat()


def in_words(moment: Moment) -> str:
    """Return an instant in the language that is spoken: day, minute, and the zone's name."""
    # Read by who first shows an instant: at start it would double the time of what is imported.
    from babel.dates import format_date, format_time, get_datetime_format

    there, locale = moment.there, _locale(spoken())
    date, time = format_date(there, "medium", locale), format_time(there, "short", locale=locale)
    whole = str(get_datetime_format("medium", locale)).replace("'", "").format(time, date)
    # Not the names of CLDR, which for most pairs of a zone and a language has none.
    return f"{whole} {there.tzname()}"


def zone_of(zoneinfo: object) -> tzinfo:
    """Return the zone of a `zoneinfo` claim (OIDC Core §5.1); UTC for one that is not known here."""
    try:
        return ZoneInfo(zoneinfo) if isinstance(zoneinfo, str) else UTC
    except (KeyError, ValueError, OSError):
        # ZoneInfo reads files, and says by several exceptions that there is none of this name.
        return UTC


@lru_cache
def _locale(language: str) -> "Locale":
    from babel import Locale

    return Locale.parse(_LOCALES.get(language, language.replace("-", "_")))
