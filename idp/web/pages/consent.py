"""The consent page (OIDC Core §3.1.2.4): who asks, for what, in plain words; Deny is as easy as Allow."""

from idp.accounts.grants import remember_consent
from idp.protocol import authorization
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import form_token
from idp.protocol.messages import Answer, Request
from idp.web.pages.flow import Form, Step, client_view, denied, flow_of, flow_page, go_on, load_posted_step, load_step
from idp.web.views import Consent, ScopeView

PATH = "/consent"


def handle_consent(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    step = load_step(flow_of(context.request), "consent", context)
    if step.reason is None or step.state.account is None:
        return authorization.proceed(step.interaction, context)
    return flow_page(_view(step, context), step)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    step = load_posted_step(form, "consent", context)
    session = step.state.session
    if form["action"] == "deny":
        return authorization.deny(step.interaction, denied(), context)
    if step.reason is None or session is None or form["action"] != "allow":
        return authorization.proceed(step.interaction, context)
    client_id = step.checked.client.client_id
    remember_consent(context.uow, session.account_id, client_id, step.checked.scopes_to_consent, context.now)
    context.audit(
        "consent.given",
        account_id=session.account_id,
        client_id=client_id,
        scope=" ".join(step.checked.scopes_to_consent),
    )
    return go_on(step.interaction.with_done("consent", session.session_id), context)


def _view(step: Step, context: Context) -> Consent:
    account = step.state.account
    return Consent(
        action=context.server.url(PATH),
        flow=step.interaction.handle,
        csrf_token=form_token(step.interaction.handle, context.request.browser),
        client=client_view(step.checked),
        account_name=account.username if account else "",
        scopes=tuple(scope_view(scope, context) for scope in step.checked.scopes_to_consent),
    )


def scope_view(scope: str, context: Context) -> ScopeView:
    """Return a scope in words: our own, or a resource's."""
    own = context.registry.scopes.get(scope)
    if own is not None:
        return ScopeView(title=own.title, detail=own.detail)
    for resource in context.uow.resources.list():
        if scope in resource.scopes:
            return ScopeView(title=resource.scopes[scope], detail=resource.name)
    return ScopeView(title=scope, detail="")
