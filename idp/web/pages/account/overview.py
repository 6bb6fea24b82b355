"""The overview: who one is, and how well the account is kept."""

from idp.authentication.methods import recovery_code, totp
from idp.protocol.messages import Answer
from idp.web.account_views import Overview
from idp.web.pages.account.visit import ROOT, Visit, visiting

PATH = ROOT


def _show(visit: Visit) -> Answer:
    context, account_id = visit.context, visit.account.account_id
    methods = [each.method for each in context.uow.authenticators.list(account_id)]
    return visit.page(
        Overview(
            frame=visit.frame,
            email=str(visit.account.claims.get("email", "")),
            has_app=totp.NAME in methods,
            codes_left=methods.count(recovery_code.NAME),
            sessions=len(context.server.sessions.list_live(context.uow, account_id, context.now)),
        )
    )


handle = visiting(PATH, _show)
