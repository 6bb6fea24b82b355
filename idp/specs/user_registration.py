"""Initiating User Registration via OpenID Connect 1.0: `prompt=create`, by which a client asks for the page that makes
an account, before the one that signs in.

It is understood, and advertised, only where the settings let people sign up (§4.1). Whoever has an account after all
goes on from that page as they would have without the prompt.
"""

from idp.protocol.errors import InteractionRequired
from idp.protocol.interaction import PromptState
from idp.protocol.parameters import PROMPT
from idp.protocol.spec import Prompt, Spec


def create_reason(state: PromptState) -> str | None:
    """An account is to be made when it is asked for, and was neither made nor declined in this interaction."""
    asked = "create" in (state.params.get(PROMPT) or ()) and "create" not in state.done
    return "prompt" if asked else None


SPEC = Spec(
    name="user_registration",
    document="OIDC User Registration 1.0",
    requires=("oidc_core",),
    prompts=(
        Prompt(
            name="create",
            path="/sign-up",
            reason=create_reason,
            refuse=lambda _: InteractionRequired("The End-User has to make an account."),
            is_offered=lambda settings: settings.sign_up.is_asked_for,
        ),
    ),
)
