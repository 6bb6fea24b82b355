"""The body of a request: bounded in size and in time (R18)."""

import asyncio

from starlette.types import Receive, Scope

from idp.web.parsing import TooLarge

LONGEST_BODY = 65_536
BODY_SECONDS = 10.0
# The ASGI extension of our own server that says whether a request's body has come already.
IS_WHOLE = "signet.is_whole"


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Read a bounded body in bounded time; raises `TooLarge` (413, 415 for an encoded body, 408 for one that
    is slow or breaks off)."""
    if scope["method"] in {"GET", "HEAD"}:
        return b""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    # Python refuses to read a number of thousands of digits.
    if len(length) > 10 or (length.isdigit() and int(length) > LONGEST_BODY):
        raise TooLarge(413)
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise TooLarge(415)
    if scope.get("extensions", {}).get(IS_WHOLE):
        return await _received(receive)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _received(receive)
    except TimeoutError as error:
        raise TooLarge(408) from error


async def _received(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            # What has come so far must not pass for all that was meant.
            raise TooLarge(408)
        body += message.get("body", b"")
        if len(body) > LONGEST_BODY:
            raise TooLarge(413)
        if not message.get("more_body"):
            return bytes(body)
