"""`python -m bench.bare PORT`: one Starlette route among 26 on a bare uvicorn, the limit of whatever is answered in
Python here."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def _answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * 100)


def main() -> None:
    """Serve until a signal."""
    routes = [Route(f"/{number}", _answer) for number in range(25)]
    application = Starlette(routes=[*routes[:13], Route("/bare", _answer), *routes[13:]])
    uvicorn.run(application, port=int(sys.argv[1]), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
