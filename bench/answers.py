"""Reading answers: header fields, cookies, the target of a redirection, JSON."""

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from bench.client import Answer


def fields(answer: Answer, name: str) -> list[str]:
    """Return the values of a header field."""
    lines = answer[1].split(b"\r\n\r\n", 1)[0].decode().split("\r\n")
    return [line.split(":", 1)[1].strip() for line in lines if line.lower().startswith(name + ":")]


def cookies(answer: Answer) -> str:
    """Return the Cookie field of a browser that has just got this answer."""
    return "; ".join(value.split(";", 1)[0] for value in fields(answer, "set-cookie"))


def location_path(answer: Answer) -> str:
    """Return path and query of the redirection."""
    parts = urlsplit(fields(answer, "location")[0])
    return f"{parts.path}?{quote(parts.query, safe='=&')}"


def location_query(answer: Answer) -> dict[str, list[str]]:
    """Return the query parameters of the redirection."""
    return parse_qs(urlsplit(fields(answer, "location")[0]).query)


def body(answer: Answer) -> bytes:
    """Return the body."""
    return answer[1].split(b"\r\n\r\n", 1)[1]


def parsed(answer: Answer) -> Any:
    """Return the body's JSON."""
    return json.loads(body(answer))
