"""What the pages of a flow share: load the interaction, look what is due, go on with a changed browser."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from idp.accounts.mails import locale_of
from idp.protocol import interaction as interactions
from idp.protocol.authorization import AuthorizationRequest, check_again, due_prompt, look, proceed
from idp.protocol.context import Context
from idp.protocol.errors import AccessDenied, Expired, Forbidden
from idp.protocol.interaction import Interaction, PromptState, check_form_token
from idp.protocol.messages import Answer, Browser, Fields, Page, Reader, Request
from idp.protocol.parameters import UI_LOCALES, each_once
from idp.stores.records import Account
from idp.web.views import AccountView, ClientView


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An interaction at one of its pages: `reason` says why this prompt is due, None when it is not (any more)."""

    interaction: Interaction
    checked: AuthorizationRequest
    state: PromptState
    reason: str | None


def load_step(handle: str, prompt: str, context: Context) -> Step:
    """Load an interaction for a page. Raises `Expired` or `Forbidden` as `interaction.load`, and whatever the stored
    request is refused for by now."""
    if not handle:
        raise Expired("This page does not exist any more.")
    interaction = interactions.load(handle, context)
    checked = check_again(interaction, context)
    state = look(checked, interaction, context)
    due = due_prompt(state)
    return Step(
        interaction=interaction,
        checked=checked,
        state=state,
        reason=due[1] if due and due[0].name == prompt else None,
    )


def load_posted_step(fields: "Form", prompt: str, context: Context) -> Step:
    """Load an interaction for a form that was sent; raises `Forbidden` unless the form is ours (R16)."""
    step = load_step(fields["flow"], prompt, context)
    check_form_token(step.interaction.handle, context.request.browser, fields["csrf_token"])
    return step


class Form(dict[str, str]):
    """The fields of a form by name; a missing one is empty. Raises `InvalidRequest` when one is repeated."""

    def __init__(self, fields: Fields | None) -> None:
        super().__init__(each_once(fields))

    def __missing__(self, key: str) -> str:
        return ""


def go_on(interaction: Interaction, context: Context, browser: Browser | None = None) -> Answer:
    """Store the interaction and decide what is due next, with the browser as it is now."""
    if browser is not None:
        context = replace(context, request=replace(context.request, browser=browser))
    interactions.save(interaction, context)
    answer = proceed(interaction, context)
    return answer if answer.browser is not None or browser is None else replace(answer, browser=browser)


def denied() -> AccessDenied:
    """The End-User said no (RFC 6749 §4.1.2.1)."""
    return AccessDenied("The End-User denied the request.")


def client_view(checked: AuthorizationRequest) -> ClientView:
    """Return what a page shows of the client; of ourselves where one of our own pages asks."""
    client = checked.client
    if checked.own_path is not None:
        return ClientView(name="your account", host="", own=True)
    self_registered = client.registration_token_hash is not None
    # Where the response goes is a fact; that the client lives at its client_uri is only what it says (RFC 7591 §5).
    home = None if self_registered else client.value("client_uri")
    parts = urlsplit(home or (checked.target.redirect_uri if checked.target else ""))
    return ClientView(
        name=client.name,
        host=parts.hostname or parts.scheme,
        policy_uri=client.value("policy_uri"),
        tos_uri=client.value("tos_uri"),
        verified=client.first_party,
        self_registered=self_registered,
        logo_url=client.value("logo_uri"),
    )


def account_view(account: Account, value: str = "") -> AccountView:
    """Return what a page shows of an account."""
    return AccountView(name=str(account.claims.get("name") or account.username), login=account.username, value=value)


def flow_page(view: object, step: Step, status: int = 200) -> Page:
    """Return a page of a step, whose form may end at the client's redirect URI."""
    target = step.checked.target
    targets = (target.redirect_uri,) if target else ()
    return Page(facts=view, status=status, form_targets=targets, reader=reader_of(step))


def reader_of_flow(handle: str, context: Context) -> Reader:
    """Return who reads a page that the sign-in was left for: the client of that still says what they speak."""
    try:
        interaction = interactions.load(handle, context)
    except (Expired, Forbidden):
        return Reader()
    return Reader(ui_locales=interaction.params.get(UI_LOCALES) or (), asked_at=interaction.created_at)


def reader_of(step: Step) -> Reader:
    """Return who reads the pages of a step: the client said what they speak, or else the account that is signed in."""
    account = step.state.account
    return Reader(
        ui_locales=step.interaction.params.get(UI_LOCALES) or (),
        asked_at=step.interaction.created_at,
        account_locale=locale_of(account) if account else None,
    )


def flow_of(request: Request) -> str:
    """Return the interaction handle in a page's URL."""
    return Form(request.query)["flow"]
