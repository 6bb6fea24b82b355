"""Mails from their templates: plain text, and the same words as HTML, so that the two never tell different things.

A template's first line is the subject, then come paragraphs with an empty line between them; a paragraph that is the
link alone becomes a button. What is put in cannot become markup, for HTML is made of the finished text.
"""

import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from idp.accounts.mails import Letter, Unwritable
from idp.languages import direction_of
from idp.settings import Settings
from idp.web.moments import Moment, in_words, zone_of
from idp.web.theming import accent_of
from idp.web.translations import install, speaking, spoken

LAYOUT = "layout.html"
# One line, whatever the values hold: a header must not begin another (LG-32).
BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029\x00]+")
LINK = Markup(
    '<p><a href="{0}" style="display:inline-block;padding:12px 20px;background:{2};color:#fff;'
    'border-radius:8px;text-decoration:none">{1}</a></p><p style="word-break:break-all">{0}</p>'
)


class Composer:
    """Writes mails. `settings` name the product, the sender and the issuer, which alone is where links lead."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        environment = Environment(
            loader=PackageLoader("idp.web", "mails"),
            autoescape=False,  # noqa: S701 - plain text; its HTML is escaped as a whole
            undefined=StrictUndefined,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        install(environment)
        self._environment, self._names = environment, frozenset(environment.list_templates())

    def compose(self, letter: Letter) -> EmailMessage:
        """Return the mail. Raises `Unwritable`."""
        if f"{letter.template}.txt" not in self._names:
            raise Unwritable(f"there is no template {letter.template!r}")
        with speaking(letter.language):
            return self._written(letter)

    def _written(self, letter: Letter) -> EmailMessage:
        settings = self._settings
        values = {"username": _line(letter.username), "product_name": settings.product_name, "issuer": settings.issuer}
        about = {"link": letter.link, "code": letter.code, "browser": _line(letter.browser)}
        moment = in_words(Moment.of(letter.at, zone_of(letter.zoneinfo))) if letter.at is not None else ""
        about |= {"address": _line(letter.address), "moment": moment}
        days = {"invitation_days": settings.sign_up.invitation_days}
        text = self._environment.get_template(f"{letter.template}.txt").render(values | about | days)
        subject, _, body = text.strip().partition("\n")
        message = EmailMessage(policy=SMTP)
        message["Subject"] = _line(subject)
        sender = settings.mail.sender or "signet@localhost"
        message["From"] = Address(settings.product_name, addr_spec=sender)
        message["To"] = _recipient(letter.to)
        # So that no out-of-office assistant answers (RFC 3834 §5).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body.strip() + "\n")
        message.add_alternative(self._html(subject, body, letter.link), subtype="html")
        return message

    def _html(self, subject: str, body: str, link: str | None) -> str:
        paragraphs = [part.strip() for part in body.strip().split("\n\n")]
        colour = accent_of(self._settings)
        html = Markup("\n").join(
            LINK.format(part, subject, colour) if link and part == link else Markup("<p>{0}</p>").format(part)
            for part in paragraphs
        )
        lang = spoken()
        layout = self._environment.get_template(LAYOUT)
        return layout.render(subject=escape(subject), body=html, lang=lang, dir=direction_of(lang))


def _recipient(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (ValueError, MessageError, IndexError, AttributeError):  # the last two by faults of the parser
        raise Unwritable("the account has no usable address") from None


def _line(text: str) -> str:
    return BREAKS.sub(" ", text)
