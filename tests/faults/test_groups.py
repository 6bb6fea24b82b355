"""Token requests that become durable together: a fault hits one or all, and none is half done or told wrong."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from idp.stores.sql.running import Runner
from tests.faults.answers import check_unavailable
from tests.faults.injection import Fault, failing
from tests.provider import ISSUER, SECRET, VERIFIER, Browser, House

TOGETHER = 4


@contextmanager
def counting(statement: str) -> Iterator[list[str]]:
    """Note each time that a statement is executed within the block."""
    real, seen = Runner.execute, list[str]()

    def execute(runner: Runner, text: str, parameters: Any = ()) -> Any:
        seen.extend([text] if text == statement else [])
        return real(runner, text, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "execute", execute)
        yield seen


@pytest.fixture(autouse=True)
def keys_are_known(house: House) -> None:
    """The key ring looks for new keys every second or so, by statements of its own."""
    house.server.keys._reread_at = float("inf")


def exchange_together(house: House, codes: list[str]) -> list[httpx2.Response]:
    """Redeem codes at the same moment, in one event loop."""

    async def run() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(house.app)
        async with httpx2.AsyncClient(transport=transport, base_url=ISSUER, auth=("web", SECRET)) as client:
            form = {"grant_type": "authorization_code", "redirect_uri": "https://rp.example/cb"}
            sent = [form | {"code": code, "code_verifier": VERIFIER} for code in codes]
            return await asyncio.gather(*(client.post("/oauth2/token", data=data) for data in sent))

    return asyncio.run(run())


def new_codes(browser: Browser) -> list[str]:
    """Return so many codes."""
    return [browser.code_flow()["code"] for _ in range(TOGETHER)]


@pytest.mark.case("OP-18")
@pytest.mark.parametrize("way", ["refused", "lost"])
def test_every_statement_of_a_group(house: House, way: str) -> None:
    """Who is told 200 has redeemed a code, for good; who is told 503 has not, unless the answer to the commit was lost,
    and then nobody of the group is told otherwise."""
    browser, seen = house.browser(), list[set[int]]()
    for k in range(1, 100):
        codes, fault = new_codes(browser), Fault(k, way)
        with failing(fault):
            answers = exchange_together(house, codes)
        for code, answer in zip(codes, answers, strict=True):
            if answer.status_code != 200:
                check_unavailable(answer)
            is_spent = answer.status_code == 200 or fault.was_kept
            assert browser.exchange(code).status_code == (400 if is_spent else 200)
        house.clock.move(120)
        seen.append({answer.status_code for answer in answers})
        if not fault.happened:
            break
    assert seen[-1] == {200}
    assert all(503 in statuses for statuses in seen[:-1])
    # A statement of one of them is no matter of the others.
    assert ({200, 503} in seen) == (way == "refused")


def test_group_is_one_commit(house: House) -> None:
    """However many come at the same moment; a code that comes twice among them counts once."""
    codes = new_codes(house.browser())
    with counting("COMMIT") as commits:
        answers = exchange_together(house, [*codes, codes[0]])
    assert len(commits) == 1
    assert [answer.status_code for answer in answers] == [200] * TOGETHER + [400]
