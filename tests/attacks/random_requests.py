"""HT-30: many random requests to the whole application; none may end as a fault of ours, hang, or leave it ill.

`python -m tests.attacks.random_requests --count 1000000 [--postgresql] [--seed N]` runs the long form.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from idp.app import build_registry
from idp.stores.sql.storage import SqlStorage
from idp.web.routes import actions
from idp.web.theming import Theme
from tests.attacks.grammar import Drawn, Grammar
from tests.attacks.oracle import INTERNALS
from tests.attacks.raw import RawAnswer, exchange, scope_of
from tests.conftest import furnished
from tests.postgresql import Server
from tests.provider import House
from tests.registering import registering

HANG_SECONDS = 10.0
# As many as at a time a browser's tabs or a client's threads send.
AT_ONCE = 4
# The clock goes on meanwhile, so that things expire and are swept.
STEP_SECONDS, STEP_REQUESTS = 20, 500
LIMITS = {"per_account": 10**6, "per_address": 10**6, "per_client": 10**6, "registrations": 10**6}


class Found(AssertionError):
    """A request that was answered as none may be."""


def prepared(house: House) -> House:
    """Return the provider that is asked: nothing is throttled, anyone registers, one client uses the older flows."""
    kinds = ["code", "id_token", "id_token token", "code id_token"]
    grants = ["authorization_code", "implicit", "refresh_token"]
    house.add_client("old", profile="oidc_legacy", response_types=kinds, grant_types=grants)
    return registering(house, throttle=LIMITS, most_registered_clients=200)


def grammar(seed: int) -> Grammar:
    """Return the grammar over all that is served."""
    registry = build_registry()
    unused: Any = None
    paths = [action.path for action in actions(registry, unused, unused, unused, Theme())]
    return Grammar(Random(seed), paths, sorted(registry.parameters), sorted(registry.client_metadata))


async def ask(house: House, drawn: Drawn) -> RawAnswer:
    """Return status, headers and body. Raises `Found` for a fault or a hang."""
    scope = scope_of(drawn.method, drawn.path, *drawn.headers, query=drawn.query, address=drawn.address)
    try:
        async with asyncio.timeout(HANG_SECONDS):
            status, headers, body = await exchange(house, scope, drawn.body)
    except Exception as error:
        raise Found(f"{error!r}: {drawn}") from error
    check(status, dict(headers), body, drawn)
    return status, headers, body


def check(status: int, headers: dict[bytes, bytes], body: bytes, drawn: Drawn) -> None:
    """Raise `Found` unless the answer is one that we may give to anybody."""
    if status >= 500:
        raise Found(f"{status}: {drawn}")
    if headers.get(b"x-content-type-options") != b"nosniff" or b"content-security-policy" not in headers:
        raise Found(f"unguarded: {drawn}")
    if status >= 400 and (found := INTERNALS.search(body.decode())):
        raise Found(f"{found}: {drawn}")


async def run(house: House, count: int, seed: int) -> Counter[int]:
    """Send so many requests; return how many were answered with which status. Raises `Found`."""
    drawing = grammar(seed)
    statuses: Counter[int] = Counter()
    for number in range(0, count, AT_ONCE):
        asked = [drawing.draw() for _ in range(AT_ONCE)]
        for drawn, answer in zip(asked, await asyncio.gather(*(ask(house, drawn) for drawn in asked)), strict=True):
            statuses[answer[0]] += 1
            drawing.learn(*answer, drawn)
        if number % STEP_REQUESTS < AT_ONCE:
            house.clock.move(STEP_SECONDS)
            house.storage.sweep(house.clock.now(), 1_000)
    return statuses


def healthy(house: House) -> bool:
    """Tell whether the provider is ready and signs someone in as ever."""
    browser = house.browser()
    return browser.get("/health/ready").status_code == 200 and bool(browser.tokens("web")["access_token"])


def main() -> None:
    """Run the long form and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    server = Server.make() if options.postgresql else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            url = server.make_database() if server else f"sqlite:///{folder}/signet.sqlite3"
            storage = SqlStorage(url)
            storage.migrate()
            house = prepared(furnished(storage, Path(folder) / "key"))
            began = time.monotonic()
            print(f"seed {options.seed}", flush=True)
            statuses = asyncio.run(run(house, options.count, options.seed))
            seconds = time.monotonic() - began
            assert healthy(house)
            storage.close()
        print(f"{statuses.total():,} requests in {seconds:.0f} s, healthy: {dict(sorted(statuses.items()))}")
    finally:
        if server:
            server.remove()


if __name__ == "__main__":
    main()
