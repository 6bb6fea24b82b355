"""A new e-mail address: asked for after a fresh sign-in, and used when its owner has confirmed it by the mail sent
there; until then the old one stays, and is told afterwards (LG-43)."""

from idp.accounts.emails import request_email_change
from idp.protocol.errors import TooManyRequests
from idp.protocol.messages import Answer
from idp.web.account_views import EmailChange
from idp.web.pages.account.visit import ROOT, Fresh, Visit, visiting

PATH = f"{ROOT}/email"
LONGEST_SHOWN = 254


def _show(visit: Visit) -> Answer:
    return visit.page(_view(visit, "", is_wrong=False))


def _answer(visit: Visit) -> Answer:
    context, email = visit.context, visit.form["email"].strip()
    wait = context.server.throttle.count_reset_request(context.uow, context.request.address, context.now)
    if wait is not None:
        raise TooManyRequests("Too many requests for mails.", retry_after_seconds=wait)
    try:
        request_email_change(context.uow, visit.account, email, context.now)
    except ValueError:
        return visit.page(_view(visit, email, is_wrong=True), status=400)
    visit.audit("account.email_asked")
    return visit.go(PATH, "email_asked")


def _view(visit: Visit, sent: str, *, is_wrong: bool) -> EmailChange:
    claims = visit.account.claims
    return EmailChange(
        frame=visit.frame,
        email=str(claims.get("email", "")),
        is_confirmed=claims.get("email_verified") is True,
        sent=sent[:LONGEST_SHOWN],
        is_wrong=is_wrong,
    )


handle = visiting(PATH, _show, _answer, fresh=Fresh.ALWAYS)
