"""The mails of development, at /dev/mail: there is no such page anywhere else."""

from email.message import EmailMessage

from idp.outbound.development_mail import DevelopmentMail
from idp.protocol.context import Server
from idp.protocol.messages import Answer, Page, Request
from idp.web.recovery_views import KeptMail, KeptMails
from idp.web.routing import Handler

PATH = "/dev/mail"


def kept_mails_handler(mails: DevelopmentMail) -> Handler:
    """Return the handler of the page that shows these mails."""

    def handle(_request: Request, _server: Server) -> Answer:
        return Page(facts=KeptMails(mails=tuple(_view(mail) for mail in tuple(mails.kept))))

    return handle


def _view(mail: EmailMessage) -> KeptMail:
    body = mail.get_body(("plain",))
    lines = str(body.get_content()).splitlines() if body else []
    link = next((line for line in lines if line.startswith(("http://", "https://"))), None)
    words = "\n".join(line for line in lines if line != link)
    return KeptMail(to=str(mail["To"]), subject=str(mail["Subject"]), words=words.strip(), link=link)
