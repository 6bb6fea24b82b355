"""Who reads a page or a mail, as far as the language goes."""

from math import inf

from idp.languages import accepted_languages, best_language
from idp.protocol.messages import Reader, Request


def language_of(request: Request, default: str, reader: Reader) -> str:
    """Return the language for whoever sent a request, one of `idp.languages.LANGUAGES`.

    The client's `ui_locales` count first (OIDC Core §3.1.2.1), then what was chosen on a page, the account's `locale`,
    what the browser accepts, and the provider's `default`. Only a choice that was made after the client asked counts
    before its wish: else the pages of a sign-in under way would not heed it."""
    asked, asked_at = _asked(request, reader)
    chosen = request.browser.language
    choice = (chosen.tag,) if chosen else ()
    is_newer = chosen is not None and chosen.chosen_at >= asked_at
    first = (*choice, *asked) if is_newer else (*asked, *choice)
    account = (reader.account_locale,) if reader.account_locale else ()
    # Lists, that is, each counted by itself: a client's long one must not push out what a person said.
    lists = (first, account, accepted_languages(request.headers.get("accept-language", "")))
    return next((found for wanted in lists if (found := best_language(wanted))), default)


def _asked(request: Request, reader: Reader) -> tuple[tuple[str, ...], float]:
    """Return what a client asked for (`ui_locales`), and since when."""
    if reader.ui_locales:
        return reader.ui_locales[:10], reader.asked_at
    # The first page of a request, before any of it was stored.
    sent = next((value for name, value in request.fields if name == "ui_locales"), "")
    return tuple(sent[:400].split()[:10]), inf
