"""Security headers on every answer, refusals and static files included.

`form-action` names the provider: the sign-out form is answered with a redirect to it, and Chromium and WebKit apply
the directive to the whole chain of redirects.
"""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HSTS = "max-age=31536000"


class SecurityHeadersMiddleware:
    """Adds the headers. `form_origins` gives the origins that a form may lead to, besides our own."""

    def __init__(self, app: ASGIApp, *, form_origins: Callable[[], frozenset[str]], https: bool) -> None:
        self._app = app
        self._form_origins = form_origins
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers["Content-Security-Policy"] = self._policy()
                headers.setdefault("Cache-Control", "no-store")
                if self._https:
                    headers["Strict-Transport-Security"] = _HSTS
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _policy(self) -> str:
        form_targets = " ".join(["'self'", *sorted(self._form_origins())])
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            f"form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'"
        )
