"""The page at the issuer itself: what this is, and who is signed in in this browser."""

from idp.accounts.mails import locale_of
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.messages import Answer, Page, Reader, Request
from idp.web.views import Home


def handle_home(request: Request, server: Server) -> Answer:
    """Show the page."""
    return within_unit_of_work(server, request, _show, writes=False)


def _show(context: Context) -> Answer:
    found = (context.uow.accounts.find(session.account_id) for _, session in context.browser_sessions)
    accounts = [account for account in found if account is not None]
    names = tuple(account.username for account in accounts)
    metadata = context.registry.server_metadata(context.settings)
    return Page(
        facts=Home(
            issuer=context.settings.issuer,
            discovery_url=context.server.url("/.well-known/openid-configuration"),
            jwks_url=metadata["jwks_uri"],
            sign_out_url=metadata["end_session_endpoint"],
            account_names=names,
            account_url=context.server.url("/account"),
        ),
        reader=Reader(account_locale=locale_of(accounts[0]) if accounts else None),
    )
