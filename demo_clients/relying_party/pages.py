"""HTML pages from templates: an application's own first, then those that both share. Everything is escaped."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from demo_clients.relying_party.cookies import browser_of
from demo_clients.relying_party.csrf import FIELD
from demo_clients.relying_party.settings import Settings

SHARED = Path(__file__).parent

MAX_OUTSIDE_CHARS = 300


class Pages:
    """Renders the templates of one application."""

    def __init__(self, settings: Settings, template_directories: Sequence[Path]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([*template_directories, SHARED / "templates"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(moment=moment, outside=outside, clock=clock)
        self._environment.globals.update(
            app_name=settings.defaults.name,
            peer_name=settings.defaults.peer_name,
            peer_url=settings.peer_url,
            issuer=settings.issuer,
            calls_apis=not settings.sign_in_only,
        )

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page. Templates always know `identity`, `csrf_field`, `csrf_token` and `path`."""
        session = browser_of(request).session
        html = self._environment.get_template(template).render(
            identity=session.identity if session else None,
            csrf_field=FIELD,
            csrf_token=session.csrf_token if session else "",
            path=request.url.path,
            **context,
        )
        return HTMLResponse(html, status_code=status)


def moment(at: int) -> str:
    """An instant for people: `24 Nov 2026, 10:02:11 UTC`."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%d %b %Y, %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "no such time"


def clock(at: int) -> str:
    """The time of day of an instant: `10:02:11`."""
    return moment(at)[-12:-4]


def outside(value: object, max_chars: int = MAX_OUTSIDE_CHARS) -> str:
    """A value from outside as text, cut to a length that fits a page, without control characters.

    Lists, numbers and the like are shown as JSON. Escaping comes on top.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    printable = "".join(character if character.isprintable() else " " for character in text[:max_chars])
    return printable + ("…" if len(text) > max_chars else "")
