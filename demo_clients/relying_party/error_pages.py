"""Refusals and faults as pages: what happened, what to do. Never a trace, never unescaped words of others."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ExceptionHandler

from demo_clients.relying_party.errors import RelyingPartyError, SignInNeeded
from demo_clients.relying_party.pages import Pages
from demo_clients.relying_party.settings import Settings

_RETRY_AFTER_SECONDS = 5

_PLAIN = {
    404: ("There is no such page", "Nothing lives at this address."),
    405: ("That does not work here", "This address does not take that kind of request."),
    413: ("That was too much", "The request is longer than anything that a page of ours sends."),
}


@dataclass(frozen=True, slots=True)
class ErrorPages:
    """The exception handlers of one application."""

    settings: Settings
    pages: Pages

    def handlers(self) -> dict[type[Exception], ExceptionHandler]:
        """For Starlette's `exception_handlers`."""
        return {
            RelyingPartyError: self.refusal,
            HTTPException: self.http_error,
            Exception: self.fault,
        }

    async def refusal(self, request: Request, error: Exception) -> Response:
        """A page for a RelyingPartyError; a reader who is not signed in goes to sign in."""
        assert isinstance(error, RelyingPartyError)
        if isinstance(error, SignInNeeded) and request.method == "GET":
            return RedirectResponse(f"/login?next={request.url.path}", status_code=303)
        headers = {"Retry-After": str(_RETRY_AFTER_SECONDS)} if error.status == 503 else {}
        if _is_api(request):
            return _api_error("temporarily_unavailable", error.reason, error.status, headers)
        response = self.pages.render(request, "error.html", status=error.status, error=error)
        response.headers.update(headers)
        return response

    async def http_error(self, request: Request, error: Exception) -> Response:
        """A page for Starlette's own refusals: 404, 405, 413."""
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        phrase = HTTPStatus(error.status_code).phrase
        if _is_api(request):
            return _api_error("invalid_request", phrase, error.status_code, headers)
        title, reason = _PLAIN.get(error.status_code, (phrase, "The request could not be understood."))
        return self._plain(request, error.status_code, title, reason, headers)

    async def fault(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - its text stays here
        """A page for what nobody foresaw."""
        if _is_api(request):
            return _api_error("server_error", "Something went wrong.", 500, {})
        reason = "Something went wrong on our side. It was written to our log."
        return self._plain(request, 500, "That did not work", reason, {})

    def _plain(self, request: Request, status: int, title: str, reason: str, headers: dict[str, str]) -> Response:
        shown = {"title": title, "reason": reason, "remedy": "", "detail": ""}
        response = self.pages.render(request, "error.html", status=status, error=shown)
        response.headers.update(headers)
        return response


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _api_error(error: str, description: str, status: int, headers: dict[str, str]) -> Response:
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status_code=status, headers=headers)
