"""Who reads a page or a mail, as far as the language goes."""

from dataclasses import dataclass
from math import inf

from idp.languages import accepted_languages, best_language
from idp.protocol.messages import Reader, Request


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a client asked for (`ui_locales`), and since when."""

    ui_locales: tuple[str, ...]
    at: float


def language_of(request: Request, default: str, reader: Reader | None = None) -> str:
    """Return the language for whoever sent a request, one of `idp.languages.LANGUAGES`.

    The client's `ui_locales` count first (OIDC Core §3.1.2.1), then what was chosen on a page, the account's `locale`,
    what the browser accepts, and the provider's `default`. Only a choice that was made after the client asked counts
    before its wish: else the pages of a sign-in under way would not heed it."""
    reader = reader or Reader()
    asked = _asked(request, reader)
    chosen = request.browser.language
    choice = (chosen.tag,) if chosen else ()
    is_newer = chosen is not None and chosen.chosen_at >= asked.at
    first = (*choice, *asked.ui_locales) if is_newer else (*asked.ui_locales, *choice)
    account = (reader.account_locale,) if reader.account_locale else ()
    # Lists, that is, each counted by itself: a client's long one must not push out what a person said.
    lists = (first, account, accepted_languages(request.headers.get("accept-language", "")))
    return next((found for wanted in lists if (found := best_language(wanted))), default)


def _asked(request: Request, reader: Reader) -> _Asked:
    if reader.ui_locales:
        return _Asked(reader.ui_locales[:10], reader.asked_at)
    # The first page of a request, before any of it was stored.
    sent = next((value for name, value in request.fields if name == "ui_locales"), "")
    return _Asked(tuple(sent[:400].split()[:10]), inf)
