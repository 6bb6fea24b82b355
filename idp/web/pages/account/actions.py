"""The paths of the account pages: what is not listed here does not exist."""

from idp.authentication.new_passwords import NewPasswords
from idp.authentication.sign_in import SignIn
from idp.web.pages.account import (
    accounts,
    activity,
    app,
    applications,
    codes,
    data,
    delete,
    methods,
    overview,
    passkey,
    password,
    profile,
    sessions,
)
from idp.web.routing import Action

READ, WRITE, BOTH = ("GET",), ("POST",), ("GET", "POST")


def account_actions(sign_in: SignIn, new_passwords: NewPasswords) -> tuple[Action, ...]:
    """Return the account pages."""
    change = password.password_handler(sign_in, new_passwords)
    return (
        Action(path=overview.PATH, methods=READ, handle=overview.handle),
        Action(path=accounts.PATH, methods=WRITE, handle=accounts.handle),
        Action(path=profile.PATH, methods=BOTH, handle=profile.handle),
        Action(path=password.PATH, methods=BOTH, handle=change, hashes=True),
        Action(path=methods.PATH, methods=BOTH, handle=methods.handle),
        Action(path=app.PATH, methods=BOTH, handle=app.handle),
        Action(path=passkey.PATH, methods=BOTH, handle=passkey.handle),
        Action(path=codes.PATH, methods=BOTH, handle=codes.handle),
        Action(path=sessions.PATH, methods=BOTH, handle=sessions.handle),
        Action(path=applications.PATH, methods=BOTH, handle=applications.handle),
        Action(path=activity.PATH, methods=BOTH, handle=activity.handle),
        Action(path=data.PATH, methods=BOTH, handle=data.handle),
        Action(path=delete.PATH, methods=BOTH, handle=delete.handle),
    )
