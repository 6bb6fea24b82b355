"""What mails are made of: one recipient, one subject, the same words twice, and nothing that was put in as markup."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from importlib.resources import files

import pytest

from idp.accounts.mails import Letter, Unwritable
from idp.settings import Settings
from idp.web.mailing import Composer

COMPOSER = Composer(Settings(product_name='Ex, "ample" <x@y.example>', issuer="https://idp.example"))
TEMPLATES = sorted(
    file.name.removesuffix(".txt")
    for file in files("idp.web").joinpath("mails").iterdir()
    if file.name.endswith(".txt")
)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "{{7*7}} ${7*7} {% include 'layout.html' %}",
    "alice\r\nBcc: evil@example.org\r\n\r\n<script>",
    "a%0d%0aBcc: evil@example.org",
    "%(username)s \u2028Bcc: x",
]


def received(letter: Letter) -> EmailMessage:
    """Return a mail as it arrives."""
    message = message_from_bytes(COMPOSER.compose(letter).as_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    """Return one of its texts."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.case("LG-32", "LG-33", "LG-34")
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("template", TEMPLATES)
def test_hostile_names_stay_text(template: str, name: str) -> None:
    """No header, no markup and no template comes of a name."""
    link = "https://idp.example/password/reset?token=t"
    message = received(Letter(template=template, to="alice@example.org", username=name, language="en", link=link))
    assert message["To"] == "alice@example.org"
    assert {"bcc", "cc"}.isdisjoint(key.lower() for key in message)
    html = part(message, "html")
    assert "<img" not in html
    assert "<script" not in html
    assert "49" not in html + part(message, "plain")
    assert (link in html) is (link in part(message, "plain"))
    with_link = {"password_reset", "email_verification", "new_sign_in", "sign_up", "invitation"}
    assert ('href="' in html) is (template in with_link)


@pytest.mark.case("LG-32")
@pytest.mark.parametrize(
    "address", ["a@x.example, b@x.example", "a@x.example\r\nBcc: b@x.example", "a@x.example;b@x.example", "", "a b@x"]
)
def test_an_address_is_one(address: str) -> None:
    """What is no single address is refused, not sent to two."""
    with pytest.raises(Unwritable):
        COMPOSER.compose(Letter(template="password_changed", to=address, username="alice", language="en"))


def test_a_mail_says_what_it_is() -> None:
    """Both texts have the words; nothing in it is loaded from anywhere."""
    message = received(
        Letter(
            template="password_reset",
            to="alice@example.org",
            username="alice",
            language="en",
            link="https://idp.example/x?token=t",
        )
    )
    assert message["Subject"] == "Set a new password"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"].addresses[0].display_name == 'Ex, "ample" <x@y.example>'
    assert "for the account alice at" in part(message, "plain")
    assert "for the account alice at" in part(message, "html")
    assert "src=" not in part(message, "html")
