"""Running one web application with uvicorn: one line when it is ready, a clean stop, nothing secret in the log."""

import asyncio
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import FrameType

import uvicorn

from demo_clients.relying_party.command_line import SettingsRefused, parse_settings
from demo_clients.relying_party.settings import PartyDefaults, Settings
from demo_clients.relying_party.tls import server_context
from demo_clients.relying_party.web import WebApp

GRACEFUL_STOP_SECONDS = 5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    defaults: PartyDefaults, create_app: Callable[[Settings], WebApp], arguments: Sequence[str] | None = None
) -> int:
    """Read the settings and serve until a signal. Returns the exit status: 0, or 2 when it could not start."""
    try:
        settings = parse_settings(defaults, arguments)
        listening = _listen(settings)
    except (SettingsRefused, OSError) as error:
        print(f"The {defaults.name} cannot start:\n{error}", file=sys.stderr)
        return 2
    if settings.allow_older_provider:
        print(f"{defaults.name}: --allow-older-provider is on; some defences are down", file=sys.stderr)
    web_app = create_app(settings)
    config = uvicorn.Config(
        web_app.asgi,
        access_log=False,  # it would print authorization codes
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        http="h11",  # refuses two Host headers and long headers, which httptools lets pass
        timeout_graceful_shutdown=GRACEFUL_STOP_SECONDS,
        ssl_context_factory=_tls(settings),
    )
    _Server(config, settings, web_app).run(sockets=[listening])
    return 0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, settings: Settings, web_app: WebApp) -> None:
        super().__init__(config)
        self._settings = settings
        self._web_app = web_app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settings = self._settings
        print(f"{settings.defaults.name} ready at {settings.base_url} (provider: {settings.issuer})", flush=True)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on a signal and end with status 0: uvicorn would raise the signal again once it has stopped."""
        loop = asyncio.get_running_loop()

        def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of signal handlers
            self.should_exit = True
            # Open event streams would keep the server from stopping.
            loop.call_soon_threadsafe(self._web_app.party.events.close)

        # A parent that ignores a signal for its children means to stop them itself.
        heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, stop) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _tls(settings: Settings) -> Callable[..., ssl.SSLContext] | None:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if certificate is None or key is None:
        return None
    context = server_context(certificate, key)
    return lambda *_: context


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise OSError(f"--port: {settings.host}:{settings.port} is not free ({error.strerror})") from error
    return listening
