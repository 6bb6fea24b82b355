"""The command line of the native application: `login`, `call shop|bank`, `whoami`, `tokens`, `logout`.

Exit status: 0 done, 1 refused or failed, 2 wrong usage. Tokens are printed by nothing here.
"""

import argparse
import asyncio
import json
import os
import sys
import time
import webbrowser
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx2

from demo_clients.mobile.native_app import NativeApp, NativeSettings
from demo_clients.mobile.token_file import KeptSignIn, TokenFile, TokenFileRefused
from demo_clients.relying_party.errors import RelyingPartyError
from demo_clients.relying_party.outbound import LoopbackTransport, open_client
from demo_clients.relying_party.pages import moment, outside
from demo_clients.relying_party.settings import DEMO_ISSUER
from demo_clients.relying_party.token_view import duration

Command = Callable[[NativeApp, argparse.Namespace], Awaitable[int]]


def main(
    arguments: Sequence[str] | None = None,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    now: Callable[[], int] = lambda: int(time.time()),
) -> int:
    """Run one command and return the exit status. `transport` and `now` are for tests."""
    given = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(given, transport or LoopbackTransport(), now))
    except RelyingPartyError as refusal:
        _complain(refusal.reason, refusal.remedy, refusal.detail)
    except TokenFileRefused as refusal:
        _complain(str(refusal), "", "")
    except httpx2.HTTPError as error:
        _complain("The API does not answer.", "", type(error).__name__)
    except KeyboardInterrupt:
        _complain("Stopped.", "", "")
    return 1


async def _run(given: argparse.Namespace, transport: httpx2.AsyncBaseTransport, now: Callable[[], int]) -> int:
    settings = NativeSettings(given.issuer, given.client_id, given.shop_url, given.bank_url, given.timeout)
    tokens = TokenFile(given.token_file.expanduser())
    try:
        async with open_client(transport) as client:
            app = NativeApp(settings, tokens, transport, client, say=_say, now=now)
            return await _COMMANDS[given.command](app, given)
    finally:
        await transport.aclose()


async def _login(app: NativeApp, given: argparse.Namespace) -> int:
    def open_browser(url: str) -> None:
        _say("Open this address in your browser to sign in:" if given.no_browser else "Your browser opens. If not:")
        _say(f"\n  {url}\n")
        if not given.no_browser:
            # A browser in the terminal would block the program that waits for its answer.
            asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)

    kept = await app.sign_in(open_browser)
    _say(f"Signed in as {outside(kept.name)}. The tokens are in {given.token_file}.")
    return 0


async def _call(app: NativeApp, given: argparse.Namespace) -> int:
    resource, url = app.settings.apis[given.api]
    response = await app.call(resource, url)
    _say(f"GET {url}\n{response.status_code} {response.reason_phrase}")
    if "www-authenticate" in response.headers:
        _say(f"WWW-Authenticate: {outside(response.headers['www-authenticate'])}")
    try:
        _say(json.dumps(response.json(), indent=2))
    except ValueError:
        _say("The answer is not JSON.")
    return 0 if response.status_code == 200 else 1


async def _whoami(app: NativeApp, given: argparse.Namespace) -> int:  # noqa: ARG001
    kept = app.kept()
    for name, value in (await app.userinfo()).items():
        _say(f"{outside(name)}: {outside(value)}")
    if kept.auth_time is not None:
        _say(f"signed in at: {moment(kept.auth_time)}")
    return 0


async def _tokens(app: NativeApp, given: argparse.Namespace) -> int:
    kept = app.kept()
    _say(f"{given.token_file}, mode {given.token_file.expanduser().stat().st_mode & 0o777:04o}")
    _say(f"ID Token: subject {outside(kept.subject)} at {kept.issuer}")
    _say("Refresh token: " + ("yes" if kept.refresh_token else "no"))
    for line in _access_token_lines(kept, app.now()):
        _say(line)
    return 0


async def _logout(app: NativeApp, given: argparse.Namespace) -> int:  # noqa: ARG001
    try:
        if not await app.sign_out():
            _say("Nobody was signed in.")
            return 0
    except RelyingPartyError as refusal:
        _complain("The tokens are deleted here, but they could not be revoked.", "", refusal.reason)
        return 1
    _say("Signed out: the refresh token is revoked, the tokens are deleted.")
    return 0


def _access_token_lines(kept: KeptSignIn, now: int) -> list[str]:
    return [
        f"Access token for {resource}: {' '.join(token.scope)}, "
        + (f"expires in {duration(token.expires_at - now)}" if token.expires_at > now else "expired")
        for resource, token in kept.access_tokens.items()
    ]


_COMMANDS: dict[str, Command] = {
    "login": _login,
    "call": _call,
    "whoami": _whoami,
    "tokens": _tokens,
    "logout": _logout,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo_clients.mobile",
        description="A native application (RFC 8252) that signs in through the system's browser.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--issuer", default=DEMO_ISSUER, help="issuer of the provider to trust")
    parser.add_argument("--client-id", default="mobile", help="client_id at the provider")
    parser.add_argument("--shop-url", default="http://shop.localhost:9001", help="URL of the Shop")
    parser.add_argument("--bank-url", default="http://bank.localhost:9002", help="URL of the Bank")
    parser.add_argument("--token-file", type=Path, default=_default_token_file(), help="where the tokens are kept")
    parser.add_argument("--timeout", type=int, default=300, help="seconds to wait for the sign-in")
    commands = parser.add_subparsers(dest="command", required=True)
    login = commands.add_parser("login", help="sign in")
    login.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    call = commands.add_parser("call", help="call an API")
    call.add_argument("api", choices=("shop", "bank"))
    commands.add_parser("whoami", help="show who is signed in, asking the provider")
    commands.add_parser("tokens", help="show which tokens are kept, not their values")
    commands.add_parser("logout", help="revoke and delete the tokens")
    return parser


def _default_token_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state) / "signet-demo" / "mobile.json"


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(reason: str, remedy: str, detail: str) -> None:
    for line in (reason, remedy, f"({outside(detail)})" if detail else ""):
        if line:
            print(line, file=sys.stderr)
